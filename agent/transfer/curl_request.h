// SPDX-License-Identifier: Apache-2.0
// Owns the translation of what is wanted into libcurl options.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/transfer/fetcher.h"
#include "agent/transfer/options.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// Sets everything on a fresh handle (CURL*) but callbacks and HTTP header fields.
void configure_request(void* easy, const Options& options, const Exchange& exchange, const Url& url);

/// Copies the next bytes of what put and post send, and counts them in `sent`; 0 at the end.
[[nodiscard]] Result<std::size_t> next_to_send(const Exchange& exchange, std::uint64_t& sent, std::span<char> out);

/// The lines of HTTP header fields that an exchange and its origin want, as CURLOPT_HTTPHEADER takes them. What the
/// exchange itself brings goes to its own origin only.
[[nodiscard]] std::vector<std::string> header_lines(const Exchange& exchange, bool own_origin, const Headers& provided);

/// The address that the exchange talks to; empty when that is not known.
[[nodiscard]] std::string peer_address(void* easy);

/// Of an upload.
[[nodiscard]] std::uint64_t bytes_sent(void* easy);

/// A list of libcurl's (curl_slist) with a copy of the line at its end. Without memory the process ends, as it does for
/// every other allocation.
[[nodiscard]] void* with_line(void* list, const std::string& line);

}  // namespace hagent::transfer
