// SPDX-License-Identifier: Apache-2.0
// Owns the view that work has of its package: which files there are, and where their verified copies lie.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"

namespace hagent::work {

/// One file of the manifest. In an administrator's own folder nobody has signed it, and `sha256` is empty.
struct PackageFile {
    std::string path;  // in the package, '/' between names, no leading one
    std::uint64_t bytes = 0;
    std::string sha256;  // lower-case hex
    friend bool operator==(const PackageFile&, const PackageFile&) = default;
};

/// Takes bytes in their order. An error ends the reading and is its result.
class RangeSink {
public:
    virtual ~RangeSink() = default;
    [[nodiscard]] virtual Status write(std::string_view bytes) = 0;
};

/// Implemented by the session for each place that a package comes from.
class PackageFiles {
public:
    virtual ~PackageFiles() = default;
    /// Every file of the signed manifest. The answer stays valid as long as the object.
    [[nodiscard]] virtual const std::vector<PackageFile>& files() const = 0;
    /// The local path of the copy whose size and digest were checked. Asked only while a plan runs; of what
    /// Kind::files_for_analysis() names, in analysis too. Errors: file_not_listed.
    [[nodiscard]] virtual Result<std::string> staged(const std::string& path) = 0;
    /// The bytes of manifest.json or manifest.sig, as they were checked. Errors: file_not_listed where nobody has
    /// signed anything.
    [[nodiscard]] virtual Result<std::string> signed_text(std::string_view name) {
        return error(errors::AgentCode::file_not_listed, name);
    }
    /// Whether somebody has signed that list; else it is what lies in a folder, or what a script names.
    [[nodiscard]] virtual bool has_manifest() const { return true; }
    /// Whether staged copies belong to the agent, so that their last user may move them instead of copying.
    /// False for a package that lies in an administrator's folder.
    [[nodiscard]] virtual bool disposable() const = 0;
    /// Reads bytes [offset, offset + bytes) of a file of the manifest from its sources, as a download does: cut off it
    /// goes on where it was, retries, asks the next source. Each byte is given to the sink once, in order; success
    /// means that all were. Nothing is stored and no digest is checked: the caller checks each chunk, and reads again
    /// from the one that was bad; with `avoid_last_source` another source than the last one is asked if there is one,
    /// and no cache on the way. Only while a plan runs. Neighbouring ranges share their connection over HTTP.
    /// Errors: file_not_listed, limit_exceeded (beyond its end), unsupported_here (such a package has no ranges), those
    /// of a download, those of the sink.
    [[nodiscard]] virtual Status read_range(const std::string& path, std::uint64_t /*offset*/, std::uint64_t /*bytes*/,
                                            RangeSink& /*sink*/, bool /*avoid_last_source*/,
                                            const CancelToken& /*cancel*/) {
        return error(errors::AgentCode::unsupported_here, path);
    }
    /// How much of a file is still to be stored in the staging folder: all of it unless a part is there already.
    [[nodiscard]] virtual std::uint64_t bytes_to_stage(const PackageFile& file) const { return file.bytes; }
};

}  // namespace hagent::work
