// SPDX-License-Identifier: Apache-2.0
// Owns uploads: logs, reports and collected files to an HTTP (PUT) or FTP (STOR) server, under the same reply policy.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/transfer/download.h"

namespace hagent::transfer {

struct UploadRequest {
    std::string url;   // may hold user:password@
    std::string file;  // path of what is sent; empty: `bytes` is sent
    std::string bytes;
    std::string content_type = "application/octet-stream";
    Headers headers;
    std::uint64_t limit_bytes_per_s = 0;  // 0: what Options says
};

/// What became of it; `bytes` is the size of what was sent.
struct Uploaded {
    std::uint64_t bytes = 0;
    unsigned attempts = 0;
    std::vector<Attempted> decisions;
    std::vector<std::string> transcript;  // of the last try
};

/// Sends it whole, again from the first byte at every try. Errors: cancelled, file errors, attempts_exhausted,
/// and the row of the reply that ended it.
[[nodiscard]] Result<Uploaded> upload(const UploadRequest& request, const DownloadServices& services,
                                      DownloadObserver& observer);

}  // namespace hagent::transfer
