// SPDX-License-Identifier: Apache-2.0
// Owns the tests of registry files, keys and values: what regedit writes is read, what we write is read back.
#include <doctest/doctest.h>

#include <vector>

#include "agent/base/text.h"
#include "agent/script/registry_key.h"
#include "agent/script/registry_text.h"
#include "agent/script/registry_value.h"
#include "agent/script/utf16.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;
using platform::RegistryKeyContent;
using platform::RegistryValue;
using platform::ValueType;

const std::string k_head = "Windows Registry Editor Version 5.00\r\n\r\n";

std::vector<RegistryChange> changes_of(const std::string& text) {
    auto changes = read_registry_text(text);
    INFO((changes.ok() ? "" : changes.error().context));
    REQUIRE(changes.ok());
    return std::move(changes).value();
}

RegistryValue value_in(const std::string& line, const std::string& head = k_head) {
    const auto changes = changes_of(head + "[HKEY_LOCAL_MACHINE\\Software\\X]\r\n" + line + "\r\n");
    REQUIRE(changes.size() == 2);
    CHECK(changes[1].kind == RegistryChange::Kind::set);
    return changes[1].value;
}

std::string fault(const std::string& text) {
    const auto changes = read_registry_text(text);
    REQUIRE_FALSE(changes.ok());
    CHECK(changes.error().is(AgentCode::bad_argument));
    return changes.error().context;
}

TEST_CASE("keys are written with short or long hives, any separators, and become one form") {
    for (const char* text :
         {"HKLM\\Software\\X", "hkey_local_machine\\Software\\X", "\\HKLM\\\\Software\\\\X\\", "HKLM//Software//X"}) {
        CAPTURE(text);
        CHECK(registry_key(text).value() == "HKEY_LOCAL_MACHINE\\Software\\X");
    }
    CHECK(registry_key("HKCR\\MIME\\text/plain").value() == "HKEY_CLASSES_ROOT\\MIME\\text/plain");
    CHECK(registry_key_and_name("HKCU\\A\\n").value() ==
          std::pair<std::string, std::string>("HKEY_CURRENT_USER\\A", "n"));
    CHECK(registry_key_and_name("HKCU\\A\\").value() ==
          std::pair<std::string, std::string>("HKEY_CURRENT_USER\\A", ""));
}

TEST_CASE("keys that are none are refused") {
    for (const std::string& text :
         {std::string(), std::string("\\"), std::string("Software\\X"), std::string("HKXX\\X"),
          std::string("HKLM\\a\nb"), std::string("HKLM\\a\0b", 8), std::string("HKLM\\\xFF")}) {
        CAPTURE(text);
        CHECK(registry_key(text).error().is(AgentCode::bad_argument));
    }
    CHECK(registry_key("HKLM\\" + std::string(256, 'a')).error().is(AgentCode::name_too_long));
    std::string deep = "HKLM";
    for (int i = 0; i < 32; ++i) {
        deep += "\\a";
    }
    CHECK(registry_key(deep).error().is(AgentCode::name_too_long));
    CHECK(registry_key_and_name("name").error().is(AgentCode::bad_argument));
}

TEST_CASE("no script changes the agent's service or removes what the system stands on") {
    const auto check_key = [](RegistryChange::Kind kind, const char* key) {
        return may_change({kind, registry_key(key).value(), "n", {}});
    };
    using Kind = RegistryChange::Kind;
    for (const auto kind : {Kind::set, Kind::remove_value, Kind::make_key, Kind::remove_key}) {
        CHECK(
            check_key(kind, "HKLM\\System\\CurrentControlSet\\services\\HAGENT").error().is(AgentCode::path_protected));
        CHECK(check_key(kind, "HKLM\\System\\ControlSet001\\services\\hagent\\Parameters")
                  .error()
                  .is(AgentCode::path_protected));
        CHECK(check_key(kind, "HKLM\\System\\CurrentControlSet\\services\\other").ok());
        CHECK(check_key(kind, "HKLM\\Software\\hagent-boot").error().is(AgentCode::path_protected));
        CHECK(check_key(kind, "HKLM\\Software\\Vendor").ok());
    }
    CHECK(check_key(Kind::set, "HKLM\\System\\CurrentControlSet\\Services").ok());
    CHECK(check_key(Kind::remove_key, "HKLM\\System\\CurrentControlSet").error().is(AgentCode::path_protected));
    CHECK(check_key(Kind::remove_key, "HKLM").error().is(AgentCode::path_protected));
    CHECK(check_key(Kind::remove_key, "HKCU\\Software").error().is(AgentCode::path_refused));
    CHECK(check_key(Kind::remove_key, "HKCU\\Software\\X").ok());
}

TEST_CASE("values take the forms of their types") {
    CHECK(value_of(ValueType::number, "0x10").value().data == "16");
    CHECK(value_of(ValueType::number, "4294967295").ok());
    CHECK(value_of(ValueType::wide_number, "0xffffffffffffffff").value().data == "18446744073709551615");
    CHECK(value_of(ValueType::binary, "0A,ff 00").value().data == "0aff00");
    const auto list = value_of(ValueType::list, "a\\0b").value();
    CHECK(list.data == std::string("a\0b\0", 4));
    CHECK(value_text(list) == "a\\0b");
    for (const char* bad : {"", "-1", "4294967296", "0x", "0x-1", "1x", "0x100000000"}) {
        CAPTURE(bad);
        CHECK(value_of(ValueType::number, bad).error().is(AgentCode::bad_argument));
    }
    CHECK(value_of(ValueType::binary, "abc").error().is(AgentCode::bad_argument));
    CHECK(value_type("reg_dword").value() == ValueType::number);
    CHECK(value_type("REG_LINK").error().is(AgentCode::bad_argument));
}

TEST_CASE("every type of a registry file is read") {
    CHECK(value_in("\"n\"=\"C:\\\\x \\\"y\\\"\"") == RegistryValue{ValueType::text, "C:\\x \"y\""});
    CHECK(value_in("@=dword:0000000A") == RegistryValue{ValueType::number, "10"});
    CHECK(value_in("\"n\"=hex:01,02,\\\r\n  ff") == RegistryValue{ValueType::binary, "0102ff"});
    CHECK(value_in("\"n\"=hex(2):25,00,41,00,00,00") == RegistryValue{ValueType::expandable, "%A"});
    CHECK(value_in("\"n\"=hex(7):61,00,00,00,62,00,00,00,00,00") ==
          RegistryValue{ValueType::list, std::string("a\0b\0", 4)});
    CHECK(value_in("\"n\"=hex(b):01,00,00,00,00,00,00,80") ==
          RegistryValue{ValueType::wide_number, "9223372036854775809"});
    CHECK(value_in("\"n\"=hex(2):25,41,00", "REGEDIT4\n") == RegistryValue{ValueType::expandable, "%A"});
}

TEST_CASE("removals are read") {
    const auto changes = changes_of(k_head + "; note\n[-HKLM\\Software\\Old]\n[HKLM\\Software\\X]\n\"gone\"=-\n");
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].kind == RegistryChange::Kind::remove_key);
    CHECK(changes[0].key == "HKEY_LOCAL_MACHINE\\Software\\Old");
    CHECK(changes[1].kind == RegistryChange::Kind::make_key);
    CHECK(changes[2].kind == RegistryChange::Kind::remove_value);
    CHECK(changes[2].name == "gone");
}

TEST_CASE("a file in UTF-16, as regedit writes it, and one in Latin-1") {
    const std::string text = k_head + "[HKLM\\Software\\X]\r\n\"n\"=\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\"\r\n";
    CHECK(changes_of("\xFF\xFE" + utf16le_from_utf8(text))[1].value.data == "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
    CHECK(changes_of("\xEF\xBB\xBF" + text).size() == 2);
    CHECK(changes_of("REGEDIT4\n[HKLM\\Software\\X]\n\"n\"=\"\xFC\"\n")[1].value.data == "\xC3\xBC");
}

TEST_CASE("bad registry files are refused with the line") {
    CHECK(fault("") == "expected a registry file, not an empty one");
    CHECK(fault("[HKLM\\X]\n") ==
          "line 1: expected the first line of a registry file: REGEDIT4 or Windows Registry Editor Version 5.00");
    CHECK(fault(k_head + "\"n\"=\"x\"\n") == "line 3: expected a [key] that is not removed before its values");
    CHECK(fault(k_head + "[HKLM\\X\n") == "line 3: expected a closing bracket");
    CHECK(fault(k_head + "[What\\X]\n") == "line 3: expected a key that begins with HKLM, HKCU, HKCR, HKU or HKCC");
    for (const char* bad :
         {"n=\"x\"", "\"n\"", "\"n\"=", "\"n\"=\"x", "\"n\"=\"x\"y", "\"n\"=dword:", "\"n\"=dword:123456789",
          "\"n\"=dword:xyz", "\"n\"=hex:0", "\"n\"=hex(6):00", "\"n\"=hex(b):00", "\"n\"=word:1", "\"n", "\"n\\"}) {
        CAPTURE(bad);
        CHECK_FALSE(read_registry_text(k_head + "[HKLM\\X]\n" + bad + "\n").ok());
    }
    CHECK_FALSE(read_registry_text(k_head + "[HKLM\\X]\n\"n\"=hex:00,\\").ok());
}

TEST_CASE("what is written is read back, whatever the values hold") {
    const RegistryKeyContent key{"HKEY_LOCAL_MACHINE\\Software\\X",
                                 {{"", {ValueType::text, "default"}},
                                  {"a\"\\b", {ValueType::text, "two\nlines \xC3\xBC"}},
                                  {"b", {ValueType::expandable, "%x%"}},
                                  {"c", {ValueType::number, "4294967295"}},
                                  {"d", {ValueType::wide_number, "18446744073709551615"}},
                                  {"e", {ValueType::binary, "00ff"}},
                                  {"f", {ValueType::binary, ""}},
                                  {"g", {ValueType::list, std::string("a\0b\0", 4)}},
                                  {"h", {ValueType::list, ""}},
                                  {"i", {ValueType::text, ""}}}};
    const auto changes = changes_of(registry_text({key}));
    REQUIRE(changes.size() == key.values.size() + 1);
    for (std::size_t i = 0; i < key.values.size(); ++i) {
        CAPTURE(i);
        CHECK(changes[i + 1].name == key.values[i].first);
        CHECK(changes[i + 1].value == key.values[i].second);
    }
}

TEST_CASE("halves of pairs and odd bytes do no harm") {
    CHECK(utf8_from_utf16le(std::string("\x00\xD8", 2)) == "\xEF\xBF\xBD");
    CHECK(utf8_from_utf16le(std::string("\x00\xDC\x41\x00", 4)) ==
          "\xEF\xBF\xBD"
          "A");
    CHECK(utf8_from_utf16le(std::string("A\0B", 3)) == "A");
}

}  // namespace
}  // namespace hagent::script
