// SPDX-License-Identifier: Apache-2.0
// Owns the tests of variables and version conditions.
#include <doctest/doctest.h>

#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

TEST_CASE("variables stand for the device's facts") {
    const Facts facts = test_facts();
    CHECK(expand("/etc/<mac>/<IP>-<hostname>.<serial>", facts).value() == "/etc/00:80:64:aa:bb:cc/192.0.2.7-tc-7.SN 7");
    CHECK(expand("<os> <image>", facts).value() == "SLX 11.2.0");
}

TEST_CASE("a plain less-than sign is doubled, or stands where no name follows") {
    const Facts facts = test_facts();
    CHECK(expand("a < b", facts).value() == "a < b");
    CHECK(expand("<<mac>", facts).value() == "<mac>");
    CHECK(expand("<Directory />", facts).value() == "<Directory />");
    CHECK(expand("x<", facts).value() == "x<");
    CHECK(expand("<>", facts).value() == "<>");
}

TEST_CASE("an unknown name, an empty value and a misplaced <regroot> are refused") {
    Facts facts = test_facts();
    facts.serial.clear();
    CHECK(expand("<name>", facts).error().context ==
          "expected one of <mac> <ip> <hostname> <serial> <os> <image>, not <name>; a plain '<' is written \"<<\"");
    CHECK(expand("<serial>", facts).error().context == "this device has no value for <serial>");
    CHECK(expand("<regroot>/x", facts).error().context ==
          "expected <regroot> only at the beginning of a repository path; the device does not see it: fetch the file "
          "with SF first, and name the place where SF puts it");
}

TEST_CASE("image conditions have a relation and a version") {
    struct Row {
        const char* condition;
        bool holds;
    };
    for (const Row& row : {Row{"11.2", true},
                           {"=11.2", true},
                           {"== 11.2.0", true},
                           {"!=11.2", false},
                           {">=11.2", true},
                           {">= 11.10", false},
                           {">11.1.9", true},
                           {"<12", true},
                           {"<=11.2", true},
                           {"<11.2", false}}) {
        CAPTURE(row.condition);
        CHECK(version_holds(row.condition, "11.2.0").value() == row.holds);
    }
    for (const char* condition : {"", ">=", "=>11", "<>11", "11 12", ">=11<12"}) {
        CAPTURE(condition);
        CHECK_FALSE(version_holds(condition, "11").ok());
    }
}

TEST_CASE("the machine's facts become the script's") {
    fakes::FakeHost host;
    const Facts facts = work::facts_from(host.facts(), {"SLX"}, "9");
    CHECK(facts.mac == "00:80:64:aa:bb:cc");
    CHECK(facts.ip == "192.0.2.10");
    CHECK(facts.platforms == Strings{"T10", "Example Maker T10"});
    CHECK(facts.image_version == "9");
    const Facts nothing = work::facts_from({}, {}, "");
    CHECK(nothing.platforms.empty());
    CHECK(nothing.mac.empty());
}

}  // namespace
}  // namespace hagent::script
