// SPDX-License-Identifier: Apache-2.0
// Owns the fuzz target of the configuration.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/base/text.h"
#include "agent/config/config.h"

using namespace hagent;
using namespace hagent::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto strict = parse(text, ManagerRule::required), loose = parse(text, ManagerRule::optional);
    if (strict.index() == 0 && (loose.index() != 0 || !std::get<0>(strict).has_manager())) {
        std::abort();
    }
    if (const auto* complaints = std::get_if<1>(&loose)) {
        const std::string shown = render(*complaints);
        if (complaints->empty() || shown.empty() ||
            replace_all(shown, "\n", "") != printable(replace_all(shown, "\n", ""))) {
            std::abort();
        }
        return 0;
    }
    const Settings& settings = std::get<0>(loose);
    if (settings.transfer.attempts == 0 || settings.transfer.backoff_base > settings.transfer.backoff_cap ||
        settings.manager.interval < Seconds{1} || settings.script.roots.empty()) {
        std::abort();
    }
    return 0;
}
