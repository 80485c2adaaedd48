// SPDX-License-Identifier: Apache-2.0
// Owns the text functions' code.
#include "agent/base/text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "agent/base/limits.h"

namespace hagent {
namespace {

constexpr std::string_view k_blank = " \t\r\n";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

template <class F>
std::string mapped(std::string_view text, F change) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), change);
    return out;
}

std::optional<std::uint8_t> nibble(char c) {
    if (is_digit(c)) {
        return static_cast<std::uint8_t>(c - '0');
    }
    const char l = lower(c);
    if (l >= 'a' && l <= 'f') {
        return static_cast<std::uint8_t>(l - 'a' + 10);
    }
    return std::nullopt;
}

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

}  // namespace

/// Control characters of one byte and of two (U+0080 to U+009F), of a terminal of eight bits too; what turns the
/// direction of what follows (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069); and other ends of lines
/// (U+2028, U+2029).
bool steers(std::string_view character) {
    const auto between = [&](std::size_t at, std::uint8_t first, std::uint8_t last) {
        return byte_at(character, at) >= first && byte_at(character, at) <= last;
    };
    switch (character.size()) {
        case 1: return between(0, 0, 0x1F) || between(0, 0x7F, 0x9F);
        case 2: return (character[0] == '\xC2' && between(1, 0x80, 0x9F)) || character == "\xD8\x9C";
        case 3:
            return (character.starts_with("\xE2\x80") && (between(2, 0x8E, 0x8F) || between(2, 0xA8, 0xAE))) ||
                   (character.starts_with("\xE2\x81") && between(2, 0xA6, 0xA9));
        default: return false;
    }
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(k_blank);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(k_blank) - first + 1);
}

/// Also a part after the last separator, so that joining the parts gives the text again.
std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> parts;
    for (text = trim(text); !text.empty(); text = trim(text)) {
        const auto end = std::min(text.find_first_of(k_blank), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return parts;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string to_lower(std::string_view text) { return mapped(text, lower); }
std::string to_upper(std::string_view text) { return mapped(text, upper); }

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    for (auto at = text.find(from); at != std::string_view::npos && !from.empty(); at = text.find(from)) {
        out.append(text.substr(0, at)).append(to);
        text.remove_prefix(at + from.size());
    }
    return out.append(text);
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view k_digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (std::uint8_t b : bytes) {
        out += k_digits[b >> 4U];
        out += k_digits[b & 0xFU];
    }
    return out;
}

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::vector<std::uint8_t> bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = nibble(text[i]), low = nibble(text[i + 1]);
        if (!high || !low) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::uint8_t>((*high << 4U) | *low));
    }
    return bytes;
}

/// A wrong piece ends before the first byte that does not belong to it, so that one bad byte does not swallow the good
/// character behind it (Unicode 3.9, "maximal subpart").
Utf8Piece utf8_piece(std::string_view text, std::size_t at) {
    const std::uint8_t first = byte_at(text, at);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    if (length == 0) {
        return {1, false};
    }
    // The second byte shows what is overlong, a surrogate or beyond U+10FFFF.
    std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        if (at + i == text.size() || byte_at(text, at + i) < low || byte_at(text, at + i) > high) {
            return {i, false};
        }
        low = 0x80;
        high = 0xBF;
    }
    return {length, true};
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto piece = utf8_piece(text, at);
        if (!piece.valid) {
            return false;
        }
        at += piece.bytes;
    }
    return true;
}

std::string utf8_from_latin1(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::uint8_t c = byte_at(text, i);
        if (c < 0x80) {
            out += static_cast<char>(c);
        } else {
            out += static_cast<char>(0xC0U | (c >> 6U));
            out += static_cast<char>(0x80U | (c & 0x3FU));
        }
    }
    return out;
}

std::string_view clip(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) {
        return text;
    }
    while (bytes > 0 && (byte_at(text, bytes) & 0xC0U) == 0x80U) {
        --bytes;
    }
    return text.substr(0, bytes);
}

std::string printable(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto character = text.substr(at, utf8_piece(text, at).bytes);
        if (character != "\t" && steers(character)) {
            out += '?';
        } else {
            out += character;
        }
        at += character.size();
    }
    return out;
}

std::string peer_words(std::string_view text) {
    // Cut first: what a peer sends may be long, and its last character may be cut already.
    text = clip(trim(text), 4 * limits::k_peer_words_bytes);
    std::string words;
    bool gap = false;
    for (const char c : is_utf8(text) ? std::string(text) : utf8_from_latin1(text)) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            gap = true;
            continue;
        }
        words.append(gap ? " " : "") += c == '"' ? '\'' : c;
        gap = false;
    }
    words = printable(words);
    if (words.size() > limits::k_peer_words_bytes) {
        words = std::string(clip(words, limits::k_peer_words_bytes - 3)).append("...");
    }
    return words.empty() ? words : '"' + words + '"';
}

std::string for_terminal(std::string_view text) {
    std::string out(text.substr(0, text.starts_with('\r') ? 1 : 0));
    text.remove_prefix(out.size());
    for (;;) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        out +=
            printable(end != std::string_view::npos && line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
        if (end == std::string_view::npos) {
            return out;
        }
        out += '\n';
        text.remove_prefix(end + 1);
    }
}

std::string human_bytes(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> k_units = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    double value = static_cast<double>(bytes);
    for (; value >= 1024 && unit + 1 < k_units.size(); ++unit) {
        value /= 1024;
    }
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, k_units[unit]);
    return out.data();
}

/// "12.0 MiB wanted, 12.0 MiB free" would help nobody.
std::pair<std::string, std::string> human_bytes_apart(std::uint64_t a, std::uint64_t b) {
    std::pair<std::string, std::string> texts(human_bytes(a), human_bytes(b));
    if (a != b && texts.first == texts.second) {
        texts = {std::to_string(a) + " B", std::to_string(b) + " B"};
    }
    return texts;
}

}  // namespace hagent
