// SPDX-License-Identifier: Apache-2.0
// Owns the door by which a verb reaches the running daemon: the file that names it, and the request sent to it.
#pragma once

#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/config/settings.h"
#include "agent/transfer/fetcher.h"
#include "platform/files.h"

namespace hagent {

/// A port of the daemon's own, which nobody can take before it does, and a secret. Both are in the file `daemon` of the
/// state directory, mode 0600, for as long as the daemon holds the state's lock: whoever takes that lock removes what a
/// killed daemon left.
struct DaemonEndpoint {
    std::string door;    // "127.0.0.1:40123"
    std::string page;    // "http://127.0.0.1:8420": where a browser finds the page; empty: nowhere
    std::string pin;     // SHA-256 of the page's public key in base64; empty: it speaks clear text
    std::string secret;  // nobody guesses it
    [[nodiscard]] std::string to_text() const;
};

/// An operator's token made from all of the file, so that one that was changed is none.
[[nodiscard]] std::string endpoint_token(std::string_view text);
/// "http://127.0.0.1:8420" for a listener at "0.0.0.0:8420": an address to connect to from this device.
[[nodiscard]] std::string page_url(const std::string& address, bool encrypted);

/// Errors: those of Files.
[[nodiscard]] Status write_endpoint(platform::Files& files, const config::Settings& settings, std::string_view text);
/// By who holds the state's lock, at the beginning and at the end. What cannot be removed is not believed: the lock
/// goes with its holder.
void remove_endpoint(platform::Files& files, const config::Settings& settings);

/// That error of a file in the state directory, with what to do for whoever is not its owner.
[[nodiscard]] Error not_for_this_user(const Error& denied);

struct DaemonAnswer {
    std::string body;
    DaemonEndpoint from;
};

/// The answer to a GET (or POST), when it has a 2xx status; else the error that it stands for. Empty when no daemon
/// runs on this state directory. Only an answer is believed whose daemon held the lock before and after: so long the
/// port was its own. Errors: permission_denied when the state is another user's; those of the request, which takes at
/// most 5 s to connect and 10 s without a byte.
[[nodiscard]] Result<std::optional<DaemonAnswer>> ask_daemon(platform::Files& files, const config::Settings& settings,
                                                             const std::string& path, transfer::Method method);

}  // namespace hagent
