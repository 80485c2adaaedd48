// SPDX-License-Identifier: Apache-2.0
// Owns the JSON form of a manifest in both directions; the first deviation ends the reading.
#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/manifest.h"

namespace hagent::trust {
namespace {

// Limits of single texts; the whole is limited by k_manifest_bytes.
constexpr std::size_t k_name_bytes = 128;
constexpr std::size_t k_version_bytes = 64;
constexpr std::size_t k_url_bytes = 2048;
constexpr std::size_t k_list_items = 1000;
constexpr std::array<std::string_view, 11> k_members = {
    "format", "kind", "package", "version", "serial", "entry", "targets", "expires", "repositories", "files", "signer"};

Failure malformed(std::string_view where, std::string_view what) {
    return error(errors::AgentCode::manifest_malformed,
                 where.empty() ? std::string(what) : concat({printable(clip(where, k_name_bytes)), ": ", what}));
}

bool plain(std::string_view text) { return printable(text) == text && text.find('\t') == std::string_view::npos; }

/// `where` is the member's path, for the message.
Result<std::string> text(JsonView value, const std::string& where, std::size_t max_bytes) {
    const auto content = value.text();
    if (!content) {
        return malformed(where, "must be a text");
    }
    if (content->empty() || content->size() > max_bytes || !plain(*content)) {
        return malformed(where,
                         concat({"must have 1 to ", std::to_string(max_bytes), " bytes and no control characters"}));
    }
    return std::string(*content);
}

Result<std::string> optional_text(JsonView value, const std::string& where, std::size_t max_bytes) {
    const bool absent = !value.exists() || value.text() == "";
    return absent ? Result<std::string>(std::string()) : text(value, where, max_bytes);
}

Result<std::uint64_t> whole(JsonView value, const std::string& where, std::uint64_t max) {
    const auto number = value.whole(max);
    if (!number) {
        return malformed(where, "must be a whole number that is not negative");
    }
    return *number;
}

Result<std::vector<std::string>> texts(JsonView value, const std::string& where, std::size_t max_bytes) {
    std::vector<std::string> out;
    if (!value.exists()) {
        return out;
    }
    if (!value.is_array() || value.size() > k_list_items) {
        return malformed(where, concat({"must be a list of at most ", std::to_string(k_list_items), " texts"}));
    }
    for (const JsonView item : value) {
        out.push_back(TRY(text(item, concat({where, "[", std::to_string(out.size()), "]"}), max_bytes)));
    }
    return out;
}

/// Only these members, wherever it is.
Status known_only(JsonView object, const std::string& where, std::initializer_list<std::string_view> known) {
    for (const JsonView member : object) {
        if (std::find(known.begin(), known.end(), member.name()) == known.end()) {
            return malformed(concat({where, ".", member.name()}), "unknown member");
        }
    }
    return {};
}

bool is_sha256(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<std::string> sha256(JsonView value, const std::string& where) {
    std::string digest = to_lower(TRY(text(value, where, 64)));
    if (!is_sha256(digest)) {
        return malformed(where, "must be 64 hexadecimal digits");
    }
    return digest;
}

Result<Targets> read_targets(JsonView value) {
    Targets out;
    if (!value.exists()) {
        return out;
    }
    if (!value.is_object()) {
        return malformed("targets", "must be an object");
    }
    TRY(known_only(value, "targets", {"os", "platforms", "devices"}));
    out.os = TRY(texts(value.find("os"), "targets.os", k_name_bytes));
    out.platforms = TRY(texts(value.find("platforms"), "targets.platforms", k_name_bytes));
    out.devices = TRY(texts(value.find("devices"), "targets.devices", k_name_bytes));
    return out;
}

Result<std::optional<WallTime>> read_expires(JsonView value) {
    if (!value.exists() || value.is_null()) {
        return std::optional<WallTime>();
    }
    const auto content = value.text();
    const auto time = content ? parse_rfc3339(*content) : std::nullopt;
    if (!time) {
        return malformed("expires", "must be null or a time as 2027-01-31T00:00:00Z");
    }
    return time;
}

Result<ManifestFile> read_file(JsonView value, const std::string& where) {
    if (!value.is_object()) {
        return malformed(where, "must be an object");
    }
    TRY(known_only(value, where, {"path", "bytes", "sha256", "sources"}));
    ManifestFile out;
    out.path = TRY(text(value.find("path"), where + ".path", limits::k_path_bytes));
    if (!valid_path(out.path)) {
        return malformed(where + ".path",
                         "must be relative, with '/' between its parts, without '..', '~', ':' and '\\'");
    }
    out.bytes = TRY(whole(value.find("bytes"), where + ".bytes", std::numeric_limits<std::int64_t>::max()));
    out.sha256 = TRY(sha256(value.find("sha256"), where + ".sha256"));
    out.sources = TRY(texts(value.find("sources"), where + ".sources", k_url_bytes));
    return out;
}

/// "a" and "a/b" cannot both be files.
Status check_paths(const std::vector<ManifestFile>& files) {
    std::set<std::string_view> paths;
    for (const ManifestFile& file : files) {
        if (!paths.insert(file.path).second) {
            return malformed("files", file.path + " is listed twice");
        }
    }
    for (const std::string_view path : paths) {
        for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
            if (paths.contains(path.substr(0, slash))) {
                return malformed("files", std::string(path.substr(0, slash)) + " is a file and a folder");
            }
        }
    }
    return {};
}

Result<std::vector<ManifestFile>> read_files(JsonView value) {
    if (!value.is_array() || value.size() == 0 || value.size() > limits::k_manifest_files) {
        return malformed("files",
                         concat({"must be a list of 1 to ", std::to_string(limits::k_manifest_files), " files"}));
    }
    std::vector<ManifestFile> out;
    out.reserve(value.size());
    for (const JsonView item : value) {
        out.push_back(TRY(read_file(item, concat({"files[", std::to_string(out.size()), "]"}))));
    }
    TRY(check_paths(out));
    return out;
}

/// Members that belong to no kind, or to another kind than this one, are refused: a reader that skipped what it does
/// not know would ignore a restriction that a later writer relies on.
Result<std::string> read_details(JsonView root, JobKind kind) {
    for (const JsonView value : root) {
        const std::string_view name = value.name();
        if (std::find(k_members.begin(), k_members.end(), name) == k_members.end() && name != package_kind_name(kind)) {
            return malformed(name, "unknown member");
        }
    }
    const JsonView details = root.find(package_kind_name(kind));
    JsonWriter json;
    if (details.exists()) {
        details.write(json);
    }
    return details.exists() ? json.take() : std::string();
}

Result<JsonDocument> parse_json(std::string_view json) {
    if (json.size() > limits::k_manifest_bytes) {
        return malformed("", concat({"longer than ", std::to_string(limits::k_manifest_bytes), " bytes"}));
    }
    JsonDocument document(json);
    if (const auto& fault = document.fault()) {
        switch (fault->kind) {
            case JsonFault::Kind::syntax:
                return malformed("line " + std::to_string(fault->line), "not well-formed JSON");
            case JsonFault::Kind::repeated_member: return malformed(fault->path, "is given twice");
            case JsonFault::Kind::too_deep: return malformed(fault->path, "is nested too deep");
        }
    }
    if (!document.root().is_object()) {
        return malformed("", "must be an object");
    }
    return document;
}

/// Written by hand and not by the JSON library: one file a line can be read and compared by people.
std::string list_of(const std::vector<std::string>& values) {
    std::string out;
    for (const std::string& value : values) {
        out += (out.empty() ? "" : ", ") + json_text(value);
    }
    return concat({"[", out, "]"});
}

std::string file_line(const ManifestFile& file) {
    std::string out = concat({"    {\"path\": ", json_text(file.path), ", \"bytes\": ", std::to_string(file.bytes),
                              ", \"sha256\": ", json_text(file.sha256)});
    if (!file.sources.empty()) {
        out += ", \"sources\": " + list_of(file.sources);
    }
    return out + "}";
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view json) {
    const JsonDocument document = TRY(parse_json(json));
    const JsonView root = document.root();
    if (TRY(whole(root.find("format"), "format", UINT64_MAX)) != 1) {
        return malformed("format", "is not 1; this agent is too old for the package");
    }
    Manifest out;
    const auto kind = package_kind(TRY(text(root.find("kind"), "kind", k_name_bytes)));
    if (!kind) {
        return malformed("kind", "must be script, software, image or agent");
    }
    out.kind = *kind;
    out.details = TRY(read_details(root, out.kind));
    out.package = TRY(text(root.find("package"), "package", k_name_bytes));
    if (out.package.find_first_of("/\\") != std::string::npos) {
        return malformed("package", "must be a name without '/' and '\\'");
    }
    out.version = TRY(text(root.find("version"), "version", k_version_bytes));
    out.serial = TRY(whole(root.find("serial"), "serial", UINT64_MAX));
    out.entry = TRY(optional_text(root.find("entry"), "entry", limits::k_path_bytes));
    out.targets = TRY(read_targets(root.find("targets")));
    out.expires = TRY(read_expires(root.find("expires")));
    out.repositories = TRY(texts(root.find("repositories"), "repositories", k_url_bytes));
    out.files = TRY(read_files(root.find("files")));
    if (const JsonView signer = root.find("signer"); signer.exists()) {
        out.signer = TRY(sha256(signer, "signer"));
    }
    if (out.entry.empty() ? out.kind == JobKind::script : out.find(out.entry) == nullptr) {
        return malformed("entry", "must be the path of one of the files");
    }
    return out;
}

std::string write_manifest(const Manifest& manifest) {
    std::string out =
        concat({"{\n  \"format\": 1,\n  \"kind\": ", json_text(package_kind_name(manifest.kind)),
                ",\n  \"package\": ", json_text(manifest.package), ",\n  \"version\": ", json_text(manifest.version),
                ",\n  \"serial\": ", std::to_string(manifest.serial)});
    if (!manifest.entry.empty()) {
        out += ",\n  \"entry\": " + json_text(manifest.entry);
    }
    out += concat({",\n  \"targets\": {\"os\": ", list_of(manifest.targets.os), ", \"platforms\": ",
                   list_of(manifest.targets.platforms), ", \"devices\": ", list_of(manifest.targets.devices),
                   "},\n  \"expires\": ", (manifest.expires ? json_text(rfc3339(*manifest.expires)) : "null"),
                   ",\n  \"repositories\": ", list_of(manifest.repositories)});
    if (!manifest.signer.empty()) {
        out += ",\n  \"signer\": " + json_text(manifest.signer);
    }
    if (!manifest.details.empty()) {
        out += concat({",\n  ", json_text(package_kind_name(manifest.kind)), ": ", manifest.details});
    }
    out += ",\n  \"files\": [\n";
    for (std::size_t i = 0; i < manifest.files.size(); ++i) {
        out += file_line(manifest.files[i]) + (i + 1 < manifest.files.size() ? ",\n" : "\n");
    }
    return out + "  ]\n}\n";
}

}  // namespace hagent::trust
