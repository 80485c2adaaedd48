// SPDX-License-Identifier: Apache-2.0
// Owns the tests of Windows path forms.
#include "platform/paths.h"

#include <doctest/doctest.h>

#include "platform/win32/wide.h"

namespace hagent {
namespace {

TEST_CASE("a path is absolute with a drive and a separator, or as a share") {
    CHECK(platform::is_absolute("C:\\x"));
    CHECK(platform::is_absolute("c:/x"));
    CHECK(platform::is_absolute("\\\\server\\share"));
    CHECK_FALSE(platform::is_absolute("C:x"));
    CHECK_FALSE(platform::is_absolute("\\x"));
    CHECK_FALSE(platform::is_absolute("x"));
}

TEST_CASE("spellings that differ in case and separators name the same file") {
    CHECK(platform::native("a/b\\c") == "a\\b\\c");
    CHECK(platform::same_path("C:/Data/X", "c:\\data\\x"));
    CHECK_FALSE(platform::same_path("C:\\a", "C:\\b"));
    CHECK(platform::absolute("C:/a/./b/../c") == "C:\\a\\c");
}

TEST_CASE("long paths get the form without limit and lose it again") {
    const std::string path = "C:\\" + std::string(200, 'a') + "\\" + std::string(200, 'b');
    CHECK(platform::wide_path(path).starts_with(L"\\\\?\\C:\\"));
    CHECK(platform::path_text(platform::wide_path(path)) == path);
    CHECK(platform::path_text(L"\\\\?\\UNC\\server\\x") == "\\\\server\\x");
    CHECK(platform::has_too_long_name("C:\\" + std::string(256, 'x') + "\\y"));
    CHECK_FALSE(platform::has_too_long_name(path));
}

}  // namespace
}  // namespace hagent
