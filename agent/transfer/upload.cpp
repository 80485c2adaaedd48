// SPDX-License-Identifier: Apache-2.0
// Owns the loop of tries that sends.
#include "agent/transfer/upload.h"

#include <memory>
#include <utility>

#include "agent/base/concat.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

/// What a server says after taking a file is of no interest.
class NoSink final : public Sink {
public:
    Status begin(const ReplyHead&) override { return {}; }
    Status write(std::string_view) override { return {}; }
};

Attempted attempted(const Reply& reply, unsigned attempt, const std::string& url, const Decision& decision,
                    Millis wait) {
    const errors::Id id = reply.error ? reply.error->id : errors::Id{reply.head.protocol, reply.head.number};
    return {attempt,
            shown(url),
            id,
            reply.stage,
            reply.error ? reply.error->context : std::string(),
            decision.kind,
            decision.because,
            wait.count(),
            0};
}

Situation situation_of(const Reply& reply, unsigned failures, unsigned attempts) {
    Situation situation;
    situation.reply = reply.error ? reply.error->id : errors::Id{reply.head.protocol, reply.head.number};
    situation.stage = reply.stage;
    situation.failures = failures;
    situation.attempts = attempts;
    return situation;
}

}  // namespace

Result<Uploaded> upload(const UploadRequest& request, const DownloadServices& services, DownloadObserver& observer) {
    Exchange exchange;
    exchange.url = request.url;
    exchange.method = Method::put;
    exchange.answer_wanted = false;
    exchange.headers = request.headers;
    exchange.headers.emplace_back("Content-Type", request.content_type);
    exchange.limit_bytes_per_s = request.limit_bytes_per_s;
    std::unique_ptr<platform::File> file;
    if (request.file.empty()) {
        exchange.body = request.bytes;
    } else {
        file = TRY(services.files.open(request.file, platform::OpenMode::read));
        exchange.source = file.get();
        exchange.source_bytes = TRY(file->size());
    }
    Uploaded result;
    result.bytes = file ? exchange.source_bytes : exchange.body.size();
    unsigned failures = 0;
    while (true) {
        NoSink sink;
        const auto reply = TRY(services.fetcher.exchange(exchange, sink, services.cancel));
        ++result.attempts;
        auto situation = situation_of(reply, ++failures, services.options.attempts);
        situation.hints = exchange.ftp;
        const auto decision = decide(situation);
        leave_out(exchange.ftp, decision.fallback);
        const bool ends = decision.kind == Decide::accept || decision.kind == Decide::give_up;
        const auto wait = ends || decision.wait == Wait::none
                              ? Millis(0)
                              : next_wait(reply.retry_after, failures, services.options.backoff_base,
                                          services.options.backoff_cap, services.random);
        result.decisions.push_back(attempted(reply, result.attempts, request.url, decision, wait));
        observer.attempted(result.decisions.back());
        observer.transcript(reply.transcript);
        result.transcript = reply.transcript;
        if (decision.kind == Decide::accept && !reply.error) {
            return result;
        }
        if (ends) {
            const auto about =
                reply.error && !reply.error->context.empty() ? ": " + reply.error->context : std::string();
            const auto context =
                shown(request.url) + about +
                (result.attempts > 1 ? concat({" (", std::to_string(result.attempts), " tries)"}) : "");
            return error(reply.error ? reply.error->id : decision.because, context);
        }
        if (services.clock.wait(wait, services.cancel)) {
            return error(AgentCode::cancelled);
        }
    }
}

}  // namespace hagent::transfer
