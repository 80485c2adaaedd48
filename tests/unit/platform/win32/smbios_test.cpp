// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the SMBIOS walk.
#include "platform/win32/smbios.h"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

namespace hagent {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// A structure of `length` bytes whose fields 4, 5 and 7 name strings 1, 2 and 3.
Bytes structure(std::uint8_t type, std::uint8_t length, std::initializer_list<std::string_view> strings) {
    Bytes bytes(length, 0);
    bytes[0] = type;
    bytes[1] = length;
    if (length > 7) {
        bytes[4] = 1;
        bytes[5] = 2;
        bytes[7] = 3;
    }
    for (const auto text : strings) {
        bytes.insert(bytes.end(), text.begin(), text.end());
        bytes.push_back(0);
    }
    bytes.push_back(0);
    if (strings.size() == 0) {
        bytes.push_back(0);
    }
    return bytes;
}

Bytes operator+(Bytes a, const Bytes& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

TEST_CASE("the system's label is found behind other structures") {
    const auto label = platform::read_machine_label(structure(0, 24, {"BIOS"}) + structure(127, 4, {}) +
                                                    structure(1, 27, {"Maker", "T10", "SN1"}));
    CHECK(label.vendor == "Maker");
    CHECK(label.product == "T10");
    CHECK(label.serial == "SN1");
}

TEST_CASE("the board answers where the system does not") {
    const auto label = platform::read_machine_label(structure(1, 27, {"Maker", "To be filled by O.E.M.", "None"}) +
                                                    structure(2, 15, {"Board Maker", "B1", "BSN"}));
    CHECK(label.vendor == "Maker");
    CHECK(label.product == "B1");
    CHECK(label.serial == "BSN");
}

TEST_CASE("a table cut anywhere or of nonsense is survived") {
    const Bytes table = structure(0, 24, {"BIOS"}) + structure(1, 27, {"Maker", "T10", "SN1"});
    for (std::size_t size = 0; size <= table.size(); ++size) {
        const Bytes cut(table.begin(), table.begin() + static_cast<std::ptrdiff_t>(size));
        const auto label = platform::read_machine_label(cut);
        CHECK((label.vendor.empty() || std::string_view("Maker").starts_with(label.vendor)));
    }
    CHECK(platform::read_machine_label(Bytes(100, 0xFF)).vendor.empty());
    CHECK(platform::read_machine_label(Bytes(100, 0)).vendor.empty());
    CHECK(platform::read_machine_label(structure(1, 6, {"Maker"})).serial.empty());
}

}  // namespace
}  // namespace hagent
