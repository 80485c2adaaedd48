// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/socket.h, checked over loopback.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "platform/service.h"
#include "platform/socket.h"

namespace hagent {
namespace {

using platform::Listener;
using platform::Stream;

constexpr std::int64_t k_deadline = 10'000;

struct Pair {
    std::unique_ptr<Listener> listener;
    std::unique_ptr<Stream> client, server;
};

std::unique_ptr<Stream> accepted(Listener& listener) {
    REQUIRE(platform::wait_readable(listener.id(), k_deadline).value());
    auto stream = listener.accept();
    REQUIRE(stream.ok());
    REQUIRE(stream.value().has_value());
    return std::move(*stream.value());
}

Pair connected_pair() {
    Pair pair;
    pair.listener = platform::listen("127.0.0.1", 0).value();
    pair.client = platform::connect("127.0.0.1", pair.listener->port()).value();
    pair.server = accepted(*pair.listener);
    return pair;
}

/// Bytes until the peer closes or `enough` of them are there.
std::string read_all(Stream& stream, std::size_t enough = SIZE_MAX) {
    std::string out;
    std::array<char, 4096> buffer{};
    while (out.size() < enough) {
        const auto count = stream.read(buffer);
        REQUIRE(count.ok());
        if (!count->has_value()) {
            REQUIRE(platform::wait_readable(stream.id(), k_deadline).value());
        } else if (**count == 0) {
            return out;
        } else {
            out.append(buffer.data(), **count);
        }
    }
    return out;
}

errors::Id winsock(std::uint16_t number) { return errors::winsock(number); }

TEST_CASE("a listener on port 0 tells the port it got") {
    const auto listener = platform::listen("127.0.0.1", 0).value();
    CHECK(listener->port() != 0);
    const auto nothing = listener->accept();
    REQUIRE(nothing.ok());
    CHECK_FALSE(nothing.value().has_value());
    CHECK_FALSE(platform::wait_readable(listener->id(), 0).value());
}

TEST_CASE("a port in use is Winsock 10048") {
    const auto listener = platform::listen("127.0.0.1", 0).value();
    const auto second = platform::listen("127.0.0.1", listener->port());
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().id == winsock(10048));
    CHECK(second.error().os != 0);
}

TEST_CASE("a port can be listened on again after its connections") {
    std::uint16_t port = 0;
    {
        auto pair = connected_pair();
        port = pair.listener->port();
        pair.server.reset();
        CHECK(read_all(*pair.client).empty());
    }
    CHECK(platform::listen("127.0.0.1", port).ok());
}

TEST_CASE("an address that is not ours or no address at all is Winsock 10049") {
    CHECK(platform::listen("192.0.2.77", 0).error().id == winsock(10049));
    CHECK(platform::listen("localhost", 0).error().id == winsock(10049));
    CHECK(platform::listen("", 0).error().id == winsock(10049));
    CHECK(platform::connect("1.2.3", 1).error().id == winsock(10049));
}

TEST_CASE("a connection that nobody accepts is Winsock 10061") {
    std::uint16_t port = 0;
    { port = platform::listen("127.0.0.1", 0).value()->port(); }
    const auto stream = platform::connect("127.0.0.1", port);
    REQUIRE_FALSE(stream.ok());
    CHECK(stream.error().id == winsock(10061));
}

TEST_CASE("bytes arrive in both directions, and the peer's address is known") {
    auto pair = connected_pair();
    CHECK(pair.server->peer() == "127.0.0.1");
    CHECK(pair.client->peer() == "127.0.0.1");
    REQUIRE(pair.client->write("hello").value() == 5);
    CHECK(read_all(*pair.server, 5) == "hello");
    REQUIRE(pair.server->write("world").value() == 5);
    CHECK(read_all(*pair.client, 5) == "world");
}

TEST_CASE("reading before anything arrived says so without waiting") {
    auto pair = connected_pair();
    std::array<char, 8> buffer{};
    const auto count = pair.server->read(buffer);
    REQUIRE(count.ok());
    CHECK_FALSE(count->has_value());
    CHECK_FALSE(platform::wait_readable(pair.server->id(), 1).value());
    CHECK(platform::wait_writable(pair.server->id(), k_deadline).value());
}

TEST_CASE("shut_write ends the stream after what was written") {
    auto pair = connected_pair();
    REQUIRE(pair.client->write("last words").ok());
    pair.client->shut_write();
    CHECK(read_all(*pair.server) == "last words");
    REQUIRE(pair.server->write("answer").ok());
    CHECK(read_all(*pair.client, 6) == "answer");
}

TEST_CASE("a full stream takes no more bytes until the peer reads") {
    auto pair = connected_pair();
    const std::string piece(64U << 10U, 'x');
    std::size_t written = 0;
    for (;;) {
        const auto count = pair.client->write(piece);
        REQUIRE(count.ok());
        if (!count->has_value()) {
            break;
        }
        written += **count;
        REQUIRE(written < (std::size_t{512} << 20U));
    }
    REQUIRE(written > 0);
    CHECK(read_all(*pair.server, written).size() == written);
    CHECK(platform::wait_writable(pair.client->id(), k_deadline).value());
}

TEST_CASE("writing to a peer that is gone is an error value") {
    platform::harden_process();
    auto pair = connected_pair();
    pair.server.reset();
    // The first writes may still be taken; the peer's refusal comes back with one of the next.
    for (;;) {
        const auto count = pair.client->write("x");
        if (!count.ok()) {
            const auto id = count.error().id;
            const bool gone = id == winsock(10053) || id == winsock(10054);
            CHECK(gone);
            break;
        }
        REQUIRE(platform::wait_readable(pair.client->id(), k_deadline).value());
    }
}

TEST_CASE("IPv6 works where the machine has it") {
    const auto listener = platform::listen("::1", 0);
    if (!listener.ok()) {
        const auto id = listener.error().id;
        const bool absent = id == winsock(10047) || id == winsock(10049);
        CHECK(absent);
        return;
    }
    const auto client = platform::connect("::1", (*listener)->port());
    REQUIRE(client.ok());
    CHECK(accepted(**listener)->peer() == "::1");
}

TEST_CASE("many connections wait in line") {
    const auto listener = platform::listen("127.0.0.1", 0).value();
    std::vector<std::unique_ptr<Stream>> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(platform::connect("127.0.0.1", listener->port()).value());
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        CHECK(accepted(*listener) != nullptr);
    }
}

}  // namespace
}  // namespace hagent
