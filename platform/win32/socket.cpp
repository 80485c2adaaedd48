// SPDX-License-Identifier: Apache-2.0
// Owns TCP listeners and streams on Windows.
#include "platform/socket.h"

#include <algorithm>
#include <array>
#include <climits>

#include "agent/base/number.h"
#include "platform/os_error.h"
#include "platform/win32/api.h"

namespace hagent::platform {
namespace {

constexpr int k_backlog = 64;

/// The socket library counts its users, so everybody with a socket is one of them.
class Winsock {
public:
    Winsock() { check(WSAStartup(MAKEWORD(2, 2), &data_) == 0); }
    ~Winsock() { WSACleanup(); }
    Winsock(const Winsock&) = delete;
    Winsock& operator=(const Winsock&) = delete;

private:
    WSADATA data_{};
};

struct SocketTraits {
    using Value = SOCKET;
    static Value none() { return INVALID_SOCKET; }
    static void close(Value value) { closesocket(value); }
};

using Socket = UniqueHandle<SocketTraits>;

/// Room for either family, with views of it.
struct Address {
    sockaddr_storage storage{};
    int length = 0;

    [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    [[nodiscard]] sockaddr_in& v4() { return reinterpret_cast<sockaddr_in&>(storage); }
    [[nodiscard]] sockaddr_in6& v6() { return reinterpret_cast<sockaddr_in6&>(storage); }
};

std::string shown(const std::string& address, std::uint16_t port) { return address + " port " + std::to_string(port); }

Failure last_error(std::string_view context) { return socket_error(WSAGetLastError(), context); }

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
    return socket_error(WSAEADDRNOTAVAIL, shown(text, port));
}

std::string address_text(Address& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool v4 = address.storage.ss_family == AF_INET;
    const void* bytes = v4 ? static_cast<const void*>(&address.v4().sin_addr) : &address.v6().sin6_addr;
    return inet_ntop(address.storage.ss_family, bytes, text.data(), text.size()) != nullptr ? text.data() : "";
}

/// Options that only make things better: a system without one works all the same, so failures do not count.
void enable(SOCKET socket, int level, int option) {
    const DWORD on = 1;
    setsockopt(socket, level, option, reinterpret_cast<const char*>(&on), sizeof(on));
}

/// Non-blocking, and no program that we start gets it.
void prepare(SOCKET socket) {
    u_long on = 1;
    ioctlsocket(socket, static_cast<long>(FIONBIO), &on);
    SetHandleInformation(reinterpret_cast<HANDLE>(socket), HANDLE_FLAG_INHERIT, 0);
}

int piece(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

class TcpStream final : public Stream {
public:
    TcpStream(Socket socket, std::string peer) : socket_(std::move(socket)), peer_(std::move(peer)) {
        prepare(socket_.get());
        enable(socket_.get(), IPPROTO_TCP, TCP_NODELAY);
    }

    [[nodiscard]] SocketId id() const override { return socket_.get(); }

    Result<std::optional<std::size_t>> read(std::span<char> out) override {
        return finished(recv(socket_.get(), out.data(), piece(out.size()), 0));
    }

    Result<std::optional<std::size_t>> write(std::string_view bytes) override {
        return finished(send(socket_.get(), bytes.data(), piece(bytes.size()), 0));
    }

    void shut_write() override { shutdown(socket_.get(), SD_SEND); }
    [[nodiscard]] const std::string& peer() const override { return peer_; }

private:
    Result<std::optional<std::size_t>> finished(int count) const {
        if (count >= 0) {
            return std::optional(static_cast<std::size_t>(count));
        }
        if (WSAGetLastError() == WSAEWOULDBLOCK) {
            return std::optional<std::size_t>();
        }
        return last_error(peer_);
    }

    Winsock library_;
    Socket socket_;
    std::string peer_;
};

class TcpListener final : public Listener {
public:
    TcpListener(Socket socket, std::uint16_t port) : socket_(std::move(socket)), port_(port) {}

    [[nodiscard]] SocketId id() const override { return socket_.get(); }
    [[nodiscard]] std::uint16_t port() const override { return port_; }

    Result<std::optional<std::unique_ptr<Stream>>> accept() override {
        for (;;) {
            Address from;
            from.length = sizeof(from.storage);
            Socket socket(::accept(socket_.get(), from.get(), &from.length));
            if (socket) {
                return std::optional<std::unique_ptr<Stream>>(
                    std::make_unique<TcpStream>(std::move(socket), address_text(from)));
            }
            const int problem = WSAGetLastError();
            if (problem == WSAEWOULDBLOCK) {
                return std::optional<std::unique_ptr<Stream>>();
            }
            if (problem != WSAECONNRESET && problem != WSAECONNABORTED) {
                return socket_error(problem, "accept on port " + std::to_string(port_));
            }
        }
    }

private:
    Winsock library_;
    Socket socket_;
    std::uint16_t port_;
};

Result<bool> wait_for(SocketId socket, short events, std::int64_t milliseconds) {
    WSAPOLLFD entry{socket, events, 0};
    const int count = WSAPoll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, INT_MAX)));
    return count < 0 ? Result<bool>(last_error("poll")) : count > 0;
}

Result<Socket> new_socket(const Address& address, const std::string& context) {
    Socket socket(::socket(address.storage.ss_family, SOCK_STREAM, IPPROTO_TCP));
    if (!socket) {
        return last_error(context);
    }
    return socket;
}

}  // namespace

Result<std::unique_ptr<Listener>> listen(const std::string& address, std::uint16_t port) {
    const Winsock library;
    const std::string context = shown(address, port);
    Address local = TRY(parse(address, port));
    Socket socket = TRY(new_socket(local, context));
    prepare(socket.get());
    // Without it another program could listen on the same port and take our connections.
    enable(socket.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE);
    if (local.storage.ss_family == AF_INET6) {
        enable(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);  // so that "0.0.0.0" and "::" can be listened on side by side
    }
    if (bind(socket.get(), local.get(), local.length) != 0 || ::listen(socket.get(), k_backlog) != 0 ||
        getsockname(socket.get(), local.get(), &local.length) != 0) {
        return last_error(context);
    }
    const auto actual = ntohs(local.storage.ss_family == AF_INET ? local.v4().sin_port : local.v6().sin6_port);
    return std::unique_ptr<Listener>(std::make_unique<TcpListener>(std::move(socket), actual));
}

Result<std::unique_ptr<Stream>> connect(const std::string& address, std::uint16_t port) {
    const Winsock library;
    const std::string context = shown(address, port);
    Address remote = TRY(parse(address, port));
    Socket socket = TRY(new_socket(remote, context));
    if (::connect(socket.get(), remote.get(), remote.length) != 0) {
        return last_error(context);
    }
    return std::unique_ptr<Stream>(std::make_unique<TcpStream>(std::move(socket), address_text(remote)));
}

Result<bool> wait_readable(SocketId socket, std::int64_t milliseconds) {
    return wait_for(socket, POLLRDNORM, milliseconds);
}
Result<bool> wait_writable(SocketId socket, std::int64_t milliseconds) {
    return wait_for(socket, POLLWRNORM, milliseconds);
}

}  // namespace hagent::platform
