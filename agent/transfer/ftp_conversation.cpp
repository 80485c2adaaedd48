// SPDX-License-Identifier: Apache-2.0
// Owns the state machine from lines to stages, and the values that replies carry in their texts.
#include "agent/transfer/ftp_conversation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

constexpr std::string_view k_digits = "0123456789";

constexpr std::array<std::pair<std::string_view, Stage>, 18> k_commands = {{
    {"AUTH", Stage::auth},
    {"PBSZ", Stage::auth},
    {"PROT", Stage::auth},
    {"USER", Stage::user},
    {"PASS", Stage::pass},
    {"PWD", Stage::pwd},
    {"CWD", Stage::cwd},
    {"MKD", Stage::mkd},
    {"TYPE", Stage::type},
    {"SIZE", Stage::size},
    {"MDTM", Stage::mdtm},
    {"REST", Stage::rest},
    {"EPSV", Stage::epsv},
    {"PASV", Stage::pasv},
    {"RETR", Stage::retr},
    {"STOR", Stage::stor},
    {"QUIT", Stage::quit},
    {"SYST", Stage::other},
}};

Stage stage_of(std::string_view command) {
    const auto found = std::find_if(k_commands.begin(), k_commands.end(),
                                    [&](const auto& row) { return equal_ignoring_case(row.first, command); });
    return found == k_commands.end() ? Stage::other : found->second;
}

std::string_view without_line_end(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) {
        text.remove_suffix(1);
    }
    return text;
}

/// What everybody types for anonymous access is worth seeing in a transcript; any other name is a secret.
bool is_anonymous(std::string_view user) {
    return equal_ignoring_case(user, "anonymous") || equal_ignoring_case(user, "ftp");
}

/// The digits at the end: some servers put words before the size.
std::optional<std::uint64_t> trailing_number(std::string_view text) {
    text = trim(text);
    const auto last_other = text.find_last_not_of("0123456789");
    return parse_u64(last_other == std::string_view::npos ? text : text.substr(last_other + 1), INT64_MAX);
}

/// "127,0,0,1,4,5" at the beginning.
std::optional<std::array<std::uint64_t, 6>> six_numbers(std::string_view text) {
    std::array<std::uint64_t, 6> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (i > 0 && !text.starts_with(',')) {
            return std::nullopt;
        }
        text.remove_prefix(i > 0 ? 1 : 0);
        const auto end = std::min(text.find_first_not_of(k_digits), text.size());
        const auto number = parse_u64(text.substr(0, end), 255);
        if (!number) {
            return std::nullopt;
        }
        numbers[i] = *number;
        text.remove_prefix(end);
    }
    return numbers;
}

/// Address and port of a 227 reply.
std::optional<std::array<std::uint64_t, 6>> pasv_numbers(std::string_view text) {
    for (auto at = text.find_first_of(k_digits); at < text.size(); ++at) {
        if (const auto numbers = six_numbers(text.substr(at)); numbers && ((*numbers)[4] != 0 || (*numbers)[5] != 0)) {
            return numbers;
        }
    }
    return std::nullopt;
}

/// "YYYYMMDDHHMMSS" with an optional fraction (RFC 3659, 2.3); empty when it is something else.
std::string_view time_value(std::string_view text) {
    text = trim(text);
    const auto digits = std::min(text.find_first_not_of("0123456789."), text.size());
    return digits >= 14 && digits <= 24 ? text.substr(0, digits) : std::string_view();
}

}  // namespace

std::optional<FtpReplyLine> parse_ftp_reply_line(std::string_view line) {
    line = without_line_end(line);
    const auto number = parse_u64(line.substr(0, 3), 599);
    if (line.size() < 3 || !number || *number < 100 || (line.size() > 3 && line[3] != ' ' && line[3] != '-')) {
        return std::nullopt;
    }
    const bool more = line.size() > 3 && line[3] == '-';
    return FtpReplyLine{narrow<std::uint16_t>(*number), !more, line.substr(std::min<std::size_t>(4, line.size()))};
}

std::optional<std::uint16_t> parse_epsv_port(std::string_view text) {
    const auto open = text.find('(');
    if (open == std::string_view::npos || text.size() < open + 6) {
        return std::nullopt;
    }
    const char bar = text[open + 1];
    const auto rest = text.substr(open + 4);
    const auto end = std::min(rest.find_first_not_of(k_digits), rest.size());
    const auto port = parse_u64(rest.substr(0, end), UINT16_MAX);
    if (k_digits.find(bar) != std::string_view::npos || text[open + 2] != bar || text[open + 3] != bar || !port ||
        *port == 0 || end == rest.size() || rest[end] != bar) {
        return std::nullopt;
    }
    return narrow<std::uint16_t>(*port);
}

std::optional<std::uint16_t> parse_pasv_port(std::string_view text) {
    const auto numbers = pasv_numbers(text);
    return numbers ? std::optional(narrow<std::uint16_t>((*numbers)[4] * 256 + (*numbers)[5])) : std::nullopt;
}

std::string parse_pasv_address(std::string_view text) {
    const auto numbers = pasv_numbers(text);
    const auto part = [&](std::size_t i) { return std::to_string((*numbers)[i]); };
    return numbers ? concat({part(0), ".", part(1), ".", part(2), ".", part(3)}) : std::string();
}

void FtpConversation::sent(std::string_view line) {
    line = without_line_end(line);
    const auto blank = std::min(line.find(' '), line.size());
    const auto command = line.substr(0, blank);
    const auto argument = line.substr(std::min(blank + 1, line.size()));
    stage_ = stage_of(command);
    reply_.reset();
    multiline_ = 0;
    words_.clear();
    if (stage_ == Stage::user) {
        user_ = argument;
    }
    const bool secret = stage_ == Stage::pass || (stage_ == Stage::user && !is_anonymous(argument));
    if (secret) {
        transcript_.hide(argument);
    }
    transcript_.add("> " + std::string(secret ? std::string(command) + " ***" : std::string(line)));
}

void FtpConversation::received(std::string_view line) {
    started_ = true;
    line = without_line_end(line);
    transcript_.add("< " + std::string(line));
    const auto parsed = parse_ftp_reply_line(line);
    mark_ = 0;
    if (std::exchange(words_end_, false)) {
        words_.clear();
    }
    // 421 may answer anything, in the middle of another reply too
    const bool within =
        multiline_ != 0 && (!parsed || (parsed->number != multiline_ && (!parsed->last || parsed->number != 421)));
    words_.add(parsed && !within ? parsed->text : line);
    if (!parsed) {
        return;  // the middle of a reply of several lines, or garbage that libcurl will refuse
    }
    if (!parsed->last) {
        multiline_ = multiline_ == 0 ? parsed->number : multiline_;
        return;
    }
    if (within) {
        mark_ = '-';
        return;
    }
    multiline_ = 0;
    mark_ = announces(parsed->number) ? '-' : ' ';
    complete(parsed->number, parsed->text);
    words_end_ = true;
}

void FtpConversation::mark_end(std::span<char> line) const {
    if (mark_ != 0 && line.size() > 3) {
        line[3] = mark_;
    }
}

/// RFC 959, 5.4: 120 before 220; and between the reply that began the data and the one that ends them, which has to be
/// waited for when nothing else says that all is there.
bool FtpConversation::announces(std::uint16_t number) const {
    const bool after_data = opening_ != 0 && (stage_ == Stage::data || stage_ == Stage::done) && !size_ && !stores_;
    return (number == 120 && stage_ == Stage::greeting) || (number < 200 && after_data);
}

/// The last line of a reply has come. Only then does its number count (RFC 959, 4.2).
void FtpConversation::complete(std::uint16_t number, std::string_view text) {
    if (stage_ == Stage::data) {
        stage_ = Stage::done;
    }
    reply_ = number;
    if (stage_ == Stage::size) {
        size_refused_ = number == 550;
        size_ = number == 213 ? trailing_number(text) : std::nullopt;
    } else if (stage_ == Stage::mdtm && number == 213) {
        modified_ = time_value(text);
    } else if (stage_ == Stage::epsv) {
        data_port_ = number == 229 ? parse_epsv_port(text) : std::nullopt;
        data_address_.clear();
    } else if (stage_ == Stage::pasv) {
        data_port_ = number == 227 ? parse_pasv_port(text) : std::nullopt;
        data_address_ = number == 227 ? parse_pasv_address(text) : "";
    } else if (stage_ == Stage::rest) {
        rest_accepted_ = number == 350;
    } else if ((stage_ == Stage::retr && (number == 125 || number == 150)) || (stage_ == Stage::stor && number < 200)) {
        stores_ = stage_ == Stage::stor;
        stage_ = Stage::data;
        opening_ = number;
    }
}

std::string FtpConversation::words() const { return peer_words(transcript_.scrubbed(words_.text())); }

bool FtpConversation::busy() const {
    if (!reply_ || *reply_ < 500 || stage_ == Stage::auth) {
        return false;
    }
    const bool login = stage_ == Stage::greeting || stage_ == Stage::user || stage_ == Stage::pass;
    const bool nobody = user_.empty() ? stage_ == Stage::greeting : is_anonymous(user_);
    return *reply_ == 530 ? nobody || speaks_of_limits(words_.all(), user_)
                          : login && speaks_of_limits(words_.all(), user_);
}

std::string FtpConversation::validator() const {
    if (!size_ && modified_.empty()) {
        return {};
    }
    return (size_ ? std::to_string(*size_) : "-") + ' ' + (modified_.empty() ? "-" : modified_);
}

}  // namespace hagent::transfer
