// SPDX-License-Identifier: Apache-2.0
// Owns the translation of what is wanted into libcurl options.
#pragma once

#include "agent/transfer/fetcher.h"
#include "agent/transfer/options.h"
#include "agent/transfer/url.h"

namespace hagent::transfer {

/// Sets everything on a fresh handle (CURL*) but callbacks and HTTP header fields.
void configure_request(void* easy, const Options& options, const Exchange& exchange, const Url& url);

}  // namespace hagent::transfer
