// SPDX-License-Identifier: Apache-2.0
#include "agent/script/edited_text.h"

#include <utility>

#include "agent/base/text.h"
#include "agent/script/utf16.h"

namespace hagent::script {
namespace {

using errors::AgentCode;

constexpr std::string_view k_utf8_mark = "\xEF\xBB\xBF", k_little_mark = "\xFF\xFE", k_big_mark = "\xFE\xFF";

std::string with_bytes_swapped(std::string_view bytes) {
    std::string out(bytes);
    for (std::size_t at = 0; at + 1 < out.size(); at += 2) {
        std::swap(out[at], out[at + 1]);
    }
    return out;
}

/// Letters beyond U+00FF are left out, so that who compares sees that something is missing.
std::string latin1_from_utf8(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto piece = utf8_piece(text, at);
        const auto first = static_cast<unsigned char>(text[at]);
        if (piece.bytes == 1) {
            out += text[at];
        } else if (piece.bytes == 2 && first < 0xC4) {
            out += static_cast<char>((first & 0x3U) << 6U | (static_cast<unsigned char>(text[at + 1]) & 0x3FU));
        }
        at += piece.bytes;
    }
    return out;
}

Encoding encoding_of(std::string_view bytes) {
    return bytes.starts_with(k_little_mark) ? Encoding::utf16le
           : bytes.starts_with(k_big_mark)  ? Encoding::utf16be
           : bytes.starts_with(k_utf8_mark) ? Encoding::utf8_with_mark
           : is_utf8(bytes)                 ? Encoding::utf8
                                            : Encoding::latin1;
}

std::string decoded(std::string_view bytes, Encoding encoding) {
    switch (encoding) {
        case Encoding::utf8: break;
        case Encoding::utf8_with_mark: return std::string(bytes.substr(k_utf8_mark.size()));
        case Encoding::latin1: return utf8_from_latin1(bytes);
        case Encoding::utf16le: return utf8_from_utf16le(bytes.substr(k_little_mark.size()));
        case Encoding::utf16be: return utf8_from_utf16le(with_bytes_swapped(bytes.substr(k_big_mark.size())));
    }
    return std::string(bytes);
}

}  // namespace

/// Written back as it was read it has to be the same file, and the new line has to come back, too.
Result<EditedText> read_text(std::string_view bytes, std::string_view line) {
    EditedText out;
    out.encoding = encoding_of(bytes);
    out.text = decoded(bytes, out.encoding);
    if (out.text.find('\0') != std::string::npos) {
        return error(AgentCode::unsupported_here, "the file is no text: it has NUL bytes, or is UTF-16 without a mark");
    }
    if (written_text(out) != bytes) {
        return error(AgentCode::unsupported_here, "the file is damaged UTF-16 and would not stay as it is");
    }
    if (out.encoding == Encoding::latin1 && utf8_from_latin1(latin1_from_utf8(line)) != line) {
        return error(AgentCode::unsupported_here, "the file is Latin-1, which lacks letters of the line");
    }
    return out;
}

std::string written_text(const EditedText& text) {
    switch (text.encoding) {
        case Encoding::utf8: break;
        case Encoding::utf8_with_mark: return std::string(k_utf8_mark) + text.text;
        case Encoding::latin1: return latin1_from_utf8(text.text);
        case Encoding::utf16le: return std::string(k_little_mark) + utf16le_from_utf8(text.text);
        case Encoding::utf16be: return std::string(k_big_mark) + with_bytes_swapped(utf16le_from_utf8(text.text));
    }
    return text.text;
}

}  // namespace hagent::script
