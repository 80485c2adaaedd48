// SPDX-License-Identifier: Apache-2.0
// Owns the thread that may be left alone. Not std::thread, which ends the process where there is no thread to be had.
#include "platform/aside.h"

#include <pthread.h>

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

void* enter(void* given) {
    const std::unique_ptr<Shared> shared(static_cast<Shared*>(given));
    (*shared)->run();
    return nullptr;
}

}  // namespace

bool finishes_aside(Callback<void()> work, const CancelToken& cancel, Millis limit) {
    const auto aside = std::make_shared<Aside>();
    aside->work = std::move(work);
    auto given = std::make_unique<Shared>(aside);
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, enter, given.get()) != 0) {
        aside->run();
        return true;
    }
    (void)given.release();  // it is the thread's
    pthread_detach(thread);
    std::unique_lock lock(aside->mutex);
    for (Millis waited{0}; !aside->done && waited < limit && !cancel.requested(); waited += k_look_every) {
        aside->changed.wait_for(lock, k_look_every, [&] { return aside->done; });
    }
    return aside->done;
}

}  // namespace hagent::platform
