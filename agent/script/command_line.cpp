// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of one command: opcode, '*', quoted arguments.
#include "agent/script/command_line.h"

#include <array>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::script {
namespace {

std::string hex_byte(unsigned char byte) {
    const std::array<std::uint8_t, 1> bytes = {byte};
    return to_upper(to_hex(bytes));
}

std::optional<Fault> read_argument(Lexer& lexer, std::string_view line, Command& command) {
    const std::size_t at = lexer.position();
    if (!lexer.at_quote()) {
        return Fault{at, "expected an opening quote"};
    }
    if (command.arguments.size() == limits::k_script_arguments) {
        return Fault{at, concat({"expected at most ", std::to_string(limits::k_script_arguments), " arguments"})};
    }
    auto text = lexer.quoted();
    if (!text) {
        return Fault{at, "expected a closing quote"};
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
            return Fault{at, "expected text, not the control character 0x" + hex_byte(code)};
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
        return Fault{lexer.position(), "expected a command such as SF or EX"};
    }
    command.optional = lexer.take('*');
    while (!lexer.at_end()) {
        if (!lexer.skip_blanks()) {
            return Fault{lexer.position(), "expected a blank"};
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
