// SPDX-License-Identifier: Apache-2.0
// Owns the JSON shapes of results, errors and sessions (spec 11 "JSON shapes"), as text.
// None of them ends with a line feed. Nothing here fails; texts that are not UTF-8 are mended.
#pragma once

#include <span>
#include <string>

#include "agent/base/error.h"
#include "agent/base/task_result.h"
#include "agent/session/parking.h"
#include "agent/session/record.h"

namespace hagent::session {

/// "The server has no such file or gives no access to it (fw/kernel)": the catalogue's cause with the context.
/// Where a protocol's code caused it, its own cause follows: ours says what it means for the job, the other one what
/// the server or the system said.
[[nodiscard]] std::string plain_text(const TaskResult& result);
/// The catalogue's next step; of the native code where there is one.
[[nodiscard]] std::string next_step(const TaskResult& result);

/// `session`, if not empty, is the last member.
[[nodiscard]] std::string result_json(const TaskResult& result, std::string_view session = {});
[[nodiscard]] std::string results_json(std::span<const TaskResult> results);
/// {"id","name","number","protocol","text","next","retry"}.
[[nodiscard]] std::string error_json(const Error& error);
/// The object under /v1/sessions/ID. Sizes are bytes, rates bytes a second, times RFC 3339 in UTC, `eta_s` seconds or
/// null.
[[nodiscard]] std::string session_json(const SessionRecord& record);
/// One entry of fetch's and a transfer's "decisions".
[[nodiscard]] std::string decision_json(const transfer::Attempted& attempted);
/// The array "parked" of spec 11, oldest first.
[[nodiscard]] std::string parked_json(std::span<const Parked> parked);
/// A JSON string literal; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace hagent::session
