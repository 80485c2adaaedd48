// SPDX-License-Identifier: Apache-2.0
// Fuzzes CA files: whatever they hold, a fault is told in one printable line.
#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/base/text.h"
#include "agent/trust/server_check.h"
#include "tests/fuzz/require.h"

namespace {}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace hagent;
    using hagent::fuzz::require;
    const auto usable = trust::check_authorities(std::string(reinterpret_cast<const char*>(data), size));
    if (!usable.ok()) {
        const auto& context = usable.error().context;
        require(!context.empty() && context.size() < 400 && printable(context) == context);
    }
    return 0;
}
