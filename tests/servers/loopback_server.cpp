// SPDX-License-Identifier: Apache-2.0
// Owns the threads and the waiting of test servers.
#include "tests/servers/loopback_server.h"

#include <array>
#include <chrono>

#include "agent/base/check.h"

namespace hagent::servers {
namespace {
constexpr int k_slice_ms = 20;
constexpr int k_slices = 500;  // ten seconds

/// A port that is asked for may still be in use by a connection of the machine: it is waited for.
std::unique_ptr<platform::Listener> listen_or_die(const std::string& address, std::uint16_t port = 0) {
    auto listener = platform::listen(address, port);
    for (int slice = 0; slice < k_slices && port != 0 && !listener.ok(); ++slice) {
        std::this_thread::sleep_for(std::chrono::milliseconds(k_slice_ms));
        listener = platform::listen(address, port);
    }
    check(listener.ok());
    return std::move(listener).value();
}
}  // namespace

bool Connection::fill() {
    std::array<char, 16384> piece{};
    for (int slice = 0; slice < k_slices && !stopping_; ++slice) {
        const auto ready = platform::wait_readable(stream_->id(), k_slice_ms);
        if (!ready.ok()) {
            return false;
        }
        if (!*ready) {
            continue;
        }
        const auto got = stream_->read(piece);
        if (!got.ok() || (got->has_value() && **got == 0)) {
            return false;
        }
        if (got->has_value()) {
            buffer_.append(piece.data(), **got);
            return true;
        }
    }
    return false;
}

std::optional<std::string> Connection::line() {
    while (buffer_.find('\n') == std::string::npos) {
        if (!fill()) {
            return std::nullopt;
        }
    }
    const auto end = buffer_.find('\n');
    std::string text = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    if (!text.empty() && text.back() == '\r') {
        text.pop_back();
    }
    return text;
}

std::string Connection::bytes(std::size_t count) {
    while (buffer_.size() < count && fill()) {
    }
    std::string text = buffer_.substr(0, count);
    buffer_.erase(0, text.size());
    return text;
}

std::string Connection::rest() {
    while (fill()) {
    }
    return std::move(buffer_);
}

void Connection::hang() {
    while (fill()) {
        buffer_.clear();
    }
}

bool Connection::write(std::string_view bytes) {
    for (int slice = 0; slice < k_slices && !bytes.empty() && !stopping_; ++slice) {
        const auto sent = stream_->write(bytes);
        if (!sent.ok()) {
            return false;
        }
        if (sent->has_value()) {
            bytes.remove_prefix(**sent);
            slice = 0;
        } else if (!platform::wait_writable(stream_->id(), k_slice_ms).ok()) {
            return false;
        }
    }
    return bytes.empty();
}

LoopbackServer::LoopbackServer(Serve serve, const std::string& address, std::uint16_t port)
    : serve_(std::move(serve)), listener_(listen_or_die(address, port)), accepting_([this] { accept_all(); }) {}

LoopbackServer::~LoopbackServer() {
    stopping_ = true;
    accepting_.join();
    for (auto& connection : connections_) {
        connection.join();
    }
}

void LoopbackServer::accept_all() {
    while (!stopping_) {
        const auto ready = platform::wait_readable(listener_->id(), k_slice_ms);
        if (!ready.ok() || !*ready) {
            continue;
        }
        auto stream = listener_->accept();
        if (stream.ok() && stream->has_value()) {
            connections_.emplace_back(
                [this, held = std::make_shared<Connection>(std::move(**stream), stopping_)] { serve_(*held); });
        }
    }
}

DataPort::DataPort(const std::atomic<bool>& stopping) : listener_(listen_or_die("127.0.0.1")), stopping_(stopping) {}

std::unique_ptr<Connection> DataPort::accept() {
    for (int slice = 0; slice < k_slices && !stopping_; ++slice) {
        const auto ready = platform::wait_readable(listener_->id(), k_slice_ms);
        if (!ready.ok() || !*ready) {
            continue;
        }
        auto stream = listener_->accept();
        if (stream.ok() && stream->has_value()) {
            return std::make_unique<Connection>(std::move(**stream), stopping_);
        }
    }
    return nullptr;
}

}  // namespace hagent::servers
