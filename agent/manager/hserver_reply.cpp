// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of that answer, and the table of its keys.
#include "agent/manager/hserver_reply.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/script/commands.h"
#include "agent/script/parser.h"

namespace hagent::manager {
namespace {

constexpr char k_quote = '\x0F';
constexpr std::size_t k_verb_bytes = 8;
constexpr std::size_t k_shown_bytes = 80;
constexpr std::size_t k_text_bytes = 1024;
constexpr std::string_view k_update = "UP0";

// SI, UR: schedule and update record. FTP*: file server, M_FTP*: the master's. IT: seconds between check-ins. CID: the
// client's number. QUB, QUT: postponements, and seconds to answer. What DP, CU and FTPST mean nobody has written
// down. AU, AUV, AUW, AUZ: a release of the agent, its version, window and zone (ours).
constexpr std::array<std::string_view, 26> k_keys = {"SI",
                                                     "UR",
                                                     "IT",
                                                     "CID",
                                                     "QUB",
                                                     "QUT",
                                                     "CU",
                                                     "DP",
                                                     "FTPS",
                                                     "FTPU",
                                                     "FTPP",
                                                     "FTPPortNumber",
                                                     "FTPSecure",
                                                     "FTPBw",
                                                     "FTPST",
                                                     "M_FTPS",
                                                     "M_FTPU",
                                                     "M_FTPP",
                                                     "M_FTPPortNumber",
                                                     "M_FTPSecure",
                                                     "M_FTPBw",
                                                     "M_FTPST",
                                                     "AU",
                                                     "AUV",
                                                     "AUW",
                                                     "AUZ"};

/// Also with blanks around it: what a person would read as a number is one, or the field before it would be no command.
bool is_number(std::string_view text) {
    text = trim(text);
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

/// A '|' inside of quotes is part of the field. Empty when no '|' follows: then the field may go on, and is none yet.
std::optional<std::string_view> take_field(std::string_view& rest) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < rest.size() && (quoted || rest[end] != '|'); ++end) {
        quoted = rest[end] == k_quote ? !quoted : quoted;
    }
    if (end == rest.size()) {
        return std::nullopt;
    }
    const auto field = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return field;
}

/// Bytes of the name before '=', or 0 when the field is no key and value.
std::size_t key_bytes(std::string_view field) {
    const auto name = std::find_if_not(
        field.begin(), field.end(), [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.'; });
    return name != field.end() && *name == '=' ? static_cast<std::size_t>(name - field.begin()) : 0;
}

/// Old managers write Latin-1; what is UTF-8 already stays.
std::string as_utf8(const std::string& text) { return is_utf8(text) ? text : utf8_from_latin1(text); }

std::string plain_value(std::string_view value) {
    if (value.size() >= 2 && value.front() == k_quote && value.back() == k_quote) {
        value = value.substr(1, value.size() - 2);
    }
    return as_utf8(std::string(value));
}

bool has_control_character(std::string_view text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t' && c != k_quote) || byte == 0x7F;
    });
}

Failure malformed(std::string_view what) {
    return error(errors::AgentCode::manager_malformed_answer, {"hserver.dll: ", what});
}

}  // namespace

std::string_view HserverReply::value(std::string_view name) const {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return equal_ignoring_case(key.first, name); });
    return found == keys.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::uint64_t> HserverReply::number(std::string_view name, std::uint64_t max) const {
    return parse_u64(trim(value(name)), max);
}

bool known_hserver_key(std::string_view name) {
    return std::any_of(k_keys.begin(), k_keys.end(),
                       [&](std::string_view key) { return equal_ignoring_case(key, name); });
}

std::string shown_field(unsigned number, std::string_view field) {
    std::string text(clip(field, k_shown_bytes));
    std::replace(text.begin(), text.end(), k_quote, '"');  // the quotes of the wire cannot be seen
    return concat({"field ", std::to_string(number), " (", printable(as_utf8(text)),
                   field.size() > k_shown_bytes ? "...)" : ")"});
}

namespace {

/// Field after field; `number_` counts them as people do who look at the answer.
class FieldReader {
public:
    FieldReader(std::string_view rest, HserverReply& out) : rest_(rest), out_(out) {}

    Status read() {
        while (!rest_.empty()) {
            ++number_;
            if (const auto field = take_field(rest_)) {
                update() ? read_of_update(*field) : read_of_other(*field);
            } else if (update()) {
                object(rest_, "has no '|' behind it, so the answer was cut off");
                return {};
            } else {
                read_of_other(std::exchange(rest_, {}));
            }
            if (out_.keys.size() > limits::k_hserver_keys) {
                return malformed("too many keys");
            }
        }
        return {};
    }

private:
    [[nodiscard]] bool update() const { return out_.verb == k_update; }
    /// Only the first: whoever reads it looks at the answer anyway.
    void object(std::string_view field, std::string_view why) {
        if (out_.fault.empty()) {
            out_.fault = concat({shown_field(number_, field), " ", why});
        }
    }
    bool take_key(std::string_view field) {
        field = trim(field);
        field.remove_prefix(field.starts_with('&') ? 1 : 0);
        const auto name = key_bytes(field);
        if (name > 0) {
            out_.keys.emplace_back(field.substr(0, name), plain_value(field.substr(name + 1)));
        }
        return name > 0;
    }
    void read_of_other(std::string_view field) {
        if (!take_key(field) && out_.text.empty()) {
            out_.text = printable(clip(as_utf8(std::string(field)), k_text_bytes));
        }
    }

    /// Whatever is not certainly something else is a command, and the script's own parser has to understand it.
    void read_of_update(std::string_view field) {
        auto after = rest_;
        const auto number = take_field(after);
        if (const bool numbered = number && is_number(*number); numbered || field.find(k_quote) != field.npos) {
            out_.script.append(script::wire_text(field)).append(1, '|');
            out_.command_fields.push_back(number_);
            if (numbered) {  // without one the script is refused when it is parsed
                out_.script.append(*number).append(1, '|');
                rest_ = after;
                ++number_;
            }
        } else if (has_control_character(field)) {
            object(field, "holds a control character");
        } else if (!trim(field).empty() && !take_key(field)) {
            object(field, "is neither a key with a value nor a command with its number");
        } else if (!trim(field).empty()) {
            look_at_key(field);
        }
    }
    /// A key that says something else the second time, or is called like a command: nobody can know what was meant.
    void look_at_key(std::string_view field) {
        const auto& [name, value] = out_.keys.back();
        if (known_hserver_key(name) && out_.value(name) != value) {
            object(field, "gives a key another value than an earlier field");
        } else if (!known_hserver_key(name) && script::find_command(to_upper(name)) != nullptr) {
            object(field, "begins like a command, and is none");
        }
    }

    std::string_view rest_;
    HserverReply& out_;
    unsigned number_ = 1;  // the verb
};

}  // namespace

/// A web server's error page must not pass for an answer. Of an idle answer what is not known is kept, so that the log
/// can name it.
Result<HserverReply> parse_hserver_reply(std::string_view body) {
    while (!body.empty() && (body.back() == '\r' || body.back() == '\n' || body.back() == '\0')) {
        body.remove_suffix(1);
    }
    const auto verb = body.substr(0, body.find('|'));
    const bool plain = verb.size() > 1 && verb.size() <= k_verb_bytes && verb.front() == '&' &&
                       std::all_of(verb.begin() + 1, verb.end(), is_letter_or_digit);
    if (!plain) {
        return malformed("no answer of this protocol");
    }
    HserverReply out;
    out.verb = verb.substr(1);
    body.remove_prefix(std::min(verb.size() + 1, body.size()));
    TRY(FieldReader(body, out).read());
    return out;
}

}  // namespace hagent::manager
