// SPDX-License-Identifier: Apache-2.0
// Owns the tests of endpoints and names.
#include <doctest/doctest.h>

#include "agent/config/settings.h"
#include "platform/paths.h"

using namespace hagent;
using namespace hagent::config;

TEST_CASE("an endpoint is a literal address and a port") {
    CHECK(parse_endpoint("127.0.0.1:8420") == Endpoint{"127.0.0.1", 8420});
    CHECK(parse_endpoint("[::1]:0") == Endpoint{"::1", 0});
    CHECK(parse_endpoint("[::ffff:10.0.0.1]:65535") == Endpoint{"::ffff:10.0.0.1", 65535});
    for (const char* bad :
         {"", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "256.0.0.1:1", "1.2.3:1",
          "1.2.3.4.5:1", "::1:80", "[::1]", "[]:80", "[x]:80", "[::1:80", "host:80", "01234.0.0.1:1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_endpoint(bad));
    }
}

TEST_CASE("loopback is 127.x.x.x and ::1 only") {
    CHECK(Endpoint{"127.0.0.1", 1}.loopback());
    CHECK(Endpoint{"127.1.2.3", 1}.loopback());
    CHECK(Endpoint{"::1", 1}.loopback());
    CHECK_FALSE(Endpoint{"0.0.0.0", 1}.loopback());
    CHECK_FALSE(Endpoint{"::", 1}.loopback());
    CHECK_FALSE(Endpoint{"127.0.0.1.example", 1}.loopback());
}

TEST_CASE("the defaults know this system's directories") {
    const Settings s = default_settings();
    CHECK(s.script.hooks_dir == platform::default_hooks_directory());
    CHECK(s.trust.keys_dir == platform::default_keys_directory());
    CHECK(s.state_dir == platform::default_state_directory());
    CHECK(platform::is_absolute(s.state_dir));
}
