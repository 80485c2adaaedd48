// SPDX-License-Identifier: Apache-2.0
// Owns the tests of asking for a service without any name server; tests/integration/dns_srv_test.py has a real one.
#include "platform/resolver.h"

#include <doctest/doctest.h>

#include <memory>

#include "platform/aside.h"

namespace hagent::platform {
namespace {

TEST_CASE("a name that no name server can be asked for is an error at once, with the name in it") {
    const std::string impossible = "_hagent._tcp." + std::string(64, 'x') + ".example";
    const auto found = look_up_service(impossible, CancelToken());
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().id.protocol == errors::Protocol::resolver);
    CHECK(found.error().context == impossible);
}

TEST_CASE("whoever waits for a call that cannot be cancelled stops when told to, or when his time is over") {
    const auto over = std::make_shared<CancelToken>();  // shared: the call outlives the wait for it
    CancelToken cancel;
    CHECK_FALSE(finishes_aside([over] { (void)over->wait(Seconds{60}); }, cancel, Millis{60}));
    cancel.request();
    CHECK_FALSE(finishes_aside([over] { (void)over->wait(Seconds{60}); }, cancel, Seconds{60}));
    over->request();
    CHECK(finishes_aside([over] { (void)over->wait(Seconds{60}); }, CancelToken(), Seconds{60}));
    const auto asked = look_up_service("_hagent._tcp.example", cancel);
    REQUIRE_FALSE(asked.ok());
    CHECK(asked.error().is(errors::AgentCode::cancelled));
}

}  // namespace
}  // namespace hagent::platform
