// SPDX-License-Identifier: Apache-2.0
// Owns the scrubbing of what a person will read.
#include "agent/transfer/transcript.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {
// One transfer knows a user and a password for each of a few addresses; each costs a search through every line.
constexpr std::size_t k_secrets = 16;
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

std::string Transcript::scrubbed(std::string_view text) const {
    std::string clean(text);
    for (const auto& secret : secrets_) {
        clean = replace_all(clean, secret, "***");
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
