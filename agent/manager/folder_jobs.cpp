// SPDX-License-Identifier: Apache-2.0
// Owns the strict reading of jobs.json; the first deviation ends it.
#include "agent/manager/folder_jobs.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/manager/agent_offer.h"
#include "agent/trust/manifest.h"

namespace hagent::manager {
namespace {

constexpr std::size_t k_name_bytes = 128;

Failure malformed(std::string_view where, std::string_view what) {
    return error(errors::AgentCode::manager_malformed_answer,
                 {k_jobs_name, ": ", printable(clip(where, k_name_bytes)), (where.empty() ? "" : ": "), what});
}

bool plain_name(std::string_view name) {
    return !name.empty() && name.size() <= k_name_bytes &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

/// Absent members pass as empty ones.
/// Without a list of known members the names are free (groups, devices), but must be such that they can be shown.
Status object_of(JsonView value, const std::string& where, std::initializer_list<std::string_view> known) {
    if (value.exists() && !value.is_object()) {
        return malformed(where, "must be an object");
    }
    for (const JsonView member : value) {
        if (known.size() > 0 && std::find(known.begin(), known.end(), member.name()) == known.end()) {
            return malformed(where, "unknown member '" + printable(clip(member.name(), k_name_bytes)) + "'");
        }
        if (known.size() == 0 && !plain_name(member.name())) {
            return malformed(where, "a name must be 1 to 128 printable characters");
        }
    }
    return {};
}

/// Relative and below the folder of jobs.json: what is signed for one server cannot send a device to another.
Result<std::string> folder(JsonView value, const std::string& where) {
    std::string path(value.text().value_or(""));
    if (path.ends_with('/')) {
        path.pop_back();
    }
    if (!trust::valid_path(path)) {
        return malformed(where, "must be a relative folder, without '..', '~', ':' and '\\'");
    }
    return path + "/";
}

/// A signed folder name alone would let whoever owns the server choose among all packages of the same signer.
Result<std::string> digest(JsonView value, std::string_view where, std::string_view job_id) {
    if (!value.exists()) {
        return error(errors::AgentCode::package_not_bound,
                     {k_jobs_name, ": ", where, ": job '", job_id, "' has no ", k_digest_member});
    }
    std::string hex = to_lower(value.text().value_or(""));
    const auto bytes = from_hex(hex);
    if (!bytes || bytes->size() != 32) {
        return malformed(concat({where, ".", k_digest_member}),
                         "must be the SHA-256 of manifest.json, 64 hexadecimal digits");
    }
    return hex;
}

/// Reads every device's part, and keeps what concerns this one.
class Reader {
public:
    Reader(JsonView groups, FolderJobs& out) : groups_(groups), out_(out) {}

    /// A section that is nearer to the device goes before: 3 its own, 2 a group, 1 all. Of groups the first counts.
    Status upgrade(JsonView section, const std::string& where, bool ours, unsigned nearness) {
        const JsonView item = section.find("upgrade");
        if (!item.exists()) {
            return {};
        }
        auto offer = TRY(read_upgrade(item, where + ".upgrade"));
        if (ours && nearness > nearness_) {
            nearness_ = nearness;
            out_.upgrade = std::move(offer);
        }
        return {};
    }

    /// `ours`: the device does these.
    Status jobs(JsonView section, const std::string& where, bool ours) {
        const JsonView list = section.find("jobs");
        if (list.exists() && !list.is_array()) {
            return malformed(where + ".jobs", "must be a list");
        }
        for (const JsonView item : list) {
            auto job = TRY(read(item, where + ".jobs"));
            if (ours) {
                TRY(add(std::move(job), where));
            }
        }
        return {};
    }

    Status device(JsonView section, const std::string& where, bool ours) {
        TRY(object_of(section, where, {"groups", "jobs", "upgrade"}));
        const JsonView list = section.find("groups");
        if (list.exists() && !list.is_array()) {
            return malformed(where + ".groups", "must be a list of names");
        }
        for (const JsonView name : list) {
            const JsonView group = name.text() ? groups_.find(*name.text()) : JsonView();
            if (!group.exists()) {
                return malformed(where + ".groups", "names a group that is not in 'groups'");
            }
            if (ours) {
                TRY(jobs(group, "groups", true));
                TRY(upgrade(group, "groups", true, 2));
            }
        }
        TRY(upgrade(section, where, ours, 3));
        return jobs(section, where, ours);
    }

private:
    static Result<FolderJob> read(JsonView item, const std::string& where) {
        TRY(object_of(item, where, {"id", "package", "manifest_sha256", "kind"}));
        FolderJob job;
        job.id = item.find("id").text().value_or("");
        if (!plain_name(job.id)) {
            return malformed(where + ".id", "must be a text of 1 to 128 printable characters");
        }
        job.package = TRY(folder(item.find("package"), where + ".package"));
        job.manifest_sha256 = TRY(digest(item.find(k_digest_member), where, job.id));
        if (const JsonView kind = item.find("kind"); kind.exists()) {
            job.kind = job_kind(kind.text().value_or(""));
            if (!job.kind) {
                return malformed(where + ".kind", "must be script, software, image or upgrade");
            }
        }
        return job;
    }

    static Result<FolderUpgrade> read_upgrade(JsonView item, const std::string& where) {
        if (!item.is_object()) {
            return malformed(where, "must be an object");
        }
        TRY(object_of(item, where, {"version", "package", "manifest_sha256", "window", "zone"}));
        const auto text = [&](std::string_view name) { return std::string(item.find(name).text().value_or("")); };
        FolderUpgrade offer{text("version"), text("window"), text("zone"), {}, {}};
        offer.package = TRY(folder(item.find("package"), where + ".package"));
        offer.manifest_sha256 = TRY(digest(item.find(k_digest_member), where, "upgrade"));
        TRY(check_offer({offer.version, {}, offer.window, offer.zone}));
        return offer;
    }

    /// A job that is listed for a group and for the device is one job.
    Status add(FolderJob job, const std::string& where) {
        const auto same = std::find_if(out_.jobs.begin(), out_.jobs.end(),
                                       [&](const FolderJob& other) { return other.id == job.id; });
        if (same == out_.jobs.end()) {
            if (out_.jobs.size() == limits::k_folder_jobs) {
                return malformed(where, "more than " + std::to_string(limits::k_folder_jobs) +
                                            " jobs for one device; take old ones out");
            }
            out_.jobs.push_back(std::move(job));
        } else if (*same != job) {
            return malformed(where, "job '" + job.id + "' is two different jobs");
        }
        return {};
    }

    JsonView groups_;
    FolderJobs& out_;
    unsigned nearness_ = 0;  // of the section that its upgrade is from
};

/// The format comes first: in a newer one unknown members would be complained of, which helps nobody.
Status read_head(JsonView root, FolderJobs& out) {
    if (root.find("format").whole() != 1) {
        return malformed("format", "is not 1; this agent is too old for it");
    }
    TRY(object_of(root, "", {"format", "serial", "expires", "all", "groups", "devices", "reports"}));
    const auto serial = root.find("serial").whole();
    if (!serial) {
        return malformed("serial", "must be a whole number that is not negative");
    }
    out.serial = *serial;
    if (const JsonView expires = root.find("expires"); expires.exists() && !expires.is_null()) {
        out.expires = parse_rfc3339(expires.text().value_or(""));
        if (!out.expires) {
            return malformed("expires", "must be null or a time as 2027-01-31T00:00:00Z");
        }
    }
    if (const JsonView reports = root.find("reports"); reports.exists()) {
        out.reports = TRY(folder(reports, "reports"));
    }
    return {};
}

}  // namespace

Result<FolderJobs> parse_folder_jobs(std::string_view json, std::string_view device_id) {
    const JsonDocument document(json);
    if (const auto& fault = document.fault()) {
        return fault->kind == JsonFault::Kind::syntax
                   ? malformed("line " + std::to_string(fault->line), "not well-formed JSON")
                   : malformed(fault->path, "is given twice or nested too deep");
    }
    const JsonView root = document.root();
    if (!root.is_object()) {
        return malformed("", "must be an object");
    }
    FolderJobs out;
    TRY(read_head(root, out));
    const JsonView groups = root.find("groups"), devices = root.find("devices");
    TRY(object_of(root.find("all"), "all", {"jobs", "upgrade"}));
    TRY(object_of(groups, "groups", {}));
    TRY(object_of(devices, "devices", {}));
    Reader reader(groups, out);
    TRY(reader.jobs(root.find("all"), "all", true));
    TRY(reader.upgrade(root.find("all"), "all", true, 1));
    for (const JsonView group : groups) {
        const std::string where = "groups." + std::string(group.name());
        TRY(object_of(group, where, {"jobs", "upgrade"}));
        TRY(reader.upgrade(group, where, false, 2));
        TRY(reader.jobs(group, where, false));
    }
    for (const JsonView device : devices) {
        TRY(reader.device(device, "devices." + std::string(device.name()),
                          equal_ignoring_case(device.name(), device_id)));
    }
    return out;
}

}  // namespace hagent::manager
