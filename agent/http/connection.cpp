// SPDX-License-Identifier: Apache-2.0
// Owns the client's state machine: reading -> writing -> reading again or draining -> closed.
#include "agent/http/connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::http {
namespace {

constexpr Millis k_head_time = Seconds{limits::k_http_header_seconds};
constexpr Millis k_idle_time = Seconds{limits::k_http_idle_seconds};
// For what a client still sends after its answer was written; long enough for one on a slow link to read it.
constexpr Millis k_drain_time = Seconds{2};
constexpr std::size_t k_line_start_bytes = 4;  // "&V54"
constexpr char k_tls_handshake = 0x16;         // RFC 8446 5.1: the first byte of a ClientHello record

constexpr std::size_t k_piece_bytes = 4096;
constexpr std::size_t k_network_groups = 4;  // of the eight in an IPv6 address

}  // namespace

/// "2001:db8::1" is short for "2001:db8:0:0:...": zeros may stand for themselves before "::" only.
std::string origin_of(const std::string& peer) {
    const auto gap = std::min(peer.find("::"), peer.size());
    if (peer.find(':') == std::string::npos) {
        return peer;
    }
    auto groups = split(std::string_view(peer).substr(0, gap), ':');
    if (gap == 0) {
        groups.clear();
    }
    const auto behind =
        gap == peer.size() ? std::vector<std::string_view>() : split(std::string_view(peer).substr(gap + 2), ':');
    while (groups.size() + behind.size() < 2 * k_network_groups) {
        groups.emplace_back("0");
    }
    groups.insert(groups.end(), behind.begin(), behind.end());
    std::string network;
    for (std::size_t i = 0; i < k_network_groups; ++i) {
        network.append(groups[i]).append(":");
    }
    return network;
}

Connection::Connection(std::unique_ptr<platform::Stream> stream, Uptime now)
    : stream_(std::move(stream)),
      origin_(stream_ ? origin_of(stream_->peer()) : std::string()),
      deadline_(now + k_head_time),
      waiting_since_(now) {}

Connection::Connection(std::unique_ptr<trust::TlsStream> stream, Uptime now)
    : Connection(std::unique_ptr<platform::Stream>(), now) {
    tls_ = stream.get();
    stream_ = std::move(stream);
    origin_ = origin_of(stream_->peer());
}

loop::Interest Connection::interest() const {
    return {state_ != State::writing,
            state_ == State::writing || (state_ == State::reading && tls_ != nullptr && tls_->wants_write())};
}

/// What is left undone the socket tells again in the next turn.
Connection::State Connection::advance(loop::Interest ready, Uptime now, const Service& service) {
    bool moved = ready.read || ready.write;
    answered_ = false;
    for (unsigned step = 0; moved && step < limits::k_http_turn_steps; ++step) {
        switch (state_) {
            case State::reading: moved = !answered_ && read_some(now, service); break;
            case State::draining: moved = drop_some(); break;
            case State::writing: moved = write_some(now); break;
            case State::closed: moved = false; break;
        }
    }
    if (state_ != State::closed && now >= deadline_) {
        if (state_ == State::reading && parser_.started()) {
            send(problem(408, "The request took too long to arrive."), false, now);
            write_some(now);
        }
        state_ = State::closed;
    }
    return state_;
}

/// False when the socket has nothing more at the moment, or the connection is over.
bool Connection::read_some(Uptime now, const Service& service) {
    if (!pending_.empty()) {  // a pipelined request
        const std::string bytes = std::exchange(pending_, {});
        take(bytes, now, service);
        return true;
    }
    std::array<char, k_piece_bytes> buffer{};
    const auto got = stream_->read(buffer);
    if (!got.ok() || (got->has_value() && **got == 0)) {
        state_ = State::closed;
        return false;
    }
    if (!got->has_value()) {
        return false;
    }
    take({buffer.data(), **got}, now, service);
    return true;
}

/// Nobody reads it, so nobody decrypts it either.
bool Connection::drop_some() {
    std::array<char, k_piece_bytes> buffer{};
    const auto got = (tls_ != nullptr ? tls_->plain() : *stream_).read(buffer);
    if (!got.ok() || (got->has_value() && **got == 0)) {
        state_ = State::closed;
    }
    return state_ != State::closed && got->has_value();
}

/// What follows the beginning is read and dropped while the connection drains: it is neither looked at nor kept.
void Connection::take_line(std::string_view bytes, Uptime now) {
    if (line_start_.empty()) {
        deadline_ = now + k_head_time;
    }
    line_start_ += bytes.substr(0, k_line_start_bytes - line_start_.size());
    if (line_start_.size() < k_line_start_bytes) {
        return;
    }
    out_ = (*line_)(line_start_, stream_->peer());
    answered_ = true;
    keep_alive_ = false;
    state_ = out_.empty() ? State::closed : State::writing;
    deadline_ = now + k_idle_time;
}

void Connection::take(std::string_view bytes, Uptime now, const Service& service) {
    if (line_ != nullptr && !parser_.started() && (!line_start_.empty() || bytes.starts_with('&'))) {
        return take_line(bytes, now);
    }
    if (!parser_.started() && !bytes.empty()) {
        deadline_ = now + k_head_time;
        // Said in clear text all the same: an administrator who looks at the wire finds the reason.
        if (tls_ == nullptr && bytes.front() == k_tls_handshake) {
            return send(problem(400, "This port speaks plain HTTP; the client began a TLS handshake. Use http://."),
                        false, now);
        }
    }
    pending_ = bytes.substr(parser_.feed(bytes));
    if (is_whole(service)) {
        answer(service, now);
    } else if (parser_.state() == RequestParser::State::failed) {
        send(problem(parser_.failure_status(), parser_.failure()), false, now);
    }
}

/// A body that no path wants is not waited for: the connection ends behind the answer, as nobody looks for the end of
/// the body. One in chunks is passed over when it is short, so that its framing is judged.
bool Connection::is_whole(const Service& service) {
    const auto state = parser_.state();
    if (state == RequestParser::State::complete || state == RequestParser::State::head ||
        state == RequestParser::State::failed) {
        return state == RequestParser::State::complete;
    }
    if (!service.wants_body(parser_.request())) {
        parser_.request().keep_alive = false;
        parser_.limit_body(state == RequestParser::State::body ? limits::k_http_body_bytes
                                                               : limits::k_http_unwanted_bytes);
        return state == RequestParser::State::body;
    }
    if (parser_.expects_continue() && !continued_) {
        continued_ = true;
        // It fits into any send buffer; a lost one only delays the client.
        (void)stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    return false;
}

void Connection::answer(const Service& service, Uptime now) {
    auto& request = parser_.request();
    request.peer = stream_->peer();
    request.certificate = tls_ == nullptr ? std::string() : tls_->client_name();
    send(service.answer(request), request.keep_alive, now);
}

void Connection::send(const Response& response, bool keep_alive, Uptime now) {
    out_ = to_wire(response, keep_alive, parser_.request().method == "HEAD");
    sent_ = 0;
    answered_ = true;
    keep_alive_ = keep_alive;
    state_ = State::writing;
    deadline_ = now + k_idle_time;
}

/// False when the socket takes no more at the moment, or the connection is over.
bool Connection::write_some(Uptime now) {
    const auto took = stream_->write(std::string_view(out_).substr(sent_));
    if (!took.ok()) {
        state_ = State::closed;
        return false;
    }
    if (!took->has_value()) {
        return false;
    }
    sent_ += **took;
    if (sent_ < out_.size()) {
        return true;
    }
    out_ = {};
    if (!keep_alive_) {  // closing with unread bytes would reset the answer away: let the client close first
        stream_->shut_write();
        state_ = State::draining;
        deadline_ = now + k_drain_time;
        return true;
    }
    parser_ = RequestParser();
    continued_ = false;
    state_ = State::reading;
    waiting_since_ = now;
    deadline_ = now + k_idle_time;
    return true;
}

}  // namespace hagent::http
