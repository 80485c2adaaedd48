// SPDX-License-Identifier: Apache-2.0
// Owns the lexer's code.
#include "agent/script/lexer.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hagent::script {
namespace {

bool is_word(char c) { return is_letter_or_digit(c) || c == '_'; }

}  // namespace

std::string_view Lexer::word() {
    const std::size_t begin = position_;
    while (position_ < line_.size() && is_word(line_[position_])) {
        ++position_;
    }
    return line_.substr(begin, position_ - begin);
}

bool Lexer::take(char character) {
    const bool there = position_ < line_.size() && line_[position_] == character;
    position_ += there ? 1 : 0;
    return there;
}

bool Lexer::skip_blanks() {
    const std::size_t begin = position_;
    while (position_ < line_.size() && (line_[position_] == ' ' || line_[position_] == '\t')) {
        ++position_;
    }
    return position_ > begin;
}

/// A comment begins after a blank only: what touches the text before it is a fault to be shown, not to be skipped.
bool Lexer::at_end() const {
    if (position_ == line_.size()) {
        return true;
    }
    const bool after_blank = position_ == 0 || line_[position_ - 1] == ' ' || line_[position_ - 1] == '\t';
    return quoting_.comments && after_blank && (line_[position_] == ';' || line_[position_] == '#');
}

/// Stays at the opening quote when no other follows: that is the place to show, not the end of the line.
std::optional<std::string> Lexer::quoted() {
    std::string text;
    for (std::size_t at = position_ + 1; at < line_.size(); ++at) {
        if (line_[at] != quoting_.quote) {
            text += line_[at];
            continue;
        }
        if (quoting_.doubled_quote_is_literal && at + 1 < line_.size() && line_[at + 1] == quoting_.quote) {
            text += line_[++at];
            continue;
        }
        position_ = at + 1;
        return text;
    }
    return std::nullopt;
}

unsigned column_at(std::string_view line, std::size_t offset) {
    const auto before = line.substr(0, offset);
    return 1U + static_cast<unsigned>(std::count_if(before.begin(), before.end(), [](char c) {
               return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
           }));
}

}  // namespace hagent::script
