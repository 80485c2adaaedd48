// SPDX-License-Identifier: Apache-2.0
// Owns the forms of values.
#include "agent/script/registry_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryValue;
using platform::ValueType;

struct TypeRow {
    std::string_view name;
    ValueType type;
};
constexpr std::array k_types = {
    TypeRow{"REG_SZ", ValueType::text},       TypeRow{"REG_EXPAND_SZ", ValueType::expandable},
    TypeRow{"REG_DWORD", ValueType::number},  TypeRow{"REG_QWORD", ValueType::wide_number},
    TypeRow{"REG_BINARY", ValueType::binary}, TypeRow{"REG_MULTI_SZ", ValueType::list}};
constexpr std::string_view k_between = "\\0";

std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t max) {
    if (!text.starts_with("0x") && !text.starts_with("0X")) {
        return parse_u64(text, max);
    }
    text.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    const bool whole = fault == std::errc() && end == text.data() + text.size() && !text.empty();
    return whole && value <= max ? std::optional(value) : std::nullopt;
}

Result<RegistryValue> number_value(ValueType type, std::string_view data) {
    const std::uint64_t max = type == ValueType::number ? std::numeric_limits<std::uint32_t>::max() : UINT64_MAX;
    const auto value = number_in(trim(data), max);
    if (!value) {
        return error(AgentCode::bad_argument,
                     {"expected a number from 0 to ", std::to_string(max), ", decimal or after 0x"});
    }
    return RegistryValue{type, std::to_string(*value)};
}

Result<RegistryValue> binary_value(std::string_view data) {
    std::string digits = to_lower(data);
    std::erase_if(digits, [](char c) { return c == ' ' || c == ',' || c == '\t'; });
    if (!from_hex(digits)) {
        return error(AgentCode::bad_argument, "expected bytes as pairs of hexadecimal digits");
    }
    return RegistryValue{ValueType::binary, std::move(digits)};
}

/// The stored form is that of platform::RegistryValue: each text with a NUL behind it.
RegistryValue list_value(std::string_view data) {
    RegistryValue value{ValueType::list, {}};
    while (!data.empty()) {
        const auto end = data.find(k_between);
        const auto item = data.substr(0, end);
        if (!item.empty()) {  // an empty text would end the list
            value.data.append(item).push_back('\0');
        }
        data.remove_prefix(end == std::string_view::npos ? data.size() : end + k_between.size());
    }
    return value;
}

}  // namespace

Result<ValueType> value_type(std::string_view name) {
    const auto row = std::find_if(k_types.begin(), k_types.end(),
                                  [&](const TypeRow& r) { return equal_ignoring_case(r.name, name); });
    if (row == k_types.end()) {
        return error(AgentCode::bad_argument,
                     "expected REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_QWORD, REG_BINARY or REG_MULTI_SZ");
    }
    return row->type;
}

std::string_view type_name(ValueType type) {
    const auto row = std::find_if(k_types.begin(), k_types.end(), [&](const TypeRow& r) { return r.type == type; });
    return row == k_types.end() ? "" : row->name;
}

Result<RegistryValue> value_of(ValueType type, std::string_view data) {
    switch (type) {
        case ValueType::text:
        case ValueType::expandable: return RegistryValue{type, std::string(data)};
        case ValueType::number:
        case ValueType::wide_number: return number_value(type, data);
        case ValueType::binary: return binary_value(data);
        case ValueType::list: return list_value(data);
    }
    return error(AgentCode::bad_argument);
}

/// The NUL behind the last text goes: shown, it would look as if one more text came.
std::string value_text(const RegistryValue& value) {
    if (value.type != ValueType::list) {
        return printable(value.data);
    }
    std::string text = value.data;
    if (!text.empty()) {
        text.pop_back();
    }
    return printable(replace_all(text, std::string_view("\0", 1), k_between));
}

std::string value_name_text(std::string_view name) {
    return name.empty() ? "(default)" : concat({"\"", printable(name), "\""});
}

}  // namespace hagent::script
