// SPDX-License-Identifier: Apache-2.0
// Owns the loop of tries for one part of a file.
#include "agent/transfer/range_reader.h"

#include <algorithm>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/transfer/tries.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

constexpr std::uint64_t k_progress_bytes = 64U << 10U;  // a try that gained less has made no progress
constexpr std::uint64_t k_progress_fraction = 64;       // but of a small part a 64th is enough

}  // namespace

/// One part that is being read.
class RangeReader::Reading final : public Sink {
public:
    Reading(RangeReader& reader, const RangeWanted& wanted, const Take& take, const DownloadServices& services,
            DownloadObserver& observer)
        : reader_(reader),
          take_(take),
          cancel_(services.cancel),
          observer_(observer),
          tries_(reader.file_.sources, reader.sources_, services, observer),
          begin_(wanted.offset),
          end_(wanted.offset + wanted.bytes),
          at_(wanted.offset),
          best_(wanted.offset) {
        if (wanted.another_source) {
            reader.sources_.go_to(reader.sources_.next().value_or(reader.sources_.current()));
            tries_.doubt();
        }
    }

    Status run();
    Status begin(const ReplyHead& head) override;
    Status write(std::string_view bytes) override;

private:
    [[nodiscard]] std::string& validator() { return reader_.validators_[reader_.sources_.current()]; }
    [[nodiscard]] Exchange ask();
    [[nodiscard]] Result<TryOutcome> attempt();
    [[nodiscard]] TryOutcome judged(TryOutcome outcome) const;
    [[nodiscard]] Situation situation_after(const TryOutcome& outcome) const;
    [[nodiscard]] bool cheap_to_skip(std::uint64_t bytes) const;
    void count(const TryOutcome& outcome);

    RangeReader& reader_;
    const Take& take_;
    const CancelToken& cancel_;
    DownloadObserver& observer_;
    Tries tries_;
    const std::uint64_t begin_, end_;
    std::uint64_t at_;         // the next byte that is to be given
    std::uint64_t best_;       // the furthest that it was before the try under way
    std::uint64_t asked_ = 0;  // where the try under way begins
    std::uint64_t skip_ = 0;   // bytes of this try that lie in front of `at_`
    bool refused_ = false;     // by `take_`
};

/// From the first byte that is missing; from the first of all where the server cannot begin anywhere else.
Exchange RangeReader::Reading::ask() {
    Exchange exchange;
    exchange.url = tries_.source();
    exchange.limit_bytes_per_s = reader_.file_.limit_bytes_per_s;
    exchange.ftp = reader_.sources_.hints();
    exchange.past_caches = tries_.doubtful();
    exchange.offset = exchange.ftp.rest ? at_ : 0;
    exchange.end = end_;
    exchange.if_range = validator();
    return exchange;
}

/// Bytes in front of the part are thrown away, where that costs no more than the part itself or a moment; from the last
/// source that is left, some more.
bool RangeReader::Reading::cheap_to_skip(std::uint64_t bytes) const {
    const bool last_resort = !reader_.sources_.next().has_value();
    const auto worth = std::max(end_ - at_, limits::k_skipped_range_bytes);
    return bytes <= (last_resort ? worth * limits::k_skipped_last_resort : worth);
}

/// A validator that has changed is forgotten: what the source has now is asked for next, and the digests of those who
/// read decide whether it is of use.
Status RangeReader::Reading::begin(const ReplyHead& head) {
    const bool other_file = !validator().empty() && !head.validator.empty() && validator() != head.validator;
    const auto verdict =
        other_file ? RangeVerdict::changed : judge_range(head, {asked_, end_}, validator(), std::nullopt);
    if (verdict == RangeVerdict::changed) {
        validator().clear();
    }
    TRY(check_verdict(verdict, head, asked_, tries_.source()));
    if (head.total && *head.total != reader_.file_.bytes) {
        return error(AgentCode::size_mismatch,
                     {std::to_string(*head.total), " instead of ", std::to_string(reader_.file_.bytes), " bytes"});
    }
    const auto start = verdict == RangeVerdict::afresh ? 0 : asked_;
    skip_ = at_ - start;
    if (!cheap_to_skip(skip_)) {
        return error(AgentCode::no_ranges, shown(tries_.source()));
    }
    if (!head.validator.empty()) {
        validator() = head.validator;
    }
    if (at_ > begin_) {
        observer_.resumed(at_);
    }
    reader_.rate_.restart();
    return {};
}

Status RangeReader::Reading::write(std::string_view bytes) {
    const auto skipped = narrow<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
    bytes.remove_prefix(skipped);
    skip_ -= skipped;
    bytes = bytes.substr(0, narrow<std::size_t>(std::min<std::uint64_t>(end_ - at_, bytes.size())));
    if (bytes.empty()) {
        return {};
    }
    auto taken = take_(bytes);
    if (!taken.ok()) {
        refused_ = true;
        return taken;
    }
    at_ += bytes.size();
    reader_.rate_.add(bytes.size());
    if (reader_.rate_.due()) {
        observer_.progress(at_ - begin_, end_ - begin_, reader_.rate_.bytes_per_s());
    }
    return {};
}

/// What whoever reads has refused with ends it, whatever it is.
Result<TryOutcome> RangeReader::Reading::attempt() {
    const auto exchange = ask();
    asked_ = exchange.offset;
    skip_ = 0;
    auto tried = tries_.ask(exchange, *this);
    if (refused_) {
        return tried.ok() ? Result<TryOutcome>(error(tried->reply, tried->context)) : tried;
    }
    return tried.ok() ? Result<TryOutcome>(judged(std::move(*tried))) : tried;
}

/// The part lies within the file, so neither an end before its end nor a refusal of the range can be right.
TryOutcome RangeReader::Reading::judged(TryOutcome outcome) const {
    if (outcome.reply == errors::http(416)) {
        const bool shorter = outcome.total && *outcome.total != reader_.file_.bytes;
        outcome.reply = errors::agent(shorter ? AgentCode::size_mismatch : AgentCode::bad_range);
        outcome.context = "HTTP 416";
    } else if (outcome.went_well && at_ < end_) {
        outcome.reply = errors::agent(AgentCode::truncated);
        outcome.context = concat({std::to_string(at_), " of ", std::to_string(end_), " bytes"});
    }
    return outcome;
}

void RangeReader::Reading::count(const TryOutcome& outcome) {
    const auto enough = std::clamp<std::uint64_t>((end_ - begin_) / k_progress_fraction, 1, k_progress_bytes);
    tries_.count(outcome, at_ == end_ || at_ >= best_ + enough);
    best_ = at_;
}

Situation RangeReader::Reading::situation_after(const TryOutcome& outcome) const {
    auto situation = tries_.situation(outcome);
    situation.offset = asked_;
    situation.bytes = at_;
    situation.can_resume = true;
    situation.by_caches = tries_.source().starts_with("http") && !tries_.doubtful();
    situation.wanted = reader_.file_.bytes;
    return situation;
}

Status RangeReader::Reading::run() {
    while (at_ < end_) {
        if (cancel_.requested()) {
            return error(AgentCode::cancelled);
        }
        const auto outcome = TRY(attempt());
        count(outcome);
        if (at_ == end_) {  // these are the bytes, whatever became of the connection
            tries_.report(outcome, {Decide::accept, Wait::none, outcome.reply}, Millis(0), at_);
            break;
        }
        const auto decision = decide(situation_after(outcome));
        if (decision.kind == Decide::give_up) {
            tries_.report(outcome, decision, Millis(0), at_);
            return tries_.final_error(outcome, decision, situation_after(outcome));
        }
        TRY(tries_.wait(tries_.move_on(outcome, decision, at_)));
    }
    observer_.progress(end_ - begin_, end_ - begin_, reader_.rate_.bytes_per_s());
    return {};
}

RangeReader::RangeReader(RangedFile file, platform::Clock& clock, unsigned attempts)
    : file_(std::move(file)),
      sources_(shown_urls(file_.sources), attempts),
      validators_(file_.sources.size()),
      rate_(clock) {}

Status RangeReader::read(const RangeWanted& wanted, const Take& take, const DownloadServices& services,
                         DownloadObserver& observer) {
    if (file_.sources.empty()) {
        return error(AgentCode::no_source, "no address was given");
    }
    if (wanted.offset > file_.bytes || wanted.bytes > file_.bytes - wanted.offset) {
        return error(AgentCode::limit_exceeded, {std::to_string(wanted.bytes), " bytes from byte ",
                                                 std::to_string(wanted.offset), " of ", std::to_string(file_.bytes)});
    }
    return Reading(*this, wanted, take, services, observer).run();
}

}  // namespace hagent::transfer
