// SPDX-License-Identifier: Apache-2.0
// Owns the form of repository paths and the matching of wildcards.
#include "agent/script/repository_path.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"

namespace hagent::script {

/// Scripts are written on Windows, and managers double the separators on the wire (reference vxc-hagent 1.3).
Result<std::string> repository_path(std::string_view argument) {
    constexpr std::string_view k_root = "<regroot>";
    if (equal_ignoring_case(argument.substr(0, k_root.size()), k_root)) {
        argument.remove_prefix(k_root.size());
    }
    std::string slashes(argument);
    std::replace(slashes.begin(), slashes.end(), '\\', '/');
    std::string path;
    for (const auto part : split(slashes, '/')) {
        if (part == "." || part == "..") {
            return error(errors::AgentCode::path_refused, {"a repository path has no part \"", part, "\""});
        }
        if (!part.empty()) {
            path.append(path.empty() ? "" : "/").append(part);
        }
    }
    return path;
}

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?") != std::string_view::npos; }

bool matches(std::string_view pattern, std::string_view path) {
    // Greedy with one point to come back to: linear in practice, quadratic at worst, never exponential.
    std::size_t p = 0, at = 0;
    std::size_t star = std::string_view::npos, resume = 0;
    while (at < path.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = at;
        } else if (p < pattern.size() && (pattern[p] == path[at] || (pattern[p] == '?' && path[at] != '/'))) {
            ++p;
            ++at;
        } else if (star != std::string_view::npos && path[resume] != '/') {
            p = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace hagent::script
