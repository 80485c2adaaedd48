// SPDX-License-Identifier: Apache-2.0
// Owns the script as values: what was written, where, and nothing about what it means.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace hagent::script {

/// A complaint about a script's text. Lines and columns count from 1, columns in characters.
struct Complaint {
    std::string file;
    unsigned line = 0;
    unsigned column = 0;
    std::string message;      // what was expected, without a full stop
    std::string source_line;  // the line as written; in wire form quotes and blanks are put back
};

/// "demo.rsp:7:4: expected a closing quote".
[[nodiscard]] std::string headline(const Complaint& complaint);
/// The headline, the source line and a caret below the column, each ended by a newline.
/// Of a long line only the part around the column is shown.
[[nodiscard]] std::string render(const Complaint& complaint);

struct Argument {
    std::string text;     // UTF-8, without its quotes, variables not yet expanded
    unsigned column = 0;  // of the opening quote
};

struct Command {
    std::string op;         // upper case, without '*'
    bool optional = false;  // written with '*': a failure is a WARNING and the script goes on
    std::vector<Argument> arguments;
    unsigned line = 0;    // text form: line in the file; wire form: the step number the manager gave
    unsigned column = 0;  // of the opcode
    std::string source_line;
};

/// A text that was read without a complaint.
struct Script {
    std::string file;                                          // as complaints name it
    std::vector<std::pair<std::string, std::string>> version;  // [Version], in order, unknown keys kept
    std::vector<Command> commands;
    std::vector<Complaint> notes;  // what was ignored: unknown sections
};

}  // namespace hagent::script
