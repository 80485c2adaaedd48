// SPDX-License-Identifier: Apache-2.0
// Owns the real calls and timers of a check-in, on the event loop.
#pragma once

#include "agent/loop/loop.h"
#include "agent/manager/caller.h"
#include "agent/transfer/curl_fetcher.h"

namespace hagent::manager {

/// Every HTTP status is an Answer; what prevents a status is an Error. Answers are limited to k_manager_answer_bytes
/// and to a minute. Everything is borrowed; `local` answers file:// addresses, at once and on this thread.
class LoopCaller final : public Caller {
public:
    LoopCaller(transfer::LoopFetcher& fetcher, transfer::Fetcher& local, Timers& timers)
        : fetcher_(fetcher), local_(local), timers_(timers) {}
    std::uint64_t call(Call call, Done done) override;
    void abort(std::uint64_t call) override;

private:
    transfer::LoopFetcher& fetcher_;
    transfer::Fetcher& local_;
    Timers& timers_;
};

/// What an exchange means to a dialect.
[[nodiscard]] Reply to_reply(Result<transfer::Reply> result, std::string body);

class LoopTimers final : public Timers {
public:
    explicit LoopTimers(loop::Loop& loop) : loop_(loop) {}
    std::uint64_t after(Millis delay, std::function<void()> due) override;
    void cancel(std::uint64_t timer) override;

private:
    loop::Loop& loop_;
};

}  // namespace hagent::manager
