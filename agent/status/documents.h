// SPDX-License-Identifier: Apache-2.0
// Owns the documents about the agent's state: JSON of spec 11, the page, and the text of the command line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/errors/catalogue.h"
#include "agent/log/ring.h"
#include "agent/status/board.h"
#include "agent/status/view.h"

namespace hagent::status {

// None of them fails; texts from elsewhere that are not UTF-8 are mended.
// JSON, one document each, no line end
/// `session` is null while none is under way; sizes are bytes, `uptime_s` seconds, times RFC 3339 in UTC or null.
[[nodiscard]] std::string status_json(const AgentView& agent, const Board& board);
[[nodiscard]] std::string sessions_json(const Board& board);
/// The results of all sessions that are shown, those of the current one first.
[[nodiscard]] std::string results_json(const Board& board);
/// `seq` is what ?since= of /v1/log takes.
[[nodiscard]] std::string log_json(const std::vector<log::Ring::Entry>& entries);
/// An array as spec 11 says; empty for no rows.
[[nodiscard]] std::string explain_json(const std::vector<const errors::Row*>& rows);

/// The status page: one file, no outside resource, readable without JavaScript.
[[nodiscard]] std::string page_html(const AgentView& agent, const Board& board,
                                    const std::vector<log::Ring::Entry>& log);

// None of it can steer the terminal, whatever a script, a server or a manager has called a thing.
// text for a terminal, ends with a line feed
[[nodiscard]] std::string status_text(const AgentView& agent, const Board& board);
/// Every step with its results; of the transfers only those that were resumed, failed or are under way.
[[nodiscard]] std::string session_text(const session::SessionRecord& record);
/// One line for each session, with the gravest code of a failed one.
[[nodiscard]] std::string sessions_text(const Board& board);
[[nodiscard]] std::string log_text(const std::vector<log::Ring::Entry>& entries);
/// `asked` is repeated where no row is found, so that a typing mistake is seen.
[[nodiscard]] std::string explain_text(std::string_view asked, const std::vector<const errors::Row*>& rows);

}  // namespace hagent::status
