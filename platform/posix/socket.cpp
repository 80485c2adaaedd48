// SPDX-License-Identifier: Apache-2.0
// Owns TCP listeners and streams on POSIX.
#include "platform/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <climits>

#include "agent/base/concat.h"

#include "agent/base/number.h"
#include "platform/clock.h"
#include "platform/os_error.h"
#include "platform/posix/fd.h"

namespace hagent::platform {
namespace {

// Connections that wait to be accepted. Each turn of the loop accepts them all, so there are never many.
constexpr int k_backlog = 64;

/// Room for either family, with views of it.
struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
    [[nodiscard]] sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
};

std::string shown(const std::string& address, std::uint16_t port) {
    return concat({address, " port ", std::to_string(port)});
}

Result<Address> parse(const std::string& text, std::uint16_t port) {
    Address address;
    if (inet_pton(AF_INET, text.c_str(), &address.v4().sin_addr) == 1) {
        address.v4().sin_family = AF_INET;
        address.v4().sin_port = htons(port);
        address.length = sizeof(sockaddr_in);
        return address;
    }
    if (inet_pton(AF_INET6, text.c_str(), &address.v6().sin6_addr) == 1) {
        address.v6().sin6_family = AF_INET6;
        address.v6().sin6_port = htons(port);
        address.length = sizeof(sockaddr_in6);
        return address;
    }
    return socket_error(EADDRNOTAVAIL, shown(text, port));
}

std::string address_text(Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool v4 = address.storage.ss_family == AF_INET;
    const void* bytes = v4 ? static_cast<const void*>(&address.v4().sin_addr) : &address.v6().sin6_addr;
    return inet_ntop(address.storage.ss_family, bytes, text.data(), text.size()) != nullptr ? text.data() : "";
}

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

/// Options that only make things better: a system without one works all the same, so failures do not count.
void enable(int fd, int level, int option) {
    const int on = 1;
    setsockopt(fd, level, option, &on, sizeof(on));
}

/// Whether a waiting connection vanished, or another one may follow: accept(2) hands on errors of the new connection.
bool is_lost_connection(int number) {
    return number == ECONNABORTED || number == EPROTO || number == ENETDOWN || number == EHOSTDOWN ||
           number == EHOSTUNREACH || number == ENETUNREACH || number == EOPNOTSUPP || number == ENOPROTOOPT;
}

class TcpStream final : public Stream {
public:
    TcpStream(Fd fd, std::string peer) : fd_(std::move(fd)), peer_(std::move(peer)) {
        // Answers are written in one piece; waiting for more to send would only delay them.
        enable(fd_.get(), IPPROTO_TCP, TCP_NODELAY);
    }

    [[nodiscard]] SocketId id() const override { return static_cast<SocketId>(fd_.get()); }

    Result<std::optional<std::size_t>> read(std::span<char> out) override {
        return finished(uninterrupted([&] { return recv(fd_.get(), out.data(), out.size(), 0); }));
    }

    Result<std::optional<std::size_t>> write(std::string_view bytes) override {
        return finished(uninterrupted([&] { return send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }));
    }

    void shut_write() override { shutdown(fd_.get(), SHUT_WR); }
    [[nodiscard]] const std::string& peer() const override { return peer_; }

private:
    Result<std::optional<std::size_t>> finished(ssize_t count) const {
        if (count >= 0) {
            return std::optional(static_cast<std::size_t>(count));
        }
        if (would_block(errno)) {
            return std::optional<std::size_t>();
        }
        return socket_error(errno, peer_);
    }

    Fd fd_;
    std::string peer_;
};

class TcpListener final : public Listener {
public:
    TcpListener(Fd fd, std::uint16_t port) : fd_(std::move(fd)), port_(port) {}

    [[nodiscard]] SocketId id() const override { return static_cast<SocketId>(fd_.get()); }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    Result<std::optional<std::unique_ptr<Stream>>> accept() override {
        for (;;) {
            Address from;
            from.length = sizeof(from.storage);
            Fd fd(uninterrupted(
                [&] { return accept4(fd_.get(), from.get(), &from.length, SOCK_CLOEXEC | SOCK_NONBLOCK); }));
            if (fd) {
                return std::optional<std::unique_ptr<Stream>>(
                    std::make_unique<TcpStream>(std::move(fd), address_text(from)));
            }
            if (would_block(errno)) {
                return std::optional<std::unique_ptr<Stream>>();
            }
            if (!is_lost_connection(errno)) {
                return socket_error(errno, "accept on port " + std::to_string(port_));
            }
        }
    }

private:
    Fd fd_;
    std::uint16_t port_;
};

/// The end is fixed first: a signal that interrupts the wait must not begin it anew.
Result<bool> wait_for(SocketId socket, short events, std::int64_t milliseconds) {
    SystemClock clock;
    const Uptime end = clock.uptime() + Millis{milliseconds};
    pollfd entry{static_cast<int>(socket), events, 0};
    for (;;) {
        const auto left = std::clamp<std::int64_t>((end - clock.uptime()).count(), 0, INT_MAX);
        const int count = poll(&entry, 1, static_cast<int>(left));
        if (count >= 0) {
            return count > 0;
        }
        if (errno != EINTR) {
            return socket_error(errno, "poll");
        }
    }
}

Result<Fd> new_socket(const Address& address, const std::string& context) {
    Fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    if (!fd) {
        return socket_error(errno, context);
    }
    return fd;
}

/// The result of a connection attempt under way.
Status connected(int fd, const std::string& context) {
    pollfd entry{fd, POLLOUT, 0};
    int problem = 0;
    socklen_t length = sizeof(problem);
    if (uninterrupted([&] { return poll(&entry, 1, -1); }) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) != 0) {
        problem = errno;
    }
    return problem == 0 ? Status() : Status(socket_error(problem, context));
}

}  // namespace

Result<std::unique_ptr<Listener>> listen(const std::string& address, std::uint16_t port) {
    const std::string context = shown(address, port);
    Address local = TRY(parse(address, port));
    Fd fd = TRY(new_socket(local, context));
    // A restarted agent must get its port back while old connections are still winding down.
    enable(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (local.storage.ss_family == AF_INET6) {
        enable(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);  // so that "0.0.0.0" and "::" can be listened on side by side
    }
    if (bind(fd.get(), local.get(), local.length) != 0 || ::listen(fd.get(), k_backlog) != 0 ||
        getsockname(fd.get(), local.get(), &local.length) != 0) {
        return socket_error(errno, context);
    }
    const auto actual = ntohs(local.storage.ss_family == AF_INET ? local.v4().sin_port : local.v6().sin6_port);
    return std::unique_ptr<Listener>(std::make_unique<TcpListener>(std::move(fd), actual));
}

Result<std::unique_ptr<Stream>> connect(const std::string& address, std::uint16_t port) {
    const std::string context = shown(address, port);
    Address remote = TRY(parse(address, port));
    Fd fd = TRY(new_socket(remote, context));
    if (::connect(fd.get(), remote.get(), remote.length) != 0) {
        if (errno != EINPROGRESS && errno != EINTR) {
            return socket_error(errno, context);
        }
        TRY(connected(fd.get(), context));
    }
    return std::unique_ptr<Stream>(std::make_unique<TcpStream>(std::move(fd), address_text(remote)));
}

Result<bool> wait_readable(SocketId socket, std::int64_t milliseconds) {
    return wait_for(socket, POLLIN, milliseconds);
}
Result<bool> wait_writable(SocketId socket, std::int64_t milliseconds) {
    return wait_for(socket, POLLOUT, milliseconds);
}

}  // namespace hagent::platform
