// SPDX-License-Identifier: Apache-2.0
#include "agent/session/origin/local_folder.h"

#include <algorithm>
#include <span>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/trust/digest.h"
#include "platform/paths.h"

namespace hagent::session {

using errors::AgentCode;

namespace {

constexpr std::size_t k_piece_bytes = 64U << 10U;

}  // namespace

/// A manifest is made, so that work sees no difference. It has no digests: the administrator's files are what they are
/// at the moment when they are read.
Status LocalFolderOrigin::open(const CancelToken& /*cancel*/) {
    const auto& source = std::get<LocalFolder>(record_.job.source);
    directory_ = source.directory;
    manifest_.kind = record_.job.kind;
    manifest_.package = source.entry.substr(source.entry.find_last_of(platform::native("/") + "/") + 1);
    manifest_.entry = source.entry;
    return list("");
}

/// Links are left out: one that leads back up would make the list endless, others would lead out of the folder.
Status LocalFolderOrigin::list(const std::string& below) {
    for (const auto& name : TRY(context_.files.list(concat({directory_, "/", below})))) {
        const auto info = TRY(context_.files.info(concat({directory_, "/", below, name})));
        if (!info || !trust::valid_path(below + name)) {
            continue;  // such a name could not be in a signed package either
        }
        if (info->kind == platform::FileKind::directory) {
            TRY(list(concat({below, name, "/"})));
        } else if (info->kind == platform::FileKind::regular) {
            manifest_.files.push_back({below + name, info->bytes, "", {}});
        }
        if (manifest_.files.size() > limits::k_manifest_files) {
            return error(AgentCode::limit_exceeded,
                         directory_ + " holds too many files to be a package; name its folder with --source");
        }
    }
    return {};
}

/// Edited since its session began, it has other steps than those that the journal speaks of.
Result<std::string> LocalFolderOrigin::entry_text() {
    auto text = TRY(context_.files.read(manifest_.entry, limits::k_script_bytes));
    const auto named = work::option(record_.job.options, k_option_entry_sha256);
    if (named && trust::sha256_hex(text) != *named) {
        return error(AgentCode::other_script, manifest_.entry + " was changed since its session began");
    }
    return text;
}

/// They lie where the step takes them from.
Status LocalFolderOrigin::stage(const work::PackageFile& file, const CancelToken& /*cancel*/) {
    count_as_staged(file);
    return {};
}

/// From the disk; there is no other source.
Status LocalFolderOrigin::read_range(const std::string& path, std::uint64_t offset, std::uint64_t bytes,
                                     work::RangeSink& sink, bool /*avoid_last_source*/, const CancelToken& cancel) {
    if (manifest_.find(path) == nullptr) {
        return error(AgentCode::file_not_listed, path);
    }
    const auto file = TRY(context_.files.open(TRY(staged(path)), platform::OpenMode::read));
    std::vector<char> piece(k_piece_bytes);
    for (std::uint64_t done = 0; done < bytes;) {
        if (cancel.requested()) {
            return error(AgentCode::cancelled);
        }
        const auto want = std::min<std::uint64_t>(piece.size(), bytes - done);
        const auto got = TRY(file->read_at(offset + done, std::span(piece).first(narrow<std::size_t>(want))));
        if (got == 0) {
            return error(AgentCode::limit_exceeded, {path, " has no byte ", std::to_string(offset + done)});
        }
        TRY(sink.write({piece.data(), got}));
        done += got;
        record_.progress.bytes += got;
    }
    context_.observer.changed(record_);
    return {};
}

Result<std::string> LocalFolderOrigin::staged(const std::string& path) { return concat({directory_, "/", path}); }

}  // namespace hagent::session
