// SPDX-License-Identifier: Apache-2.0
// Owns the reading of one command, which the text form and the wire form share.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "agent/script/lexer.h"
#include "agent/script/syntax.h"

namespace hagent::script {

inline constexpr std::size_t k_complaints = 20;  // more of them help nobody

/// Something wrong with a line: the byte offset and what was expected.
using Fault = std::pair<std::size_t, std::string>;

/// The first control character that has no place in a script: below blank (but tab and `allowed`), DEL, U+0080..U+009F.
/// It could steer the terminal of whoever looks at the plan, or hide from him what a line does.
[[nodiscard]] std::optional<Fault> control_character(std::string_view line, char allowed = '\t');

/// Fills opcode, '*' and arguments from a UTF-8 line without its end. The first fault, or none; then `command` is not
/// to be used. At most limits::k_script_arguments arguments.
[[nodiscard]] std::optional<Fault> read_command(std::string_view line, Quoting quoting, Command& command);

}  // namespace hagent::script
