// SPDX-License-Identifier: Apache-2.0
// Owns the one worker thread: straight-line work from a bounded inbox, each piece with its own cancel token.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/base/callback.h"
#include "agent/base/cancel.h"
#include "agent/base/result.h"

namespace hagent::loop {

/// One thread is enough: sessions run one after the other. Thread-safe.
class Worker {
public:
    using Work = Callback<void(const CancelToken&)>;

    explicit Worker(std::size_t inbox_limit);
    ~Worker();  // stop()
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    /// Queues work; limit_exceeded when the inbox is full. The token is requested by its owner or by stop().
    [[nodiscard]] Status submit(std::shared_ptr<CancelToken> cancel, Work work);
    /// Cancels what runs, drops what waits and joins; nothing is taken any more.
    void stop();
    [[nodiscard]] bool idle() const;

private:
    // shared_ptr: the submitter cancels, the worker watches; either may let go first
    struct Item {
        std::shared_ptr<CancelToken> cancel;
        Work work;
    };

    void serve();

    const std::size_t inbox_limit_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Item> inbox_;
    std::shared_ptr<CancelToken> current_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace hagent::loop
