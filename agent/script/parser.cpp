// SPDX-License-Identifier: Apache-2.0
// Owns the text form of scripts: sections, [Version] keys and one command a line.
#include "agent/script/parser.h"

#include <optional>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/script/command_line.h"

namespace hagent::script {
namespace {

enum class Section : std::uint8_t { none, version, script, other };

/// A value ends where a comment begins, as a command does; between quotes there is none.
std::string_view without_comment(std::string_view value) {
    bool quoted = false;
    for (std::size_t at = 0; at < value.size(); ++at) {
        quoted = value[at] == '"' ? !quoted : quoted;
        const bool after_blank = at > 0 && (value[at - 1] == ' ' || value[at - 1] == '\t');
        if (!quoted && after_blank && (value[at] == ';' || value[at] == '#')) {
            return trim(value.substr(0, at));
        }
    }
    return trim(value);
}

class Parser {
public:
    explicit Parser(const std::string& file) { script_.file = file; }

    void line(std::string_view text);
    [[nodiscard]] Parsed end();
    [[nodiscard]] bool full() const { return complaints_.size() >= k_complaints; }

private:
    void header(std::string_view text);
    void version(std::string_view text);
    void command(std::string_view text);
    [[nodiscard]] Complaint complaint(std::string_view text, std::size_t offset, std::string_view message) const {
        return {script_.file, number_, column_at(text, offset), std::string(message), std::string(text)};
    }
    void complain(std::string_view text, std::size_t offset, std::string_view message) {
        complaints_.push_back(complaint(text, offset, message));
    }

    /// Once: each of a hundred thousand lines too many would say the same.
    void complain_of_number(std::string_view text, std::size_t offset, std::string_view what) {
        if (!too_many_) {
            complain(text, offset, concat({"expected at most ", std::to_string(limits::k_script_commands), " ", what}));
        }
        too_many_ = true;
    }

    Script script_;
    std::vector<Complaint> complaints_;
    Section section_ = Section::none;
    bool too_many_ = false;  // said once
    bool seen_script_ = false;
    unsigned number_ = 0;
};

/// A line with a fault is left behind and the next one read: whoever corrects a script wants to see all of it at once.
/// The length is looked at first, so that nothing else works on a line without an end.
void Parser::line(std::string_view text) {
    ++number_;
    if (text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    if (text.size() > limits::k_script_line_bytes) {
        return complain(text.substr(0, limits::k_script_line_bytes), limits::k_script_line_bytes,
                        concat({"expected at most ", std::to_string(limits::k_script_line_bytes), " bytes in a line"}));
    }
    if (auto fault = control_character(text)) {
        return complain(text, fault->first, std::move(fault->second));
    }
    const auto content = trim(text);
    if (content.empty() || content.front() == ';' || content.front() == '#') {
        return;
    }
    if (content.front() == '[') {
        return header(text);
    }
    switch (section_) {
        case Section::none: return complain(text, text.find(content), "expected a section such as [Version]");
        case Section::version: return version(text);
        case Section::script: return command(text);
        case Section::other: return;
    }
}

/// A section that is not known is noted and passed over: other tools keep their own things in these files.
void Parser::header(std::string_view text) {
    const std::size_t open = text.find('[');
    const std::size_t close = text.find(']', open);
    if (close == std::string_view::npos) {
        return complain(text, text.size(), "expected ']' after the section's name");
    }
    const auto rest = trim(text.substr(close + 1));
    if (!rest.empty() && rest.front() != ';' && rest.front() != '#') {
        return complain(text, close + 1 + text.substr(close + 1).find(rest),
                        "expected nothing after the section's name");
    }
    const auto name = trim(text.substr(open + 1, close - open - 1));
    if (equal_ignoring_case(name, "Version")) {
        section_ = Section::version;
    } else if (equal_ignoring_case(name, "Script")) {
        section_ = Section::script;
        seen_script_ = true;
    } else {
        section_ = Section::other;
        if (script_.notes.size() < k_complaints) {
            script_.notes.push_back(complaint(text, open, "this section is not known and was ignored"));
        }
    }
}

/// All keys are kept, known or not (spec 4 "File"); their number is limited like that of commands, since a file of keys
/// alone would fill memory just as well.
void Parser::version(std::string_view text) {
    const std::size_t equals = text.find('=');
    const auto key = trim(text.substr(0, equals));
    if (equals == std::string_view::npos) {
        return complain(text, text.find(key), "expected Key=Value");
    }
    if (key.empty()) {
        return complain(text, equals, "expected a key before '='");
    }
    if (script_.version.size() == limits::k_script_commands) {
        return complain_of_number(text, text.find(key), "keys");
    }
    script_.version.emplace_back(key, without_comment(text.substr(equals + 1)));
}

void Parser::command(std::string_view text) {
    if (script_.commands.size() == limits::k_script_commands) {
        return complain_of_number(text, 0, "commands");
    }
    Command command;
    command.line = number_;
    command.source_line = std::string(text);
    if (auto fault = read_command(text, k_text_quoting, command)) {
        return complain(text, fault->first, std::move(fault->second));
    }
    script_.commands.push_back(std::move(command));
}

/// When the only section has a name that is not known, it is most likely a misspelt [Script]: then that line is shown
/// and not the end of the file.
Parsed Parser::end() {
    if (complaints_.empty() && !seen_script_ && !script_.notes.empty()) {
        script_.notes.front().message =
            "expected [Script] or [Version]; this section is not known, and there is no [Script]";
        complaints_.push_back(std::move(script_.notes.front()));
    } else if (complaints_.empty() && !seen_script_) {
        ++number_;
        complain("", 0, "expected a [Script] section before the end of the file");
    }
    if (!complaints_.empty()) {
        return std::move(complaints_);
    }
    return std::move(script_);
}

}  // namespace

/// UTF-16 is told by its mark before anything else: taken for Latin-1 it would give a complaint about control
/// characters that nobody understands.
Parsed parse(std::string_view text, const std::string& file) {
    if (text.size() > limits::k_script_bytes) {
        return std::vector<Complaint>{
            {file, 1, 1, concat({"expected at most ", human_bytes(limits::k_script_bytes), " of script"}), ""}};
    }
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        return std::vector<Complaint>{
            {file, 1, 1, "expected UTF-8 or Latin-1, not UTF-16; save the file in another encoding", ""}};
    }
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    std::string converted;
    if (!is_utf8(text)) {
        converted = utf8_from_latin1(text);
        text = converted;
    }
    Parser parser(file);
    while (!text.empty() && !parser.full()) {
        const auto end = text.find('\n');
        parser.line(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parser.end();
}

}  // namespace hagent::script
