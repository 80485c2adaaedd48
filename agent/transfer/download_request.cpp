// SPDX-License-Identifier: Apache-2.0
// Owns the looking at what is wanted.
#include "agent/transfer/download_request.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/number.h"
#include "agent/base/text.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

constexpr std::uint64_t k_slow_bytes_per_s = 1024;  // a link that a small file may still come by

}  // namespace

std::string wanted_text(const DownloadRequest& request) {
    if (!request.sha256.empty()) {
        return "sha256:" + to_lower(request.sha256);
    }
    return request.sha1.empty() ? "-" : "sha1:" + to_lower(request.sha1);
}

Status check_request(const DownloadRequest& request) {
    if (request.sources.empty()) {
        return error(AgentCode::no_source, "no address was given");
    }
    if (request.sources.size() > limits::k_sources) {
        return error(AgentCode::limit_exceeded, {"more than ", std::to_string(limits::k_sources), " sources"});
    }
    const auto is_digest = [](const std::string& hex, std::size_t bytes) {
        const auto value = from_hex(hex);
        return hex.empty() || (value && value->size() == bytes);
    };
    if (!is_digest(request.sha256, 32) || !is_digest(request.sha1, 20)) {
        return error(AgentCode::usage, "the wanted digest is not hexadecimal of the right length");
    }
    return {};
}

Seconds time_limit(const DownloadRequest& request, const Options& options) {
    if (request.max_bytes > limits::k_small_file_bytes) {
        return Seconds(0);
    }
    const auto own = request.limit_bytes_per_s, all = options.limit_bytes_per_s;
    const auto slowest = own == 0 ? all : all == 0 ? own : std::min(own, all);
    const auto at_limit = slowest == 0 ? 0 : request.max_bytes / slowest;
    return Seconds(limits::k_small_file_seconds +
                   narrow<std::int64_t>(at_limit + request.bytes.value_or(0) / k_slow_bytes_per_s));
}

}  // namespace hagent::transfer
