// SPDX-License-Identifier: Apache-2.0
// Owns one question to an FTP server by libcurl's fetcher, for the suites that judge its answer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/transfer/fetcher.h"

namespace hagent::transfer {

struct Asked {
    Result<Reply> reply;
    std::string bytes;
};

inline Asked get(Fetcher& fetcher, const std::string& url, std::uint64_t offset = 0) {
    StringSink sink(1000000);
    Exchange exchange;
    exchange.url = url;
    exchange.offset = offset;
    auto reply = fetcher.exchange(exchange, sink, CancelToken());
    return {std::move(reply), sink.take()};
}

inline bool contains(const std::vector<std::string>& lines, const std::string& text) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.find(text) != std::string::npos; });
}

}  // namespace hagent::transfer
