// SPDX-License-Identifier: Apache-2.0
// Owns an image as a package has it, made of raw bytes, and the package's files as work reads them.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/image/chunk_sources.h"
#include "agent/image/image_member.h"
#include "agent/trust/digest.h"
#include "agent/work/package.h"

namespace hagent::image {

/// Bytes that no two chunks of two seeds have in common.
inline std::string raw_bytes(std::size_t bytes, unsigned seed) {
    std::string raw(bytes, '\0');
    std::uint64_t state = seed * 2654435761U + 1;
    for (auto& c : raw) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        c = static_cast<char>(state >> 56U);
    }
    return raw;
}

struct SamplePart {
    Part part;
    std::string image, table;
};

/// Each chunk is stored as it is.
inline SamplePart sample_part(const std::string& name, const std::string& raw, std::uint32_t chunk_bytes) {
    SamplePart sample;
    sample.part.name = name;
    sample.part.file = name + ".img";
    sample.part.chunks = name + ".chunks";
    sample.part.raw_bytes = raw.size();
    sample.part.chunk_bytes = chunk_bytes;
    sample.part.raw_sha256 = trust::sha256_hex(raw);
    sample.image = raw;
    for (std::size_t at = 0; at < raw.size(); at += chunk_bytes) {
        const auto chunk = std::string_view(raw).substr(at, chunk_bytes);
        sample.table +=
            concat({std::to_string(at), " ", std::to_string(chunk.size()), " ", to_hex(digest_of(chunk)), "\n"});
    }
    return sample;
}

/// A package whose files lie in memory, and in a FakeFiles once they are staged.
class SamplePackage final : public work::PackageFiles {
public:
    void add(const std::string& path, const std::string& bytes) {
        bytes_[path] = bytes;
        files_.push_back({path, bytes.size(), trust::sha256_hex(bytes)});
    }
    [[nodiscard]] const std::vector<work::PackageFile>& files() const override { return files_; }
    [[nodiscard]] Result<std::string> staged(const std::string& path) override {
        return bytes_.count(path) != 0 ? Result<std::string>(folder + "/" + path)
                                       : error(errors::AgentCode::file_not_listed, path);
    }
    [[nodiscard]] bool disposable() const override { return true; }

    [[nodiscard]] Status read_range(const std::string& path, std::uint64_t offset, std::uint64_t bytes,
                                    work::RangeSink& sink, bool avoid_last_source,
                                    const CancelToken& /*cancel*/) override {
        ++ranges;
        if (const auto lost = power()) {
            return *lost;
        }
        std::string part = bytes_.at(path).substr(narrow<std::size_t>(offset), narrow<std::size_t>(bytes));
        if (bad_at >= offset && bad_at < offset + bytes && !(avoid_last_source && second_source_is_good)) {
            auto& bad = part[narrow<std::size_t>(bad_at - offset)];
            bad = static_cast<char>(bad ^ 1);
        }
        for (std::size_t at = 0; at < part.size(); at += piece) {
            const auto text = std::string_view(part).substr(at, piece);
            read += text.size();
            TRY(sink.write(text));
        }
        return {};
    }

    std::string folder = "/package";
    std::size_t piece = 300;  // pieces of a range as they come from the wire
    std::uint64_t read = 0, ranges = 0;
    std::uint64_t bad_at = UINT64_MAX;  // a byte that the first source has wrong
    bool second_source_is_good = false;
    std::function<std::optional<Error>()> power = [] { return std::nullopt; };

private:
    std::vector<work::PackageFile> files_;
    std::map<std::string, std::string> bytes_;
};

}  // namespace hagent::image
