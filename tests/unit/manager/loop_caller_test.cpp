// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what an exchange means to a dialect.
#include "agent/manager/loop_caller.h"

#include <doctest/doctest.h>

#include <array>

using namespace hagent;
using namespace hagent::manager;
using errors::AgentCode;

namespace {

transfer::Reply reply(std::uint16_t status, std::optional<Error> why) {
    transfer::Reply reply;
    reply.head.number = status;
    reply.etag = "tag";
    reply.retry_after = Seconds{7};
    reply.error = std::move(why);
    return reply;
}

}  // namespace

TEST_CASE("A positive reply is an answer with its body and tag") {
    const auto out = to_reply(reply(200, {}), "body");
    REQUIRE(out.ok());
    CHECK(out->status == 200);
    CHECK(out->body == "body");
    CHECK(out->etag == "tag");
    CHECK(out->retry_after == Seconds{7});
}

TEST_CASE("A refusal by HTTP status is an answer too") {
    constexpr std::array<std::uint16_t, 6> k_statuses = {304, 401, 404, 410, 429, 503};
    for (const auto status : k_statuses) {
        const auto out = to_reply(reply(status, error(errors::http(status))), "why");
        REQUIRE(out.ok());
        CHECK(out->status == status);
        CHECK(out->body == "why");
    }
}

TEST_CASE("A proxy that wants a login is no answer of the manager") {
    CHECK(to_reply(reply(407, error(errors::http(407), "proxy p:3128")), "").error().context == "proxy p:3128");
}

TEST_CASE("What the manager said is part of every refusal") {
    constexpr std::array<std::uint16_t, 7> k_statuses = {401, 403, 404, 422, 429, 500, 503};
    for (const auto status : k_statuses) {
        const auto out = to_reply(reply(status, error(errors::http(status), "\"not compatible\"")), "why");
        REQUIRE(out.ok());
        CHECK(refusal(*out, "poll").error().context == "poll: \"not compatible\"");
    }
    CHECK(refusal(Answer{500, "", {}, {}}, "poll").error().context == "poll");
}

TEST_CASE("What prevents a whole answer is an error, also when a status had come already") {
    CHECK(to_reply(reply(200, error(AgentCode::truncated)), "bo").error().is(AgentCode::truncated));
    CHECK(to_reply(reply(0, error(errors::winsock(10061))), "").error().id == errors::winsock(10061));
    CHECK(to_reply(Error(error(AgentCode::limit_exceeded)), "").error().is(AgentCode::limit_exceeded));
}
