// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the service manager: stop and reload requests, and what a daemon does to itself at start.
#pragma once

#include <memory>

#include "agent/base/callback.h"

namespace hagent::platform {

enum class ServiceRequest : std::uint8_t { stop, reload };

/// While it lives, SIGTERM and SIGINT (on Windows: closing of the console, Ctrl-C) call `on_request(stop)`, and SIGHUP
/// calls `on_request(reload)`. On POSIX the call comes from the signal handler, so `on_request` must be
/// async-signal-safe: it sets flags and wakes a loop. On Windows it comes from a thread of its own. At most one object
/// may live at a time.
class ServiceSignals {
public:
    virtual ~ServiceSignals() = default;
};

/// `context` is handed to each call and must outlive the object.
[[nodiscard]] std::unique_ptr<ServiceSignals> watch_signals(void (*on_request)(ServiceRequest, void*), void* context);

/// What `body` returns. Where the system's service manager has started this process (Windows), `body` runs on the
/// thread that it provides; the manager hears that the service runs, later that it has ended and with what status, and
/// its wish to stop comes as a ServiceRequest, also when it came before anybody watched.
[[nodiscard]] int run_as_service(const Callback<int()>& body);

/// What main does first. POSIX: umask 077 and no core dumps, because memory and files hold secrets; broken pipes become
/// error values; missing standard streams are opened, so that no file of ours gets their number. Windows: no error
/// boxes, no libraries from the working directory, UTF-8 on the console.
void harden_process();

/// Whether standard output (or error) is a terminal.
[[nodiscard]] bool stdout_is_terminal();
[[nodiscard]] bool stderr_is_terminal();

}  // namespace hagent::platform
