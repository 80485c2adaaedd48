// SPDX-License-Identifier: Apache-2.0
// Owns the arithmetic of the waits, without overflow for any number of failures.
#include "agent/transfer/backoff.h"

#include <algorithm>

#include "agent/base/limits.h"
#include "agent/base/number.h"

namespace hagent::transfer {

Millis backoff(unsigned failures, Millis base, Millis cap, const Random& random) {
    Millis ceiling = std::clamp(base, Millis(0), std::max(cap, Millis(0)));
    for (unsigned i = 1; i < failures && ceiling < cap; ++i) {
        ceiling = ceiling > cap / 2 ? cap : ceiling * 2;
        if (ceiling.count() == 0) {
            break;
        }
    }
    // The modulo prefers small waits by less than one part in 2^40: no matter for jitter.
    const auto span = narrow<std::uint64_t>(ceiling.count()) + 1;
    return Millis(narrow<std::int64_t>(random() % span));
}

Millis next_wait(std::optional<Seconds> retry_after, unsigned failures, Millis base, Millis cap, const Random& random) {
    if (retry_after) {
        return Millis(std::clamp(*retry_after, Seconds(0), Seconds(limits::k_retry_after_cap_seconds)));
    }
    return backoff(failures, base, cap, random);
}

}  // namespace hagent::transfer
