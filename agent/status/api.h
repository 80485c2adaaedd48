// SPDX-License-Identifier: Apache-2.0
// Owns the paths of the listener: what each of them shows or does.
#pragma once

#include <memory>
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
    /// What is shown beside the sessions; made anew for each answer.
    Callback<AgentView()> view;
    /// Somebody at this address, without its port, wants a check-in now.
    /// False: asked for too often.
    Callback<bool(const std::string& peer)> trigger;
    /// By session id, in the name of an operator.
    Callback<session::CancelOutcome(const std::string& session_id)> cancel;
    /// By the id of a job that the loop guard has stopped. Errors: not_parked, those of the journals.
    Callback<Status(const std::string& job_id)> release;
    /// Keeps the slot that is on trial. Errors: those of image::confirm_by_hand().
    Callback<Status()> confirm_image;
};

/// POST /v1/check-in, and nothing else: for a listener that anybody in the network may reach. 202, or 429 with
/// Retry-After. Nothing of the request but its sender is used.
void add_trigger(http::Router& router, Callback<bool(const std::string& peer)> trigger);

/// `services` live as long as the router. Adds the routes of spec 11 "HTTP listener" that this agent has. Reading
/// takes the role viewer, cancelling, releasing and confirming the role operators; the router has checked them. 202,
/// 404 or 409 for a cancel; 202, 404 or 503 for a release; 200, 409 (nothing is on trial) or 503 for a confirmation;
/// 304 where nothing has changed since the tag that the reader has.
void add_routes(http::Router& router, const std::shared_ptr<const ApiServices>& services);

}  // namespace hagent::status
