// SPDX-License-Identifier: Apache-2.0
// Owns LoopbackServer: a TCP server on a free loopback port, each connection served by a function on a thread of its
// own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "platform/socket.h"

namespace hagent::servers {

/// Blocking reads and writes that give up after ten seconds or when the server ends.
class Connection {
public:
    Connection(std::unique_ptr<platform::Stream> stream, const std::atomic<bool>& stopping)
        : stream_(std::move(stream)), stopping_(stopping) {}

    /// The next line without its end; empty when the peer is gone.
    [[nodiscard]] std::optional<std::string> line();
    /// Exactly so many bytes, fewer when the peer is gone.
    [[nodiscard]] std::string bytes(std::size_t count);
    /// Everything until the peer closes.
    [[nodiscard]] std::string rest();
    /// False when the peer is gone.
    bool write(std::string_view bytes);
    /// Waits until the peer closes or the server ends.
    void hang();

private:
    bool fill();

    std::unique_ptr<platform::Stream> stream_;
    const std::atomic<bool>& stopping_;
    std::string buffer_;
};

class LoopbackServer {
public:
    using Serve = std::function<void(Connection&)>;

    /// A port other than 0 is for a server that comes back where it was.
    explicit LoopbackServer(Serve serve, const std::string& address = "127.0.0.1", std::uint16_t port = 0);
    ~LoopbackServer();
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return listener_->port(); }

private:
    void accept_all();

    Serve serve_;
    std::unique_ptr<platform::Listener> listener_;
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> connections_;  // of the accepting thread, until it has ended
    std::thread accepting_;
};

/// One connection on a port of its own, for FTP's data.
class DataPort {
public:
    explicit DataPort(const std::atomic<bool>& stopping);
    [[nodiscard]] std::uint16_t port() const { return listener_->port(); }
    [[nodiscard]] std::unique_ptr<Connection> accept();

private:
    std::unique_ptr<platform::Listener> listener_;
    const std::atomic<bool>& stopping_;
};

}  // namespace hagent::servers
