// SPDX-License-Identifier: Apache-2.0
// Owns the tests of who may call what: every kind of caller at every kind of listener.
#include "agent/http/access.h"

#include <doctest/doctest.h>

#include "agent/trust/digest.h"

namespace hagent::http {
namespace {

const std::string k_viewer = "viewer-token", k_operator = "operator-token";

std::vector<Operator> people() {
    return {{"vera", Role::viewer, trust::sha256_hex(k_viewer)},
            {"otto", Role::operators, trust::sha256_hex(k_operator)}};
}

/// 0: allowed.
unsigned refusal(const std::string& bound, Role needed, const std::string& host, const std::string& origin,
                 const std::string& token) {
    Request request;
    request.method = "GET";
    request.path = "/";
    request.headers.emplace_back("host", host);
    if (!origin.empty()) {
        request.headers.emplace_back("origin", origin);
    }
    if (!token.empty()) {
        request.headers.emplace_back("authorization", token);
    }
    const auto refused = Access(bound, people()).refusal(request, needed);
    return refused ? refused->status : 0;
}

struct Row {
    std::string bound;
    Role needed;
    std::string host, origin, token;
    unsigned status;
};

TEST_CASE("bind address, Host, Origin and token decide together") {
    const std::string loop = "127.0.0.1:8420", far = "192.0.2.1:8420", viewer = "Bearer " + k_viewer,
                      oper = "Bearer " + k_operator;
    const std::vector<Row> rows = {
        // on loopback anybody may read, acting needs an operator
        {loop, Role::anyone, loop, "", "", 0},
        {loop, Role::viewer, loop, "", "", 0},
        {loop, Role::operators, loop, "", "", 401},
        {loop, Role::operators, loop, "", viewer, 403},
        {loop, Role::operators, loop, "", oper, 0},
        {loop, Role::viewer, "localhost:8420", "", "", 0},
        {loop, Role::viewer, "127.0.0.1", "", "", 0},
        {loop, Role::viewer, "[::1]:8420", "", "", 0},
        // DNS rebinding: a name that leads here is not ours, whoever asks for what
        {loop, Role::viewer, "evil.example:8420", "", "", 403},
        {loop, Role::anyone, "evil.example:8420", "", "", 403},
        {loop, Role::viewer, "127.0.0.1.evil.example:8420", "", "", 403},
        {loop, Role::viewer, "localhost.evil.example", "", "", 403},
        {loop, Role::viewer, "127.0.0.1:9999", "", "", 403},
        {loop, Role::viewer, "127.0.0.1:", "", "", 403},
        {loop, Role::viewer, "127.evil", "", "", 403},
        // a foreign page may not even read, own pages may
        {loop, Role::viewer, loop, "http://evil.example", "", 403},
        {loop, Role::anyone, loop, "http://evil.example", "", 403},
        {loop, Role::operators, loop, "http://evil.example", oper, 403},
        {loop, Role::viewer, loop, "null", "", 403},
        {loop, Role::viewer, loop, "http://127.0.0.1:8420", "", 0},
        {loop, Role::operators, loop, "http://127.0.0.1:8420", oper, 0},
        // elsewhere nothing but the trigger is open
        {far, Role::anyone, far, "", "", 0},
        {far, Role::viewer, far, "", "", 401},
        {far, Role::viewer, far, "", viewer, 0},
        {far, Role::viewer, "device.example:8420", "", viewer, 0},
        {far, Role::operators, far, "", viewer, 403},
        {far, Role::operators, far, "", oper, 0},
        {far, Role::viewer, far, "", oper, 0},
        {"0.0.0.0:8420", Role::viewer, "127.0.0.1:8420", "", "", 401},
        {"[::1]:8420", Role::viewer, "[::1]:8420", "", "", 0},
        {"[::1]:8420", Role::viewer, "evil.example:8420", "", "", 403},
        // tokens that are none
        {loop, Role::operators, loop, "", "Bearer ", 401},
        {loop, Role::operators, loop, "", "Bearer wrong", 401},
        {loop, Role::operators, loop, "", k_operator, 401},
        {loop, Role::operators, loop, "", "Basic " + k_operator, 401},
        {loop, Role::operators, loop, "", "Bearer " + k_operator + " ", 401},
        {loop, Role::operators, loop, "", "Bearer " + trust::sha256_hex(k_operator), 401},
    };
    for (const auto& row : rows) {
        CAPTURE(row.bound);
        CAPTURE(static_cast<int>(row.needed));
        CAPTURE(row.host);
        CAPTURE(row.origin);
        CAPTURE(row.token);
        CHECK(refusal(row.bound, row.needed, row.host, row.origin, row.token) == row.status);
    }
}

TEST_CASE("a certificate counts for whom the operators file lists with it, a token goes before it") {
    const std::vector<Operator> listed = {{"otto", Role::operators, ""},
                                          {"vera", Role::viewer, trust::sha256_hex(k_viewer)}};
    const auto status = [&](const std::string& bound, const std::string& host, const std::string& certificate,
                            const std::string& token) {
        Request request;
        request.headers.emplace_back("host", host);
        if (!token.empty()) {
            request.headers.emplace_back("authorization", "Bearer " + token);
        }
        request.certificate = certificate;
        const auto refused = Access(bound, listed).refusal(request, Role::operators);
        return refused ? refused->status : 0;
    };
    const std::string far = "192.0.2.1:8420", loop = "127.0.0.1:8420";
    CHECK(status(far, far, "otto", "") == 0);
    CHECK(status(far, far, "", "") == 401);
    CHECK(status(far, far, "vera", "") == 401);  // listed with a token, not with a certificate
    CHECK(status(far, far, "Otto", "") == 401);
    CHECK(status(far, far, "otto", k_viewer) == 403);
    CHECK(status(far, far, "otto", "wrong") == 401);
    CHECK(status(far, far, "", "") == 401);
    // a browser shows a certificate by itself, to whatever name led it here
    CHECK(status(loop, "evil.example", "otto", "") == 403);
}

TEST_CASE("the operators file") {
    const std::string hex(64, 'A');
    auto read = parse_operators("# people\n\nviewer vera " + hex + "\n  operator otto " + hex +
                                "  # acts\r\nviewer cert certificate\n");
    REQUIRE(read.ok());
    REQUIRE(read->size() == 3);
    CHECK((*read)[2].token_sha256.empty());
    CHECK((*read)[0].name == "vera");
    CHECK((*read)[0].role == Role::viewer);
    CHECK((*read)[0].token_sha256 == std::string(64, 'a'));
    CHECK((*read)[1].role == Role::operators);
    CHECK(parse_operators("").ok());
    const std::vector<std::string> wrong = {"admin a " + hex,
                                            "viewer a",
                                            "viewer a " + hex + " x",
                                            "viewer a " + hex.substr(1),
                                            "viewer a " + std::string(64, 'g'),
                                            "viewer"};
    for (const auto& bad : wrong) {
        CAPTURE(bad);
        const auto refused = parse_operators("# one\n" + bad + "\n");
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().is(errors::AgentCode::config_bad_value));
        CHECK(refused.error().context.find("line 2") != std::string::npos);
    }
}

}  // namespace
}  // namespace hagent::http
