// SPDX-License-Identifier: Apache-2.0
// Owns the listener: accepts on the loop, cuts slow clients, hands complete requests to the router.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/http/connection.h"
#include "agent/http/router.h"
#include "agent/http/sockets.h"
#include "agent/loop/loop.h"
#include "agent/trust/tls_server.h"
#include "platform/clock.h"

namespace hagent::http {

/// Serves until destroyed. At most k_http_connections at a time: when another comes, the client that has waited
/// longest in the middle of a request (or idle) makes room, so that slow clients cannot lock others out.
class Server {
public:
    /// At a socket that listens already. With `tls`, which is borrowed, every connection is encrypted.
    [[nodiscard]] static std::unique_ptr<Server> over(loop::Loop& loop, platform::Clock& clock, Socket socket,
                                                      const trust::TlsServer* tls = nullptr);
    /// At a new one: see open_socket().
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(loop::Loop& loop, platform::Clock& clock,
                                                               const std::string& bound,
                                                               const trust::TlsServer* tls = nullptr);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Ends all connections and gives the socket back; nothing but the destructor may be called after it.
    [[nodiscard]] Socket release();

    /// The address in use: "127.0.0.1:8420".
    [[nodiscard]] const std::string& address() const;
    /// Requests are answered with 503 until a router is set. It is borrowed.
    void serve(const Router& router);
    /// Clients whose first byte is '&' are given to this from now on.
    void serve_lines(Connection::Line line);
    [[nodiscard]] std::size_t connections() const;

private:
    struct Impl;
    explicit Server(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent::http
