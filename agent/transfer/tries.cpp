// SPDX-License-Identifier: Apache-2.0
// Owns the way from one try to the next.
#include "agent/transfer/tries.h"

#include <algorithm>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/crc32.h"
#include "agent/base/limits.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

/// Faults of an address or of what came from it, not of this device.
bool about_the_source(const Error& why) {
    return why.is(AgentCode::bad_range) || why.is(AgentCode::changed_on_server) || why.is(AgentCode::size_mismatch) ||
           why.is(AgentCode::limit_exceeded) || why.is(AgentCode::bad_url) || why.is(AgentCode::unsupported_scheme) ||
           why.is(AgentCode::protocol_garbage) || why.is(AgentCode::no_ranges);
}

}  // namespace

std::vector<std::string> shown_urls(const std::vector<Source>& sources) {
    std::vector<std::string> urls;
    for (const auto& source : sources) {
        urls.push_back(shown(source.url));
    }
    return urls;
}

std::string mark_of(const std::string& url) {
    const auto query = url.find('?');
    return shown(url) + (query == std::string::npos ? "" : std::to_string(crc32(std::string_view(url).substr(query))));
}

Status check_verdict(RangeVerdict verdict, const ReplyHead& head, std::uint64_t asked_from, const std::string& url) {
    switch (verdict) {
        case RangeVerdict::fits:
        case RangeVerdict::afresh: break;
        case RangeVerdict::changed: return error(AgentCode::changed_on_server, shown(url));
        case RangeVerdict::no_file:
            return error(AgentCode::protocol_garbage, {"HTTP ", std::to_string(head.number), " brings no file"});
        case RangeVerdict::broken:
            return error(AgentCode::bad_range,
                         {"asked from byte ", std::to_string(asked_from), ", got byte ", std::to_string(head.start)});
    }
    return {};
}

Result<TryOutcome> Tries::ask(const Exchange& exchange, Sink& sink) {
    ++number_;
    auto replied = services_.fetcher.exchange(exchange, sink, services_.cancel);
    if (!replied.ok()) {
        auto& why = replied.error();
        if (!about_the_source(why)) {
            return std::move(why);
        }
        return TryOutcome{why.id, Stage::data, why.context, std::nullopt, std::nullopt};
    }
    observer_.transcript(replied->transcript);
    transcript_ = std::move(replied->transcript);
    const errors::Id said{replied->head.protocol, replied->head.number};
    TryOutcome outcome{said, replied->stage, {}, replied->retry_after, replied->head.total};
    if (replied->error) {
        outcome.reply = replied->error->id;
        outcome.context = replied->error->context;
        if (replied->error->is(AgentCode::server_full)) {
            outcome.said = said;
        }
        return outcome;
    }
    outcome.went_well = true;
    return outcome;
}

void Tries::count(const TryOutcome& outcome, bool progress) {
    sources_.count(progress);
    misfits_ += is_misfit(outcome.reply) ? 1U : 0U;
}

Situation Tries::situation(const TryOutcome& outcome) const {
    Situation situation;
    situation.reply = outcome.reply;
    situation.stage = outcome.stage;
    situation.failures = sources_.failures();
    situation.attempts = services_.options.attempts;
    situation.other_source = sources_.next().has_value();
    situation.misfits = misfits_;
    situation.hints = sources_.hints();
    situation.total = outcome.total;
    return situation;
}

void Tries::report(const TryOutcome& outcome, const Decision& decision, Millis wait, std::uint64_t at_bytes) {
    Attempted attempted{number_,          shown(source()), outcome.said.value_or(outcome.reply),
                        outcome.stage,    outcome.context, decision.kind,
                        decision.because, wait.count(),    at_bytes};
    observer_.attempted(attempted);
    decisions_.push_back(std::move(attempted));
    if (decisions_.size() > k_kept_decisions) {
        decisions_.erase(decisions_.begin());
    }
}

/// A source that nobody has asked yet, or that has just brought bytes, need not wait for what another one said; and
/// where the turn comes back to one that asked for a rest, it has it.
Millis Tries::wait_after(const TryOutcome& outcome, const Decision& decision, std::size_t next) const {
    const bool elsewhere = next != sources_.current();
    const auto& options = services_.options;
    const auto wait = decision.wait == Wait::none || (elsewhere && sources_.fresh(next))
                          ? Millis(0)
                          : next_wait(elsewhere ? std::nullopt : outcome.retry_after, sources_.failures(),
                                      options.backoff_base, options.backoff_cap, services_.random);
    return elsewhere ? std::max(wait, sources_.rests_until(next) - services_.clock.uptime()) : wait;
}

Millis Tries::move_on(const TryOutcome& outcome, const Decision& decision, std::uint64_t at_bytes) {
    if (decision.wait == Wait::none) {
        sources_.forgive();  // another question, not the same one again
    }
    const auto next =
        decision.kind == Decide::next_source ? sources_.next().value_or(sources_.current()) : sources_.current();
    const auto wait = wait_after(outcome, decision, next);
    report(outcome, decision, wait, at_bytes);
    leave_out(sources_.hints(), decision.fallback);
    const Seconds rest = std::min(outcome.retry_after.value_or(Seconds(0)), Seconds(limits::k_retry_after_cap_seconds));
    sources_.note(error(outcome.reply, outcome.context), services_.clock.uptime() + rest);
    doubtful_ = doubtful_ || is_doubtful(outcome.reply);
    if (decision.kind == Decide::next_source && decision.wait == Wait::none) {
        sources_.strike();
    }
    sources_.go_to(next);
    return wait;
}

Status Tries::wait(Millis time) {
    return services_.clock.wait(time, services_.cancel) ? Status(error(AgentCode::cancelled)) : Status();
}

Failure Tries::final_error(const TryOutcome& outcome, const Decision& decision, Situation now) const {
    const bool exhausted = decision.because == errors::agent(AgentCode::attempts_exhausted);
    std::string context = shown(source()) + (outcome.context.empty() ? "" : ": " + outcome.context);
    if (exhausted) {
        context += concat({" (gave up after ", std::to_string(number_), (number_ == 1 ? " try)" : " tries)")});
    }
    now.other_source = true;
    return sources_.with_others(error(exhausted ? outcome.reply : decision.because, context),
                                !exhausted && decide(now).kind != Decide::give_up);
}

}  // namespace hagent::transfer
