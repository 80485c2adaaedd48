// SPDX-License-Identifier: Apache-2.0
// Owns how a verb reaches the running daemon: the file that names the daemon's endpoint, and the request sent to it.
#pragma once

#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/config/settings.h"
#include "agent/transfer/fetcher.h"
#include "platform/files.h"

namespace hagent {

/// Written at the daemon's start into a file that only its user may read, removed at its end.
struct DaemonEndpoint {
    std::string address;  // "127.0.0.1:8420"
    std::string pin;      // SHA-256 of the listener's public key in base64; empty: it speaks clear text
    std::string token;    // an operator's token that ends with this daemon
    /// "http://127.0.0.1:8420": where a browser on this device finds the page.
    [[nodiscard]] std::string url() const;
};

/// Tells the verbs of this state directory how to reach us: the file `daemon`, mode 0600, because the token is in it.
/// Errors: those of Files.
[[nodiscard]] Status write_endpoint(platform::Files& files, const config::Settings& settings,
                                    const DaemonEndpoint& endpoint);
/// At the daemon's end. No failure when it is not there, nor when it cannot be removed: find_daemon() sees that its
/// process is gone.
void remove_endpoint(platform::Files& files, const config::Settings& settings);
/// Empty when no daemon runs on this state directory (a file that a killed one left is known by its process number).
[[nodiscard]] std::optional<DaemonEndpoint> find_daemon(platform::Files& files, const config::Settings& settings);
/// The body of a 2xx answer to a GET (or POST); else the error that the answer stands for. Takes at most 5 s to connect
/// and 10 s without a byte.
[[nodiscard]] Result<std::string> ask_daemon(const DaemonEndpoint& endpoint, const std::string& path,
                                             transfer::Method method);

}  // namespace hagent
