// SPDX-License-Identifier: Apache-2.0
// Owns Tries: what every transfer that has several sources does between two questions, whatever it asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/transfer/download.h"
#include "agent/transfer/fetcher.h"
#include "agent/transfer/reply_policy.h"
#include "agent/transfer/standings.h"

namespace hagent::transfer {

/// What came of one try.
struct TryOutcome {
    errors::Id reply;
    Stage stage = Stage::connect;
    std::string context;
    std::optional<Seconds> retry_after;
    std::optional<std::uint64_t> total;
    std::optional<errors::Id> said{};  // the server's own reply where `reply` is what it amounts to
    bool went_well = false;            // the exchange did what was asked
};

/// The addresses as standings and people see them, without credentials.
[[nodiscard]] std::vector<std::string> shown_urls(const std::vector<Source>& sources);
/// Tells addresses apart in what is kept, where no login and no ticket belongs.
[[nodiscard]] std::string mark_of(const std::string& url);
/// The error that a verdict about the head of a positive reply stands for; success for `fits` and `afresh`.
[[nodiscard]] Status check_verdict(RangeVerdict verdict, const ReplyHead& head, std::uint64_t asked_from,
                                   const std::string& url);

/// The tries of one transfer. Everything is borrowed; the standings may outlive it and serve the next one.
class Tries {
public:
    Tries(const std::vector<Source>& sources, Standings& standings, const DownloadServices& services,
          DownloadObserver& observer)
        : all_(sources), sources_(standings), services_(services), observer_(observer) {}

    [[nodiscard]] const std::string& source() const { return all_[sources_.current()].url; }
    /// How many were asked for so far, the one under way included.
    [[nodiscard]] unsigned number() const { return number_; }
    /// What came before did not fit: it may have come from a cache.
    [[nodiscard]] bool doubtful() const { return doubtful_; }
    void doubt() { doubtful_ = true; }

    /// Asks the current source once. Errors: this device's own, those of the sink that are not about the source.
    [[nodiscard]] Result<TryOutcome> ask(const Exchange& exchange, Sink& sink);
    /// The try that has just ended counts as failed in a row, unless there was progress.
    void count(const TryOutcome& outcome, bool progress);
    /// All that the sources and the outcome say; the rest is the caller's.
    [[nodiscard]] Situation situation(const TryOutcome& outcome) const;

    /// Tells of the try and of what was decided.
    void report(const TryOutcome& outcome, const Decision& decision, Millis wait, std::uint64_t at_bytes);
    /// Carries out what a decision that is neither accept nor give_up means for the sources, and tells it. Returns the
    /// time to wait before the next try.
    [[nodiscard]] Millis move_on(const TryOutcome& outcome, const Decision& decision, std::uint64_t at_bytes);
    /// Errors: cancelled.
    [[nodiscard]] Status wait(Millis time);
    /// With the word of every source. A refusal that would have ended it anywhere is not outweighed; `now` is the
    /// situation that was judged.
    [[nodiscard]] Failure final_error(const TryOutcome& outcome, const Decision& decision, Situation now) const;

    [[nodiscard]] std::vector<Attempted> take_decisions() { return std::move(decisions_); }
    [[nodiscard]] std::vector<std::string> take_transcript() { return std::move(transcript_); }

private:
    [[nodiscard]] Millis wait_after(const TryOutcome& outcome, const Decision& decision, std::size_t next) const;

    const std::vector<Source>& all_;
    Standings& sources_;
    const DownloadServices& services_;
    DownloadObserver& observer_;
    unsigned number_ = 0;
    unsigned misfits_ = 0;
    bool doubtful_ = false;
    std::vector<Attempted> decisions_;     // the last k_kept_decisions
    std::vector<std::string> transcript_;  // of the last try
};

}  // namespace hagent::transfer
