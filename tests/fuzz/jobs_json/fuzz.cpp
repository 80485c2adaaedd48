// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reading of jobs.json: what is accepted stays within its limits and below its folder.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "agent/base/limits.h"
#include "agent/manager/folder_jobs.h"

namespace {

using namespace hagent;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_folder(const std::string& path) {
    require(path.size() > 1 && path.size() <= limits::k_path_bytes + 1 && path.front() != '/' && path.back() == '/');
    require(("/" + path).find("/../") == std::string::npos && path.find(':') == std::string::npos &&
            path.find('\\') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto nobody = manager::parse_folder_jobs(text, "");
    const auto ours = manager::parse_folder_jobs(text, "tc-7");
    if (!ours.ok()) {
        require(ours.error().is(errors::AgentCode::manager_malformed_answer) && ours.error().context.size() < 1000);
        return 0;
    }
    std::set<std::string> ids;
    require(ours->jobs.size() <= limits::k_folder_jobs);
    for (const auto& job : ours->jobs) {
        require(!job.id.empty() && job.id.size() <= 128 && ids.insert(job.id).second);
        require(std::all_of(job.id.begin(), job.id.end(), [](char c) { return c > ' ' && c <= '~'; }));
        check_folder(job.package);
    }
    if (!ours->reports.empty()) {
        check_folder(ours->reports);
    }
    // a mistake that only concerns the sum of a device's jobs aside, every device sees the same file
    require(nobody.ok() && nobody->serial == ours->serial && nobody->reports == ours->reports &&
            nobody->jobs.size() <= ours->jobs.size());
    return 0;
}
