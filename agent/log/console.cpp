// SPDX-License-Identifier: Apache-2.0
// Owns writing to standard error: one call per line, so that lines of several processes do not mix.
#include "agent/log/console.h"

#include <cstdio>

namespace hagent::log {

void Console::write(const Record& record) {
    const std::string line = to_line(record) + '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace hagent::log
