// SPDX-License-Identifier: Apache-2.0
// Owns the translation of what is wanted into libcurl options.
#pragma once

#include <string>
#include <vector>

#include "agent/transfer/fetcher.h"
#include "agent/transfer/options.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// Sets everything on a fresh handle (CURL*) but callbacks and HTTP header fields.
void configure_request(void* easy, const Options& options, const Exchange& exchange, const Url& url);

/// The lines of HTTP header fields that an exchange and its origin want, as CURLOPT_HTTPHEADER takes them. What the
/// exchange itself brings goes to its own origin only.
[[nodiscard]] std::vector<std::string> header_lines(const Exchange& exchange, bool own_origin, const Headers& provided);

}  // namespace hagent::transfer
