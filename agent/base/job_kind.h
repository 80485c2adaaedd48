// SPDX-License-Identifier: Apache-2.0
// Owns the kinds of jobs and packages, and the two spellings that they have.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace hagent {

enum class JobKind : std::uint8_t { script, software, image, upgrade };
inline constexpr std::size_t k_job_kinds = 4;

/// As sessions and job lists spell it (spec 11 "JSON shapes"): "script", "software", "image", "upgrade".
[[nodiscard]] std::string_view to_string(JobKind kind);
/// Empty for any other text.
[[nodiscard]] std::optional<JobKind> job_kind(std::string_view name);

/// As manifests and roles of keys spell it (spec 11 "Packages and signatures"): the same, but "agent" for an upgrade.
[[nodiscard]] std::string_view package_kind_name(JobKind kind);
/// Empty for any other text.
[[nodiscard]] std::optional<JobKind> package_kind(std::string_view name);

}  // namespace hagent
