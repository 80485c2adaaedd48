// SPDX-License-Identifier: Apache-2.0
// Owns the rules for keys. Source: limits of the Windows registry (a name has at most 255 characters).
#include "agent/script/registry_key.h"

#include <algorithm>
#include <array>
#include <vector>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using platform::RegistryChange;

constexpr std::size_t k_longest_name = 255;
constexpr std::size_t k_deepest = 32;
constexpr std::size_t k_shallowest_removed = 3;  // a hive, a key below it, and one below that

struct Hive {
    std::string_view brief, full;
};
constexpr std::array k_hives = {Hive{"HKLM", "HKEY_LOCAL_MACHINE"}, Hive{"HKCU", "HKEY_CURRENT_USER"},
                                Hive{"HKCR", "HKEY_CLASSES_ROOT"}, Hive{"HKU", "HKEY_USERS"},
                                Hive{"HKCC", "HKEY_CURRENT_CONFIG"}};

// '*' stands for one part: CurrentControlSet is a link to one of several.
constexpr std::array<std::string_view, 2> k_protected = {"HKEY_LOCAL_MACHINE\\SYSTEM\\*\\Services\\hagent",
                                                         "HKEY_LOCAL_MACHINE\\SOFTWARE\\hagent-boot"};

Result<std::string_view> hive_named(std::string_view name) {
    for (const auto& hive : k_hives) {
        if (equal_ignoring_case(name, hive.brief) || equal_ignoring_case(name, hive.full)) {
            return hive.full;
        }
    }
    return error(AgentCode::bad_argument, "expected a key that begins with HKLM, HKCU, HKCR, HKU or HKCC");
}

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

char separator_in(std::string_view argument) { return argument.find('\\') == std::string_view::npos ? '/' : '\\'; }

/// Limits are checked here, since the registry of Windows would name them in the middle of a script only.
Result<std::string> joined(const std::vector<std::string_view>& parts) {
    std::string key;
    std::size_t depth = 0;
    for (const auto part : parts) {
        if (part.empty()) {
            continue;
        }
        if (part.size() > k_longest_name || ++depth > k_deepest || key.size() + part.size() >= limits::k_path_bytes) {
            return error(AgentCode::name_too_long,
                         "expected a key of at most 32 parts with at most 255 bytes each, 1024 in all");
        }
        key.append(key.empty() ? "" : "\\").append(key.empty() ? TRY(hive_named(part)) : part);
    }
    return key.empty() ? Result<std::string>(hive_named("").error()) : Result<std::string>(std::move(key));
}

/// Whether the parts that both have are the same.
bool agree(std::string_view pattern, std::string_view key) {
    const auto a = split(pattern, '\\');
    const auto b = split(key, '\\');
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        if (a[i] != "*" && !equal_ignoring_case(a[i], b[i])) {
            return false;
        }
    }
    return true;
}

bool is_deeper_or_same(std::string_view key, std::string_view pattern) {
    return split(key, '\\').size() >= split(pattern, '\\').size();
}

}  // namespace

Result<std::string> registry_key(std::string_view argument) {
    if (!is_utf8(argument) || has_control_character(argument)) {
        return error(AgentCode::bad_argument, "expected a key without control characters");
    }
    return joined(split(argument, separator_in(argument)));
}

Result<std::pair<std::string, std::string>> registry_key_and_name(std::string_view argument) {
    const auto end = argument.rfind(separator_in(argument));
    if (end == std::string_view::npos) {
        return error(AgentCode::bad_argument, "expected a key, a backslash and the name of a value");
    }
    auto key = TRY(registry_key(argument.substr(0, end)));
    return std::pair(std::move(key), std::string(argument.substr(end + 1)));
}

/// A key above the agent's may be changed, but removing it would take the agent's along.
Status may_change(const RegistryChange& change) {
    const bool removal = change.kind == RegistryChange::Kind::remove_key;
    for (const auto pattern : k_protected) {
        if (agree(pattern, change.key) && (removal || is_deeper_or_same(change.key, pattern))) {
            const bool own = is_deeper_or_same(change.key, pattern);
            return error(AgentCode::path_protected,
                         {change.key, (own ? " belongs to the agent" : " holds keys of the agent")});
        }
    }
    if (removal && split(change.key, '\\').size() < k_shallowest_removed) {
        return error(AgentCode::path_refused,
                     {change.key, " holds what the whole system needs; name a key further down"});
    }
    return {};
}

}  // namespace hagent::script
