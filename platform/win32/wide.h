// SPDX-License-Identifier: Apache-2.0
// Owns the step between our UTF-8 and the UTF-16 of Windows.
#pragma once

#include <string>
#include <string_view>

namespace hagent::platform {

/// Bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::wstring wide(std::string_view text);
[[nodiscard]] std::string narrow_text(std::wstring_view text);

/// A path for the wide functions: absolute, with '\\', and in the form without length limit when it is long.
[[nodiscard]] std::wstring wide_path(std::string_view path);
/// A path that Windows gave, without the prefix of the long form.
[[nodiscard]] std::string path_text(std::wstring_view path);
/// Whether a name in the path is longer than file systems take (Windows says "invalid name" for it).
[[nodiscard]] bool has_too_long_name(std::string_view path);

}  // namespace hagent::platform
