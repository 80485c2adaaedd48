// SPDX-License-Identifier: Apache-2.0
// Owns the paths of the listener: what each of them shows or does.
#pragma once

#include <functional>
#include <string>

#include "agent/http/router.h"
#include "agent/session/engine.h"
#include "agent/status/documents.h"

namespace hagent::status {

/// What the handlers borrow and call; all of it on the loop's thread.
struct ApiServices {
    const Board& board;
    const log::Ring& log;
    std::function<AgentView()> view;
    /// False: asked for too often.
    std::function<bool(const std::string& peer)> trigger;
    std::function<session::CancelOutcome(const std::string& session_id)> cancel;
};

/// POST /v1/check-in, and nothing else.
void add_trigger(http::Router& router, std::function<bool(const std::string& peer)> trigger);

/// Adds the routes of spec 11 "HTTP listener" that this agent has.
void add_routes(http::Router& router, ApiServices services);

}  // namespace hagent::status
