// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the service manager: stop and reload requests, and what a daemon does to itself at start.
#pragma once

#include <functional>
#include <memory>

namespace hagent::platform {

enum class ServiceRequest : std::uint8_t { stop, reload };

/// While it lives, SIGTERM/SIGINT (console close, Ctrl-C) call `on_request(stop)` and SIGHUP calls
/// `on_request(reload)`, from a thread of its own on Windows and from watch() on POSIX signals: the callee only sets
/// flags and wakes a loop.
/// `on_request` must be async-signal-safe on POSIX. At most one may live at a time.
class ServiceSignals {
public:
    virtual ~ServiceSignals() = default;
};

[[nodiscard]] std::unique_ptr<ServiceSignals> watch_signals(void (*on_request)(ServiceRequest, void*), void* context);

/// What `body` returns. Where the system's service manager has started this process (Windows), `body` runs on the
/// thread that it provides; the manager hears that the service runs, later that it has ended and with what status, and
/// its wish to stop comes as a ServiceRequest, also when it came before anybody watched.
[[nodiscard]] int run_as_service(const std::function<int()>& body);

/// umask 077, no core dumps, broken pipes are error values: done first by main.
void harden_process();

/// Whether standard output (or error) is a terminal.
[[nodiscard]] bool stdout_is_terminal();
[[nodiscard]] bool stderr_is_terminal();

}  // namespace hagent::platform
