// SPDX-License-Identifier: Apache-2.0
// Owns what becomes of a manager's standing offer of a release of the agent: a job where it is newer. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/session/job.h"

namespace hagent::manager {

/// Options of an upgrade: the window in which its manager wants it, and the zone of the server, which counts for a
/// window without one.
inline constexpr std::string_view k_option_window = "window";
inline constexpr std::string_view k_option_zone = "zone";

/// "Automatically upgrade older agents": said at every check-in, whatever runs here.
struct AgentOffer {
    std::string version;  // of the release: three or four numbers
    session::SignedPackage package;
    std::string window;  // in which it is wanted, as in the configuration; empty: now
    std::string zone;    // of the server, for a window without one; empty: it does not say
    friend bool operator==(const AgentOffer& a, const AgentOffer& b) {
        return a.version == b.version && a.package.base_url == b.package.base_url &&
               a.package.manifest_sha256 == b.package.manifest_sha256 && a.window == b.window && a.zone == b.zone;
    }
};

/// What is wrong with it: a version that is none, a window that is none. Error: manager_malformed_answer.
[[nodiscard]] Status check_offer(const AgentOffer& offer);

/// How a job ended here, by its id; empty: it did not.
using Finished = std::function<std::optional<session::Report>(const std::string& job_id)>;

struct AgentOfferJob {
    std::optional<session::Job> job;  // empty: there is nothing to do
    std::string why;                  // then, for people
};
/// A job when the release is newer than `own`, the agent that runs: the first three numbers decide. Its id stays until
/// it has ended. A device that was brought back to an older agent after it had been upgraded well gets a new one, so
/// that it is upgraded again; one on which the release has failed does not. `offer` has passed check_offer().
[[nodiscard]] AgentOfferJob job_of(const AgentOffer& offer, std::string_view own, const Finished& finished);

}  // namespace hagent::manager
