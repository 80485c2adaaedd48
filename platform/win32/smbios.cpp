// SPDX-License-Identifier: Apache-2.0
// Owns the walk over SMBIOS structures.
#include "platform/win32/smbios.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "platform/firmware_text.h"

namespace hagent::platform {
namespace {

// Structure types and the places of their fields: DSP0134, 7.2 and 7.3; the same in both structures.
constexpr std::uint8_t k_system = 1, k_base_board = 2;
constexpr std::size_t k_header_bytes = 4, k_vendor_at = 4, k_product_at = 5, k_serial_at = 7;

/// The string with this number (from 1) among those behind a structure.
std::string_view text_number(std::string_view strings, std::size_t number) {
    for (std::size_t i = 1; i < number && !strings.empty(); ++i) {
        strings.remove_prefix(std::min(strings.find('\0') + 1, strings.size()));
    }
    return number == 0 ? std::string_view() : strings.substr(0, strings.find('\0'));
}

/// A field holds the number of a text. The first structure with a real answer counts.
void fill(std::string& fact, std::string_view formatted, std::size_t at, std::string_view strings) {
    if (fact.empty() && at < formatted.size()) {
        fact = firmware_fact(text_number(strings, static_cast<std::uint8_t>(formatted[at])));
    }
}

}  // namespace

MachineLabel read_machine_label(std::span<const std::uint8_t> table) {
    MachineLabel system, board;
    std::string_view rest(reinterpret_cast<const char*>(table.data()), table.size());
    while (rest.size() > k_header_bytes) {
        const auto type = static_cast<std::uint8_t>(rest[0]);
        const std::size_t length = static_cast<std::uint8_t>(rest[1]);
        if (length < k_header_bytes || length > rest.size()) {
            break;
        }
        const auto formatted = rest.substr(0, length);
        const auto end = rest.find(std::string_view("\0\0", 2), length);
        const auto strings = rest.substr(length, end == std::string_view::npos ? end : end - length);
        if (type == k_system || type == k_base_board) {
            MachineLabel& label = type == k_system ? system : board;
            fill(label.vendor, formatted, k_vendor_at, strings);
            fill(label.product, formatted, k_product_at, strings);
            fill(label.serial, formatted, k_serial_at, strings);
        }
        if (end == std::string_view::npos) {
            break;
        }
        rest.remove_prefix(end + 2);
    }
    return {system.vendor.empty() ? board.vendor : system.vendor,
            system.product.empty() ? board.product : system.product,
            system.serial.empty() ? board.serial : system.serial};
}

}  // namespace hagent::platform
