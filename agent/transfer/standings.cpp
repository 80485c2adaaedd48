// SPDX-License-Identifier: Apache-2.0
// Owns the counting, and the sentence about all sources.
#include "agent/transfer/standings.h"

#include <algorithm>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"

namespace hagent::transfer {
namespace {

constexpr std::size_t k_words_bytes = 1000;  // of what all sources together said

}  // namespace

Standings::Standings(std::vector<std::string> shown_urls, unsigned attempts)
    : all_(shown_urls.size()), attempts_(attempts) {
    for (std::size_t i = 0; i < all_.size(); ++i) {
        all_[i].url = std::move(shown_urls[i]);
    }
}

std::optional<std::size_t> Standings::next() const {
    for (std::size_t step = 1; step < all_.size(); ++step) {
        const auto index = (current_ + step) % all_.size();
        if (!all_[index].struck && all_[index].failures < attempts_) {
            return index;
        }
    }
    return std::nullopt;
}

void Standings::count(bool progress) {
    if (progress) {
        for (auto& one : all_) {
            one.failures = 0;
        }
    }
    ++all_[current_].failures;
}

void Standings::note(Error why, Uptime rests_until) {
    all_[current_].why = std::move(why);
    all_[current_].rests_until = rests_until;
}

void Standings::forgive() { all_[current_].failures -= std::min(all_[current_].failures, 1U); }

Failure Standings::with_others(Error own, bool refused) const {
    std::string text = std::move(own.context);
    for (const auto& one : all_) {
        if (&one == &all_[current_] || !one.why) {
            continue;
        }
        const auto told = concat({one.url, one.why->context.empty() ? "" : ": ", one.why->context});
        if (refused && !one.struck) {
            text = concat({told, "; ", errors::id_text(own.id), ": ", text});
            own.id = one.why->id;
            refused = false;
        } else {
            text += concat({"; ", errors::id_text(one.why->id), ": ", told});
        }
    }
    return error(own.id, clip(text, k_words_bytes));
}

}  // namespace hagent::transfer
