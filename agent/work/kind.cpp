// SPDX-License-Identifier: Apache-2.0
#include "agent/work/kind.h"

namespace hagent::work {

std::optional<std::string_view> option(const Options& options, std::string_view name) {
    for (const auto& [known, value] : options) {
        if (known == name) {
            return value;
        }
    }
    return std::nullopt;
}

}  // namespace hagent::work
