// SPDX-License-Identifier: Apache-2.0
// Owns the scrubbing of what a person will read.
#include "agent/transfer/transcript.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/base64.h"

namespace hagent::transfer {
namespace {
// One transfer knows a user and a password for each of a few addresses; each costs a search through every line.
constexpr std::size_t k_secrets = 16;
// A shorter one is hidden where it stands for itself: as a part of other words it gives nothing away, and these would
// be lost.
constexpr std::size_t k_anywhere_bytes = 8;

bool in_word(std::string_view text, std::size_t at) { return at < text.size() && is_letter_or_digit(text[at]); }

std::string without(std::string_view text, std::string_view secret) {
    std::string clean;
    for (auto at = text.find(secret); at != std::string_view::npos; at = text.find(secret)) {
        const bool part_of_word = secret.size() < k_anywhere_bytes &&
                                  ((at > 0 && in_word(text, at - 1) && in_word(secret, 0)) ||
                                   (in_word(text, at + secret.size()) && in_word(secret, secret.size() - 1)));
        clean.append(text.substr(0, at)).append(part_of_word ? secret : "***");
        text.remove_prefix(at + secret.size());
    }
    return clean.append(text);
}

}  // namespace

void Transcript::hide(std::string_view secret) {
    if (!secret.empty() && secrets_.size() < k_secrets &&
        std::find(secrets_.begin(), secrets_.end(), secret) == secrets_.end()) {
        // a longer secret may contain a shorter one; put in its place, as a sort of a few texts would be 4 KiB of code
        secrets_.insert(std::upper_bound(secrets_.begin(), secrets_.end(), secret,
                                         [](std::string_view a, std::string_view b) { return a.size() > b.size(); }),
                        std::string(secret));
    }
}

void Transcript::hide_secrets_of(const Url& url) {
    hide(url.password);
    hide(url.query);
    for (const auto pair : split(url.query, '&')) {
        const auto value = pair.substr(pair.find('=') + 1);  // all of it where there is no '='
        if (value.size() >= k_anywhere_bytes) {              // a short one is a word of many other texts
            hide(value);
        }
    }
}

void Transcript::hide_secrets_of(std::string_view request_head) {
    for (const auto line : split(request_head, '\n')) {
        const auto name = line.substr(0, line.find(':'));
        if (!equal_ignoring_case(name, "Authorization") && !equal_ignoring_case(name, "Proxy-Authorization")) {
            continue;
        }
        const auto credentials = trim(line.substr(name.size() + 1));
        const auto proof = credentials.substr(credentials.rfind(' ') + 1);
        hide(proof);
        const auto login = trust::from_base64(proof);
        hide(login ? std::string_view(*login).substr(login->find(':') + 1) : std::string_view());
    }
}

std::string Transcript::scrubbed(std::string_view text) const {
    std::string clean(text);
    for (const auto& secret : secrets_) {
        clean = without(clean, secret);
    }
    return clean;
}

void Transcript::add(std::string_view line) {
    lines_.push_back(printable(clip(scrubbed(line), limits::k_reply_line_bytes)));
    if (lines_.size() > limits::k_transcript_lines) {
        lines_.erase(lines_.begin());
    }
}

}  // namespace hagent::transfer
