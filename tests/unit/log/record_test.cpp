// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the log line's form.
#include <doctest/doctest.h>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/log/record.h"

using namespace hagent;
using namespace hagent::log;

namespace {

Record record(std::string message, std::vector<Field> fields = {}) {
    return {Level::info, WallTime{Millis{1'767'225'600'000}}, "transfer", std::move(message), std::move(fields)};
}

}  // namespace

TEST_CASE("a line shows time, level, area, message and fields") {
    CHECK(to_line(record("resumed", {{"at", "123"}})) == "2026-01-01T00:00:00Z info    transfer: resumed at=123");
    CHECK(to_line({Level::warning, {}, "loop", "late", {}}) == "1970-01-01T00:00:00Z warning loop: late");
}

TEST_CASE("values with blanks, quotes or nothing are quoted") {
    CHECK(to_line(record("m", {{"a", "x y"}, {"b", ""}, {"c", "say \"hi\" \\"}}))
              .ends_with(R"(a="x y" b="" c="say \"hi\" \\")"));
}

TEST_CASE("control characters and invalid UTF-8 from outside cannot reach a terminal") {
    const Record clean = cleaned(record("a\x1b[2Jb\nc", {{"k", "\xFF\x07"}}));
    CHECK(clean.message == "a?[2Jb?c");
    CHECK(clean.fields[0].value == "\xC3\xBF?");
    CHECK(is_utf8(to_line(clean)));
}

TEST_CASE("user names and passwords inside of URLs are left out") {
    CHECK(cleaned(record("get ftp://joe:p@ss@host/a@b and http://x@y/")).message == "get ftp://host/a@b and http://y/");
    CHECK(cleaned(record("m", {{"url", "https://u:p@h:8443/q?x=1"}})).fields[0].value == "https://h:8443/q?...");
    CHECK(cleaned(record("from http://a/?t=1 and 'https://u:p@b/c?t=2', why?")).message ==
          "from http://a/?... and 'https://b/c?...', why?");
    CHECK(cleaned(record("mail a@b.c, http://h/")).message == "mail a@b.c, http://h/");
}

TEST_CASE("a line is never longer than the limit and never cut inside of a character") {
    std::string long_text;
    for (int i = 0; i < 5000; ++i) {
        long_text += "\xC3\xA4";
    }
    const Record clean = cleaned(record(long_text, {{"k", long_text}, {long_text, "v"}}));
    CHECK(clean.message.size() <= limits::k_log_line_bytes);
    std::size_t fields = 0;
    for (const Field& field : clean.fields) {
        fields += field.key.size() + field.value.size();
    }
    CHECK(fields <= limits::k_log_line_bytes);
    const std::string line = to_line(clean);
    CHECK(line.size() <= limits::k_log_line_bytes);
    CHECK(line.size() > limits::k_log_line_bytes - 2);
    CHECK(is_utf8(line));
}

TEST_CASE("level names are read back as they are written") {
    for (const Level level : {Level::debug, Level::info, Level::warning, Level::error}) {
        CHECK(parse_level(to_string(level)) == level);
    }
    CHECK_FALSE(parse_level("loud"));
    CHECK_FALSE(parse_level(""));
}
