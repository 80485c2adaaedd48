// SPDX-License-Identifier: Apache-2.0
// Owns the tests of asking for a service without any name server; tests/integration/dns_srv_test.py has a real one.
#include "platform/resolver.h"

#include <doctest/doctest.h>

namespace hagent::platform {
namespace {

TEST_CASE("a name that no name server can be asked for is an error at once, with the name in it") {
    const std::string impossible = "_hagent._tcp." + std::string(64, 'x') + ".example";
    const auto found = look_up_service(impossible);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().id.protocol == errors::Protocol::resolver);
    CHECK(found.error().context == impossible);
}

}  // namespace
}  // namespace hagent::platform
