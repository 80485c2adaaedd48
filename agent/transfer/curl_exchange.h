// SPDX-License-Identifier: Apache-2.0
// Owns one exchange on one libcurl handle, redirects included; whoever drives the handle (worker or loop) owns the
// waiting.
#pragma once

#include <memory>
#include <optional>

#include "agent/transfer/curl_fetcher.h"

namespace hagent::transfer {

class CurlExchange {
public:
    /// Everything is borrowed and outlives the exchange, except `exchange`, which is copied. `cancel` may be null.
    CurlExchange(const Options& options, const HeaderProvider& provider, Exchange exchange, Sink& sink,
                 const CancelToken* cancel);
    ~CurlExchange();
    CurlExchange(const CurlExchange&) = delete;
    CurlExchange& operator=(const CurlExchange&) = delete;

    /// Makes the handle ready for the first request. Errors: bad_url, unsupported_scheme.
    [[nodiscard]] Status prepare();
    /// The CURL* to run.
    [[nodiscard]] void* easy() const;
    /// Takes the CURLcode of a finished run. Empty: redirected, the handle is ready to be run again.
    [[nodiscard]] std::optional<Result<Reply>> finished(int code);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent::transfer
