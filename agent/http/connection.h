// SPDX-License-Identifier: Apache-2.0
// Owns one client: its bytes in, its bytes out, and how long it may take. Knows sockets, not routes.
#pragma once

#include <memory>
#include <string>

#include "agent/base/callback.h"
#include "agent/base/time.h"
#include "agent/http/request_parser.h"
#include "agent/http/response.h"
#include "agent/loop/loop.h"
#include "agent/trust/tls_server.h"
#include "platform/socket.h"

namespace hagent::http {

/// The peer's address, for IPv6 its /64 network: whoever has one such address has them all. As it came when it is none.
[[nodiscard]] std::string origin_of(const std::string& peer);

/// One accepted client. Lives on the loop's thread; never blocks.
class Connection {
public:
    enum class State : std::uint8_t { reading, writing, draining, closed };
    /// Who answers. Borrowed.
    class Service {
    public:
        virtual ~Service() = default;
        [[nodiscard]] virtual Response answer(const Request& request) const = 0;
        /// Whether the body of a request with this head is worth waiting for.
        [[nodiscard]] virtual bool wants_body(const Request& head) const = 0;
    };
    /// Gets the first four bytes of a client that begins with '&', and the client's address; says what is answered
    /// before the connection ends, empty: nothing.
    using Line = Callback<std::string(std::string_view start, const std::string& peer)>;

    Connection(std::unique_ptr<platform::Stream> stream, Uptime now);
    Connection(std::unique_ptr<trust::TlsStream> stream, Uptime now);

    /// Without this, or with null, such a client counts as malformed HTTP. Borrowed.
    void take_lines(const Line* line) { line_ = line; }

    /// Reads and writes as far as the socket lets it, but only k_http_turn_steps times, and answers one request at
    /// most, so that no client keeps the others waiting, however fast it sends. A connection that is closed afterwards
    /// is to be destroyed.
    State advance(loop::Interest ready, Uptime now, const Service& service);
    /// Whether there is more to do although the socket stays silent: call advance() again.
    [[nodiscard]] bool has_more() const {
        return state_ == State::reading && (!pending_.empty() || (tls_ != nullptr && tls_->has_buffered()));
    }

    [[nodiscard]] platform::SocketId socket() const { return stream_->id(); }
    /// What counts as one client beside others: its address, for IPv6 its network.
    [[nodiscard]] const std::string& origin() const { return origin_; }
    [[nodiscard]] loop::Interest interest() const;
    /// When this client is cut off. Only a whole request moves it, not one that trickles in byte by byte.
    [[nodiscard]] Uptime deadline() const { return deadline_; }
    /// When it last finished a request (or connected): the oldest one makes room for others.
    [[nodiscard]] Uptime waiting_since() const { return waiting_since_; }

private:
    bool read_some(Uptime now, const Service& service);
    bool drop_some();
    bool write_some(Uptime now);
    void take(std::string_view bytes, Uptime now, const Service& service);
    void take_line(std::string_view bytes, Uptime now);
    bool is_whole(const Service& service);
    void answer(const Service& service, Uptime now);
    void send(const Response& response, bool keep_alive, Uptime now);

    std::unique_ptr<platform::Stream> stream_;
    std::string origin_;
    const trust::TlsStream* tls_ = nullptr;  // stream_ again, where it is encrypted
    State state_ = State::reading;
    RequestParser parser_;
    const Line* line_ = nullptr;
    std::string line_start_;
    std::string pending_;  // bytes after the request in work
    std::string out_;
    std::size_t sent_ = 0;
    bool keep_alive_ = false;
    bool continued_ = false;
    bool answered_ = false;  // in this advance()
    Uptime deadline_;
    Uptime waiting_since_;
};

}  // namespace hagent::http
