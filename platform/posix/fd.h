// SPDX-License-Identifier: Apache-2.0
// Owns Fd, the one owner of a file descriptor, and the loop that hides interrupted calls.
#pragma once

#include <unistd.h>

#include <cerrno>

#include "agent/base/handle.h"

namespace hagent::platform {

struct FdTraits {
    using Value = int;
    static Value none() { return -1; }
    static void close(Value value) { ::close(value); }
};

using Fd = UniqueHandle<FdTraits>;

/// Calls again while a signal handler interrupts the call.
template <class Call>
auto uninterrupted(Call call) {
    auto result = call();
    while (result == -1 && errno == EINTR) {
        result = call();
    }
    return result;
}

}  // namespace hagent::platform
