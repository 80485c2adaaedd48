// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the listener over real loopback connections; only its time is fake.
#include "agent/http/server.h"

#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "platform/socket.h"
#include "tests/fakes/fake_clock.h"

namespace hagent::http {
namespace {

constexpr std::int64_t k_patience_ms = 20000;

const std::string k_big(8U << 20U, 'x');

/// A listener on a loop in its own thread.
struct Fixture {
    explicit Fixture(bool with_router = true) {
        loop = std::move(loop::Loop::create(clock)).value();
        auto started = Server::start(*loop, clock, "127.0.0.1:0");
        REQUIRE(started.ok());
        server = std::move(started).value();
        router.emplace(Access(server->address(), {}));
        router->add({"GET", "/", Role::viewer, [](const Request&, std::string_view) {
                         return Response{200, "text/plain", "root", {}};
                     }});
        router->add({"GET", "/big", Role::viewer, [](const Request&, std::string_view) {
                         return Response{200, "text/plain", k_big, {}};
                     }});
        router->add({"GET", "/n/", Role::viewer, [](const Request&, std::string_view rest) {
                         return Response{200, "text/plain", std::string(rest), {}};
                     }});
        router->add({"POST", "/echo", Role::anyone,
                     [](const Request& r, std::string_view) {
                         return Response{200, "text/plain", r.body + " from " + r.peer, {}};
                     },
                     true});
        if (with_router) {
            server->serve(*router);
        }
        port = narrow<std::uint16_t>(*parse_u64(server->address().substr(server->address().rfind(':') + 1)));
        thread = std::thread([this] { loop->run([] {}); });
    }
    ~Fixture() {
        loop->stop();
        thread.join();
    }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    void turn(Millis time) {
        clock.advance(time);
        loop->wake();
    }
    /// Asked on the loop's own thread.
    std::size_t connections() {
        std::promise<std::size_t> answer;
        loop->post([&] { answer.set_value(server->connections()); });
        return answer.get_future().get();
    }
    void on_loop(const std::function<void()>& work) {
        std::promise<void> done;
        loop->post([&] {
            work();
            done.set_value();
        });
        done.get_future().get();
    }
    /// What accepted clients sent before has been read by the listener when this returns.
    void settle() {
        (void)connections();
        (void)connections();
    }
    /// Waits until the loop has that many clients.
    bool reaches(std::size_t count) {
        for (int i = 0; i < 2000; ++i) {
            if (connections() == count) {
                return true;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }

    fakes::FakeClock clock;
    std::unique_ptr<loop::Loop> loop;
    std::optional<Router> router;
    std::unique_ptr<Server> server;
    std::uint16_t port = 0;
    std::thread thread;
};

class Client {
public:
    explicit Client(const Fixture& fixture) {
        auto stream = platform::connect("127.0.0.1", fixture.port);
        REQUIRE(stream.ok());
        stream_ = std::move(stream).value();
    }

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto took = stream_->write(bytes);
            REQUIRE(took.ok());
            if (took->has_value()) {
                bytes.remove_prefix(**took);
            } else {
                REQUIRE(platform::wait_writable(stream_->id(), k_patience_ms).value_or(false));
            }
        }
    }
    void shut() { stream_->shut_write(); }

    /// Reads until that many bytes are here in all; less when the listener closes before.
    const std::string& read_to(std::size_t bytes, std::size_t piece = 65536) {
        std::string buffer(piece, '\0');
        while (in_.size() < bytes && !closed_) {
            const auto got = stream_->read(buffer);
            if (!got.ok() || (got->has_value() && **got == 0)) {
                closed_ = true;
            } else if (got->has_value()) {
                in_.append(buffer, 0, **got);
            } else {
                REQUIRE(platform::wait_readable(stream_->id(), k_patience_ms).value_or(false));
            }
        }
        return in_;
    }
    /// The next whole answer: head and body.
    std::string answer() {
        std::size_t end = 0;
        while ((end = in_.find("\r\n\r\n")) == std::string::npos && !closed_) {
            read_to(in_.size() + 1);
        }
        if (end == std::string::npos) {
            return std::exchange(in_, {});
        }
        const std::string head = in_.substr(0, end + 4);
        const auto at = head.find("Content-Length: ");
        const std::uint64_t length =
            at == std::string::npos
                ? 0
                : parse_u64(std::string_view(head).substr(at + 16, head.find("\r\n", at) - at - 16)).value_or(0);
        const auto end_of_body = head.size() + narrow<std::size_t>(length);
        read_to(end_of_body);
        const std::string whole = in_.substr(0, end_of_body);
        in_.erase(0, whole.size());
        return whole;
    }
    /// Whether the listener ends the connection, whatever it says before.
    bool is_closed() {
        read_to(SIZE_MAX);
        return closed_;
    }
    const std::string& read_so_far() const { return in_; }

private:
    std::unique_ptr<platform::Stream> stream_;
    std::string in_;
    bool closed_ = false;
};

std::string get(const std::string& path, const std::string& headers = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + headers + "\r\n";
}

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

TEST_CASE("a connection is used again and again, until the client wants it closed") {
    Fixture fixture;
    Client client(fixture);
    for (int i = 0; i < 5; ++i) {
        client.send(get("/"));
        CHECK(body_of(client.answer()) == "root");
    }
    client.send(get("/", "Connection: close\r\n"));
    CHECK(client.answer().find("Connection: close") != std::string::npos);
    CHECK(client.is_closed());
    client.shut();
    CHECK(fixture.reaches(0));
}

TEST_CASE("requests that come together are answered in order, a half one when the rest is here") {
    Fixture fixture;
    Client client(fixture);
    std::string many;
    for (int i = 0; i < 100; ++i) {
        many += get("/n/" + std::to_string(i));
    }
    const std::string last = get("/n/last");
    client.send(many + last.substr(0, 9));
    for (int i = 0; i < 100; ++i) {
        CHECK(body_of(client.answer()) == std::to_string(i));
    }
    client.send(last.substr(9));
    CHECK(body_of(client.answer()) == "last");
}

TEST_CASE("a body comes by length, in chunks, and after 100 Continue") {
    Fixture fixture;
    Client client(fixture);
    client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nhi");
    CHECK(body_of(client.answer()) == "hi from 127.0.0.1");
    client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
    CHECK(body_of(client.answer()) == "hi from 127.0.0.1");
    client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.answer() == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("hi");
    CHECK(body_of(client.answer()) == "hi from 127.0.0.1");
}

TEST_CASE("a bad request is answered and ends the connection, what follows is not served") {
    Fixture fixture;
    Client client(fixture);
    client.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n" +
                get("/"));
    CHECK(client.answer().starts_with("HTTP/1.1 400 "));
    CHECK(client.is_closed());
    CHECK(client.read_so_far().empty());
}

TEST_CASE("a body that is too large is refused, and the refusal reaches a client that is still sending") {
    Fixture fixture;
    Client client(fixture);
    client.send("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n\r\n" + std::string(100000, 'b'));
    CHECK(client.answer().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("who speaks TLS here is told so in plain words") {
    Fixture fixture;
    Client client(fixture);
    client.send(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    const auto answer = client.answer();
    CHECK(answer.starts_with("HTTP/1.1 400 "));
    CHECK(answer.find("TLS") != std::string::npos);
    client.shut();
    CHECK(client.is_closed());
}

TEST_CASE("before there is a router the agent is still starting") {
    Fixture fixture(false);
    Client client(fixture);
    client.send(get("/"));
    CHECK(client.answer().starts_with("HTTP/1.1 503 "));
}

TEST_CASE("a request that trickles in is cut ten seconds after its first byte") {
    Fixture fixture;
    Client client(fixture);
    client.send("GET / HT");
    REQUIRE(fixture.reaches(1));
    fixture.settle();
    for (int i = 0; i < 4; ++i) {
        fixture.turn(Seconds{2});
        client.send("T");
        fixture.settle();
        CHECK(fixture.connections() == 1);
    }
    fixture.turn(Seconds{3});
    CHECK(client.answer().starts_with("HTTP/1.1 408 "));
    CHECK(client.is_closed());
    CHECK(fixture.reaches(0));
}

TEST_CASE("a client that never asks, or never asks again, is let go without an answer") {
    Fixture fixture;
    Client silent(fixture);
    Client served(fixture);
    served.send(get("/"));
    CHECK(body_of(served.answer()) == "root");
    REQUIRE(fixture.reaches(2));
    fixture.turn(Seconds{limits::k_http_header_seconds + 1});
    CHECK(silent.is_closed());
    CHECK(silent.read_so_far().empty());
    CHECK(fixture.reaches(1));
    fixture.turn(Seconds{limits::k_http_idle_seconds});
    CHECK(served.is_closed());
    CHECK(fixture.reaches(0));
}

TEST_CASE("a large answer arrives whole, however small the pieces in which it is read") {
    Fixture fixture;
    Client client(fixture);
    client.send(get("/big") + get("/n/after"));
    client.read_to(200000, 777);
    const auto answer = client.answer();
    CHECK(body_of(answer).size() == k_big.size());
    CHECK((body_of(answer) == k_big));
    CHECK(body_of(client.answer()) == "after");
}

TEST_CASE("a client that does not read its answer is let go, and one that goes away does no harm") {
    Fixture fixture;
    Client deaf(fixture);
    deaf.send(get("/big"));
    {
        Client gone(fixture);
        gone.send(get("/big"));
        gone.read_to(1000);
    }
    Client other(fixture);
    other.send(get("/"));
    CHECK(body_of(other.answer()) == "root");
    fixture.turn(Seconds{limits::k_http_idle_seconds + 1});
    CHECK(fixture.reaches(0));
}

TEST_CASE("what a client sends after it was refused is dropped in pieces, while others are served") {
    Fixture fixture;
    Client flood(fixture);
    flood.send("GET / HTTP/9.9\r\n\r\n");
    CHECK(flood.answer().starts_with("HTTP/1.1 505 "));
    for (int i = 0; i < 50; ++i) {
        flood.send(std::string(100'000, 'x'));
        Client other(fixture);
        other.send(get("/"));
        CHECK(body_of(other.answer()) == "root");
    }
    fixture.turn(Seconds{3});
    CHECK(flood.is_closed());
    CHECK(fixture.reaches(0));
}

TEST_CASE("a body that a path has no use for is neither waited for nor asked for") {
    Fixture fixture;
    const std::string head = "GET /n/x HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    SUBCASE("by length") {
        for (const char* more : {"", "Expect: 100-continue\r\n"}) {
            Client client(fixture);
            client.send(head + more + "Content-Length: 200000\r\n\r\n");
            const auto answer = client.answer();
            CHECK(body_of(answer) == "x");
            CHECK(answer.find("Connection: close") != std::string::npos);
            CHECK(client.is_closed());
        }
    }
    SUBCASE("in chunks: a short one is passed over") {
        Client client(fixture);
        client.send(head + "Transfer-Encoding: chunked\r\n\r\n");
        REQUIRE(fixture.reaches(1));
        fixture.settle();
        client.send("3\r\nabc\r\n0\r\n\r\n");
        CHECK(body_of(client.answer()) == "x");
        CHECK(client.is_closed());
    }
    SUBCASE("in chunks: a long one is refused") {
        Client client(fixture);
        client.send(head + "Transfer-Encoding: chunked\r\n\r\n2000\r\n");
        CHECK(client.answer().starts_with("HTTP/1.1 413 "));
        CHECK(client.is_closed());
    }
}

TEST_CASE("a client is counted by its address, in IPv6 by its network") {
    CHECK(origin_of("192.0.2.1") == "192.0.2.1");
    CHECK(origin_of("2001:db8:0:7::1") == origin_of("2001:db8:0:7:a:b:c:d"));
    CHECK(origin_of("2001:db8::1") == origin_of("2001:db8:0:0:1::"));
    CHECK(origin_of("2001:db8::1:2:3:4:5") != origin_of("2001:db8::1:2:3:4"));
    CHECK(origin_of("2001:db8::1:2:3:4") == origin_of("2001:db8::1"));
    CHECK(origin_of("::1") == origin_of("::2"));
    CHECK(origin_of("::1") != origin_of("2001::1"));
    CHECK(origin_of("2001::") != origin_of("2002::"));
    CHECK(origin_of("1:2:3:4:5:6:7:8") == origin_of("1:2:3:4::"));
    CHECK(origin_of("1:2:3:4:5:6:7:8") != origin_of("1:2:3:5:5:6:7:8"));
}

TEST_CASE("a crowd of silent clients does not keep a newcomer waiting, and has no more than its share") {
    Fixture fixture;
    std::vector<std::unique_ptr<Client>> crowd;
    for (std::size_t i = 0; i < limits::k_http_connections_each + 40; ++i) {
        crowd.push_back(std::make_unique<Client>(fixture));
        if (i % 2 == 0) {
            crowd.back()->send("GET / HTTP/1.1\r\nHo");
        }
    }
    REQUIRE(fixture.reaches(limits::k_http_connections_each));
    // The clock stands still: nobody is let go because of time.
    for (int i = 0; i < 20; ++i) {
        Client newcomer(fixture);
        newcomer.send(get("/n/" + std::to_string(i)));
        CHECK(body_of(newcomer.answer()) == std::to_string(i));
    }
    CHECK(fixture.connections() <= limits::k_http_connections_each);
}

TEST_CASE("a raw line is answered by its first four bytes, however it comes, and the rest is dropped unseen") {
    Fixture fixture;
    std::string asked;
    fixture.on_loop([&] {
        fixture.server->serve_lines([&](std::string_view start, const std::string& peer) {
            asked += std::string(start) + " " + peer + ";";
            return std::string(start == "&V54" ? "&00" : "");
        });
    });
    Client whole(fixture);
    whole.send("&V54&CI=3|MAC=008064aabbcc|IP=192.0.2.9MT=3|HS=192.0.2.66|PO=80|");
    CHECK(whole.read_to(3) == "&00");
    whole.send(std::string(100'000, 'x'));
    whole.shut();
    CHECK(whole.is_closed());
    CHECK(whole.read_so_far() == "&00");
    Client cut(fixture);
    cut.send("&");
    fixture.settle();
    cut.send("V5");
    fixture.settle();
    cut.send("4\r\n");
    CHECK(cut.read_to(3) == "&00");
    Client other(fixture);
    other.send("&V94|Tsk=0");
    CHECK(other.is_closed());
    CHECK(other.read_so_far().empty());
    Client http(fixture);
    http.send(get("/"));
    CHECK(body_of(http.answer()) == "root");
    fixture.on_loop([&] { CHECK(asked == "&V54 127.0.0.1;&V54 127.0.0.1;&V94 127.0.0.1;"); });
}

TEST_CASE("a raw line that never gets to four bytes is cut, and one where none is taken is malformed HTTP") {
    Fixture fixture;
    Client nobody(fixture);
    nobody.send("&V54|");
    nobody.send("\r\n\r\n");
    CHECK(nobody.answer().starts_with("HTTP/1.1 400"));
    fixture.on_loop(
        [&] { fixture.server->serve_lines([](std::string_view, const std::string&) { return std::string("&00"); }); });
    Client slow(fixture);
    slow.send("&V5");
    REQUIRE(fixture.reaches(2));
    fixture.settle();
    fixture.turn(Seconds{limits::k_http_header_seconds + 2});
    CHECK(slow.is_closed());
    CHECK(slow.read_so_far().empty());
}

TEST_CASE("an address that is none, or in use, is an error") {
    fakes::FakeClock clock;
    const auto loop = std::move(loop::Loop::create(clock)).value();
    for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:x"}) {
        CAPTURE(bad);
        const auto refused = Server::start(*loop, clock, bad);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().is(errors::AgentCode::config_bad_value));
    }
    const auto first = Server::start(*loop, clock, "127.0.0.1:0");
    REQUIRE(first.ok());
    CHECK_FALSE(Server::start(*loop, clock, (*first)->address()).ok());
}

}  // namespace
}  // namespace hagent::http
