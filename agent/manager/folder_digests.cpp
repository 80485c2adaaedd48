// SPDX-License-Identifier: Apache-2.0
// Owns the walk over a job list that writes it anew, in the same order.
#include "agent/manager/folder_digests.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/manager/folder_jobs.h"
#include "agent/trust/manifest.h"

namespace hagent::manager {
namespace {

constexpr std::string_view k_package_member = "package";

std::string as_json(std::string_view text) {
    JsonWriter json;
    json.value(text);
    return json.take();
}

/// A package may lie here when its name is one that a device would take; of any other the reader of the list complains.
bool may_lie_here(std::string_view package) {
    return trust::valid_path(package.ends_with('/') ? package.substr(0, package.size() - 1) : package);
}

class Filler {
public:
    explicit Filler(const DigestOf& digest_of) : digest_of_(digest_of) {}

    /// The value in lines of two blanks for each level; one that holds no other containers stands in one line.
    Status write(JsonView value, const std::string& indent) {
        const bool is_list = value.is_array();
        if (!is_list && !value.is_object()) {
            JsonWriter json;
            value.write(json);
            out.text += json.take();
            return {};
        }
        bool flat = true;
        for (const JsonView item : value) {
            flat = flat && !item.is_array() && !item.is_object();
        }
        const std::string deeper = indent + "  ";
        out.text += is_list ? "[" : "{";
        bool first = true;
        for (const JsonView item : value) {
            out.text += concat({first ? "" : flat ? ", " : ",", flat ? "" : "\n", flat ? "" : deeper});
            out.text += is_list ? "" : concat({as_json(item.name()), ": "});
            TRY(is_list && value.name() == "jobs" && item.is_object() ? job(item) : write(item, deeper));
            first = false;
        }
        out.text += concat({flat ? "" : "\n", flat ? "" : indent, is_list ? "]" : "}"});
        return {};
    }

    FilledJobs out;

private:
    /// The digest stands behind the package that it belongs to.
    Status job(JsonView job) {
        const std::string package(job.find(k_package_member).text().value_or(""));
        const JsonView given = job.find(k_digest_member);
        const auto here = may_lie_here(package) ? TRY(digest_of_(package)) : std::nullopt;
        if (!here && !given.exists() && may_lie_here(package)) {
            return error(errors::AgentCode::package_not_bound,
                         {k_jobs_name, ": '", package, "' does not lie beside it, so its ", k_digest_member,
                          " has to be written by hand"});
        }
        if (here && given.text() != *here &&
            std::find(out.changed.begin(), out.changed.end(), package) == out.changed.end()) {
            out.changed.push_back(package);
        }
        std::string members;
        for (const JsonView member : job) {
            if (here && member.name() == k_digest_member) {
                continue;
            }
            JsonWriter json;
            member.write(json);
            members += concat({members.empty() ? "" : ", ", as_json(member.name()), ": ", json.take()});
            if (here && member.name() == k_package_member) {
                members += concat({", ", as_json(k_digest_member), ": ", as_json(*here)});
            }
        }
        out.text += concat({"{", members, "}"});
        return {};
    }

    const DigestOf& digest_of_;
};

}  // namespace

Result<FilledJobs> fill_in_digests(std::string_view json, const DigestOf& digest_of) {
    const JsonDocument document(json);
    if (document.fault() || !document.root().is_object()) {
        return FilledJobs{std::string(json), {}};
    }
    Filler filler(digest_of);
    TRY(filler.write(document.root(), ""));
    if (filler.out.changed.empty()) {
        filler.out.text = json;
    } else {
        filler.out.text += "\n";
    }
    return std::move(filler.out);
}

}  // namespace hagent::manager
