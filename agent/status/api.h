// SPDX-License-Identifier: Apache-2.0
// Owns the paths of the listener: what each of them shows or does.
#pragma once

#include <string>

#include "agent/base/callback.h"
#include "agent/http/router.h"
#include "agent/session/engine.h"
#include "agent/status/documents.h"

namespace hagent::status {

/// What the handlers borrow and call; all of it on the loop's thread.
struct ApiServices {
    const Board& board;
    const log::Ring& log;
    Callback<AgentView()> view;
    /// False: asked for too often.
    Callback<bool(const std::string& peer)> trigger;
    Callback<session::CancelOutcome(const std::string& session_id)> cancel;
};

/// POST /v1/check-in, and nothing else.
void add_trigger(http::Router& router, Callback<bool(const std::string& peer)> trigger);

/// Adds the routes of spec 11 "HTTP listener" that this agent has.
void add_routes(http::Router& router, ApiServices services);

}  // namespace hagent::status
