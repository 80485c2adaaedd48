// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the way from a path to its handler.
#include "agent/http/router.h"

#include <doctest/doctest.h>

namespace hagent::http {
namespace {

Router make_router() {
    Router router(Access("127.0.0.1:8420", {}));
    const auto says = [](std::string word) {
        return [word](const Request&, std::string_view rest) {
            return Response{200, "text/plain", word + ":" + std::string(rest), {}};
        };
    };
    router.add({"GET", "/", Role::viewer, says("root")});
    router.add({"GET", "/v1/sessions", Role::viewer, says("list")});
    router.add({"GET", "/v1/sessions/", Role::viewer, says("one")});
    router.add({"POST", "/v1/sessions/", Role::operators, says("act")});
    router.add({"POST", "/v1/check-in", Role::anyone, says("trigger")});
    return router;
}

Response ask(const std::string& method, const std::string& path) {
    Request request;
    request.method = method;
    request.path = path;
    request.headers = {{"host", "127.0.0.1:8420"}};
    return make_router().answer(request);
}

std::string header(const Response& response, const std::string& name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

TEST_CASE("a path leads to its handler, a prefix with its rest") {
    CHECK(ask("GET", "/").body == "root:");
    CHECK(ask("GET", "/v1/sessions").body == "list:");
    CHECK(ask("GET", "/v1/sessions/000001").body == "one:000001");
    CHECK(ask("GET", "/v1/sessions/a/b").body == "one:a/b");
    CHECK(ask("HEAD", "/v1/sessions").body == "list:");
    CHECK(ask("POST", "/v1/check-in").body == "trigger:");
}

TEST_CASE("what is nowhere is 404") {
    for (const char* path :
         {"/v1", "/v1/sessions/", "/V1/sessions", "/v1/sessionsx", "//", "/v1/check-in/", "/v1/../v1/sessions", ""}) {
        CAPTURE(path);
        CHECK(ask("GET", path).status == 404);
    }
}

TEST_CASE("another method is 405 and says which would do") {
    auto refused = ask("DELETE", "/v1/sessions/1");
    CHECK(refused.status == 405);
    CHECK(header(refused, "Allow") == "GET, POST");
    refused = ask("GET", "/v1/check-in");
    CHECK(refused.status == 405);
    CHECK(header(refused, "Allow") == "POST");
    CHECK(ask("get", "/").status == 405);
}

TEST_CASE("access is asked before the handler") {
    const auto refused = ask("POST", "/v1/sessions/1/cancel");
    CHECK(refused.status == 401);
    CHECK(header(refused, "WWW-Authenticate") == "Bearer");
}

}  // namespace
}  // namespace hagent::http
