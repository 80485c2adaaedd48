// SPDX-License-Identifier: Apache-2.0
// Owns commas, quotation marks and escapes.
#include "agent/base/json_writer.h"

#include <array>
#include <utility>

#include "agent/base/check.h"
#include "agent/base/text.h"

namespace hagent {
namespace {

constexpr unsigned k_levels = 64;
constexpr std::string_view k_replacement = "\xEF\xBF\xBD";  // U+FFFD

/// RFC 8259 section 7: what stands after the backslash, or 0 where the character needs none of the short forms.
char short_escape(char c) {
    switch (c) {
        case '"':
        case '\\': return c;
        case '\b': return 'b';
        case '\t': return 't';
        case '\n': return 'n';
        case '\f': return 'f';
        case '\r': return 'r';
    }
    return 0;
}

constexpr std::string_view k_digits = "0123456789abcdef";

/// Of two or three bytes. JSON would take it as it is, but people look at JSON on terminals, too.
void escape_wide(std::string& out, std::string_view character) {
    unsigned number = static_cast<unsigned char>(character[0]) & (character.size() == 2 ? 0x1FU : 0x0FU);
    for (const char c : character.substr(1)) {
        number = number << 6U | (static_cast<unsigned char>(c) & 0x3FU);
    }
    out += "\\u";
    for (unsigned shift = 16; shift > 0; shift -= 4) {
        out += k_digits[number >> (shift - 4) & 0xFU];
    }
}

void escape(std::string& out, char c) {
    if (const char letter = short_escape(c); letter != 0) {
        out += '\\';
        out += letter;
    } else if (const auto byte = static_cast<unsigned char>(c); byte < 0x20 || byte == 0x7F) {
        out += "\\u00";
        out += k_digits[byte >> 4U];
        out += k_digits[byte & 0xFU];
    } else {
        out += c;
    }
}

}  // namespace

/// Commas are decided here and in name() only, so that no caller can forget one or write one too many.
void JsonWriter::before_value() {
    if (depth_ == 0) {
        check(out_.empty());
    } else if ((objects_ & 1U) != 0) {
        check(std::exchange(named_, false));
    } else if (!std::exchange(first_, false)) {
        out_ += ',';
    }
}

void JsonWriter::name(TextView name) {
    check(depth_ > 0 && (objects_ & 1U) != 0 && !named_);
    if (!std::exchange(first_, false)) {
        out_ += ',';
    }
    quote(name);
    out_ += ':';
    named_ = true;
}

void JsonWriter::open(char bracket, bool object) {
    before_value();
    check(depth_ < k_levels);
    out_ += bracket;
    objects_ = (objects_ << 1U) | (object ? 1U : 0U);
    ++depth_;
    first_ = true;
}

void JsonWriter::close(char bracket, bool object) {
    check(depth_ > 0 && ((objects_ & 1U) != 0) == object && !named_);
    out_ += bracket;
    objects_ >>= 1U;
    --depth_;
    first_ = false;
}

/// A reader would refuse the whole document for one wrong byte, and a file name on the device may hold any.
void JsonWriter::quote(std::string_view text) {
    out_ += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto piece = utf8_piece(text, at);
        if (!piece.valid) {
            out_ += k_replacement;
        } else if (piece.bytes == 1) {
            escape(out_, text[at]);
        } else if (const auto character = text.substr(at, piece.bytes); steers(character)) {
            escape_wide(out_, character);
        } else {
            out_ += character;
        }
        at += piece.bytes;
    }
    out_ += '"';
}

void JsonWriter::value(TextView text) {
    before_value();
    quote(text);
}

void JsonWriter::value(std::span<const std::string> texts) {
    begin_array();
    for (const std::string& text : texts) {
        value(text);
    }
    end_array();
}

void JsonWriter::raw(TextView json) {
    const std::string_view text = json;
    check(!text.empty());
    before_value();
    out_ += text;
}

void JsonWriter::integer(std::int64_t number) { raw(std::to_string(number)); }
void JsonWriter::whole(std::uint64_t number) { raw(std::to_string(number)); }

void JsonWriter::begin_object(TextView member) {
    name(member);
    begin_object();
}

void JsonWriter::begin_array(TextView member) {
    name(member);
    begin_array();
}

void JsonWriter::raw(TextView member, TextView json) {
    name(member);
    raw(json);
}

void JsonWriter::member(TextView member, TextView text) {
    name(member);
    value(text);
}

void JsonWriter::member(TextView member, std::span<const std::string> texts) {
    name(member);
    value(texts);
}

std::string JsonWriter::take() {
    check(depth_ == 0 && !out_.empty());
    return std::exchange(out_, {});
}

std::string json_text(TextView text) {
    JsonWriter json;
    json.value(text);
    return json.take();
}

}  // namespace hagent
