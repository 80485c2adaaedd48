// SPDX-License-Identifier: Apache-2.0
// Owns the interface to settings in the shape of the Windows registry: keys that hold keys and typed values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/result.h"

namespace hagent::platform {

/// The types that REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_QWORD, REG_BINARY and REG_MULTI_SZ stand for.
enum class ValueType : std::uint8_t { text, expandable, number, wide_number, binary, list };

/// `data` by type: text and expandable: UTF-8; number (32 bits) and wide_number (64): decimal digits; binary:
/// lower-case hexadecimal; list: UTF-8 texts, each ended by a NUL.
struct RegistryValue {
    ValueType type = ValueType::text;
    std::string data;
    friend bool operator==(const RegistryValue&, const RegistryValue&) = default;
};

/// One key with its own values, by name; the name of the default value is empty.
struct RegistryKeyContent {
    std::string key;
    std::vector<std::pair<std::string, RegistryValue>> values;
};

/// One change of a list that apply() carries out. Fields without a kind behind them count for all kinds.
struct RegistryChange {
    enum class Kind : std::uint8_t { make_key, set, remove_value, remove_key };
    Kind kind = Kind::set;
    std::string key;
    std::string name;     // set, remove_value
    RegistryValue value;  // set
};

/// Keys are whole paths that begin with a hive's long name: "HKEY_LOCAL_MACHINE\\Software\\X". Keys and names are
/// compared without regard to ASCII case and keep the spelling they were made with. HKEY_CURRENT_USER is the logged-on
/// user's.
class Registry {
public:
    virtual ~Registry() = default;
    /// Empty when there is no such value.
    [[nodiscard]] virtual Result<std::optional<RegistryValue>> value(const std::string& key,
                                                                     const std::string& name) = 0;
    /// The key and all keys below it, parents first; empty when it is absent. Errors: file_too_large.
    [[nodiscard]] virtual Result<std::vector<RegistryKeyContent>> branch(const std::string& key) = 0;
    /// In order; durable when it returns. Missing keys above are made; removing what is absent is success.
    /// An error may leave the first of them done.
    [[nodiscard]] virtual Status apply(const std::vector<RegistryChange>& changes) = 0;
};

/// The machine's own registry; null on a system that has none.
[[nodiscard]] std::unique_ptr<Registry> system_registry();

}  // namespace hagent::platform
