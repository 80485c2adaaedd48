// SPDX-License-Identifier: Apache-2.0
// Owns the start of a thread on POSIX.
#include "platform/aside.h"

#include <pthread.h>

#include <memory>
#include <utility>

namespace hagent::platform {
namespace {

using Begin = std::pair<void (*)(void*), void*>;

void* begin(void* given) {
    const std::unique_ptr<Begin> what(static_cast<Begin*>(given));
    what->first(what->second);
    return nullptr;
}

}  // namespace

bool start_thread(void (*enter)(void*), void* given) {
    auto what = std::make_unique<Begin>(enter, given);
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, begin, what.get()) != 0) {
        return false;
    }
    (void)what.release();  // it is the thread's
    pthread_detach(thread);
    return true;
}

}  // namespace hagent::platform
