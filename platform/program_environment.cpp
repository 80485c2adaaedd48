// SPDX-License-Identifier: Apache-2.0
#include "platform/paths.h"
#include "platform/process.h"

namespace hagent::platform {

std::vector<std::pair<std::string, std::string>> program_environment() {
    const std::string system_root = environment("SystemRoot");
    const bool windows = native("/") == "\\" && !system_root.empty();
    if (windows) {
        return {{"PATH", system_root + "\\System32;" + system_root},
                {"LANG", "C"},
                {"SystemRoot", system_root},
                {"TEMP", environment("TEMP")}};
    }
    return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, {"LANG", "C"}};
}

}  // namespace hagent::platform
