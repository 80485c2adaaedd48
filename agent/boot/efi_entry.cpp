// SPDX-License-Identifier: Apache-2.0
#include "agent/boot/efi_entry.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/boot/boot.h"

namespace hagent::boot {
namespace {

constexpr std::size_t k_attributes = 4;               // of the variable, in front of its bytes
constexpr std::size_t k_head = k_attributes + 4 + 2;  // attributes of the entry, bytes of its path
constexpr unsigned char k_active = 1;                 // LOAD_OPTION_ACTIVE
constexpr std::string_view k_entry = "Boot";

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }
unsigned number_at(std::string_view bytes, std::size_t at) {
    return byte_at(bytes, at) | (byte_at(bytes, at + 1) << 8U);
}

/// Slots have ASCII names, and nothing else is looked for.
std::string ascii_of_utf16(std::string_view bytes) {
    std::string out;
    for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
        const unsigned unit = number_at(bytes, at);
        if (unit == 0) {
            break;
        }
        out += unit >= 0x20 && unit < 0x7f ? static_cast<char>(unit) : '?';
    }
    return out;
}

std::string text_of(std::string_view data) {
    if (data.size() >= 2 && data[0] != '\0' && data[1] == '\0') {
        return ascii_of_utf16(data);
    }
    std::string out(data.substr(0, data.find('\0')));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < 0x20 || c == 0x7f; }, '?');
    return out;
}

}  // namespace

std::optional<EfiEntry> parse_efi_entry(std::string_view variable) {
    if (variable.size() < k_head || variable.size() > k_efi_variable_bytes) {
        return std::nullopt;
    }
    EfiEntry entry;
    entry.active = (byte_at(variable, k_attributes) & k_active) != 0;
    const std::size_t path_bytes = number_at(variable, k_attributes + 4);
    std::size_t end = k_head;
    while (end + 1 < variable.size() && number_at(variable, end) != 0) {
        end += 2;
    }
    if (end + 2 > variable.size() || variable.size() - end - 2 < path_bytes) {
        return std::nullopt;
    }
    entry.description = ascii_of_utf16(variable.substr(k_head, end - k_head));
    entry.options = text_of(variable.substr(end + 2 + path_bytes));
    return entry;
}

std::string efi_entry_switched(std::string_view variable, bool active) {
    std::string out(variable);
    const unsigned others = byte_at(variable, k_attributes) & ~unsigned{k_active};
    out[k_attributes] = static_cast<char>(static_cast<unsigned char>(others | (active ? k_active : 0U)));
    return out;
}

std::optional<std::vector<std::uint16_t>> parse_efi_numbers(std::string_view variable) {
    std::vector<std::uint16_t> out;
    if (variable.empty()) {
        return out;
    }
    if (variable.size() < k_attributes || variable.size() % 2 != 0 || variable.size() > k_efi_variable_bytes) {
        return std::nullopt;
    }
    for (std::size_t at = k_attributes; at < variable.size(); at += 2) {
        out.push_back(static_cast<std::uint16_t>(number_at(variable, at)));
    }
    return out;
}

std::string efi_numbers(const std::vector<std::uint16_t>& numbers) {
    std::string out("\x07\0\0\0", k_attributes);
    for (const auto number : numbers) {
        out += static_cast<char>(number & 0xffU);
        out += static_cast<char>(number >> 8U);
    }
    return out;
}

std::optional<std::uint16_t> efi_entry_number(std::string_view file_name) {
    if (file_name.size() != k_entry.size() + 4 + k_efi_global.size() || !file_name.starts_with(k_entry) ||
        !file_name.ends_with(k_efi_global)) {
        return std::nullopt;
    }
    const auto bytes = from_hex(file_name.substr(k_entry.size(), 4));
    return bytes ? std::optional(static_cast<std::uint16_t>((unsigned{(*bytes)[0]} << 8U) | (*bytes)[1]))
                 : std::nullopt;
}

std::string efi_entry_name(std::uint16_t number) {
    const std::uint8_t bytes[] = {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number & 0xffU)};
    return concat({k_entry, to_upper(to_hex(bytes)), k_efi_global});
}

bool entry_is_of_slot(std::string_view description, std::string_view options, std::string_view slot) {
    if (const auto passed = command_line_value(options, "hagent.slot"); !passed.empty()) {
        return passed == slot;
    }
    return description == slot || description == concat({"hagent ", slot});
}

}  // namespace hagent::boot
