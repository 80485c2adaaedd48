// SPDX-License-Identifier: Apache-2.0
// Owns the step between UTF-8 and the little-endian UTF-16 of registry files.
#pragma once

#include <string>
#include <string_view>

namespace hagent::script {

/// `text` is UTF-8. What is no UTF-8 becomes U+FFFD. Source: RFC 2781 section 2, without a mark in front.
[[nodiscard]] std::string utf16le_from_utf8(std::string_view text);
/// A half of a pair without the other half becomes U+FFFD; an odd last byte is left out.
[[nodiscard]] std::string utf8_from_utf16le(std::string_view bytes);

}  // namespace hagent::script
