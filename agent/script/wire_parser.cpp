// SPDX-License-Identifier: Apache-2.0
// Owns the wire form of scripts, as managers of the VXC family put it into a check-in reply.
#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/command_line.h"
#include "agent/script/parser.h"

namespace hagent::script {
namespace {

constexpr char k_quote = k_wire_quoting.quote;
constexpr char k_blank = '\xFC';
constexpr std::uint64_t k_largest_step = 1'000'000;

/// The bytes up to the next '|' outside of quotes; they and the '|' are taken from `bytes`. Without that '|' there may
/// have been more of them: `whole` becomes false.
std::string_view take_field(std::string_view& bytes, bool& whole) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < bytes.size() && (quoted || bytes[end] != '|'); ++end) {
        quoted = bytes[end] == k_quote ? !quoted : quoted;
    }
    const auto field = bytes.substr(0, end);
    whole = end < bytes.size();
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
    return field;
}

/// The quotes of the wire cannot be seen on a terminal.
std::string shown(std::string text) {
    std::replace(text.begin(), text.end(), k_quote, '"');
    return text;
}

class WireParser {
public:
    explicit WireParser(const std::string& file) { script_.file = file; }

    /// Limits first, as in the text form. A step number that cannot be read refuses the whole job (spec 4): reports
    /// would name a step that the manager does not know.
    void command(std::string_view field, std::string_view number, bool whole) {
        ++ordinal_;
        const std::string text = wire_text(field);
        if (field.size() > limits::k_script_line_bytes) {
            return complain(
                text.substr(0, limits::k_script_line_bytes), 0,
                concat({"expected at most ", std::to_string(limits::k_script_line_bytes), " bytes in a command"}));
        }
        if (script_.commands.size() == limits::k_script_commands) {
            if (!too_many_) {
                complain(text, 0,
                         concat({"expected at most ", std::to_string(limits::k_script_commands), " commands"}));
            }
            too_many_ = true;
            return;
        }
        if (auto fault = control_character(text, k_quote)) {
            return complain(text, fault->first, std::move(fault->second));
        }
        Command command;
        command.source_line = shown(text);
        if (auto fault = read_command(text, k_wire_quoting, command)) {
            return complain(text, fault->first, std::move(fault->second));
        }
        const auto step = parse_u64(trim(number), k_largest_step);
        if (!step || *step == 0) {
            return complain(text, text.size(), "expected '|' and a step number after the command");
        }
        if (!whole) {
            return complain(text, text.size(), "expected '|' after the step number: the end of the list is missing");
        }
        command.line = static_cast<unsigned>(*step);
        script_.commands.push_back(std::move(command));
    }

    [[nodiscard]] bool full() const { return complaints_.size() >= k_complaints; }
    [[nodiscard]] Parsed end() {
        if (!complaints_.empty()) {
            return std::move(complaints_);
        }
        return std::move(script_);
    }

private:
    void complain(const std::string& text, std::size_t offset, std::string_view message) {
        complaints_.push_back({script_.file, ordinal_, column_at(text, offset), std::string(message), shown(text)});
    }

    Script script_;
    std::vector<Complaint> complaints_;
    unsigned ordinal_ = 0;
    bool too_many_ = false;  // said once
};

}  // namespace

/// Blanks of EX are put back only there, and before the text is taken for Latin-1: in any other command 0xFC is a
/// letter. In UTF-8 the byte does not occur.
std::string wire_text(std::string_view field) {
    std::string text(field);
    const auto command = trim(field);
    const auto op = command.substr(0, command.find_first_of(std::string_view("* \t\x0F")));
    if (equal_ignoring_case(op, "EX")) {
        std::replace(text.begin(), text.end(), k_blank, ' ');
    }
    return is_utf8(text) ? text : utf8_from_latin1(text);
}

Parsed parse_wire(std::string_view bytes, const std::string& file) {
    if (bytes.size() > limits::k_script_bytes) {
        return std::vector<Complaint>{
            {file, 1, 1, concat({"expected at most ", human_bytes(limits::k_script_bytes), " of script"}), ""}};
    }
    WireParser parser(file);
    while (!trim(bytes).empty() && !parser.full()) {
        bool whole = false;
        const auto field = take_field(bytes, whole);
        const auto number = take_field(bytes, whole);
        parser.command(field, number, whole);
    }
    return parser.end();
}

}  // namespace hagent::script
