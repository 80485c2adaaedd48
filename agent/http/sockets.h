// SPDX-License-Identifier: Apache-2.0
// Owns listening sockets between two lives of the agent: who closed them for a moment could lose their ports to others.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "platform/socket.h"

namespace hagent::http {

/// A socket that listens, and its address in use: "127.0.0.1:8420".
struct Socket {
    std::unique_ptr<platform::Listener> listener;
    std::string address;
};

/// Opens `bound`, an "address:port" (port 0: any free one; IPv6 in brackets). Errors: config_bad_value; those of
/// platform::listen().
[[nodiscard]] Result<Socket> open_socket(const std::string& bound);

/// Sockets by name. Clients that come while nobody accepts wait in the system's queue.
class Sockets {
public:
    /// The kept one of that name, else a new one at `bound`. Errors: those of open_socket().
    [[nodiscard]] Result<Socket> take(const std::string& name, const std::string& bound);
    void keep(std::string name, Socket socket) { kept_.emplace_back(std::move(name), std::move(socket)); }
    /// Closes all but these; called before others are opened: an address and "every address" cannot be had side by
    /// side.
    void keep_only(const std::vector<std::string>& wanted);

private:
    std::vector<std::pair<std::string, Socket>> kept_;
};

}  // namespace hagent::http
