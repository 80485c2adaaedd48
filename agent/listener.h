// SPDX-License-Identifier: Apache-2.0
// Owns the listener as a whole: addresses, TLS, who may do what, the paths, and the door for the verbs of this device.
#pragma once

#include <memory>
#include <string>

#include "agent/config/settings.h"
#include "agent/log/log.h"
#include "agent/loop/loop.h"
#include "agent/machine.h"
#include "agent/status/api.h"

namespace hagent {

/// Lives as long as one configuration. On the loop's thread; `machine`, `settings`, `loop` and `log` are borrowed.
/// An address that cannot be had, and a certificate, key or operators file that cannot be used, do not keep the agent
/// from its work: nothing is served there, which is told, and it is tried again. At its end the sockets go to
/// `machine.sockets`, so that the next one has them without a moment in which others could take them.
/// Source: spec 11 "HTTP listener".
class Listener {
public:
    /// Beside the addresses of the configuration there is always the door (agent/daemon_client.h).
    Listener(Machine& machine, const config::Settings& settings, loop::Loop& loop, log::Log& log,
             status::ApiServices services);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// "http://127.0.0.1:8420" or "https://..."; empty without listen.status, and while it cannot be had.
    [[nodiscard]] std::string url() const;
    /// What cannot be had at the moment and why, for people; empty: nothing.
    [[nodiscard]] std::string trouble() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent
