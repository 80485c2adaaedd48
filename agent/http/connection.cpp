// SPDX-License-Identifier: Apache-2.0
// Owns the client's state machine: reading -> writing -> reading again or draining -> closed.
#include "agent/http/connection.h"

#include <array>
#include <utility>

#include "agent/base/limits.h"

namespace hagent::http {
namespace {

constexpr Millis k_head_time = Seconds{limits::k_http_header_seconds};
constexpr Millis k_idle_time = Seconds{limits::k_http_idle_seconds};
// For what a client still sends after its answer was written; long enough for one on a slow link to read it.
constexpr Millis k_drain_time = Seconds{2};
constexpr std::size_t k_line_start_bytes = 4;  // "&V54"
constexpr char k_tls_handshake = 0x16;         // RFC 8446 5.1: the first byte of a ClientHello record

}  // namespace

Connection::Connection(std::unique_ptr<platform::Stream> stream, Uptime now)
    : stream_(std::move(stream)), deadline_(now + k_head_time), waiting_since_(now) {}

Connection::Connection(std::unique_ptr<trust::TlsStream> stream, Uptime now)
    : Connection(std::unique_ptr<platform::Stream>(), now) {
    tls_ = stream.get();
    stream_ = std::move(stream);
}

loop::Interest Connection::interest() const {
    return {state_ != State::writing, state_ == State::writing || (tls_ != nullptr && tls_->wants_write())};
}

Connection::State Connection::advance(loop::Interest ready, Uptime now, const Answer& answer) {
    bool moved = ready.read || ready.write;
    answered_ = false;
    while (moved && state_ != State::closed && !(answered_ && state_ == State::reading)) {
        switch (state_) {
            case State::reading:
            case State::draining: moved = read_some(now, answer); break;
            case State::writing: moved = write_some(now); break;
            case State::closed: break;
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
bool Connection::read_some(Uptime now, const Answer& answer) {
    if (state_ == State::reading && !pending_.empty()) {  // a pipelined request
        const std::string bytes = std::exchange(pending_, {});
        take(bytes, now, answer);
        return true;
    }
    std::array<char, 4096> buffer{};
    const auto got = stream_->read(buffer);
    if (!got.ok() || (got->has_value() && **got == 0)) {
        state_ = State::closed;
        return false;
    }
    if (!got->has_value()) {
        return false;
    }
    if (state_ == State::reading) {
        take({buffer.data(), **got}, now, answer);
    }
    return true;
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

void Connection::take(std::string_view bytes, Uptime now, const Answer& answer) {
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
    const auto used = parser_.feed(bytes);
    if (parser_.state() == RequestParser::State::failed) {
        return send(problem(parser_.failure_status(), parser_.failure()), false, now);
    }
    if (parser_.state() != RequestParser::State::complete) {
        if (parser_.expects_continue() && !continued_ && parser_.state() != RequestParser::State::head) {
            continued_ = true;
            // It fits into any send buffer; a lost one only delays the client.
            (void)stream_->write("HTTP/1.1 100 Continue\r\n\r\n");
        }
        return;
    }
    pending_ = bytes.substr(used);
    parser_.request().peer = stream_->peer();
    parser_.request().certificate = tls_ == nullptr ? std::string() : tls_->client_name();
    send(answer(parser_.request()), parser_.request().keep_alive, now);
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
