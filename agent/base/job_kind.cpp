// SPDX-License-Identifier: Apache-2.0
#include "agent/base/job_kind.h"

#include <array>

namespace hagent {
namespace {

struct Names {
    std::string_view job, package;
};
constexpr std::array<Names, k_job_kinds> k_names = {
    {{"script", "script"}, {"software", "software"}, {"image", "image"}, {"upgrade", "agent"}}};

std::optional<JobKind> kind_named(std::string_view name, std::string_view Names::*spelling) {
    for (std::size_t i = 0; i < k_names.size(); ++i) {
        if (k_names[i].*spelling == name) {
            return static_cast<JobKind>(i);
        }
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(JobKind kind) { return k_names[static_cast<std::size_t>(kind)].job; }
std::optional<JobKind> job_kind(std::string_view name) { return kind_named(name, &Names::job); }
std::string_view package_kind_name(JobKind kind) { return k_names[static_cast<std::size_t>(kind)].package; }
std::optional<JobKind> package_kind(std::string_view name) { return kind_named(name, &Names::package); }

}  // namespace hagent
