// SPDX-License-Identifier: Apache-2.0
// Owns FakeFetcher: a server in memory that keeps Fetcher's contract and misbehaves on demand.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/transfer/fetcher.h"

namespace hagent::fakes {

struct FakeRemoteFile {
    std::string bytes{};
    std::string validator = "\"v1\"";
    bool ranges = true;  // false: a range request gets the whole file
    bool tells_size = true;
};

/// How one exchange goes wrong. Without any member set it goes well.
struct FakeFault {
    std::optional<errors::Id> refuse{};  // this reply instead of the file
    transfer::Stage stage = transfer::Stage::http_body;
    std::optional<Seconds> retry_after{};
    std::optional<std::uint64_t> cut_after{};      // body bytes, then the connection ends with `refuse` or truncated
    std::optional<std::int64_t> shift_start{};     // HTTP 206 that begins so much later (or earlier)
    std::optional<std::uint64_t> claimed_total{};  // total size that is announced instead of the true one
    std::function<void()> before{};                // called before the reply, for example to change a file
};

/// Answers as HTTP does (200, 206, 404, 416) for addresses beginning with http, as FTP (226, 550) for ftp.
class FakeFetcher final : public transfer::Fetcher {
public:
    [[nodiscard]] Result<transfer::Reply> exchange(const transfer::Exchange& exchange, transfer::Sink& sink,
                                                   const CancelToken& cancel) override;

    /// By address without credentials. What is put lands here too.
    std::map<std::string, FakeRemoteFile> files;
    /// Taken from the front, one an exchange; none left: all goes well.
    std::deque<FakeFault> faults;
    /// Every exchange so far; `source` is not kept.
    std::vector<transfer::Exchange> asked;
    std::size_t piece_bytes = 4096;  // bytes a write
    std::function<void()> on_piece;  // called before each write, for example to turn the clock
    std::uint64_t sent_bytes = 0;    // of all bodies so far, what a dying receiver did not take included

private:
    [[nodiscard]] Result<transfer::Reply> get(const transfer::Exchange& exchange, transfer::Sink& sink,
                                              const FakeFault& fault, const CancelToken& cancel);
    [[nodiscard]] Result<transfer::Reply> put(const transfer::Exchange& exchange);
};

}  // namespace hagent::fakes
