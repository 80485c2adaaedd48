// SPDX-License-Identifier: Apache-2.0
// Owns HttpServer: HTTP/1.1 on loopback, each answer made by the test.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/servers/loopback_server.h"

namespace hagent::servers {

struct HttpAsked {
    std::string method, target;
    std::map<std::string, std::string> fields;  // names in lower case
    std::string body;
    [[nodiscard]] std::string field(const std::string& name) const {
        const auto found = fields.find(name);
        return found == fields.end() ? "" : found->second;
    }
};

struct HttpAnswer {
    std::string head;  // "HTTP/1.1 200 OK\r\nA: b\r\n" without the empty line; empty: close at once
    std::string body;
    std::optional<std::size_t> cut_after{};  // body bytes, then the connection is closed
    bool hang = false;                       // then, or after the body, nothing more happens
};

class HttpServer {
public:
    using Answer = std::function<HttpAnswer(const HttpAsked&)>;

    /// A port other than 0 is for a server that comes back where it was.
    explicit HttpServer(Answer answer, std::uint16_t port = 0)
        : answer_(std::move(answer)), server_([this](Connection& peer) { serve(peer); }, "127.0.0.1", port) {}

    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
    }
    [[nodiscard]] std::uint16_t port() const { return server_.port(); }
    [[nodiscard]] std::vector<HttpAsked> asked();

private:
    void serve(Connection& peer);
    bool serve_one(Connection& peer, const std::string& request_line);

    Answer answer_;
    std::mutex mutex_;
    std::vector<HttpAsked> asked_;
    LoopbackServer server_;  // last: its threads use what is above
};

/// What a good server answers for a file: whole, or the part that Range and If-Range ask for.
[[nodiscard]] HttpAnswer file_answer(const HttpAsked& asked, const std::string& bytes, const std::string& etag);
/// A status without more, "503 Busy" and further head lines ("Retry-After: 3\r\n").
[[nodiscard]] HttpAnswer status_answer(const std::string& status, const std::string& fields = {},
                                       const std::string& body = {});

}  // namespace hagent::servers
