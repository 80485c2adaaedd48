// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of scripts: an RSP file, or the list that a manager of the VXC family sends.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/script/syntax.h"

namespace hagent::script {

/// The script, or at least one complaint (at most 20; one a line). Nothing is known about opcodes here. Limits on
/// bytes, lines and commands: limits::k_script_*; what is beyond them is a complaint.
using Parsed = std::variant<Script, std::vector<Complaint>>;

/// An RSP file: UTF-8 (with or without byte order mark) or Latin-1, lines end with LF or CRLF. `file` is only a name.
/// Source: spec 4 "File".
[[nodiscard]] Parsed parse(std::string_view text, const std::string& file);

/// The wire form: commands and decimal step numbers in turn, a '|' behind each of them; arguments between two 0x0F
/// bytes; byte 0xFC inside an argument of EX is a blank. Complaints count commands as lines.
/// Source: reference vxc-hagent 1.3.
[[nodiscard]] Parsed parse_wire(std::string_view bytes, const std::string& file);
/// One command of the wire as UTF-8, in which parse_wire() reads the same; quotes stay.
[[nodiscard]] std::string wire_text(std::string_view field);

}  // namespace hagent::script
