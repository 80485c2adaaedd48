// SPDX-License-Identifier: Apache-2.0
// Owns the splitting of EX command lines.
#include "agent/script/argv.h"

#include "agent/base/concat.h"

namespace hagent::script {
namespace {

// What stands for itself in our rules too, but looks like work for a shell to people who read it.
constexpr std::string_view k_quoted_signs = " \t'\"`$|&;<>()*?";

/// A word in as few quotes as it takes; with signs of both kinds in it, in pieces.
void append_quoted(std::string& line, std::string_view word) {
    const bool both = word.find('"') != std::string_view::npos && word.find('\'') != std::string_view::npos;
    do {
        const char quote = word.find('"') == std::string_view::npos || (both && word.front() != '"') ? '"' : '\'';
        const auto piece = word.substr(0, word.find(quote));
        line.append(1, quote).append(piece).append(1, quote);
        word.remove_prefix(piece.size());
    } while (!word.empty());
}

}  // namespace

/// `begun` and not the text says whether there is an argument: '' is one, and has no character.
Result<std::vector<std::string>> split_command_line(std::string_view line) {
    std::vector<std::string> argv;
    std::string current;
    bool begun = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const char c = line[at];
        if (c == ' ' || c == '\t') {
            if (begun) {
                argv.push_back(std::move(current));
            }
            current.clear();
            begun = false;
            continue;
        }
        begun = true;
        if (c != '\'' && c != '"') {
            current += c;
            continue;
        }
        const auto end = line.find(c, at + 1);
        if (end == std::string_view::npos) {
            return error(errors::AgentCode::bad_argument,
                         {"expected another ", std::string_view(&c, 1), " in the command line"});
        }
        current.append(line.substr(at + 1, end - at - 1));
        at = end;
    }
    if (begun) {
        argv.push_back(std::move(current));
    }
    if (argv.empty() || argv.front().empty()) {
        return error(errors::AgentCode::bad_argument, "expected a program to run");
    }
    return argv;
}

std::string join_command_line(const std::vector<std::string>& argv) {
    std::string line;
    for (const auto& argument : argv) {
        line += line.empty() ? "" : " ";
        if (!argument.empty() && argument.find_first_of(k_quoted_signs) == std::string::npos) {
            line += argument;
        } else {
            append_quoted(line, argument);
        }
    }
    return line;
}

}  // namespace hagent::script
