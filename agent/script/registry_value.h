// SPDX-License-Identifier: Apache-2.0
// Owns registry values as scripts write and people read them.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "platform/registry.h"

namespace hagent::script {

/// REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_QWORD, REG_BINARY, REG_MULTI_SZ, in any case. Errors: bad_argument.
[[nodiscard]] Result<platform::ValueType> value_type(std::string_view name);
/// The name as value_type() takes it.
[[nodiscard]] std::string_view type_name(platform::ValueType type);

/// Numbers are decimal, or hexadecimal after "0x"; binary is hexadecimal, blanks and commas between bytes are allowed;
/// the texts of a list are separated by "\0" (backslash, zero). Errors: bad_argument.
[[nodiscard]] Result<platform::RegistryValue> value_of(platform::ValueType type, std::string_view data);

/// The data as value_of() takes it, for one line.
[[nodiscard]] std::string value_text(const platform::RegistryValue& value);
/// "\"name\"" or "(default)".
[[nodiscard]] std::string value_name_text(std::string_view name);

}  // namespace hagent::script
