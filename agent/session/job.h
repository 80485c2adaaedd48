// SPDX-License-Identifier: Apache-2.0
// Owns the job value that managers hand down and the report value that goes back: no dialect, no transport.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/task_result.h"
#include "agent/base/time.h"

namespace hagent::session {

enum class JobKind : std::uint8_t { script, software, image, upgrade };
[[nodiscard]] std::string_view to_string(JobKind kind);
[[nodiscard]] std::optional<JobKind> job_kind(std::string_view name);

/// A file that the manager itself offers. `path` is the package's path ("fw/kernel"; hawkBit's '~' already turned into
/// '/').
struct Artifact {
    std::string path;
    std::string url;
    std::optional<std::uint64_t> bytes;
    std::string sha256;  // lower-case hex; empty when the manager does not say
    std::string sha1;    // only looked at when there is no sha256
};

/// Set by the command line only: such a package needs no signature (spec 8).
struct LocalFolder {
    std::string directory;        // empty: none
    std::string entry;            // path of the script; may lie outside the folder
    std::string relocation;       // --root
    bool allow_unsigned = false;  // for a base_url
};

/// A file server that comes with a job, and the login for it, which is kept in memory only: never written, never
/// logged.
struct Repository {
    std::string url;  // of a folder, with '/' at its end, without a login
    std::string user, password;
};

/// A script that the manager itself sends, command by command, with the servers that its files are on. Nothing of it is
/// signed.
struct WireScript {
    std::string commands;  // wire form in UTF-8 (agent/script/parser.h); empty: none
    std::vector<Repository> repositories;
    std::uint64_t limit_bytes_per_s = 0;    // 0: none
    Seconds question{0};                    // how long QU asks where it does not say so; 0: as usual
    std::optional<unsigned> postponements;  // how often the user may say later; none: as usual
};

/// One unit of work. Equal ids from one manager are the same job, offered again.
struct Job {
    std::string id;  // the manager's own, whole: a string, never a number
    JobKind kind = JobKind::script;
    bool kind_of_manifest = false;  // the manager does not say the kind: the package's manifest does
    std::string name;               // for people: distribution or package name and version
    std::string version;
    std::vector<Artifact> artifacts;  // what the manager offers one by one, manifest.json and manifest.sig among them
    std::string base_url;             // or: the folder that holds the manifest, with '/' at its end
    WireScript wire;                  // or: the script itself
    LocalFolder local;                // or: a folder of the administrator at the command line
    bool execute = true;              // false: download only, or the maintenance window is closed
    bool forced = true;               // false: soft, the device may choose its time
};

enum class ReportStage : std::uint8_t { accepted, downloading, downloaded, executing, success, failure, cancelled };

/// What a manager is told about a job. `success`, `failure` and `cancelled` are final: never dropped, sent until
/// acknowledged.
struct Report {
    std::string job_id;
    ReportStage stage = ReportStage::accepted;
    std::vector<std::string> messages;  // for people, in order
    std::uint32_t done = 0, of = 0;     // steps; 0 of 0 when unknown
    [[nodiscard]] bool final() const { return stage >= ReportStage::success; }
};

}  // namespace hagent::session
