// SPDX-License-Identifier: Apache-2.0
// Owns the tests of writing JSON; a full JSON library is the judge of the strings.
#include "agent/base/json_writer.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

using namespace hagent;

namespace {

std::string judged(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

namespace {

/// Read back; what could steer a terminal is written in another way than his.
bool same(const std::string& text) {
    return nlohmann::json::parse(json_text(text), nullptr, false) ==
           nlohmann::json::parse(judged(text), nullptr, false);
}

}  // namespace

TEST_CASE("members and items stand in the order of the calls") {
    JsonWriter json;
    json.begin_object();
    json.member("z", "text");
    json.member("a", 1);
    json.begin_object("empty");
    json.end_object();
    json.begin_array("list");
    json.value(true);
    json.null();
    json.begin_object();
    json.member("n", std::uint16_t{7});
    json.end_object();
    json.begin_array();
    json.end_array();
    json.end_array();
    json.null("none");
    json.member("texts", std::vector<std::string>{"x", "y"});
    json.raw("raw", "[1]");
    json.member("flag", false);
    json.end_object();
    CHECK(
        json.take() ==
        R"({"z":"text","a":1,"empty":{},"list":[true,null,{"n":7},[]],"none":null,"texts":["x","y"],"raw":[1],"flag":false})");
}

TEST_CASE("a writer whose text was taken begins anew") {
    JsonWriter json;
    json.value(1);
    CHECK(json.take() == "1");
    json.begin_array();
    json.end_array();
    CHECK(json.take() == "[]");
}

TEST_CASE("numbers of every size are whole") {
    JsonWriter json;
    json.begin_array();
    json.value(std::numeric_limits<std::int64_t>::min());
    json.value(std::numeric_limits<std::int64_t>::max());
    json.value(std::numeric_limits<std::uint64_t>::max());
    json.value(std::int8_t{-1});
    json.value(std::uint8_t{65});
    json.end_array();
    CHECK(json.take() == "[-9223372036854775808,9223372036854775807,18446744073709551615,-1,65]");
}

TEST_CASE("every byte and every pair of bytes is read by the judge as what he would have written") {
    for (unsigned a = 0; a < 256; ++a) {
        CHECK(same(std::string(1, static_cast<char>(a))));
        for (unsigned b = 0; b < 256; ++b) {
            const std::string text = {static_cast<char>(a), static_cast<char>(b)};
            if (!same(text)) {
                FAIL("bytes " << a << " " << b);
            }
        }
    }
}

TEST_CASE("what could steer a terminal is escaped") {
    CHECK(json_text("a\x1B\x7F\xC2\x9B\u200F\u202E\u2066\u061C\u00FC") ==
          "\"a\\u001b\\u007f\\u009b\\u200f\\u202e\\u2066\\u061c\u00FC\"");
}

TEST_CASE("broken UTF-8 is replaced as the judge replaces it") {
    CHECK(json_text("a\xE2\x82"
                    "b") ==
          "\"a\xEF\xBF\xBD"
          "b\"");
    CHECK(json_text("\xF0\x9F\x98\x80") == "\"\xF0\x9F\x98\x80\"");
    CHECK(json_text("\xED\xA0\x80") == judged("\xED\xA0\x80"));
    std::mt19937 random(7);
    constexpr std::string_view k_bytes = "a\"\x80\xBF\xC1\xC3\xE0\xE2\xED\xA0\x9F\xF0\x90\x8F\xF4\xF5\xFF\x1F";
    for (int round = 0; round < 20000; ++round) {
        std::string text;
        for (auto left = random() % 9; left > 0; --left) {
            text += k_bytes[random() % k_bytes.size()];
        }
        if (!same(text)) {
            FAIL("another text than " << judged(text));
        }
    }
}
