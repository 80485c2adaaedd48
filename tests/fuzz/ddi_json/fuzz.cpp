// SPDX-License-Identifier: Apache-2.0
// Fuzzes a whole hawkBit check-in: the input holds the bodies of the answers, one a line, each with a digit for its
// status in front.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "agent/base/limits.h"
#include "agent/manager/hawkbit.h"
#include "tests/fakes/job_source.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;
using namespace hagent::manager;

std::uint16_t status_of(char c) {
    switch (c) {
        case '1': return 304;
        case '2': return 404;
        case '3': return 401;
        case '4': return 429;
        case '5': return 500;
        default: return 200;
    }
}

void check_event(const Event& event) {
    if (const auto* offered = std::get_if<JobOffered>(&event)) {
        require(!offered->job.id.empty() && !session::signed_package(offered->job).artifacts.empty() &&
                offered->job.name.size() <= 128);
        for (const auto& artifact : session::signed_package(offered->job).artifacts) {
            require(!artifact.path.empty() && artifact.path.front() != '/' &&
                    artifact.path.size() <= limits::k_path_bytes);
            require(artifact.path != ".." && !artifact.path.starts_with("../") &&
                    artifact.path.find("/../") == std::string::npos);
            require(artifact.sha256.empty() || artifact.sha256.size() == 64);
            require(artifact.url.find("://") != std::string::npos);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    HawkbitDialect dialect("DEFAULT");
    const Identity identity{"tc-1", {{"hostname", "thin"}}, "digest"};
    for (int round = 0; round < 2; ++round) {
        dialect.begin("https://manager.example", identity);
        int calls = 0;
        while (const auto call = dialect.next()) {
            require(++calls <= 9);                       // three polls with two calls each, at most
            require(call->url.starts_with("https://"));  // credentials stay on encrypted connections
            const auto end = rest.find('\n');
            const auto line = rest.substr(0, end);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            const Answer answer{status_of(line.empty() ? '0' : line.front()),
                                std::string(line.substr(line.empty() ? 0 : 1)),
                                "\"e\"",
                                {}};
            if (!dialect.answered(answer).ok()) {
                require(!dialect.next().has_value());
            }
        }
        for (const auto& event : dialect.take_events()) {
            check_event(event);
        }
    }
    return 0;
}
