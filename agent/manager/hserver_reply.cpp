// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of that answer, and the table of its keys.
#include "agent/manager/hserver_reply.h"

#include <algorithm>
#include <array>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::manager {
namespace {

constexpr char k_quote = '\x0F';
constexpr char k_blank = '\xFC';
constexpr std::size_t k_verb_bytes = 8;
constexpr std::size_t k_text_bytes = 1024;
constexpr std::string_view k_update = "UP0";

// SI, UR: schedule and update record. FTP*: file server, M_FTP*: the master's. IT: seconds between check-ins. CID: the
// client's number. QUB, QUT: postponements, and seconds to answer. What DP, CU and FTPST mean nobody has written down.
constexpr std::array<std::string_view, 22> k_keys = {"SI",
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
                                                     "M_FTPST"};

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 9 && std::all_of(text.begin(), text.end(), is_digit);
}

/// A '|' inside of quotes is part of the field.
std::string_view take_field(std::string_view& rest) {
    bool quoted = false;
    std::size_t end = 0;
    for (; end < rest.size() && (quoted || rest[end] != '|'); ++end) {
        quoted = rest[end] == k_quote ? !quoted : quoted;
    }
    const auto field = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return field;
}

/// Bytes of the name before '=', or 0 when the field is no key and value.
std::size_t key_bytes(std::string_view field) {
    const auto name =
        std::find_if_not(field.begin(), field.end(), [](char c) { return is_letter_or_digit(c) || c == '_'; });
    return name != field.end() && *name == '=' ? static_cast<std::size_t>(name - field.begin()) : 0;
}

/// Two letters, perhaps '*', and then nothing or arguments: what the script's own parser takes for an opcode, known or
/// not.
bool is_command(std::string_view field) {
    if (field.size() < 2 || !is_letter(field[0]) || !is_letter(field[1])) {
        return false;
    }
    const auto rest = field.substr(field.size() > 2 && field[2] == '*' ? 3 : 2);
    return rest.empty() || rest.front() == ' ' || rest.front() == k_quote;
}

/// Old managers write Latin-1; what is UTF-8 already stays.
std::string as_utf8(const std::string& text) { return is_utf8(text) ? text : utf8_from_latin1(text); }

/// In EX these managers write 0xFC for a blank; in other commands the byte is a letter.
std::string command_text(std::string_view field) {
    std::string text(field);
    if (equal_ignoring_case(field.substr(0, 2), "EX")) {
        std::replace(text.begin(), text.end(), k_blank, ' ');
    }
    return as_utf8(text);
}

std::string plain_value(std::string_view value) {
    if (value.size() >= 2 && value.front() == k_quote && value.back() == k_quote) {
        value = value.substr(1, value.size() - 2);
    }
    return as_utf8(std::string(value));
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

/// Strict about its start only: a web server's error page must not pass for an answer. What is not known behind that
/// is kept, so that the log can name it.
Result<HserverReply> parse_hserver_reply(std::string_view body) {
    while (!body.empty() && (body.back() == '\r' || body.back() == '\n' || body.back() == '\0')) {
        body.remove_suffix(1);
    }
    const auto verb = take_field(body);
    const bool plain = verb.size() > 1 && verb.size() <= k_verb_bytes && verb.front() == '&' &&
                       std::all_of(verb.begin() + 1, verb.end(), is_letter_or_digit);
    if (!plain) {
        return malformed("no answer of this protocol");
    }
    HserverReply out;
    out.verb = verb.substr(1);
    while (!body.empty()) {
        auto field = take_field(body);
        field.remove_prefix(field.starts_with('&') ? 1 : 0);
        if (const auto name = key_bytes(field); name > 0) {
            if (out.keys.size() == limits::k_hserver_keys) {
                return malformed("too many keys");
            }
            out.keys.emplace_back(field.substr(0, name), plain_value(field.substr(name + 1)));
        } else if (out.verb == k_update && is_command(field)) {
            out.script += command_text(field) + '|';
            auto after = body;
            if (const auto number = take_field(after);
                is_number(number)) {  // without one the script is refused when it is parsed
                out.script.append(number).append(1, '|');
                body = after;
            }
        } else if (out.text.empty()) {
            out.text = printable(clip(as_utf8(std::string(field)), k_text_bytes));
        }
    }
    return out;
}

}  // namespace hagent::manager
