// SPDX-License-Identifier: Apache-2.0
// Owns the conversion of texts and paths.
#include "platform/win32/wide.h"

#include <algorithm>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/win32/api.h"

namespace hagent::platform {
namespace {

constexpr std::size_t k_short_path = 240;  // the limit is 260, for directories less an 8.3 name
constexpr std::size_t k_longest_name = 255;
// Behind these prefixes a path is taken as it is, up to 32,767 characters.
constexpr std::wstring_view k_long_prefix = L"\\\\?\\", k_long_share = L"\\\\?\\UNC\\", k_share = L"\\\\",
                            k_device = L"\\\\.\\";

}  // namespace

std::wstring wide(std::string_view text) {
    const int size = narrow<int>(text.size());
    const int needed = MultiByteToWideChar(CP_UTF8, 0, text.data(), size, nullptr, 0);
    std::wstring out(narrow<std::size_t>(needed), L'\0');
    MultiByteToWideChar(CP_UTF8, 0, text.data(), size, out.data(), needed);
    return out;
}

std::string narrow_text(std::wstring_view text) {
    const int size = narrow<int>(text.size());
    const int needed = WideCharToMultiByte(CP_UTF8, 0, text.data(), size, nullptr, 0, nullptr, nullptr);
    std::string out(narrow<std::size_t>(needed), '\0');
    WideCharToMultiByte(CP_UTF8, 0, text.data(), size, out.data(), needed, nullptr, nullptr);
    return out;
}

std::wstring wide_path(std::string_view path) {
    std::wstring given = wide(path);
    std::replace(given.begin(), given.end(), L'/', L'\\');
    if (given.starts_with(k_long_prefix) || given.starts_with(k_device)) {
        return given;
    }
    const DWORD needed = GetFullPathNameW(given.c_str(), 0, nullptr, nullptr);
    std::wstring full(needed, L'\0');
    full.resize(GetFullPathNameW(given.c_str(), needed, full.data(), nullptr));
    if (full.size() < k_short_path || full.starts_with(k_device)) {
        return full.empty() ? given : full;
    }
    return full.starts_with(k_share) ? std::wstring(k_long_share) + full.substr(k_share.size())
                                     : std::wstring(k_long_prefix) + full;
}

std::string path_text(std::wstring_view path) {
    if (path.starts_with(k_long_share)) {
        return "\\\\" + narrow_text(path.substr(k_long_share.size()));
    }
    return narrow_text(path.starts_with(k_long_prefix) ? path.substr(k_long_prefix.size()) : path);
}

bool has_too_long_name(std::string_view path) {
    const auto names = split(path, '/');
    return std::any_of(names.begin(), names.end(), [](std::string_view part) {
        const auto inner = split(part, '\\');
        return std::any_of(inner.begin(), inner.end(), [](std::string_view name) {
            return name.size() > k_longest_name && wide(name).size() > k_longest_name;
        });
    });
}

}  // namespace hagent::platform
