// SPDX-License-Identifier: Apache-2.0
// Owns the worker thread and its queue.
#include "agent/loop/worker.h"

#include <utility>

namespace hagent::loop {

Worker::Worker(std::size_t inbox_limit) : inbox_limit_(inbox_limit), thread_([this] { serve(); }) {}

Worker::~Worker() { stop(); }

void Worker::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        inbox_.clear();
        if (current_) {
            current_->request();
        }
    }
    changed_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

Status Worker::submit(std::shared_ptr<CancelToken> cancel, Work work) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || inbox_.size() >= inbox_limit_) {
            return error(errors::AgentCode::limit_exceeded, "jobs waiting for the worker");
        }
        inbox_.push_back({std::move(cancel), std::move(work)});
    }
    changed_.notify_all();
    return {};
}

bool Worker::idle() const {
    const std::lock_guard lock(mutex_);
    return inbox_.empty() && !current_;
}

void Worker::serve() {
    for (;;) {
        Item item;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !inbox_.empty(); });
            if (stopping_) {
                return;
            }
            item = std::move(inbox_.front());
            inbox_.erase(inbox_.begin());
            current_ = item.cancel;
        }
        // Without the lock: the work may take hours, and it may submit more.
        item.work(*item.cancel);
        const std::lock_guard lock(mutex_);
        current_.reset();
    }
}

}  // namespace hagent::loop
