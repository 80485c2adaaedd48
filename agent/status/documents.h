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

// JSON, one document each, no line end
[[nodiscard]] std::string status_json(const AgentView& agent, const Board& board);
[[nodiscard]] std::string sessions_json(const Board& board);
/// The results of all sessions that are shown, those of the current one first.
[[nodiscard]] std::string results_json(const Board& board);
[[nodiscard]] std::string log_json(const std::vector<log::Ring::Entry>& entries);
[[nodiscard]] std::string explain_json(const std::vector<const errors::Row*>& rows);

/// The status page: one file, no outside resource, readable without JavaScript.
[[nodiscard]] std::string page_html(const AgentView& agent, const Board& board,
                                    const std::vector<log::Ring::Entry>& log);

// text for a terminal, ends with a line feed
[[nodiscard]] std::string status_text(const AgentView& agent, const Board& board);
[[nodiscard]] std::string session_text(const session::SessionRecord& record);
[[nodiscard]] std::string sessions_text(const Board& board);
[[nodiscard]] std::string log_text(const std::vector<log::Ring::Entry>& entries);
[[nodiscard]] std::string explain_text(std::string_view asked, const std::vector<const errors::Row*>& rows);

}  // namespace hagent::status
