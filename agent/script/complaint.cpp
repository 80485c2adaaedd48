// SPDX-License-Identifier: Apache-2.0
// Owns the text of complaints: where, what, and the line with a caret.
#include <algorithm>
#include <string>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/script/syntax.h"

namespace hagent::script {
namespace {

// A line that the terminal breaks would put the caret under something else.
constexpr std::size_t k_shown = 100;  // characters of a long line that are shown
constexpr std::size_t k_before = 60;  // of them, at most this many in front of the column

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

/// The byte offset of character number `index`.
std::size_t offset_of(const std::string& text, std::size_t index) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (starts_character(text[at]) && index-- == 0) {
            return at;
        }
    }
    return text.size();
}

}  // namespace

std::string headline(const Complaint& complaint) {
    return concat({printable(complaint.file), ":", std::to_string(complaint.line), ":",
                   std::to_string(complaint.column), ": ", printable(complaint.message)});
}

/// Counted in characters and not in bytes, or the caret would stand too far right behind letters beyond ASCII.
std::string render(const Complaint& complaint) {
    // One character stays one column: a tab becomes a blank.
    const std::string line = printable(replace_all(complaint.source_line, "\t", " "));
    const std::size_t before = complaint.column > 0 ? complaint.column - 1 : 0;
    const auto length = static_cast<std::size_t>(std::count_if(line.begin(), line.end(), starts_character));
    const std::size_t first = length > k_shown && before > k_before ? before - k_before : 0;
    const std::size_t begin = offset_of(line, first);
    const std::size_t end = offset_of(line, first + k_shown);
    const std::string left = first > 0 ? "..." : "";
    const std::string right = end < line.size() ? "..." : "";
    return concat({headline(complaint), "\n", left, line.substr(begin, end - begin), right, "\n",
                   std::string(left.size() + before - first, ' '), "^\n"});
}

}  // namespace hagent::script
