// SPDX-License-Identifier: Apache-2.0
// Owns small text functions: kinds of characters, trimming, splitting, ASCII case, hexadecimal, UTF-8.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hagent {

// ASCII, whatever the locale
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }

/// Without the blanks, tabs and line ends at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);
/// All parts, the empty ones too: "a,,b" has three, "" has one.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::vector<std::string_view> words(std::string_view text);  // split at blanks and tabs, none empty
// the parts are views: a temporary text would be gone before they are read
template <std::same_as<std::string> Temporary>
std::vector<std::string_view> split(Temporary&& text, char separator) = delete;
template <std::same_as<std::string> Temporary>
std::vector<std::string_view> words(Temporary&& text) = delete;

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);  // ASCII only
[[nodiscard]] std::string to_lower(std::string_view text);                       // ASCII only
[[nodiscard]] std::string to_upper(std::string_view text);                       // ASCII only
/// From left to right; what was put in is not searched again. An empty `from` changes nothing.
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
/// The bytes of an even-length hexadecimal text; empty optional when a character is not a digit.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);

struct Utf8Piece {
    std::size_t bytes;  // at least 1
    bool valid;
};
/// The UTF-8 character at `at` (below the size), or the longest piece there that could have begun one.
[[nodiscard]] Utf8Piece utf8_piece(std::string_view text, std::size_t at);
/// Source: RFC 3629: nothing overlong, no surrogate, nothing beyond U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);
/// Latin-1 bytes as UTF-8.
[[nodiscard]] std::string utf8_from_latin1(std::string_view text);
/// `text` cut to at most `bytes`, never inside a UTF-8 sequence.
[[nodiscard]] std::string_view clip(std::string_view text, std::size_t bytes);
/// Control characters (but not tab) and those that turn the direction of writing become '?' each, so that a peer's text
/// can neither steer a terminal or a log nor show itself as another.
[[nodiscard]] std::string printable(std::string_view text);
/// Whether this one character (UTF-8, or a byte that is none) can do so; a tab, too.
[[nodiscard]] bool steers(std::string_view character);
/// The same as printable(), line by line: line feeds stay, and a carriage return at the very start, by which a line is
/// drawn again. For the one place where text goes to a terminal.
[[nodiscard]] std::string for_terminal(std::string_view text);

/// What a peer said, as it stands in an error: in quotation marks, on one line, printable, at most
/// limits::k_peer_words_bytes of it ("..." where it was cut). Latin-1 is read as such. Empty when nothing but blanks
/// was said. Whoever knows secrets takes them out first (transfer::Transcript).
[[nodiscard]] std::string peer_words(std::string_view text);

/// "12.3 MiB" for people. Powers of 1024 up to TiB, whole bytes below 1 KiB.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// Two different sizes for people, to the byte where they would look alike otherwise.
[[nodiscard]] std::pair<std::string, std::string> human_bytes_apart(std::uint64_t a, std::uint64_t b);

}  // namespace hagent
