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
    info.foreign = true;
    info.owner = 4'000'000;
    CHECK(platform::how_to_close("/etc/x", info) ==
          "belongs to user 4000000, who can change it; run: chown root '/etc/x' && chmod go-w '/etc/x'");
    info.mode = 0644;
    CHECK(platform::how_to_close("/etc/x", info) ==
          "belongs to user 4000000, who can change it; run: chown root '/etc/x'");
    info.kind = platform::FileKind::symlink;
    info.mode = 0777;
    CHECK(platform::how_to_close("/etc/x", info) ==
          "belongs to user 4000000, who can change it; run: chown -h root '/etc/x'");
    CHECK(platform::command_to_hide("/etc/x") == "chown root '/etc/x' && chmod 600 '/etc/x'");
}

}  // namespace
}  // namespace hagent
