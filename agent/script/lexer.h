// SPDX-License-Identifier: Apache-2.0
// Owns the cutting of one command line into opcode and quoted arguments, in the text form and in the wire form.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hagent::script {

/// What stands around arguments. Source: spec 4 "File"; reference vxc-hagent 1.3.
struct Quoting {
    char quote = '"';
    bool doubled_quote_is_literal = true;  // "a""b" is a"b
    bool comments = true;                  // ';' or '#' after a blank ends the line
};

inline constexpr Quoting k_text_quoting{};
inline constexpr Quoting k_wire_quoting{'\x0F', false, false};

/// Reads one line from left to right. Positions are byte offsets into the line.
class Lexer {
public:
    Lexer(std::string_view line, Quoting quoting) : line_(line), quoting_(quoting) {}

    /// The letters, digits and underscores at the current position; may be empty.
    [[nodiscard]] std::string_view word();
    /// Steps over one character when it is there.
    [[nodiscard]] bool take(char character);
    /// Steps over blanks and tabs; true when there was at least one.
    bool skip_blanks();
    /// Nothing but a comment is left.
    [[nodiscard]] bool at_end() const;
    [[nodiscard]] bool at_quote() const { return position_ < line_.size() && line_[position_] == quoting_.quote; }
    /// The argument whose opening quote is here, unquoted; empty when its closing quote is missing.
    [[nodiscard]] std::optional<std::string> quoted();
    [[nodiscard]] std::size_t position() const { return position_; }

private:
    std::string_view line_;
    Quoting quoting_;
    std::size_t position_ = 0;
};

/// The column (characters, from 1) of a byte offset in a UTF-8 line.
[[nodiscard]] unsigned column_at(std::string_view line, std::size_t offset);

}  // namespace hagent::script
