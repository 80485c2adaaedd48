// SPDX-License-Identifier: Apache-2.0
// Owns the putting together. A list of one field made at each place would cost the program some 150 bytes a line.
#include "agent/manager/words.h"

#include "agent/base/concat.h"
#include "agent/errors/catalogue.h"

namespace hagent::manager {

std::string sentence(const Error& why) {
    return errors::describe(why.id).cause.text() + (why.context.empty() ? "" : concat({" (", why.context, ")"}));
}

void say(log::Log& log, log::Level level, std::string_view what, std::string_view key, std::string_view value) {
    log.write(level, "manager", what, {{std::string(key), std::string(value)}});
}

}  // namespace hagent::manager
