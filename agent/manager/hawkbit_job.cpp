// SPDX-License-Identifier: Apache-2.0
// Owns the strict reading of hawkBit's JSON: what is missing or odd is refused, what is unknown is ignored.
#include "agent/manager/hawkbit_job.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/manager/agent_offer.h"
#include "agent/transfer/url.h"

namespace hagent::manager {
namespace {

using errors::AgentCode;
using session::Artifact;
using session::Job;

constexpr std::size_t k_id_bytes = 128;
constexpr std::size_t k_name_bytes = 128;
constexpr std::string_view k_manifest = "manifest.json";

Failure malformed(std::string_view what) { return error(AgentCode::manager_malformed_answer, what); }

Result<JsonDocument> parse_object(std::string_view body, std::string_view what) {
    JsonDocument document(body);
    if (const auto& fault = document.fault()) {
        return malformed(concat({what, ": not JSON, at line ", std::to_string(fault->line)}));
    }
    if (!document.root().is_object()) {
        return malformed(std::string(what) + ": no JSON object");
    }
    return document;
}

std::string text(JsonView parent, std::string_view name) { return std::string(parent.find(name).text().value_or("")); }

std::string label(JsonView parent, const char* name) { return printable(clip(text(parent, name), k_name_bytes)); }

Result<std::string> follow(const std::string& from, const std::string& href) {
    const auto base = TRY(transfer::parse_url(from));
    auto link = transfer::resolve(base, href);
    if (!link.ok()) {
        return malformed("a link is no usable address: " + transfer::shown(clip(href, 200)));
    }
    return transfer::to_text(*link);
}

/// A link that is called with the device's credentials: it may go nowhere where these could be read. Download links
/// may lead anywhere: what comes from there is checked against the signed manifest.
Result<std::string> follow_control(const std::string& from, const std::string& href) {
    std::string url = TRY(follow(from, href));
    const auto base = TRY(transfer::parse_url(from));
    const auto link = TRY(transfer::parse_url(url));
    if (transfer::is_ftp(link.scheme) ||
        (transfer::is_encrypted(base.scheme) && !transfer::is_encrypted(link.scheme))) {
        return malformed("a link leaves the encrypted connection: " + transfer::shown(url));
    }
    return url;
}

bool plain_id(const std::string& id) {
    return !id.empty() && id.size() <= k_id_bytes && id != "." && id != ".." &&
           std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// The id is taken from the path and stays a text: feedback has to name it as it stands there.
Result<std::optional<ActionLink>> action_link(JsonView links, const char* rel, const std::string& from) {
    const std::string href = text(links.find(rel), "href");
    if (href.empty()) {
        return std::optional<ActionLink>();
    }
    ActionLink link;
    link.url = TRY(follow_control(from, href));
    const auto url = TRY(transfer::parse_url(link.url));
    const auto parts = split(url.path, '/');
    if (parts.size() < 2 || parts[parts.size() - 2] != rel) {
        return malformed(concat({"the link ", rel, " names no action"}));
    }
    link.id = TRY(transfer::decode(parts.back()));
    if (!plain_id(link.id)) {
        return malformed(concat({"the link ", rel, " names an odd action"}));
    }
    return std::optional(std::move(link));
}

/// Relative, with '/' between its parts, and nothing in it that could lead elsewhere.
bool plain_path(std::string_view path) {
    if (path.empty() || path.size() > limits::k_path_bytes || path.find('\\') != std::string_view::npos ||
        std::any_of(path.begin(), path.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; })) {
        return false;
    }
    const auto parts = split(path, '/');
    return std::none_of(parts.begin(), parts.end(),
                        [](std::string_view part) { return part.empty() || part == "." || part == ".."; });
}

/// Lower-case hexadecimal of the right length, or empty; an Error when something else is there.
Result<std::string> digest(JsonView artifact, const char* name, std::size_t digits) {
    std::string hex = to_lower(text(artifact.find("hashes"), name));
    if (!hex.empty() && (hex.size() != digits || !from_hex(hex))) {
        return malformed("an artifact has no valid " + std::string(name));
    }
    return hex;
}

/// '~' stands for '/', which hawkBit would hide in its link (reference hawkbit-server). What could lead out of the
/// package's folder is refused here, long before anything is written.
Result<Artifact> read_artifact(JsonView value, const std::string& from) {
    Artifact artifact;
    artifact.path = replace_all(text(value, "filename"), "~", "/");
    if (!plain_path(artifact.path)) {
        return error(AgentCode::path_refused, {"artifact '", printable(clip(artifact.path, k_name_bytes)), "'"});
    }
    const JsonView links = value.find("_links");
    std::string href = text(links.find("download"), "href");
    if (href.empty()) {
        href = text(links.find("download-http"), "href");
    }
    if (href.empty()) {
        return malformed(concat({"artifact '", artifact.path, "' has no download link"}));
    }
    artifact.url = TRY(follow(from, href));
    const JsonView size = value.find("size");
    artifact.bytes = size.whole();
    if (!artifact.bytes && size.exists() && !size.is_null()) {
        return malformed(concat({"artifact '", artifact.path, "' has no valid size"}));
    }
    artifact.sha256 = TRY(digest(value, "sha256", 64));
    artifact.sha1 = TRY(digest(value, "sha1", 40));
    return artifact;
}

/// The value of a chunk's metadata, or empty.
std::string metadata(JsonView chunk, std::string_view key) {
    for (const JsonView row : chunk.find("metadata")) {
        if (row.find("key").text() == key) {
            return text(row, "value");
        }
    }
    return {};
}

enum class Place : std::uint8_t { begins, inside, ends };

struct Pattern {
    std::string_view text;
    Place place;  // inside: ".tar" in "a.tar.gz"
    JobKind kind;
};

// clang-format off
constexpr std::array k_patterns = {  // the first row that any artifact's name fits
    Pattern{".rsp",    Place::ends,   JobKind::script},
    Pattern{".sw",     Place::ends,   JobKind::software},
    Pattern{".swdist", Place::ends,   JobKind::software},
    Pattern{".tar",    Place::inside, JobKind::software},
    Pattern{".img",    Place::inside, JobKind::image},
    Pattern{"hagent",  Place::begins, JobKind::upgrade}};
// clang-format on

bool fits(const Pattern& pattern, std::string_view name) {
    switch (pattern.place) {
        case Place::begins: return name.starts_with(pattern.text);
        case Place::inside: return name.find(pattern.text) != std::string_view::npos;
        case Place::ends: return name.ends_with(pattern.text);
    }
    return false;
}

/// For distributions without hagent.kind. The patterns count before the files: a script among images is a script.
std::optional<JobKind> kind_by_name(const std::vector<Artifact>& artifacts) {
    for (const auto& pattern : k_patterns) {
        for (const auto& artifact : artifacts) {
            if (fits(pattern, to_lower(artifact.path.substr(artifact.path.rfind('/') + 1)))) {
                return pattern.kind;
            }
        }
    }
    return std::nullopt;
}

/// The signed manifest calls a release of the agent "agent"; both words are understood.
std::optional<JobKind> named_kind(const std::string& name) {
    return name == "agent" ? JobKind::upgrade : job_kind(name);
}

/// Puts the artifacts of all chunks together. A distribution is one package: a second manifest would be another one.
Status read_chunks(JsonView chunks, const std::string& from, Job& job, std::vector<Artifact>& artifacts,
                   std::string& kind) {
    std::set<std::string> paths;
    for (const JsonView chunk : chunks) {
        bool has_manifest = false;
        for (const JsonView value : chunk.find("artifacts")) {
            auto artifact = TRY(read_artifact(value, from));
            has_manifest = has_manifest || artifact.path == k_manifest;
            if (!paths.insert(artifact.path).second) {
                return error(AgentCode::job_unsupported, {"two modules of the distribution hold '", artifact.path,
                                                          "': assign one package at a time"});
            }
            artifacts.push_back(std::move(artifact));
        }
        if (has_manifest || job.name.empty()) {
            job.name = label(chunk, "name");
            job.version = label(chunk, "version");
        }
        if (auto said = metadata(chunk, "hagent.kind"); !said.empty() && (has_manifest || kind.empty())) {
            kind = std::move(said);
        }
    }
    if (artifacts.empty()) {
        return error(AgentCode::job_unsupported, "the distribution holds no artifact");
    }
    return {};
}

bool known_handling(const std::string& word) { return word == "skip" || word == "attempt" || word == "forced"; }

/// The kind is decided before the manifest is there, so that a job of a kind that is not known is refused without a
/// download.
Status fill(Job& job, JsonView deployment, const std::string& from) {
    std::string kind;
    session::SignedPackage package;
    TRY(read_chunks(deployment.find("chunks"), from, job, package.artifacts, kind));
    const auto found = kind.empty() ? kind_by_name(package.artifacts) : named_kind(kind);
    if (!found) {
        return error(AgentCode::job_unsupported,
                     kind.empty() ? "no artifact's name shows a kind, and there is no hagent.kind"
                                  : concat({"hagent.kind '", printable(clip(kind, k_name_bytes)), "'"}));
    }
    job.kind = *found;
    for (const JsonView chunk : deployment.find("chunks")) {
        for (const auto& [key, option] :
             {std::pair("hagent.window", k_option_window), std::pair("hagent.zone", k_option_zone)}) {
            if (auto said = metadata(chunk, key); job.kind == JobKind::upgrade && !said.empty()) {
                job.options.emplace_back(option, std::move(said));
            }
        }
    }
    job.source = std::move(package);
    return {};
}

}  // namespace

std::optional<Seconds> parse_sleep(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() != 3) {
        return std::nullopt;
    }
    const auto hours = parse_u64(parts[0], 23);
    const auto minutes = parse_u64(parts[1], 59);
    const auto seconds = parse_u64(parts[2], 59);
    if (!hours || !minutes || !seconds) {
        return std::nullopt;
    }
    return Seconds{narrow<std::int64_t>(*hours * 3600 + *minutes * 60 + *seconds)};
}

/// The test for `config` or `_links` tells a captive portal or a wrong address from a manager that has nothing to do.
Result<PollAnswer> read_poll(std::string_view body, const std::string& url) {
    const JsonDocument document = TRY(parse_object(body, "poll"));
    const JsonView value = document.root();
    const JsonView links = value.find("_links");
    if (!links.is_object() && !value.find("config").is_object()) {
        return malformed("poll: neither config nor _links, so this is no hawkBit");
    }
    PollAnswer poll;
    poll.sleep = parse_sleep(text(value.find("config").find("polling"), "sleep"));
    if (const auto href = text(links.find("configData"), "href"); !href.empty()) {
        poll.config_data_url = TRY(follow_control(url, href));
    }
    poll.deployment = TRY(action_link(links, "deploymentBase", url));
    poll.cancel = TRY(action_link(links, "cancelAction", url));
    poll.confirmation = TRY(action_link(links, "confirmationBase", url));
    return poll;
}

/// A deployment that is understood but cannot be done becomes a refused job, not an error: an error would be met again
/// at each check-in, and the action stay open for ever.
Result<std::optional<Event>> read_deployment(std::string_view body, const std::string& job_id, const std::string& url) {
    const JsonDocument document = TRY(parse_object(body, "deployment"));
    const JsonView deployment = document.root().find("deployment");
    if (!deployment.is_object() || !deployment.find("chunks").is_array()) {
        return malformed("deployment: no chunks");
    }
    const std::string download = text(deployment, "download");
    const std::string update = text(deployment, "update");
    if (download == "skip" && update == "skip") {
        return std::optional<Event>();
    }
    Job job;
    job.id = job_id;
    job.execute = update != "skip" && text(deployment, "maintenanceWindow") != "unavailable";
    job.forced = update == "forced" || download == "forced";
    if (!known_handling(download) || !known_handling(update)) {
        return std::optional<Event>(
            JobRefused{job_id, malformed("deployment: download or update is none of skip, attempt, forced")});
    }
    if (auto filled = fill(job, deployment, url); !filled.ok()) {
        return std::optional<Event>(JobRefused{job_id, std::move(filled).error()});
    }
    return std::optional<Event>(JobOffered{std::move(job)});
}

}  // namespace hagent::manager
