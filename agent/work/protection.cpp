// SPDX-License-Identifier: Apache-2.0
// Owns the comparison of a path with those of the agent.
#include "agent/work/protection.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::work {
namespace {

using platform::FileId;

char separator() { return platform::native("/").front(); }

/// Of the path and of every folder above it, as far as they exist; the path's own first.
Result<std::vector<FileId>> ids_up_from(const std::string& path, platform::Files& files) {
    std::vector<FileId> ids;
    for (std::string at = path;;) {
        const auto info = TRY(files.info(at));
        ids.push_back(info ? info->id : FileId{});
        const auto end = at.rfind(separator());
        if (end == std::string::npos || end + 1 == at.size()) {
            return ids;
        }
        at.resize(end == 0 || at[end - 1] == ':' ? end + 1 : end);
    }
}

bool contains(const std::vector<FileId>& ids, const FileId& id) {
    return id.known() && std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

/// With a look at the separator: "/etc2" does not lie in "/etc".
bool is_within(std::string_view path, std::string_view directory) {
    while (!directory.empty() && (directory.back() == '/' || directory.back() == separator())) {
        directory.remove_suffix(1);
    }
    if (directory.empty()) {
        return true;
    }
    if (path.size() < directory.size() || !platform::same_path(path.substr(0, directory.size()), directory)) {
        return false;
    }
    return path.size() == directory.size() || path[directory.size()] == '/' || path[directory.size()] == separator();
}

/// Both the resolved and the written path count, so that what is not there yet, or cannot be resolved now, is protected
/// too. Parents matter for names only: work may put files beside the configuration, but not rename its folder away.
Status check_protected(const std::string& real, Touch touch, const std::vector<std::string>& protected_paths,
                       platform::Files& files, std::string_view named) {
    const auto ids = TRY(ids_up_from(real, files));
    for (const auto& path : protected_paths) {
        const std::string own = files.resolve(path).value_or(path);
        const auto info = files.info(own).value_or(std::nullopt);
        const bool hit = is_within(real, own) || is_within(real, path) || (info && contains(ids, info->id));
        const bool parent =
            !hit && touch == Touch::name &&
            (is_within(own, real) || is_within(path, real) || contains(TRY(ids_up_from(own, files)), ids.front()));
        if (hit || parent) {
            return error(errors::AgentCode::path_protected,
                         {"\"", clip(named, 200), "\" ", (hit ? "belongs to the agent" : "holds files of the agent")});
        }
    }
    return {};
}

}  // namespace hagent::work
