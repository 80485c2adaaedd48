// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the log file.
#include <doctest/doctest.h>

#include "agent/log/rotated_file.h"
#include "tests/fakes/fake_files.h"

using namespace hagent;
using namespace hagent::log;

namespace {

Record numbered(int n) { return {Level::info, {}, "a", "line " + std::to_string(n), {}}; }
const std::size_t k_line = to_line(numbered(1)).size() + 1;

}  // namespace

TEST_CASE("lines are appended to what is there") {
    fakes::FakeFiles files;
    files.put("/log", "before\n");
    RotatedFile sink(files, "/log");
    sink.write(numbered(1));
    CHECK(files.content("/log") == "before\n" + to_line(numbered(1)) + "\n");
}

TEST_CASE("a full file becomes the one old generation") {
    fakes::FakeFiles files;
    files.put_directory("/");
    RotatedFile sink(files, "/log", 3 * k_line);
    for (int n = 1; n <= 7; ++n) {
        sink.write(numbered(n));
    }
    CHECK(files.content("/log") == to_line(numbered(7)) + "\n");
    CHECK(files.content("/log.1")->size() == 3 * k_line);
    CHECK(files.content("/log.1")->find("line 4") != std::string::npos);
    CHECK_FALSE(files.exists("/log.2"));
}

TEST_CASE("a file that cannot be written drops lines and goes on when it can") {
    fakes::FakeFiles files;
    RotatedFile sink(files, "/log");
    files.set_read_only(true);
    sink.write(numbered(1));
    files.set_read_only(false);
    sink.write(numbered(2));
    CHECK(files.content("/log") == to_line(numbered(2)) + "\n");
}
