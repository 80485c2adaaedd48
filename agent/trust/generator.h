// SPDX-License-Identifier: Apache-2.0
// Owns Generator: Random in the shape of the callback that mbedTLS asks for. Private to this folder.
#pragma once

#include <cstddef>

#include "agent/trust/random.h"

namespace hagent::trust {

/// Borrowed by the library's calls as a void pointer; lives as long as the call.
class Generator {
public:
    [[nodiscard]] static Result<Generator> create() { return Generator(TRY(Random::create())); }

    /// f_rng of mbedTLS; `self` is a Generator.
    static int next(void* self, unsigned char* out, std::size_t bytes) {
        return static_cast<Generator*>(self)->random_.fill({out, bytes}).ok() ? 0 : -1;
    }

private:
    explicit Generator(Random random) : random_(std::move(random)) {}
    Random random_;
};

}  // namespace hagent::trust
