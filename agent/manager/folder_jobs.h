// SPDX-License-Identifier: Apache-2.0
// Owns the reading of jobs.json: what is to be done on which device (FORMAT.md). Pure; says nothing about the
// signature.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/session/job.h"

namespace hagent::manager {

inline constexpr std::string_view k_jobs_name = "jobs.json";
inline constexpr std::string_view k_jobs_signature_name = "jobs.sig";
inline constexpr std::string_view k_digest_member = "manifest_sha256";

struct FolderJob {
    std::string id;
    std::string package;          // relative to the folder of jobs.json, '/' at its end
    std::string manifest_sha256;  // of the one manifest.json that is meant there; lower-case hex
    std::optional<JobKind> kind;  // empty: as the package's manifest says
    friend bool operator==(const FolderJob&, const FolderJob&) = default;
};

/// A release for every older agent.
struct FolderUpgrade {
    std::string version, window, zone;
    std::string package, manifest_sha256;  // as of a job
    friend bool operator==(const FolderUpgrade&, const FolderUpgrade&) = default;
};

struct FolderJobs {
    std::uint64_t serial = 0;
    std::optional<WallTime> expires;
    std::vector<FolderJob> jobs;           // of one device, each id once: those of all, of its groups, its own
    std::optional<FolderUpgrade> upgrade;  // the device's own, else its first group's that has one, else that of all
    std::string reports;                   // where reports go, relative, '/' at its end; empty: nowhere
};

/// What the file says for `device_id` (ASCII case ignored). Strict about every device's part: unknown and repeated
/// members, groups that are not there, paths that lead elsewhere are all refused, so that a mistake is seen when the
/// file is signed and not on one device only. Errors: manager_malformed_answer with the member's path,
/// package_not_bound for a job without manifest_sha256.
[[nodiscard]] Result<FolderJobs> parse_folder_jobs(std::string_view json, std::string_view device_id);

}  // namespace hagent::manager
