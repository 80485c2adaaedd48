// SPDX-License-Identifier: Apache-2.0
// Owns the tests of reading os-release.
#include "platform/os_release_text.h"

#include <doctest/doctest.h>

namespace hagent::platform {
namespace {

TEST_CASE("a value comes without its quotes, whatever the style") {
    for (const char* line : {"IMAGE_VERSION=11.2.038", "IMAGE_VERSION=\"11.2.038\"", "IMAGE_VERSION='11.2.038'\r",
                             "  IMAGE_VERSION=11.2.038  "}) {
        CAPTURE(line);
        CHECK(os_release_value(std::string("NAME=\"Thin OS\"\n") + line + "\nID=thin\n", "IMAGE_VERSION") ==
              "11.2.038");
    }
    CHECK(os_release_value("A=\"say \\\"hi\\\" \\$x \\\\\"", "A") == "say \"hi\" $x \\");
    CHECK(os_release_value("A='a\\b'", "A") == "a\\b");
}

TEST_CASE("what is not there is empty, and only the whole key counts") {
    for (const char* text : {"", "\n", "# IMAGE_VERSION=1", "IMAGE_VERSION", "IMAGE_VERSION_OLD=1",
                             "MY_IMAGE_VERSION=1", "IMAGE_VERSION=", "IMAGE_VERSION=\"\""}) {
        CAPTURE(text);
        CHECK(os_release_value(text, "IMAGE_VERSION").empty());
    }
    CHECK(os_release_value("A=\"", "A") == "\"");
}

TEST_CASE("the last assignment counts, and nothing that a terminal would obey comes through") {
    CHECK(os_release_value("A=1\nA=2\n", "A") == "2");
    CHECK(os_release_value("A=\"1\x1b[2J\"\n", "A").find('\x1b') == std::string::npos);
}

}  // namespace
}  // namespace hagent::platform
