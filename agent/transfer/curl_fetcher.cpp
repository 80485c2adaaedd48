// SPDX-License-Identifier: Apache-2.0
// Owns the two ways to drive an exchange: blocking on a multi handle of its own, and on the event loop.
#include "agent/transfer/curl_fetcher.h"

#include <curl/curl.h>

#include <map>
#include <utility>

#include "agent/base/check.h"
#include "agent/base/handle.h"
#include "agent/transfer/curl_exchange.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

constexpr int k_slice_ms = 200;  // how late a cancel may be seen
constexpr long k_kept_connections = 4;

struct MultiTraits {
    using Value = CURLM*;
    static Value none() { return nullptr; }
    static void close(Value multi) { curl_multi_cleanup(multi); }
};

/// libcurl counts its users, so every owner takes one share.
class CurlLibrary {
public:
    CurlLibrary() { check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); }
    ~CurlLibrary() { curl_global_cleanup(); }
    CurlLibrary(const CurlLibrary&) = delete;
    CurlLibrary& operator=(const CurlLibrary&) = delete;
};

class BlockingFetcher final : public Fetcher {
public:
    BlockingFetcher(Options options, HeaderProvider provider)
        : options_(std::move(options)), provider_(std::move(provider)), multi_(curl_multi_init()) {
        check(static_cast<bool>(multi_));
        curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, k_kept_connections);
    }

    Result<Reply> exchange(const Exchange& exchange, Sink& sink, const CancelToken& cancel) override {
        CurlExchange running(options_, provider_, exchange, sink, &cancel);
        TRY(running.prepare());
        while (true) {
            if (cancel.requested()) {
                return error(AgentCode::cancelled);
            }
            const auto code = run(running.easy(), cancel);
            if (!code) {
                return error(AgentCode::cancelled);
            }
            if (auto result = running.finished(*code)) {
                return std::move(*result);
            }
        }
    }

private:
    /// The CURLcode, or empty when cancelled.
    std::optional<int> run(void* easy, const CancelToken& cancel) {
        check(curl_multi_add_handle(multi_.get(), easy) == CURLM_OK);
        std::optional<int> code;
        while (!code && !cancel.requested()) {
            int running = 0;
            curl_multi_perform(multi_.get(), &running);
            code = finished_code();
            if (!code) {
                curl_multi_poll(multi_.get(), nullptr, 0, k_slice_ms, nullptr);
            }
        }
        curl_multi_remove_handle(multi_.get(), easy);
        return code;
    }

    /// The CURLcode of the one transfer on this handle; empty while it runs.
    std::optional<int> finished_code() {
        int queued = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
            if (message->msg == CURLMSG_DONE) {
                return message->data.result;
            }
        }
        return std::nullopt;
    }

    CurlLibrary library_;
    Options options_;
    HeaderProvider provider_;
    UniqueHandle<MultiTraits> multi_;
};

}  // namespace

std::unique_ptr<Fetcher> curl_fetcher(Options options, HeaderProvider provider) {
    return std::make_unique<BlockingFetcher>(std::move(options), std::move(provider));
}

struct LoopFetcher::Impl {
    struct Job {
        Job(const Impl& owner, Exchange exchange, std::size_t limit, Done done_in)
            : sink(limit),
              running(owner.options, owner.provider, std::move(exchange), sink, nullptr),
              done(std::move(done_in)) {}
        StringSink sink;
        CurlExchange running;
        Done done;
        loop::TimerId timer = 0;
        bool on_loop = false;
    };

    Impl(loop::Loop& loop_in, Options options_in, HeaderProvider provider_in)
        : loop(loop_in), options(std::move(options_in)), provider(std::move(provider_in)) {}
    ~Impl() {
        while (!jobs.empty()) {
            remove(jobs.begin()->first);
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run(std::uint64_t number, Job& job) {
        job.on_loop = true;
        loop.start_transfer(job.running.easy(), [this, number](int code) { step(number, code); });
    }

    /// One request of the exchange has ended: a redirect leads to the next one.
    void step(std::uint64_t number, int code) {
        auto& job = *jobs.at(number);
        job.on_loop = false;
        if (auto result = job.running.finished(code)) {
            finish(number, std::move(*result));
        } else {
            run(number, job);
        }
    }

    void finish(std::uint64_t number, Result<Reply> result) {
        const auto job = remove(number);
        std::string body = result.ok() && result->error ? result->body : job->sink.take();
        job->done(std::move(result), std::move(body));
    }

    /// Takes the job off the table and off the loop before its `done` is called, which may start or abort others.
    std::unique_ptr<Job> remove(std::uint64_t number) {
        auto node = jobs.extract(number);
        auto job = std::move(node.mapped());
        if (job->on_loop) {
            loop.abort_transfer(job->running.easy());
        }
        if (job->timer != 0) {
            loop.cancel(job->timer);
        }
        return job;
    }

    CurlLibrary library;
    loop::Loop& loop;
    Options options;
    HeaderProvider provider;
    std::map<std::uint64_t, std::unique_ptr<Job>> jobs;
    std::uint64_t last = 0;
};

LoopFetcher::LoopFetcher(loop::Loop& loop, Options options, HeaderProvider provider)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(provider))) {}
LoopFetcher::~LoopFetcher() = default;

std::uint64_t LoopFetcher::start(Exchange exchange, std::size_t body_limit, Millis time_limit, Done done) {
    const auto number = ++impl_->last;
    auto& job =
        *(impl_->jobs[number] = std::make_unique<Impl::Job>(*impl_, std::move(exchange), body_limit, std::move(done)));
    auto ready = job.running.prepare();
    Impl* impl = impl_.get();
    if (!ready.ok()) {
        job.timer = impl_->loop.after(Millis(0), [impl, number, why = ready.error()] { impl->finish(number, why); });
        return number;
    }
    if (time_limit.count() > 0) {
        job.timer =
            impl_->loop.after(time_limit, [impl, number] { impl->finish(number, error(AgentCode::timed_out)); });
    }
    impl_->run(number, job);
    return number;
}

void LoopFetcher::abort(std::uint64_t exchange) {
    if (impl_->jobs.contains(exchange)) {
        impl_->remove(exchange);
    }
}

std::string library_versions() { return curl_version(); }

}  // namespace hagent::transfer
