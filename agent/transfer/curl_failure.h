// SPDX-License-Identifier: Apache-2.0
// Owns what a libcurl handle knows about its request, asked while it runs and when it has failed.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/transfer/curl_error.h"
#include "agent/transfer/options.h"
#include "agent/transfer/proxy.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// The status of a proxy's answer to CONNECT; 0: none has come.
[[nodiscard]] long connect_status(void* easy);
/// Since the request began.
[[nodiscard]] std::int64_t elapsed_us(void* easy);

/// The proxy that this request went through, or was to go through when nothing came of it; `code` is its CURLcode.
[[nodiscard]] std::optional<Proxy> proxy_used(void* easy, const Options& options, const Url& url, int code);

/// Who must be at the other end of a TLS connection that is about to be secured: the server, or a proxy that is spoken
/// to in TLS itself.
[[nodiscard]] std::string tls_host(void* easy, const Options& options, const Url& url);

/// Everything for explain() but the text; `said` is whether the peer has spoken.
[[nodiscard]] CurlFailure failure_of(void* easy, const Options& options, const Url& url, int code, bool said);

}  // namespace hagent::transfer
