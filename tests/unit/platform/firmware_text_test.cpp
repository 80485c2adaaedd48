// SPDX-License-Identifier: Apache-2.0
// Owns the tests of firmware_fact().
#include "platform/firmware_text.h"

#include <doctest/doctest.h>

namespace hagent {
namespace {

using platform::firmware_fact;

TEST_CASE("a filled field is shown without blanks and control bytes") {
    CHECK(firmware_fact(" ACME T10\n") == "ACME T10");
    CHECK(firmware_fact(std::string_view("SN\0rest", 7)) == "SN");
    CHECK(firmware_fact("a\x1B[2Jb") == "a?[2Jb");
}

TEST_CASE("what makers leave in fields they did not fill is no answer") {
    for (const char* text :
         {"", "  ", "To Be Filled By O.E.M.", "Default string\n", "System Serial Number", "None", "N/A"}) {
        CAPTURE(std::string(text));
        CHECK(firmware_fact(text).empty());
    }
}

}  // namespace
}  // namespace hagent
