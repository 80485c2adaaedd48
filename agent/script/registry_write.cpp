// SPDX-License-Identifier: Apache-2.0
// Owns the writing of registry files.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/registry_text.h"
#include "agent/script/utf16.h"

namespace hagent::script {
namespace {

using platform::RegistryValue;
using platform::ValueType;

std::string quoted(std::string_view text) {
    return concat({"\"", replace_all(replace_all(text, "\\", "\\\\"), "\"", "\\\""), "\""});
}

bool is_plain(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

std::string with_commas(std::string_view digits) {
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        out.append(i > 0 && i % 2 == 0 ? "," : "").push_back(digits[i]);
    }
    return out;
}

std::string bytes_text(std::string_view bytes) {
    return with_commas(to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}));
}

std::string texts_text(std::string_view text) { return bytes_text(utf16le_from_utf8(std::string(text) + '\0')); }

/// Not copied from memory, whose order depends on the target.
std::string little_endian(std::uint64_t number, unsigned bytes) {
    std::string out;
    for (unsigned i = 0; i < bytes; ++i) {
        out.push_back(static_cast<char>(number >> (8U * i) & 0xFFU));
    }
    return out;
}

/// Highest digit first, unlike the bytes of hex(b).
std::string dword_text(std::uint64_t number) {
    std::string digits = to_hex({reinterpret_cast<const std::uint8_t*>(little_endian(number, 4).data()), 4});
    return digits.substr(6, 2) + digits.substr(4, 2) + digits.substr(2, 2) + digits.substr(0, 2);
}

/// A text with a line feed in it would break its line in two, so it is written as bytes.
std::string data_text(const RegistryValue& value) {
    switch (value.type) {
        case ValueType::text: return is_plain(value.data) ? quoted(value.data) : "hex(1):" + texts_text(value.data);
        case ValueType::expandable: return "hex(2):" + texts_text(value.data);
        case ValueType::number: return "dword:" + dword_text(parse_u64(value.data).value_or(0));
        case ValueType::wide_number: return "hex(b):" + bytes_text(little_endian(parse_u64(value.data).value_or(0), 8));
        case ValueType::binary: return "hex:" + with_commas(value.data);
        case ValueType::list: return "hex(7):" + texts_text(value.data);
    }
    return {};
}

}  // namespace

std::string registry_text(const std::vector<platform::RegistryKeyContent>& keys) {
    std::string text = "Windows Registry Editor Version 5.00\n";
    for (const auto& key : keys) {
        text.append("\n[").append(key.key).append("]\n");
        for (const auto& [name, value] : key.values) {
            text.append(name.empty() ? "@" : quoted(name)).append("=").append(data_text(value)).append("\n");
        }
    }
    return text;
}

}  // namespace hagent::script
