// SPDX-License-Identifier: Apache-2.0
// Owns the words by which servers say that they are full: vsftpd, ProFTPD, Pure-FTPd, IIS, FileZilla, wu-ftpd,
// pyftpdlib, Serv-U and their like.
#include "agent/transfer/ftp_words.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

constexpr std::size_t k_kept_bytes = 2048;  // of a reply, for whoever judges by its words
constexpr std::string_view k_cut = " ... ";

// Beginnings of words.
constexpr std::array<std::string_view, 16> k_full = {
    "maxim",   "limit",   "exceed",  "busy",     "overload",   "unavailab",   "temporar", "simultan",
    "concurr", "mainten", "capacit", "shutdown", "congestion", "connections", "slot",     "reached"};
// Whole words, and words in a row.
constexpr std::array<std::string_view, 10> k_full_phrases = {" too many ",  " max ",         " later ",   " full ",
                                                             " already ",   " more than ",   " no more ", " in use ",
                                                             " shut down ", " at this time "};
// A login that was tried too often is refused because it was wrong: asking again would make it worse.
constexpr std::array<std::string_view, 16> k_wrong = {
    " incorrect",    " invalid", " wrong", " password",   " passwd",      " attempt", " failure", " lock",
    " unsuccessful", " tries",   " bann",  " failed log", " failed auth", " encrypt", " secure",  " tls "};
constexpr std::string_view k_no_login = " connection attempt";  // these are no logins

/// Lower case, everything but letters and digits a blank, one at each end; without the words that are the user's name.
std::string plain_words(std::string_view text, std::string_view user) {
    std::string spread;
    for (const char c : text) {
        spread += is_letter_or_digit(c) ? c : ' ';
    }
    std::string plain = " ";
    for (const auto word : words(spread)) {
        if (!equal_ignoring_case(word, user)) {
            plain += to_lower(word) + ' ';
        }
    }
    return plain;
}

bool says_something(std::string_view line) {
    return std::any_of(line.begin(), line.end(),
                       [](char c) { return is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80; }) &&
           !equal_ignoring_case(line, "end") && !equal_ignoring_case(line, "end.");
}

}  // namespace

void FtpWords::clear() {
    text_.clear();
    last_.clear();
}

void FtpWords::add(std::string_view line) {
    line = clip(trim(line), limits::k_reply_line_bytes);
    if (!says_something(line)) {
        return;
    }
    last_ = line;
    if (text_.size() + line.size() < k_kept_bytes) {
        text_.append(text_.empty() ? "" : " ").append(line);
    }
}

std::string FtpWords::text() const {
    constexpr std::size_t k_all = limits::k_peer_words_bytes;
    if (text_.size() <= k_all && text_.ends_with(last_)) {
        return text_;
    }
    const auto last = clip(last_, k_all * 3 / 4);
    return concat({clip(text_, k_all - k_cut.size() - last.size()), k_cut, last});
}

bool speaks_of_limits(std::string_view text, std::string_view user) {
    const std::string plain = plain_words(text, user);
    const auto holds = [&](std::string_view words) { return plain.find(words) != std::string::npos; };
    if (std::any_of(k_wrong.begin(), k_wrong.end(), holds) && !holds(k_no_login)) {
        return false;
    }
    return std::any_of(k_full_phrases.begin(), k_full_phrases.end(), holds) ||
           std::any_of(k_full.begin(), k_full.end(), [&](std::string_view word) {
               return holds(concat({" ", word}));
           });
}

}  // namespace hagent::transfer
