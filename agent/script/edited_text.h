// SPDX-License-Identifier: Apache-2.0
// Owns the encodings of the text files that AL and DL edit: each file keeps its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::script {

enum class Encoding : std::uint8_t { utf8, utf8_with_mark, latin1, utf16le, utf16be };

struct EditedText {
    Encoding encoding = Encoding::utf8;
    std::string text;  // UTF-8, without the mark
};

/// The text of a file that is to hold `line` too. UTF-16 is told by its mark, UTF-8 by its form; anything else is taken
/// for Latin-1. Errors: unsupported_here for what would not come back the same: binary files, UTF-16 without a mark or
/// with halves of characters, a line with letters that Latin-1 lacks.
[[nodiscard]] Result<EditedText> read_text(std::string_view bytes, std::string_view line);
/// The bytes of the file, mark included.
[[nodiscard]] std::string written_text(const EditedText& text);

}  // namespace hagent::script
