// SPDX-License-Identifier: Apache-2.0
// Owns TaskResult, the (code, status, info) triple of XDSA that every session collects.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "agent/base/error.h"

namespace hagent {

/// One event of a session. Source: seed "Result Codes"; our own events are agent rows.
struct TaskResult {
    errors::Id id;  // catalogue row: xdsa or agent
    errors::Severity status = errors::Severity::note;
    std::uint64_t info = 1;            // number of occurrences, or what the row says
    std::string context;               // which file, which command; never a secret
    std::optional<errors::Id> native;  // the protocol code that caused it: ftp 550, winsock 10061 ...
};

/// The OR of all statuses: 0 when there is none. Source: seed "summary_status".
[[nodiscard]] inline std::uint32_t summary_status(std::span<const TaskResult> results) {
    std::uint32_t summary = 0;
    for (const auto& result : results) {
        summary |= static_cast<std::uint32_t>(result.status);
    }
    return summary;
}

/// Such results keep a plan from being run and make the exit status 1 (spec 11 "Command line").
[[nodiscard]] inline bool has_error(std::span<const TaskResult> results) {
    return (summary_status(results) & static_cast<std::uint32_t>(errors::Severity::error)) != 0;
}

/// An error as an ERROR result. A protocol's row becomes `native` below `as` (for example step_failed).
[[nodiscard]] inline TaskResult error_result(const Error& error, errors::AgentCode as) {
    const bool own = error.id.protocol == errors::Protocol::agent || error.id.protocol == errors::Protocol::xdsa;
    return TaskResult{own ? error.id : errors::agent(as), errors::Severity::error, 1, error.context,
                      own ? std::nullopt : std::optional(error.id)};
}

}  // namespace hagent
