// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reading of jobs.json: what is accepted stays within its limits and below its folder.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/manager/folder_digests.h"
#include "agent/manager/folder_jobs.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;

void check_folder(const std::string& path) {
    require(path.size() > 1 && path.size() <= limits::k_path_bytes + 1 && path.front() != '/' && path.back() == '/');
    require(("/" + path).find("/../") == std::string::npos && path.find(':') == std::string::npos &&
            path.find('\\') == std::string::npos);
}

/// What is filled in says the same jobs, and is complete the second time.
void check_filling(std::string_view text, const Result<manager::FolderJobs>& before) {
    const manager::DigestOf here = [](std::string_view) { return std::optional(std::string(64, 'a')); };
    const auto filled = manager::fill_in_digests(text, here);
    require(filled.ok());
    const auto again = manager::fill_in_digests(filled->text, here);
    require(again.ok() && again->changed.empty() && again->text == filled->text);
    if (before.ok()) {
        const auto after = manager::parse_folder_jobs(filled->text, "tc-7");
        require(after.ok() && after->serial == before->serial && after->jobs.size() == before->jobs.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto nobody = manager::parse_folder_jobs(text, "");
    const auto ours = manager::parse_folder_jobs(text, "tc-7");
    check_filling(text, ours);
    if (!ours.ok()) {
        const bool known = ours.error().is(errors::AgentCode::manager_malformed_answer) ||
                           ours.error().is(errors::AgentCode::package_not_bound);
        require(known && ours.error().context.size() < 1000);
        return 0;
    }
    std::set<std::string> ids;
    require(ours->jobs.size() <= limits::k_folder_jobs);
    for (const auto& job : ours->jobs) {
        require(!job.id.empty() && job.id.size() <= 128 && ids.insert(job.id).second);
        require(std::all_of(job.id.begin(), job.id.end(), [](char c) { return c > ' ' && c <= '~'; }));
        check_folder(job.package);
        require(job.manifest_sha256.size() == 64 && from_hex(job.manifest_sha256).has_value());
    }
    if (!ours->reports.empty()) {
        check_folder(ours->reports);
    }
    // a mistake that only concerns the sum of a device's jobs aside, every device sees the same file
    require(nobody.ok() && nobody->serial == ours->serial && nobody->reports == ours->reports &&
            nobody->jobs.size() <= ours->jobs.size());
    return 0;
}
