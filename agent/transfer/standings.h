// SPDX-License-Identifier: Apache-2.0
// Owns Standings: which source of a file is asked, how often each failed in a row, and what each said last.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/error.h"
#include "agent/base/time.h"
#include "agent/transfer/fetcher.h"

namespace hagent::transfer {

/// Each source has its own attempts: one that is down takes none from the others.
class Standings {
public:
    Standings(std::vector<std::string> shown_urls, unsigned attempts);

    [[nodiscard]] std::size_t current() const { return current_; }
    [[nodiscard]] FtpHints& hints() { return all_[current_].hints; }
    [[nodiscard]] const FtpHints& hints() const { return all_[current_].hints; }
    [[nodiscard]] unsigned failures() const { return all_[current_].failures; }
    /// Another one that has not refused for good and has attempts left.
    [[nodiscard]] std::optional<std::size_t> next() const;
    /// Nobody has asked it yet, or progress was made since.
    [[nodiscard]] bool fresh(std::size_t index) const { return all_[index].failures == 0; }

    /// Counts the try that has just ended. Progress gives all sources their attempts again.
    void count(bool progress);
    /// Takes that back: what is asked next is another question.
    void forgive();
    /// What the current source said, and until when it wants to be left alone.
    void note(Error why, Uptime rests_until);
    [[nodiscard]] Uptime rests_until(std::size_t index) const { return all_[index].rests_until; }
    void go_to(std::size_t index) { current_ = index; }
    /// Never the current one again.
    void strike() { all_[current_].struck = true; }

    /// `own`, which ended the download at the current source, with the word of every other source. Where `refused`, one
    /// that is only down outweighs it: that one may come back.
    [[nodiscard]] Failure with_others(Error own, bool refused) const;

private:
    struct Standing {
        std::string url;  // without credentials
        FtpHints hints;   // what it was found not to understand
        bool struck = false;
        unsigned failures = 0;  // tries in a row without progress
        std::optional<Error> why;
        Uptime rests_until{};
    };

    std::vector<Standing> all_;
    unsigned attempts_;
    std::size_t current_ = 0;
};

}  // namespace hagent::transfer
