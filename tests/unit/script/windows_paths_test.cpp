// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the path jail's Windows rules; elsewhere they are skipped.
#include "platform/paths.h"
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

/// Says so when the case is left out.
bool elsewhere() {
    const bool left_out = platform::native("/") != "\\";
    if (left_out) {
        MESSAGE("skipped: these are the path rules of Windows; they run under wine");
    }
    return left_out;
}

TEST_CASE("paths begin with a drive and are tidied") {
    if (elsewhere()) {
        return;
    }
    CHECK(tidy_path("C:\\data\\x").value() == "C:\\data\\x");
    CHECK(tidy_path("c:/data//./x/").value() == "c:\\data\\x");
    CHECK(tidy_path("C:\\").value() == "C:\\");
    CHECK(tidy_path("D:\\\\double\\\\wire").value() == "D:\\double\\wire");
}

TEST_CASE("network names, drive-relative paths, streams and devices are refused") {
    if (elsewhere()) {
        return;
    }
    for (const char* path :
         {"\\\\server\\share\\x", "//server/share/x", "\\\\.\\PhysicalDrive0", "\\\\?\\C:\\x", "\\data\\x", "/data/x",
          "C:data", "data\\x", "C:\\a\\..\\b", "C:\\a:stream", "C:\\a\\b::$DATA", "C:\\NUL", "C:\\a\\con.txt",
          "C:\\a\\COM1", "C:\\a\\lpt9.x", "C:\\a.", "C:\\a ", "C:\\a\\b. \\c", "C:\\a?b"}) {
        CAPTURE(path);
        const auto tidy = tidy_path(path);
        REQUIRE(!tidy.ok());
        CHECK(tidy.error().is(errors::AgentCode::path_refused));
    }
}

TEST_CASE("names are compared without regard to case") {
    if (elsewhere()) {
        return;
    }
    CHECK(is_within("c:\\DATA\\x", "C:\\data"));
    CHECK(is_within("C:\\data\\x", "C:/data/"));
    CHECK_FALSE(is_within("C:\\data2", "C:\\data"));
    fakes::FakeFiles files;
    const Jail jail{{"C:\\data"}, "", {"C:\\data\\agent"}};
    CHECK(
        device_path("c:\\DATA\\Agent\\key", PathUse::edit, jail, files).error().is(errors::AgentCode::path_protected));
    CHECK(device_path("C:\\Windows\\x", PathUse::edit, jail, files).error().is(errors::AgentCode::path_refused));
    CHECK(device_path("c:\\Data\\x", PathUse::place, jail, files).ok());
}

}  // namespace
}  // namespace hagent::script
