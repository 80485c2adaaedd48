// SPDX-License-Identifier: Apache-2.0
// Owns the translation between a dialect's call and an exchange.
#include "agent/manager/loop_caller.h"

#include <utility>

#include "agent/base/limits.h"
#include "agent/transfer/file_fetcher.h"

namespace hagent::manager {
namespace {

constexpr Millis k_call_limit = Seconds{60};
constexpr std::uint64_t k_local = std::uint64_t{1} << 63U;  // marks the numbers of calls that need no network

}  // namespace

/// An HTTP status that the transfer takes for an error is an answer to a dialect, which knows better what it means.
Reply to_reply(Result<transfer::Reply> result, std::string body) {
    if (!result.ok()) {
        return std::move(result).failure();
    }
    transfer::Reply& reply = *result;
    Answer answer{reply.head.number, std::move(body), std::move(reply.etag), reply.retry_after};
    if (reply.error) {
        // 407 is a proxy's word, never a manager's: nothing is dropped for it
        if (reply.error->id.protocol != errors::Protocol::http || reply.error->id == errors::http(407)) {
            return std::move(*reply.error);
        }
        answer.status = reply.error->id.number;
        answer.words = std::move(reply.error->context);
    }
    return answer;
}

/// A local answer is there at once but told from a timer, because a caller's `done` never runs from within call().
std::uint64_t LoopCaller::call(Call call, Done done) {
    transfer::Exchange exchange;
    exchange.url = std::move(call.url);
    exchange.method = call.method;
    exchange.headers = std::move(call.headers);
    exchange.body = std::move(call.body);
    exchange.headless = call.headless;
    exchange.past_caches = true;  // what is asked for is news
    if (transfer::is_file_url(exchange.url)) {
        transfer::StringSink sink(limits::k_manager_answer_bytes);
        auto result = local_.exchange(exchange, sink, CancelToken());
        return k_local | timers_.after(Millis{0}, [done = std::move(done),
                                                   reply = to_reply(std::move(result), sink.take())] { done(reply); });
    }
    return fetcher_.start(std::move(exchange), limits::k_manager_answer_bytes, k_call_limit,
                          [done = std::move(done)](Result<transfer::Reply> result, std::string body) {
                              done(to_reply(std::move(result), std::move(body)));
                          });
}

void LoopCaller::abort(std::uint64_t call) {
    if ((call & k_local) != 0) {
        timers_.cancel(call & ~k_local);
    } else {
        fetcher_.abort(call);
    }
}

std::uint64_t LoopTimers::after(Millis delay, std::function<void()> due) { return loop_.after(delay, std::move(due)); }

void LoopTimers::cancel(std::uint64_t timer) { loop_.cancel(timer); }

}  // namespace hagent::manager
