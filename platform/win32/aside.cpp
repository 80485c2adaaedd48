// SPDX-License-Identifier: Apache-2.0
// Owns the start of a thread on Windows.
#include "platform/aside.h"

#include <process.h>

#include <memory>
#include <utility>

#include "platform/win32/api.h"

namespace hagent::platform {
namespace {

using Begin = std::pair<void (*)(void*), void*>;

unsigned __stdcall begin(void* given) {
    const std::unique_ptr<Begin> what(static_cast<Begin*>(given));
    what->first(what->second);
    return 0;
}

}  // namespace

bool start_thread(void (*enter)(void*), void* given) {
    auto what = std::make_unique<Begin>(enter, given);
    const auto thread = _beginthreadex(nullptr, 0, begin, what.get(), 0, nullptr);
    if (thread == 0) {
        return false;
    }
    (void)what.release();  // it is the thread's
    CloseHandle(reinterpret_cast<HANDLE>(thread));
    return true;
}

}  // namespace hagent::platform
