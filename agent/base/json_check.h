// SPDX-License-Identifier: Apache-2.0
// Owns the check of a JSON text before anyone looks at its meaning: where it is malformed, repeats a member or nests too deep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hagent {

enum class JsonComments : std::uint8_t { refused, allowed };

struct JsonFault {
    enum class Kind : std::uint8_t { syntax, repeated_member, too_deep };
    Kind kind = Kind::syntax;
    std::size_t line = 0;    // from 1; 0 when the place is known by `path` only
    std::size_t column = 0;  // from 1, in bytes
    std::string path;        // "manager.urls[2]": of the member that is repeated or too deep
    friend bool operator==(const JsonFault&, const JsonFault&) = default;
};

/// The first fault (RFC 8259, UTF-8 only), or empty. A text without fault is parsed by nlohmann/json into a value whose
/// every use is safe: no member was lost and recursion is bounded.
[[nodiscard]] std::optional<JsonFault> find_json_fault(std::string_view text, JsonComments comments,
                                                       std::size_t max_depth = 32);

}  // namespace hagent
