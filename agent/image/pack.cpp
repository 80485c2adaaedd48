// SPDX-License-Identifier: Apache-2.0
// Owns the way from a raw image to image file, chunk table and image.json.
#include "agent/image/pack.h"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/image/packer.h"
#include "agent/trust/digest.h"

namespace hagent::image {
namespace {

using errors::AgentCode;

std::string member_path(const std::string& folder) { return concat({folder, "/", trust::k_image_json_name}); }

/// Removed with all that is in it when the work ends, however it ends.
class Scratch {
public:
    static Result<Scratch> make(platform::Files& files, std::string path) {
        TRY(files.remove_tree(path));  // of one that was killed
        TRY(files.make_directories(path, 0700));
        return Scratch(files, std::move(path));
    }
    ~Scratch() {
        if (!path_.empty()) {
            (void)files_->remove_tree(path_);
        }
    }
    Scratch(Scratch&& other) noexcept : files_(other.files_), path_(std::move(other.path_)) { other.path_.clear(); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    Scratch& operator=(Scratch&&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(std::string_view name) const { return concat({path_, "/", name}); }

private:
    Scratch(platform::Files& files, std::string path) : files_(&files), path_(std::move(path)) {}

    platform::Files* files_;
    std::string path_;
};

Result<std::optional<ImageMember>> earlier_member(platform::Files& files, const std::string& folder) {
    const auto text = files.read(member_path(folder), limits::k_manifest_bytes);
    if (!text.ok()) {
        return text.error().is(AgentCode::file_not_found) ? Result(std::optional<ImageMember>()) : text.error();
    }
    auto member = parse_image_member(*text);
    return member.ok() ? Result(std::optional(std::move(*member))) : Error(member.error()).with(member_path(folder));
}

template <class Value>
void take_over(Value& value, const std::optional<Value>& wish) {
    if (wish) {
        value = *wish;
    }
}

/// What image.json will say; read again with the rules of those who will read it.
Result<ImageMember> with_part(std::optional<ImageMember> earlier, const Part& part, const PackageWords& words) {
    ImageMember member = std::move(earlier).value_or(ImageMember());
    const auto same =
        std::find_if(member.parts.begin(), member.parts.end(), [&](const Part& old) { return old.name == part.name; });
    if (same == member.parts.end()) {
        member.parts.push_back(part);
    } else {
        *same = part;
    }
    take_over(member.version, words.version);
    take_over(member.min_version, words.min_version);
    take_over(member.after_write, words.after_write);
    take_over(member.platforms, words.platforms);
    member.allow_downgrade = member.allow_downgrade || words.allow_downgrade;
    return parse_image_member(write_image_member(member));
}

/// Reads until `out` is full or the file ends.
Result<std::size_t> read_full(platform::File& file, std::uint64_t at, std::span<char> out) {
    std::size_t filled = 0;
    for (std::size_t got = 1; got > 0 && filled < out.size(); filled += got) {
        got = TRY(file.read_at(at + filled, out.subspan(filled)));
    }
    return filled;
}

/// What is written while the raw image is read.
struct Written {
    std::unique_ptr<platform::File> image;
    std::uint64_t stored_bytes = 0;
    std::string table;

    Status take(const PackedChunk& chunk, const std::string& stored) {
        TRY(image->write_at(stored_bytes, stored));
        table +=
            concat({std::to_string(stored_bytes), " ", std::to_string(stored.size()), " ", to_hex(chunk.sha256), "\n"});
        stored_bytes += stored.size();
        return {};
    }
};

/// Gives back the digest of the whole.
Result<std::string> pack_chunks(platform::File& raw, const Part& part, Packer& packer, Written& out,
                                const CancelToken& cancel) {
    trust::Sha256 whole;
    std::vector<char> buffer(part.chunk_bytes);
    const auto take = [&](const PackedChunk& chunk, const std::string& stored) { return out.take(chunk, stored); };
    for (std::uint64_t chunk = 0; chunk < part.chunk_count(); ++chunk) {
        const auto room = std::span(buffer).first(part.raw_bytes_of(chunk));
        if (TRY(read_full(raw, chunk * part.chunk_bytes, room)) != room.size()) {
            return error(AgentCode::size_mismatch, "the raw image became shorter while it was read");
        }
        whole.update({room.data(), room.size()});
        TRY(packer.add({room.data(), room.size()}));
        if (packer.full()) {
            TRY(packer.flush(cancel, take));
        }
    }
    TRY(packer.flush(cancel, take));
    return to_hex(whole.finish());
}

/// The files of an older image of this part that no longer belong to anything.
Status remove_others(platform::Files& files, const std::string& folder, const Part& part) {
    for (const auto compression :
         {decode::Compression::none, decode::Compression::gzip, decode::Compression::xz, decode::Compression::zstd}) {
        const auto name = concat({part.name, ".img", decode::suffix(compression)});
        auto removed = name == part.file ? Status() : files.remove(concat({folder, "/", name}));
        if (!removed.ok() && !removed.error().is(AgentCode::file_not_found)) {
            return removed;
        }
    }
    return {};
}

}  // namespace

Result<Packed> pack(platform::Files& files, platform::Processes& processes, const PackRequest& request,
                    const CancelToken& cancel) {
    const auto& folder = request.folder;
    const auto raw = TRY(files.open(request.raw, platform::OpenMode::read));
    Packed out;
    out.part = {request.part,
                concat({request.part, ".img", decode::suffix(request.compression)}),
                request.part + ".chunks",
                request.compression,
                TRY(raw->size()),
                std::string(64, '0'),  // known at the end
                request.chunk_bytes};
    TRY(files.make_directories(folder));
    const auto earlier = TRY(earlier_member(files, folder));
    (void)TRY(with_part(earlier, out.part, request.words));  // before hours of work

    const auto scratch = TRY(Scratch::make(files, concat({folder, "/.pack-", request.part})));
    Packer packer(files, processes, scratch.path(), request.compression, request.level, request.chunk_bytes);
    Written written{TRY(files.open(scratch / "image", platform::OpenMode::truncate)), 0, {}};
    out.part.raw_sha256 = TRY(pack_chunks(*raw, out.part, packer, written, cancel));
    out.stored_bytes = written.stored_bytes;
    TRY(written.image->set_mode(0644));
    TRY(written.image->sync());
    written.image.reset();

    const auto member = TRY(with_part(earlier, out.part, request.words));
    TRY(files.rename(scratch / "image", concat({folder, "/", out.part.file})));
    TRY(files.write_durable(concat({folder, "/", out.part.chunks}), written.table, 0644));
    TRY(files.write_durable(member_path(folder), write_image_member(member) + "\n", 0644));
    TRY(remove_others(files, folder, out.part));
    return out;
}

Result<ImageMember> packed_member(platform::Files& files, const std::string& folder) {
    auto member = TRY(earlier_member(files, folder));
    if (!member) {
        return error(AgentCode::image_member_malformed, {member_path(folder), " is not there: pack the image first"});
    }
    std::vector<std::string_view> named = {member->after_write};
    for (const Part& part : member->parts) {
        named.insert(named.end(), {part.file, part.chunks});
    }
    for (const std::string_view name : named) {
        if (!name.empty() && !TRY(files.info(concat({folder, "/", name})))) {
            return error(AgentCode::image_member_malformed,
                         {member_path(folder), " names ", name, ", which is not there"});
        }
    }
    return std::move(*member);
}

}  // namespace hagent::image
