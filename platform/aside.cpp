// SPDX-License-Identifier: Apache-2.0
// Owns the wait for a thread that may be left alone.
#include "platform/aside.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace hagent::platform {
namespace {

constexpr Millis k_look_every{50};  // at the cancel token, which has a condition of its own

struct Aside {
    Callback<void()> work;
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;

    void run() {
        work();
        {
            const std::lock_guard lock(mutex);
            done = true;
        }
        changed.notify_all();
    }
};

using Shared = std::shared_ptr<Aside>;  // whoever of the two comes last

void enter(void* given) {
    const std::unique_ptr<Shared> shared(static_cast<Shared*>(given));
    (*shared)->run();
}

}  // namespace

bool finishes_aside(Callback<void()> work, const CancelToken& cancel, Millis limit) {
    const auto aside = std::make_shared<Aside>();
    aside->work = std::move(work);
    auto given = std::make_unique<Shared>(aside);
    if (!start_thread(&enter, given.get())) {
        aside->run();
        return true;
    }
    (void)given.release();  // it is the thread's
    std::unique_lock lock(aside->mutex);
    for (Millis waited{0}; !aside->done && waited < limit && !cancel.requested(); waited += k_look_every) {
        aside->changed.wait_for(lock, k_look_every, [&] { return aside->done; });
    }
    return aside->done;
}

}  // namespace hagent::platform
