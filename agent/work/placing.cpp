// SPDX-License-Identifier: Apache-2.0
// Owns the placing of files: temp beside the target, sync, rename, sync of the directory.
#include "agent/work/placing.h"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/trust/digest.h"
#include "platform/paths.h"

namespace hagent::work {
namespace {

constexpr std::size_t k_chunk = std::size_t{64} << 10U;
constexpr std::uint32_t k_plain_mode = 0644;

std::string::size_type last_separator(const std::string& path) {
    return path.find_last_of(std::string("/") + platform::native("/"));
}

/// "/" for "/x"; empty for a name without a folder and for a root itself.
std::string parent_of(const std::string& path) {
    const auto last = last_separator(path);
    if (last == std::string::npos || last + 1 == path.size()) {
        return {};
    }
    const bool below_root = last == 0 || path[last - 1] == ':';
    return path.substr(0, below_root ? last + 1 : last);
}

/// Beside the target, the same in every run: what an interruption left is overwritten by the next try.
std::string temporary_name(const std::string& target) {
    const auto last = last_separator(target);
    return concat({target.substr(0, last + 1), ".", target.substr(last + 1), ".hagent-new"});
}

Result<bool> is_program(platform::File& file) {
    std::array<char, 4> start{};
    const std::size_t count = TRY(file.read_at(0, start));
    const std::string_view text(start.data(), count);
    return text.starts_with("#!") || text ==
                                         "\x7F"
                                         "ELF";
}

/// Whoever may read it may execute it; nobody gets a right to read by it.
std::uint32_t executable(std::uint32_t mode) { return mode | ((mode & 0444U) >> 2U); }

/// A file that is replaced keeps its permissions: the administrator may have narrowed them, and an update must not undo
/// that.
Result<std::uint32_t> mode_for(const std::string& staged, const std::string& target, platform::Files& files) {
    const auto old = TRY(files.info(target));
    const bool replaces = old && old->kind == platform::FileKind::regular;
    // whoever had the file before must not be able to write to the new one, which is ours
    const std::uint32_t kept = replaces && old->foreign ? k_plain_mode : 0777U;
    const std::uint32_t mode = replaces ? old->mode & kept : k_plain_mode;
    return TRY(is_program(*TRY(files.open(staged, platform::OpenMode::read)))) ? executable(mode) : mode;
}

/// Reads to the end, in pieces, and copies what it reads to `out` unless that is null. With a look at the token between
/// the pieces: an image of gigabytes must neither fill the memory nor hold up a shutdown. The digest is of the very
/// bytes that were copied: between an earlier check and this deed the file may have changed.
Status read_through(platform::File& in, platform::File* out, const Content& content, const CancelToken& cancel) {
    std::vector<char> chunk(k_chunk);
    trust::Sha256 digest;
    for (;;) {
        if (cancel.requested()) {
            return error(errors::AgentCode::cancelled, content.path);
        }
        const std::size_t count = TRY(in.read_at(digest.bytes(), chunk));
        if (count == 0) {
            break;
        }
        const std::string_view piece(chunk.data(), count);
        if (out != nullptr) {
            TRY(out->write_at(digest.bytes(), piece));
        }
        digest.update(piece);
    }
    if (!content.sha256.empty() && to_hex(digest.finish()) != to_lower(content.sha256)) {
        return error(errors::AgentCode::digest_mismatch, {content.path, " has changed since it was checked"});
    }
    return {};
}

Status copy_bytes(const Content& from, const std::string& to, std::uint32_t mode, platform::Files& files,
                  const CancelToken& cancel) {
    const auto in = TRY(files.open(from.path, platform::OpenMode::read));
    const auto out = TRY(files.open(to, platform::OpenMode::truncate));
    TRY(read_through(*in, out.get(), from, cancel));
    TRY(out->set_mode(mode));  // never by name: whoever owns the folder may give the name to another file
    return out->sync();
}

/// Success, or the error; cross_device means that nothing has changed.
Status place_by_rename(const Content& content, const std::string& target, std::uint32_t mode, platform::Files& files,
                       const CancelToken& cancel) {
    const std::string& staged = content.path;
    {
        const auto file = TRY(files.open(staged, platform::OpenMode::read_write));
        TRY(content.sha256.empty() ? Status() : read_through(*file, nullptr, content, cancel));
        TRY(file->set_mode(mode));
        TRY(file->sync());
    }
    return files.rename(staged, target);
}

}  // namespace

/// The size first: it tells most files apart without reading them.
Result<bool> is_in_place(const PackageFile& file, const std::string& path, platform::Files& files) {
    const auto info = TRY(files.info(path));
    // what belongs to another user is his to change: it gets ours in its place
    if (!info || info->kind != platform::FileKind::regular || info->bytes != file.bytes || info->foreign) {
        return false;
    }
    const auto open = TRY(files.open(path, platform::OpenMode::read));
    trust::Sha256 digest;
    std::vector<char> chunk(k_chunk);
    for (;;) {
        const std::size_t count = TRY(open->read_at(digest.bytes(), chunk));
        if (count == 0) {
            break;
        }
        digest.update(std::string_view(chunk.data(), count));
    }
    return to_hex(digest.finish()) == to_lower(file.sha256);
}

Status sync_parent(const std::string& path, platform::Files& files) {
    const std::string parent = parent_of(path);
    return parent.empty() ? Status() : files.sync_directory(parent);
}

/// Each new name is made durable by a sync of the folder above it: a file that is safe in a folder that a power cut
/// takes away is lost.
Status make_parents(const std::string& path, platform::Files& files) {
    std::vector<std::string> missing;
    for (std::string folder = parent_of(path); !folder.empty() && !TRY(files.info(folder));
         folder = parent_of(folder)) {
        missing.push_back(folder);
    }
    if (missing.empty()) {
        return {};
    }
    TRY(files.make_directories(missing.front()));
    for (const auto& folder : missing) {
        TRY(sync_parent(folder, files));
    }
    return {};
}

/// For files that lay in place already, where place() had nothing to do: they may have come without the right.
Status make_executable(const std::string& path, platform::Files& files) {
    const auto file = files.open(path, platform::OpenMode::read);
    if (!file.ok()) {
        return file.error().is(errors::AgentCode::file_not_found) ? Status() : Status(file.error());
    }
    auto& open = **file;
    if (!TRY(is_program(open))) {
        return {};
    }
    const std::uint32_t mode = TRY(open.info()).mode & 0777U;
    return executable(mode) == mode ? Status() : open.set_mode(executable(mode));
}

/// The mode is set before the rename: at no moment does the target stand there with other permissions.
Status place_copy(const Content& from, const std::string& target, std::uint32_t mode, platform::Files& files,
                  const CancelToken& cancel) {
    const std::string temporary = temporary_name(target);
    auto status = copy_bytes(from, temporary, mode, files, cancel);
    if (status) {
        status = files.rename(temporary, target);
    }
    if (!status) {
        (void)files.remove(temporary);  // the first error is the one to tell
    }
    return status;
}

Status place(const Content& content, const std::string& target, Placing placing, platform::Files& files,
             const CancelToken& cancel) {
    TRY(make_parents(target, files));
    const std::uint32_t mode = TRY(mode_for(content.path, target, files));
    if (placing == Placing::move) {
        auto moved = place_by_rename(content, target, mode, files, cancel);
        if (moved.ok() || !moved.error().is(errors::AgentCode::cross_device)) {
            return moved;
        }
    }
    TRY(place_copy(content, target, mode, files, cancel));
    return placing == Placing::move ? files.remove(content.path)
                                    : Status();  // a staged copy that comes back does no harm
}

}  // namespace hagent::work
