// SPDX-License-Identifier: Apache-2.0
// Owns the names of job kinds.
#include "agent/session/job.h"

#include <array>

namespace hagent::session {
namespace {

constexpr std::array<std::string_view, 4> k_kinds = {"script", "software", "image", "upgrade"};

}  // namespace

std::string_view to_string(JobKind kind) { return k_kinds[static_cast<std::size_t>(kind)]; }

std::optional<JobKind> job_kind(std::string_view name) {
    for (std::size_t i = 0; i < k_kinds.size(); ++i) {
        if (k_kinds[i] == name) {
            return static_cast<JobKind>(i);
        }
    }
    return std::nullopt;
}

}  // namespace hagent::session
