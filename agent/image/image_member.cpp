// SPDX-License-Identifier: Apache-2.0
// Owns the strict reading, and the writing, of the member `image`.
#include "agent/image/image_member.h"

#include <algorithm>
#include <limits>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/base/sort.h"
#include "agent/base/text.h"

namespace hagent::image {
namespace {

using errors::AgentCode;

constexpr std::size_t k_version_bytes = 64, k_platform_bytes = 128, k_platforms = 1000;
// Of the stored form of a chunk: no packer makes more of less.
constexpr std::uint64_t k_most_raw_bytes = std::numeric_limits<std::int64_t>::max() / 2;

Failure malformed(TextView where, TextView why) {
    return error(AgentCode::image_member_malformed, {"image", where, ": ", why});
}

/// One object of the member, and where it stands.
struct Object {
    JsonView value;
    std::string where;  // "", ".parts[0]"

    [[nodiscard]] std::string at(std::string_view name) const { return concat({where, ".", name}); }

    [[nodiscard]] Status known_only(std::initializer_list<std::string_view> known) const {
        if (!value.is_object()) {
            return malformed(where, "must be an object");
        }
        for (const JsonView member : value) {
            if (std::find(known.begin(), known.end(), member.name()) == known.end()) {
                return malformed(at(printable(member.name())), "unknown member");
            }
        }
        return {};
    }

    /// Empty where it is absent.
    [[nodiscard]] Result<std::string> text(std::string_view name, std::size_t most) const {
        const JsonView member = value.find(name);
        return member.exists() ? checked(member, at(name), most) : std::string();
    }

    [[nodiscard]] Result<std::string> needed_text(std::string_view name, std::size_t most) const {
        std::string out = TRY(text(name, most));
        if (out.empty()) {
            return malformed(at(name), "must be a text that is not empty");
        }
        return out;
    }

    [[nodiscard]] Result<std::uint64_t> number(std::string_view name, std::uint64_t most) const {
        const auto number = value.find(name).whole(most);
        if (!number) {
            return malformed(at(name), concat({"must be a whole number up to ", std::to_string(most)}));
        }
        return *number;
    }

    [[nodiscard]] static Result<std::string> checked(JsonView value, const std::string& where, std::size_t most) {
        const auto content = value.text();
        if (!content || content->size() > most || printable(*content) != *content) {
            return malformed(where, concat({"must be a text of at most ", std::to_string(most), " printable bytes"}));
        }
        return std::string(*content);
    }
};

Result<std::string> file_name(const Object& object, std::string_view name) {
    std::string out = TRY(object.text(name, limits::k_path_bytes));
    if (!trust::valid_path(out)) {
        return malformed(object.at(name), "must be the path of a file of the package");
    }
    return out;
}

Result<std::string> version(const Object& object, std::string_view name) {
    std::string out = TRY(object.text(name, k_version_bytes));
    if (out.find(' ') != std::string::npos) {
        return malformed(object.at(name), "must be a version without blanks");
    }
    return out;
}

Result<Part> read_part(const Object& object) {
    TRY(object.known_only({"name", "file", "chunks", "compression", "raw_bytes", "raw_sha256", "chunk_bytes"}));
    Part out;
    out.name = TRY(object.needed_text("name", limits::k_part_name_bytes));
    if (!valid_part_name(out.name)) {
        return malformed(object.at("name"), "must be letters, digits, '-', '_' and '.', the first one of the former");
    }
    out.file = TRY(file_name(object, "file"));
    out.chunks = TRY(file_name(object, "chunks"));
    const auto compression = decode::compression_named(TRY(object.needed_text("compression", k_version_bytes)));
    if (!compression) {
        return malformed(object.at("compression"), "must be none, gzip, xz or zstd");
    }
    out.compression = *compression;
    out.raw_bytes = TRY(object.number("raw_bytes", k_most_raw_bytes));
    if (out.raw_bytes == 0) {
        return malformed(object.at("raw_bytes"), "must be at least 1");
    }
    out.raw_sha256 = to_lower(TRY(object.needed_text("raw_sha256", 64)));
    if (const auto digest = from_hex(out.raw_sha256); !digest || digest->size() != 32) {
        return malformed(object.at("raw_sha256"), "must be 64 hexadecimal digits");
    }
    const std::uint64_t chunk_bytes = TRY(object.number("chunk_bytes", limits::k_chunk_most_bytes));
    if (!valid_chunk_bytes(chunk_bytes)) {
        return malformed(object.at("chunk_bytes"), "must be a multiple of 4096 from 4096 to 1048576");
    }
    out.chunk_bytes = static_cast<std::uint32_t>(chunk_bytes);
    return out;
}

/// No file is two things, and no two parts are one.
Status check_distinct(const ImageMember& member) {
    std::vector<std::string_view> names, files;
    if (!member.after_write.empty()) {
        files.push_back(member.after_write);
    }
    for (const Part& part : member.parts) {
        names.push_back(part.name);
        files.insert(files.end(), {part.file, part.chunks});
    }
    for (auto* all : {&names, &files}) {
        sort_all(*all);
        if (const auto twice = std::adjacent_find(all->begin(), all->end()); twice != all->end()) {
            return malformed(".parts", concat({*twice, " is used twice"}));
        }
    }
    return {};
}

Result<std::vector<Part>> read_parts(JsonView value) {
    if (!value.is_array() || value.size() == 0 || value.size() > limits::k_image_parts) {
        return malformed(".parts",
                         concat({"must be a list of 1 to ", std::to_string(limits::k_image_parts), " parts"}));
    }
    std::vector<Part> out;
    for (const JsonView item : value) {
        out.push_back(TRY(read_part({item, concat({".parts[", std::to_string(out.size()), "]"})})));
    }
    return out;
}

Result<std::vector<std::string>> read_platforms(JsonView value) {
    std::vector<std::string> out;
    if (value.exists() && (!value.is_array() || value.size() > k_platforms)) {
        return malformed(".platforms", "must be a list of texts");
    }
    for (const JsonView item : value) {
        out.push_back(TRY(Object::checked(item, ".platforms", k_platform_bytes)));
    }
    return out;
}

Result<std::string> read_hooks(const Object& hooks) {
    if (!hooks.value.exists()) {
        return std::string();
    }
    TRY(hooks.known_only({"after_write"}));
    return hooks.value.find("after_write").exists() ? file_name(hooks, "after_write") : std::string();
}

/// What one can tell from the sizes of the files alone.
Status check_files(const trust::Manifest& manifest, const Part& part) {
    const trust::ManifestFile* file = manifest.find(part.file);
    const trust::ManifestFile* chunks = manifest.find(part.chunks);
    if (file == nullptr || chunks == nullptr) {
        return malformed(".parts", concat({file == nullptr ? part.file : part.chunks, " is not among the files"}));
    }
    if (file->bytes == 0 || chunks->bytes == 0 || chunks->bytes / limits::k_chunk_line_bytes > part.chunk_count()) {
        return malformed(".parts", concat({part.chunks, " cannot be the chunk table of ", part.file,
                                           ": a file is empty, or the table is too long"}));
    }
    return {};
}

}  // namespace

bool valid_chunk_bytes(std::uint64_t bytes) {
    return bytes >= limits::k_chunk_least_bytes && bytes <= limits::k_chunk_most_bytes &&
           bytes % limits::k_chunk_least_bytes == 0;
}

bool valid_part_name(std::string_view name) {
    return !name.empty() && name.size() <= limits::k_part_name_bytes && is_letter_or_digit(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

Result<ImageMember> parse_image_member(std::string_view json) {
    if (json.size() > limits::k_manifest_bytes) {
        return malformed("", "too long");
    }
    const JsonDocument document(json);
    if (const auto& fault = document.fault()) {
        return malformed(
            fault->path.empty() ? "" : "." + fault->path,
            concat({"line ", std::to_string(fault->line), " is not well-formed JSON, or says a thing twice"}));
    }
    const Object root{document.root(), ""};
    TRY(root.known_only({"version", "parts", "hooks", "min_version", "platforms", "allow_downgrade"}));
    ImageMember out;
    out.version = TRY(version(root, "version"));
    out.parts = TRY(read_parts(root.value.find("parts")));
    out.after_write = TRY(read_hooks({root.value.find("hooks"), ".hooks"}));
    out.min_version = TRY(version(root, "min_version"));
    out.platforms = TRY(read_platforms(root.value.find("platforms")));
    const JsonView downgrade = root.value.find("allow_downgrade");
    if (downgrade.exists() && !downgrade.boolean()) {
        return malformed(".allow_downgrade", "must be true or false");
    }
    out.allow_downgrade = downgrade.boolean().value_or(false);
    TRY(check_distinct(out));
    return out;
}

Result<ImageMember> image_member(const trust::Manifest& manifest) {
    if (manifest.kind != JobKind::image || manifest.details.empty()) {
        return malformed("", "there is none in the manifest");
    }
    ImageMember out = TRY(parse_image_member(manifest.details));
    for (const Part& part : out.parts) {
        TRY(check_files(manifest, part));
    }
    if (!out.after_write.empty() && manifest.find(out.after_write) == nullptr) {
        return malformed(".hooks.after_write", out.after_write + " is not among the files");
    }
    if (out.version.empty()) {
        out.version = manifest.version;
    }
    return out;
}

std::string write_image_member(const ImageMember& member) {
    JsonWriter json;
    json.begin_object();
    json.member("version", member.version);
    json.begin_array("parts");
    for (const Part& part : member.parts) {
        json.begin_object();
        json.member("name", part.name);
        json.member("file", part.file);
        json.member("chunks", part.chunks);
        json.member("compression", decode::name(part.compression));
        json.member("raw_bytes", part.raw_bytes);
        json.member("raw_sha256", part.raw_sha256);
        json.member("chunk_bytes", part.chunk_bytes);
        json.end_object();
    }
    json.end_array();
    json.begin_object("hooks");
    if (!member.after_write.empty()) {
        json.member("after_write", member.after_write);
    }
    json.end_object();
    json.member("min_version", member.min_version);
    json.member("platforms", std::span<const std::string>(member.platforms));
    json.member("allow_downgrade", member.allow_downgrade);
    json.end_object();
    return json.take();
}

}  // namespace hagent::image
