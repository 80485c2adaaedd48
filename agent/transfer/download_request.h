// SPDX-License-Identifier: Apache-2.0
// Owns what follows from a DownloadRequest before anybody is asked.
#pragma once

#include <string>

#include "agent/transfer/download.h"

namespace hagent::transfer {

/// Errors: no_source, limit_exceeded, usage.
[[nodiscard]] Status check_request(const DownloadRequest& request);

/// What the file must become, as checkpoints name it. SHA-256 alone counts where both digests are known.
[[nodiscard]] std::string wanted_text(const DownloadRequest& request);

/// For all of a small file, so that a byte now and then does not hold a job for ever; longer where its size or our own
/// limit of speed needs it. 0: none.
[[nodiscard]] Seconds time_limit(const DownloadRequest& request, const Options& options);

}  // namespace hagent::transfer
