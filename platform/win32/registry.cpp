// SPDX-License-Identifier: Apache-2.0
// Owns the registry of Windows: always the view of the 64-bit system, HKEY_CURRENT_USER of whoever is logged on.
#include "platform/registry.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <span>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/os_error.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"
// After the Windows headers.
#include <sddl.h>
#include <wtsapi32.h>

namespace hagent::platform {
namespace {

using errors::AgentCode;

constexpr std::size_t k_branch_bytes = 4U << 20U;
// The system allows 512 levels; no settings of a device are nested like that.
constexpr unsigned k_deepest = 32;
constexpr DWORD k_longest_key = 256, k_longest_value_name = 16384;

/// Where a key's path begins, and the rest of it.
struct Place {
    HKEY hive = nullptr;
    std::wstring path;
};

/// The logged-on user's hive below HKEY_USERS; empty when we are no service and our own HKEY_CURRENT_USER is meant.
Result<std::wstring> user_hive() {
    HANDLE opened = nullptr;
    if (WTSQueryUserToken(WTSGetActiveConsoleSessionId(), &opened) == 0) {
        return GetLastError() == ERROR_NO_TOKEN
                   ? Result<std::wstring>(error(AgentCode::user_mismatch, "nobody is logged on"))
                   : Result<std::wstring>(std::wstring());
    }
    const KernelHandle token(opened);
    std::array<std::byte, 256> bytes{};
    DWORD size = 0;
    wchar_t* text = nullptr;
    if (GetTokenInformation(opened, TokenUser, bytes.data(), narrow<DWORD>(bytes.size()), &size) == 0) {
        return file_error(GetLastError(), "logged-on user");
    }
    TOKEN_USER user{};
    std::memcpy(&user, bytes.data(), sizeof(user));
    if (ConvertSidToStringSidW(user.User.Sid, &text) == 0) {
        return file_error(GetLastError(), "logged-on user");
    }
    const LocalMemory memory(text);
    return std::wstring(text);
}

Result<Place> place_of(const std::string& key) {
    const auto end = key.find('\\');
    const std::string hive = key.substr(0, end);
    Place place{nullptr, end == std::string::npos ? std::wstring() : wide(key.substr(end + 1))};
    if (hive == "HKEY_CURRENT_USER") {
        const std::wstring user = TRY(user_hive());
        place.hive = user.empty() ? HKEY_CURRENT_USER : HKEY_USERS;
        place.path = user.empty() ? place.path : place.path.empty() ? user : user + L"\\" + place.path;
        return place;
    }
    place.hive = hive == "HKEY_LOCAL_MACHINE"    ? HKEY_LOCAL_MACHINE
                 : hive == "HKEY_CLASSES_ROOT"   ? HKEY_CLASSES_ROOT
                 : hive == "HKEY_USERS"          ? HKEY_USERS
                 : hive == "HKEY_CURRENT_CONFIG" ? HKEY_CURRENT_CONFIG
                                                 : nullptr;
    return place.hive == nullptr ? Result<Place>(error(AgentCode::bad_argument, key)) : Result<Place>(place);
}

/// The key opened; none when it is absent.
Result<RegistryKey> open_key(const std::string& key, REGSAM rights) {
    const Place place = TRY(place_of(key));
    HKEY opened = nullptr;
    const auto status = RegOpenKeyExW(place.hive, place.path.c_str(), 0, rights | KEY_WOW64_64KEY, &opened);
    if (status == ERROR_FILE_NOT_FOUND) {
        return RegistryKey();
    }
    return status == ERROR_SUCCESS ? Result<RegistryKey>(RegistryKey(opened))
                                   : Result<RegistryKey>(file_error(status, key));
}

Result<RegistryKey> make_key(const std::string& key) {
    const Place place = TRY(place_of(key));
    if (place.path.empty()) {
        return open_key(key, KEY_READ);
    }
    HKEY opened = nullptr;
    const auto status = RegCreateKeyExW(place.hive, place.path.c_str(), 0, nullptr, REG_OPTION_NON_VOLATILE,
                                        KEY_READ | KEY_WRITE | KEY_WOW64_64KEY, nullptr, &opened, nullptr);
    return status == ERROR_SUCCESS ? Result<RegistryKey>(RegistryKey(opened))
                                   : Result<RegistryKey>(file_error(status, key));
}

/// Values come as bytes of any length; an odd last byte is dropped.
std::wstring wide_of(std::span<const std::uint8_t> bytes) {
    std::wstring text(bytes.size() / sizeof(wchar_t), L'\0');
    std::memcpy(text.data(), bytes.data(), text.size() * sizeof(wchar_t));
    return text;
}

std::wstring until_nul(std::wstring text) { return text.substr(0, text.find(L'\0')); }

/// REG_MULTI_SZ: texts ended by a NUL each, the list by an empty one. The end may be missing in damaged values.
std::string list_text(const std::wstring& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size() && text[at] != L'\0';) {
        const auto end = std::min(text.find(L'\0', at), text.size());
        out.append(narrow_text(std::wstring_view(text).substr(at, end - at))).push_back('\0');
        at = end + 1;
    }
    return out;
}

std::uint64_t little_endian(std::span<const std::uint8_t> bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = std::min<std::size_t>(bytes.size(), 8); i > 0; --i) {
        number = number << 8U | bytes[i - 1];
    }
    return number;
}

/// Types that scripts cannot write (links, resource lists) are shown as bytes.
RegistryValue value_from(DWORD type, std::span<const std::uint8_t> bytes) {
    switch (type) {
        case REG_SZ: return {ValueType::text, narrow_text(until_nul(wide_of(bytes)))};
        case REG_EXPAND_SZ: return {ValueType::expandable, narrow_text(until_nul(wide_of(bytes)))};
        case REG_DWORD:
            return {ValueType::number,
                    std::to_string(little_endian(bytes.first(std::min<std::size_t>(bytes.size(), 4))))};
        case REG_QWORD: return {ValueType::wide_number, std::to_string(little_endian(bytes))};
        case REG_MULTI_SZ: return {ValueType::list, list_text(wide_of(bytes))};
        default: return {ValueType::binary, to_hex(bytes)};
    }
}

struct Encoded {
    DWORD type = REG_NONE;
    std::vector<std::uint8_t> bytes;
};

/// Ended by a NUL, as the registry keeps texts. A list has its inner ones already.
std::vector<std::uint8_t> bytes_of(std::string_view text) {
    const std::wstring characters = wide(text);
    std::vector<std::uint8_t> bytes((characters.size() + 1) * sizeof(wchar_t));
    std::memcpy(bytes.data(), characters.c_str(), bytes.size());
    return bytes;
}

std::vector<std::uint8_t> number_bytes(const std::string& digits, std::size_t count) {
    const std::uint64_t number = parse_u64(digits).value_or(0);
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < count; ++i) {
        bytes.push_back(static_cast<std::uint8_t>(number >> (8U * i) & 0xFFU));
    }
    return bytes;
}

Encoded encoded(const RegistryValue& value) {
    switch (value.type) {
        case ValueType::text: return {REG_SZ, bytes_of(value.data)};
        case ValueType::expandable: return {REG_EXPAND_SZ, bytes_of(value.data)};
        case ValueType::number: return {REG_DWORD, number_bytes(value.data, sizeof(DWORD))};
        case ValueType::wide_number: return {REG_QWORD, number_bytes(value.data, sizeof(std::uint64_t))};
        case ValueType::binary: return {REG_BINARY, from_hex(value.data).value_or(std::vector<std::uint8_t>())};
        case ValueType::list: return {REG_MULTI_SZ, bytes_of(value.data)};
    }
    return {};
}

Result<std::optional<RegistryValue>> read_value(const RegistryKey& key, const std::wstring& name) {
    for (;;) {
        DWORD type = REG_NONE, size = 0;
        auto status = RegQueryValueExW(key.get(), name.c_str(), nullptr, &type, nullptr, &size);
        std::vector<std::uint8_t> bytes(size + 1U);  // never empty: a null pointer would ask for the size
        if (status == ERROR_SUCCESS) {
            status = RegQueryValueExW(key.get(), name.c_str(), nullptr, &type, bytes.data(), &size);
        }
        if (status == ERROR_MORE_DATA) {
            continue;  // it grew in between
        }
        if (status == ERROR_FILE_NOT_FOUND) {
            return std::optional<RegistryValue>();
        }
        if (status != ERROR_SUCCESS) {
            return file_error(status, narrow_text(name));
        }
        return std::optional(value_from(type, std::span(bytes).first(size)));
    }
}

Result<std::vector<std::wstring>> value_names(const RegistryKey& key) {
    std::vector<std::wstring> names;
    std::vector<wchar_t> name(k_longest_value_name);
    for (DWORD index = 0;; ++index) {
        DWORD size = k_longest_value_name;
        const auto status = RegEnumValueW(key.get(), index, name.data(), &size, nullptr, nullptr, nullptr, nullptr);
        if (status == ERROR_NO_MORE_ITEMS) {
            return names;
        }
        if (status != ERROR_SUCCESS) {
            return file_error(status, "names of values");
        }
        names.emplace_back(name.data(), size);
    }
}

Result<std::vector<std::wstring>> key_names(const RegistryKey& key) {
    std::vector<std::wstring> names;
    std::array<wchar_t, k_longest_key> name{};
    for (DWORD index = 0;; ++index) {
        DWORD size = k_longest_key;
        const auto status = RegEnumKeyExW(key.get(), index, name.data(), &size, nullptr, nullptr, nullptr, nullptr);
        if (status == ERROR_NO_MORE_ITEMS) {
            return names;
        }
        if (status != ERROR_SUCCESS) {
            return file_error(status, "names of keys");
        }
        names.emplace_back(name.data(), size);
    }
}

/// Adds the key and all below it; `room` is what the answer may still take.
Status add_branch(const RegistryKey& key, const std::string& name, unsigned depth, std::size_t& room,
                  std::vector<RegistryKeyContent>& out) {
    RegistryKeyContent content{name, {}};
    std::size_t bytes = name.size();
    for (const auto& value_name : TRY(value_names(key))) {
        if (auto value = TRY(read_value(key, value_name))) {
            bytes += value_name.size() + value->data.size();
            content.values.emplace_back(narrow_text(value_name), std::move(*value));
        }
    }
    if (bytes > room || depth > k_deepest) {
        return error(AgentCode::file_too_large, name);
    }
    room -= bytes;
    out.push_back(std::move(content));
    for (const auto& below : TRY(key_names(key))) {
        const std::string full = name + "\\" + narrow_text(below);
        HKEY opened = nullptr;
        if (const auto status = RegOpenKeyExW(key.get(), below.c_str(), 0, KEY_READ | KEY_WOW64_64KEY, &opened);
            status != ERROR_SUCCESS) {
            return file_error(status, full);
        }
        TRY(add_branch(RegistryKey(opened), full, depth + 1, room, out));
    }
    return {};
}

Status set_value(const RegistryChange& change) {
    const RegistryKey key = TRY(make_key(change.key));
    const Encoded value = encoded(change.value);
    const auto status = RegSetValueExW(key.get(), wide(change.name).c_str(), 0, value.type, value.bytes.data(),
                                       narrow<DWORD>(value.bytes.size()));
    return status == ERROR_SUCCESS ? Status() : Status(file_error(status, change.key));
}

Status remove_value(const RegistryChange& change) {
    const RegistryKey key = TRY(open_key(change.key, KEY_SET_VALUE));
    const auto status = key ? RegDeleteValueW(key.get(), wide(change.name).c_str()) : ERROR_FILE_NOT_FOUND;
    return status == ERROR_SUCCESS || status == ERROR_FILE_NOT_FOUND ? Status()
                                                                     : Status(file_error(status, change.key));
}

/// What is below goes first: the registry removes only keys that hold no others.
Status remove_key(const RegistryChange& change) {
    const Place place = TRY(place_of(change.key));
    LSTATUS status = ERROR_SUCCESS;
    {
        const RegistryKey key = TRY(open_key(change.key, KEY_READ | KEY_WRITE | DELETE));
        if (!key) {
            return {};
        }
        status = RegDeleteTreeW(key.get(), nullptr);
    }
    if (status == ERROR_SUCCESS) {
        status = RegDeleteKeyExW(place.hive, place.path.c_str(), KEY_WOW64_64KEY, 0);
    }
    return status == ERROR_SUCCESS || status == ERROR_FILE_NOT_FOUND ? Status()
                                                                     : Status(file_error(status, change.key));
}

Status apply_one(const RegistryChange& change) {
    switch (change.kind) {
        case RegistryChange::Kind::make_key: {
            const auto made = make_key(change.key);
            return made ? Status() : Status(made.error());
        }
        case RegistryChange::Kind::set: return set_value(change);
        case RegistryChange::Kind::remove_value: return remove_value(change);
        case RegistryChange::Kind::remove_key: return remove_key(change);
    }
    return {};
}

/// The hive's name and the first key in it: what lies below is one file on the disk, or a few.
std::string top_of(const std::string& key) {
    const auto first = key.find('\\');
    return first == std::string::npos ? key : key.substr(0, key.find('\\', first + 1));
}

class WindowsRegistry final : public Registry {
public:
    Result<std::optional<RegistryValue>> value(const std::string& key, const std::string& name) override {
        const RegistryKey opened = TRY(open_key(key, KEY_READ));
        return opened ? read_value(opened, wide(name))
                      : Result<std::optional<RegistryValue>>(std::optional<RegistryValue>());
    }

    Result<std::vector<RegistryKeyContent>> branch(const std::string& key) override {
        std::vector<RegistryKeyContent> all;
        const RegistryKey opened = TRY(open_key(key, KEY_READ));
        std::size_t room = k_branch_bytes;
        if (opened) {
            TRY(add_branch(opened, key, 0, room, all));
        }
        return all;
    }

    Status apply(const std::vector<RegistryChange>& changes) override {
        std::set<std::string> touched;
        for (const auto& change : changes) {
            TRY(apply_one(change));
            touched.insert(top_of(change.key));
        }
        for (const auto& top : touched) {
            const RegistryKey key = TRY(open_key(top, KEY_READ));
            const auto status = key ? RegFlushKey(key.get()) : ERROR_SUCCESS;
            if (status != ERROR_SUCCESS) {
                return file_error(status, top);
            }
        }
        return {};
    }
};

}  // namespace

std::unique_ptr<Registry> system_registry() { return std::make_unique<WindowsRegistry>(); }

}  // namespace hagent::platform
