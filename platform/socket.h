// SPDX-License-Identifier: Apache-2.0
// Owns the interface to TCP: a non-blocking listener and its streams.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::platform {

/// What an event loop waits on; no promise about its value.
using SocketId = std::uintptr_t;

/// One TCP connection, closed by its destructor. Errors of its calls: Winsock rows (seed table), on POSIX too.
class Stream {
public:
    virtual ~Stream() = default;
    [[nodiscard]] virtual SocketId id() const = 0;
    /// Bytes read; 0 when the peer has closed; empty optional when nothing is there yet.
    [[nodiscard]] virtual Result<std::optional<std::size_t>> read(std::span<char> out) = 0;
    /// Bytes taken (may be fewer); empty optional when none can be taken now.
    [[nodiscard]] virtual Result<std::optional<std::size_t>> write(std::string_view bytes) = 0;
    /// Ends our direction; what was written before still arrives.
    virtual void shut_write() = 0;
    /// "127.0.0.1" or "::1": the peer's address without port.
    [[nodiscard]] virtual const std::string& peer() const = 0;
};

/// A listening TCP socket. Errors of accept(): Winsock rows; a connection that was lost while it waited is none.
class Listener {
public:
    virtual ~Listener() = default;
    [[nodiscard]] virtual SocketId id() const = 0;
    /// The port in use, also when 0 was asked for.
    [[nodiscard]] virtual std::uint16_t port() const = 0;
    /// The next waiting connection; empty optional when there is none.
    [[nodiscard]] virtual Result<std::optional<std::unique_ptr<Stream>>> accept() = 0;
};

/// Binds and listens on a literal address ("127.0.0.1", "::1", "0.0.0.0", "::") and port (0: any free one).
/// Errors: winsock rows (address in use, not available ...).
[[nodiscard]] Result<std::unique_ptr<Listener>> listen(const std::string& address, std::uint16_t port);

/// Connects to a literal address, blocking at most until the system gives up; the stream is non-blocking then.
[[nodiscard]] Result<std::unique_ptr<Stream>> connect(const std::string& address, std::uint16_t port);

/// Waits until a stream can be read (or written); false when the time is over first.
[[nodiscard]] Result<bool> wait_readable(SocketId socket, std::int64_t milliseconds);
[[nodiscard]] Result<bool> wait_writable(SocketId socket, std::int64_t milliseconds);

}  // namespace hagent::platform
