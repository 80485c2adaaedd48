// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the text functions.
#include "agent/base/text.h"

#include <doctest/doctest.h>

#include <string>

namespace hagent {
namespace {

using Parts = std::vector<std::string_view>;

TEST_CASE("trim takes blanks from both ends only") {
    CHECK(trim(" \t a b\r\n") == "a b");
    CHECK(trim("") == "");
    CHECK(trim(" \n ") == "");
}

TEST_CASE("split keeps empty parts, words does not") {
    CHECK(split("a,,b,", ',') == Parts{"a", "", "b", ""});
    CHECK(split("", ',') == Parts{""});
    CHECK(words("  a \t b\n") == Parts{"a", "b"});
    CHECK(words(" ").empty());
}

TEST_CASE("letter case is ASCII only") {
    CHECK(equal_ignoring_case("Content-LENGTH", "content-length"));
    CHECK_FALSE(equal_ignoring_case("abc", "abcd"));
    CHECK_FALSE(equal_ignoring_case("\xC3\x84", "\xC3\xA4"));
    CHECK(to_lower("AZ[`az\xC3\x84") == "az[`az\xC3\x84");
    CHECK(to_upper("az{@AZ") == "AZ{@AZ");
}

TEST_CASE("replace_all replaces every occurrence once") {
    CHECK(replace_all("a.b.c", ".", "..") == "a..b..c");
    CHECK(replace_all("aaa", "aa", "b") == "ba");
    CHECK(replace_all("abc", "", "x") == "abc");
    CHECK(replace_all("", "a", "b").empty());
}

TEST_CASE("hexadecimal goes there and back") {
    const std::vector<std::uint8_t> bytes = {0x00, 0x0F, 0xA5, 0xFF};
    CHECK(to_hex(bytes) == "000fa5ff");
    CHECK(from_hex("000FA5ff") == bytes);
    CHECK(from_hex("") == std::vector<std::uint8_t>{});
    for (const char* text : {"0", "0g", "0x00", " 00", "000"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(from_hex(text).has_value());
    }
}

TEST_CASE("is_utf8 accepts what RFC 3629 allows") {
    for (const char* text : {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                             "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        CAPTURE(std::string(text));
        CHECK(is_utf8(text));
    }
}

TEST_CASE("is_utf8 refuses overlong forms, surrogates, strays and cut sequences") {
    for (const char* text :
         {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2x", "\xE0\x9F\xBF", "\xE2\x82", "\xED\xA0\x80",
          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF", "ok\xF0\x9F\x98"}) {
        CAPTURE(std::string(text));
        CHECK_FALSE(is_utf8(text));
    }
}

TEST_CASE("every Latin-1 byte becomes valid UTF-8") {
    CHECK(utf8_from_latin1("Gr\xFC\xDF"
                           "e") ==
          "Gr\xC3\xBC\xC3\x9F"
          "e");
    std::string all;
    for (int i = 0; i < 256; ++i) {
        all += static_cast<char>(i);
    }
    CHECK(is_utf8(utf8_from_latin1(all)));
    CHECK(utf8_from_latin1(all).size() == 128 + 2 * 128);
}

TEST_CASE("clip never cuts inside a character") {
    CHECK(clip("abc", 5) == "abc");
    CHECK(clip("abc", 2) == "ab");
    CHECK(clip("a\xC3\xBC", 2) == "a");
    CHECK(clip("\xF0\x9F\x98\x80x", 3).empty());
    CHECK(clip("\xF0\x9F\x98\x80x", 4) == "\xF0\x9F\x98\x80");
}

TEST_CASE("text for a terminal keeps its lines and nothing else that could steer it") {
    CHECK(for_terminal("a\x1B[2J\nb\r\nc\rd\x9B\x31m\n") == "a?[2J\nb\nc?d?1m\n");
    CHECK(for_terminal("\r12 MiB") == "\r12 MiB");
    CHECK(for_terminal("") == "");
    CHECK(for_terminal("x\u200Fy\u061Cz\u2028\u00FC\n") == "x?y?z?\u00FC\n");
    CHECK(for_terminal("\xC3\x9B \xE2\x82\xAC \xF0\x9F\x98\x80") ==
          "\xC3\x9B \xE2\x82\xAC \xF0\x9F\x98\x80");  // bytes of good characters
}

TEST_CASE("printable disarms control bytes") {
    CHECK(printable("a\tb\x1B[31m\r\n\x7F") == "a\tb?[31m???");
    CHECK(printable("\xC3\xBC") == "\xC3\xBC");
}

TEST_CASE("printable disarms control characters of several bytes, and what turns the direction of writing") {
    CHECK(printable("a\xC2\x9B"
                    "31m\xC2\x80\xC2\xA0") == "a?31m?\xC2\xA0");
    CHECK(printable("/data/\xE2\x80\xAEgnp.exe \xE2\x81\xA6x\xE2\x81\xA9") == "/data/?gnp.exe ?x?");
    CHECK(printable("\xE2\x80\xA6 \xE2\x80\x9C \xE2\x81\xAA \xC2 \xE2\x80") ==
          "\xE2\x80\xA6 \xE2\x80\x9C \xE2\x81\xAA \xC2 \xE2\x80");
}

TEST_CASE("a peer's words stand in quotation marks, on one line, cut and disarmed") {
    CHECK(peer_words("500 OOPS: cannot change directory\r\n") == "\"500 OOPS: cannot change directory\"");
    CHECK(peer_words("  not\r\n\t compatible ") == "\"not compatible\"");
    CHECK(peer_words("say \"no\" \x1B[2J\xC2\x9B \xE2\x80\xAEx") == "\"say 'no' ?[2J? ?x\"");
    CHECK(peer_words("l\xF6schen") == "\"l\xC3\xB6schen\"");
    CHECK(peer_words(" \r\n") == "");
    CHECK(peer_words("") == "");
}

TEST_CASE("a peer's words are bounded, whatever it sends, and end with a whole character") {
    CHECK(peer_words(std::string(200, 'x')) == '"' + std::string(200, 'x') + '"');
    CHECK(peer_words(std::string(201, 'x')) == '"' + std::string(197, 'x') + "...\"");
    CHECK(peer_words(std::string(1U << 20U, '\xF6')).size() < 210);
    std::string long_text;
    while (long_text.size() < 5000) {
        long_text += "\xE2\x82\xAC";
    }
    CHECK(is_utf8(peer_words(long_text)));
    CHECK(peer_words(std::string_view(long_text).substr(0, 4000)) == peer_words(long_text));
}

TEST_CASE("sizes are shown in the largest fitting unit") {
    CHECK(human_bytes(0) == "0 B");
    CHECK(human_bytes_apart(2000, 3000) == std::pair<std::string, std::string>("2.0 KiB", "2.9 KiB"));
    CHECK(human_bytes_apart(3000, 2999) == std::pair<std::string, std::string>("3000 B", "2999 B"));
    CHECK(human_bytes_apart(3000, 3000) == std::pair<std::string, std::string>("2.9 KiB", "2.9 KiB"));
    CHECK(human_bytes(1023) == "1023 B");
    CHECK(human_bytes(1024) == "1.0 KiB");
    CHECK(human_bytes(12'897'485) == "12.3 MiB");
    CHECK(human_bytes(UINT64_MAX) == "16777216.0 TiB");
}

}  // namespace
}  // namespace hagent
