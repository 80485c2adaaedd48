// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what administrators of POSIX systems are told to type.
#include "platform/permissions.h"

#include <doctest/doctest.h>

namespace hagent {
namespace {

TEST_CASE("the command fits what is wrong: rights of others, or the owner") {
    platform::FileInfo info;
    info.mode = 0664;
    CHECK(platform::how_to_close("/etc/x", info) == "can be changed by other users; run: chmod go-w '/etc/x'");
    info.mode = 0644;
    CHECK(platform::how_to_close("/etc/x", info) ==
          "belongs to another user, who can change it; run: chown root '/etc/x'");
    CHECK(platform::command_to_hide("/etc/x") == "chown root '/etc/x' && chmod 600 '/etc/x'");
}

}  // namespace
}  // namespace hagent
