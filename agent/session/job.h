// SPDX-License-Identifier: Apache-2.0
// Owns the job value that managers hand down and the report value that goes back: no dialect, no transport.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/job_kind.h"
#include "agent/base/task_result.h"
#include "agent/base/time.h"
#include "agent/work/kind.h"

namespace hagent::session {

/// A file that the manager itself offers. `path` is the package's path ("fw/kernel"; hawkBit's '~' already turned into
/// '/').
/// Source: hawkBit DDI v1 (artifacts of a chunk).
struct Artifact {
    std::string path;
    std::string url;
    std::optional<std::uint64_t> bytes;  // empty when the manager does not say
    std::string sha256;                  // lower-case hex; empty when the manager does not say
    std::string sha1;                    // only looked at when there is no sha256
};

/// A package with a signed manifest.
struct SignedPackage {
    std::vector<Artifact> artifacts;  // what the manager offers one by one, manifest.json and manifest.sig among them
    std::string base_url;             // or: the folder that holds the manifest, with '/' at its end
    bool allow_unsigned = false;      // set by the command line only (spec 8): it needs no signature
    std::string manifest_sha256;      // the one manifest that the manager means; lower-case hex; empty: it does not say
};

/// Whether the manager has said what the bytes of this file are.
[[nodiscard]] inline bool vouched_for(const SignedPackage& package, std::string_view path) {
    return std::any_of(package.artifacts.begin(), package.artifacts.end(),
                       [path](const Artifact& a) { return a.path == path && !a.sha256.empty(); });
}

/// A file server that comes with a job, and the login for it, which is kept in memory only: never written, never
/// logged.
struct Repository {
    std::string url;             // of a folder, with '/' at its end, without a login
    std::string user, password;  // empty after a restart, until the job is offered again
};

/// A script that the manager itself sends, command by command, with the servers that its files are on. Nothing of it is
/// signed.
struct WireScript {
    std::string commands;  // in UTF-8; how they are read the job's options say
    std::vector<Repository> repositories;
    std::uint64_t limit_bytes_per_s = 0;  // 0: none
};

/// A folder of the administrator at the command line: it needs no signature (spec 8).
struct LocalFolder {
    std::string directory;
    std::string entry;  // path of the file to begin with; may lie outside the folder
};

/// Job option: the SHA-256 of the script that the administrator named, where nothing else may run.
inline constexpr std::string_view k_option_entry_sha256 = "entry_sha256";

/// Where a package comes from; session/origin has a file for each.
using PackageSource = std::variant<SignedPackage, WireScript, LocalFolder>;

/// One unit of work. Equal ids from one manager are the same job, offered again.
struct Job {
    std::string id;  // the manager's own, whole: a string, never a number
    JobKind kind = JobKind::script;
    bool kind_of_manifest = false;  // the manager does not say the kind: the package's manifest does
    std::string name;               // for people: distribution or package name and version
    std::string version;
    PackageSource source;
    work::Options options;   // wishes that the kind of work knows
    std::string relocation;  // --root at the command line: every device path lies below it; empty: "/"
    bool execute = true;     // false: download only, or the maintenance window is closed
    bool forced = true;      // false: soft, the device may choose its time
};

enum class ReportStage : std::uint8_t { accepted, downloading, downloaded, executing, success, failure, cancelled };

/// What a manager is told about a job. `success`, `failure` and `cancelled` are final: never dropped, sent until
/// acknowledged.
/// In front of the ids of jobs that the command line made: no manager knows them.
inline constexpr std::string_view k_local_job = "local:";

struct Report {
    std::string job_id;
    ReportStage stage = ReportStage::accepted;
    std::vector<std::string> messages;  // for people, in order
    std::uint32_t done = 0, of = 0;     // steps; 0 of 0 when unknown
    bool held = false;                  // a failure: the loop guard did not let it begin
    [[nodiscard]] bool final() const { return stage >= ReportStage::success; }
};

}  // namespace hagent::session
