// SPDX-License-Identifier: Apache-2.0
// Owns the fact that POSIX systems have no registry; scripts get the key store of agent/script instead.
#include "platform/registry.h"

namespace hagent::platform {

std::unique_ptr<Registry> system_registry() { return nullptr; }

}  // namespace hagent::platform
