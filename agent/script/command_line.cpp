// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of one command: opcode, '*', quoted arguments.
#include "agent/script/command_line.h"

#include <algorithm>
#include <array>
#include <span>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::script {
namespace {

std::string hex_byte(unsigned char byte) {
    const std::array<std::uint8_t, 1> bytes = {byte};
    return to_upper(to_hex(bytes));
}

/// What word processors and Windows put in the place of plain signs looks the same on a screen.
std::string_view look_alike(std::string_view sign) {
    constexpr std::pair<std::string_view, std::string_view> k_signs[] = {
        {"\xC2\xA0", "the non-breaking blank"},
        {"\xE2\x80\xAF", "a non-breaking blank"},
        {"\xE2\x80\x98", "the typographic quote"},
        {"\xE2\x80\x99", "the typographic quote"},
        {"\xE2\x80\x9A", "the typographic quote"},
        {"\xE2\x80\x9C", "the typographic quote"},
        {"\xE2\x80\x9D", "the typographic quote"},
        {"\xE2\x80\x9E", "the typographic quote"},
        {"\xC2\xAB", "the typographic quote"},
        {"\xC2\xBB", "the typographic quote"},
        {"\xE2\x80\x8B", "the invisible sign"},
        {"\xEF\xBB\xBF", "the invisible sign"},
        {"\xE2\x80\x93", "the dash"},
        {"\xE2\x80\x94", "the dash"},
    };
    for (const auto& [bytes, name] : k_signs) {
        if (sign == bytes) {
            return name;
        }
    }
    return "the sign";
}

/// What the bytes of Windows-1252 are that Latin-1 has control characters for.
std::string_view windows_1252(unsigned char byte) {
    return byte == 0x80                   ? "the euro sign"
           : byte == 0x85                 ? "three dots"
           : byte >= 0x91 && byte <= 0x94 ? "a typographic quote"
           : byte == 0x96 || byte == 0x97 ? "a dash"
                                          : std::string_view();
}

Fault unexpected(std::string_view line, std::size_t at, std::string_view expected) {
    const auto rest = line.substr(std::min(at, line.size()));
    const auto sign = rest.empty() ? rest : rest.substr(0, utf8_piece(rest, 0).bytes);
    if (sign.size() < 2) {
        return {at, std::string(expected)};
    }
    std::uint32_t number = static_cast<unsigned char>(sign[0]) & (0x7FU >> sign.size());
    for (const char c : sign.substr(1)) {
        number = number << 6U | (static_cast<unsigned char>(c) & 0x3FU);
    }
    const std::array<std::uint8_t, 3> bytes = {static_cast<std::uint8_t>(number >> 16U),
                                               static_cast<std::uint8_t>(number >> 8U & 0xFFU),
                                               static_cast<std::uint8_t>(number & 0xFFU)};
    const auto hex = to_upper(to_hex(std::span(bytes).subspan(bytes[0] == 0 ? 1 : 0)));
    return {at, concat({expected, ", not ", look_alike(sign), " U+", hex})};
}

std::optional<Fault> read_argument(Lexer& lexer, std::string_view line, Command& command) {
    const std::size_t at = lexer.position();
    if (!lexer.at_quote()) {
        return unexpected(line, at, "expected an opening quote");
    }
    if (command.arguments.size() == limits::k_script_arguments) {
        return Fault{at, concat({"expected at most ", std::to_string(limits::k_script_arguments), " arguments"})};
    }
    auto text = lexer.quoted();
    if (!text) {
        return unexpected(line, at, "expected a closing quote");
    }
    command.arguments.push_back({std::move(*text), column_at(line, at)});
    return std::nullopt;
}

}  // namespace

/// Terminals obey U+0080 to U+009F like the low ones; UTF-8 writes them as 0xC2 and a byte below 0xA0.
std::optional<Fault> control_character(std::string_view line, char allowed) {
    for (std::size_t at = 0; at < line.size(); ++at) {
        const auto c = static_cast<unsigned char>(line[at]);
        const bool low = (c < 0x20 || c == 0x7F) && line[at] != '\t' && line[at] != allowed;
        const bool high = c == 0xC2 && at + 1 < line.size() && static_cast<unsigned char>(line[at + 1]) < 0xA0;
        if (low || high) {
            const auto code = high ? static_cast<unsigned char>(line[at + 1]) : c;
            const auto sign = high ? windows_1252(code) : std::string_view();
            return Fault{
                at, concat({"expected text, not the control character 0x", hex_byte(code),
                            (sign.empty() ? "" : concat({" (", sign, " in Windows-1252: save the file as UTF-8)"}))})};
        }
    }
    return std::nullopt;
}

/// Opcodes are upper case from here on, so that the table is searched for one spelling. Whether there is such a command
/// is asked in analysis, where the answer is a result and not a fault of the grammar.
std::optional<Fault> read_command(std::string_view line, Quoting quoting, Command& command) {
    Lexer lexer(line, quoting);
    lexer.skip_blanks();
    command.column = column_at(line, lexer.position());
    command.op = to_upper(lexer.word());
    if (command.op.empty()) {
        return unexpected(line, lexer.position(), "expected a command such as SF or EX");
    }
    command.optional = lexer.take('*');
    while (!lexer.at_end()) {
        if (!lexer.skip_blanks()) {
            return unexpected(line, lexer.position(), "expected a blank");
        }
        if (lexer.at_end()) {
            break;
        }
        if (auto fault = read_argument(lexer, line, command)) {
            return fault;
        }
    }
    return std::nullopt;
}

}  // namespace hagent::script
