// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/agent_member.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/upgrade/record.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;

Failure malformed(std::string_view what) { return error(AgentCode::manifest_malformed, what); }

Status read_targets(JsonView targets, const trust::Manifest& manifest, AgentMember& out) {
    if (!targets.is_object()) {
        return malformed("agent.targets: an object is wanted");
    }
    for (const auto target : targets) {
        const auto path = target.text();
        if (!path || manifest.find(*path) == nullptr) {
            return error(AgentCode::manifest_malformed, {"agent.targets.", printable(clip(target.name(), 64)),
                                                         ": must be one of the package's files"});
        }
        out.targets.emplace_back(target.name(), *path);
    }
    return {};
}

}  // namespace

std::string AgentMember::program_for(const std::vector<std::string>& names) const {
    for (const auto& name : names) {
        const auto found = std::find_if(targets.begin(), targets.end(),
                                        [&](const auto& target) { return equal_ignoring_case(target.first, name); });
        if (found != targets.end()) {
            return found->second;
        }
    }
    return {};
}

Result<AgentMember> agent_member(const trust::Manifest& manifest) {
    AgentMember out;
    if (!is_version(manifest.version)) {
        return malformed("version: that of an agent is three or four numbers with dots between them");
    }
    if (manifest.details.empty()) {
        return malformed("agent: is missing");
    }
    const JsonDocument document(manifest.details);
    if (!document.root().is_object()) {
        return malformed("agent: an object is wanted");
    }
    bool found = false;
    for (const auto member : document.root()) {
        if (member.name() == "targets") {
            TRY(read_targets(member, manifest, out));
            found = true;
        } else if (member.name() == "allow_downgrade" && member.boolean()) {
            out.allow_downgrade = *member.boolean();
        } else {
            return error(AgentCode::manifest_malformed, {"agent.", printable(clip(member.name(), 64))});
        }
    }
    return found ? Result<AgentMember>(std::move(out)) : Result<AgentMember>(malformed("agent.targets: is missing"));
}

Result<std::vector<std::string>> agent_files(platform::Files& files, const std::string& folder) {
    std::vector<std::string> out;
    for (const auto& target : TRY(files.list(folder))) {
        for (const std::string_view name : {"hagent", "hagent.exe"}) {
            const auto path = concat({target, "/", name});
            const auto info = files.info(concat({folder, "/", path})).value_or(std::nullopt);
            if (info && info->kind == platform::FileKind::regular) {
                out.push_back(path);
                break;
            }
        }
    }
    return out;
}

Result<std::string> make_agent_member(const std::vector<std::string>& files, bool allow_downgrade) {
    if (files.empty()) {
        return error(AgentCode::usage, "no folder TARGET/ with hagent or hagent.exe in it");
    }
    JsonWriter json;
    json.begin_object();
    json.begin_object("targets");
    for (const auto& path : files) {
        json.member(path.substr(0, path.find('/')), path);
    }
    json.end_object();
    json.member("allow_downgrade", allow_downgrade);
    json.end_object();
    return json.take();
}

}  // namespace hagent::upgrade
