// SPDX-License-Identifier: Apache-2.0
// Owns the real fetchers over libcurl: a blocking one for the worker and one that runs on the event loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/loop/loop.h"
#include "agent/transfer/fetcher.h"
#include "agent/transfer/options.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// Asked before every request, redirected ones too, for header fields that belong to that origin alone
/// (Authorization). Called on the thread of the exchange.
using HeaderProvider = std::function<Headers(const Url&)>;

/// "libcurl/8.14.1 mbedTLS/3.6.x": what this build moves bytes with.
[[nodiscard]] std::string library_versions();

/// Blocks in exchange(); keeps connections for the next one. Redirects are followed up to k_redirects and never from
/// an encrypted address to a clear one or to FTP. Use it from one thread at a time.
[[nodiscard]] std::unique_ptr<Fetcher> curl_fetcher(Options options, HeaderProvider provider = {});

/// The same on loop::Loop, for short exchanges such as check-ins. Lives and is called on the loop's thread.
class LoopFetcher {
public:
    /// The reply and its body: of a positive reply whole, of a negative one the first k_error_body_bytes.
    using Done = std::function<void(Result<Reply>, std::string body)>;

    LoopFetcher(loop::Loop& loop, Options options, HeaderProvider provider = {});
    ~LoopFetcher();  // aborts what is still under way; no `done` is called any more
    LoopFetcher(const LoopFetcher&) = delete;
    LoopFetcher& operator=(const LoopFetcher&) = delete;

    /// Begins an exchange (Exchange::source is not supported here). `done` is called exactly once, never from within
    /// start(), unless it is aborted. A body above `body_limit` ends it with limit_exceeded; an exchange that takes
    /// longer than `time_limit` (0: none) ends with timed_out.
    std::uint64_t start(Exchange exchange, std::size_t body_limit, Millis time_limit, Done done);
    /// Stops an exchange; unknown numbers are ignored.
    void abort(std::uint64_t exchange);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent::transfer
