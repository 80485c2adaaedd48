// SPDX-License-Identifier: Apache-2.0
// Owns how an Error is made: here and not in its header, because several hundred places make one.
#include "agent/base/error.h"

#include <utility>

#include "agent/base/concat.h"

namespace hagent {

Error Error::with(std::string_view where) && {
    context = context.empty() ? std::string(where) : concat({where, ": ", context});
    return std::move(*this);
}

Error error(errors::AgentCode code, std::string_view context) { return error(errors::agent(code), context); }
Error error(errors::Id id, std::string_view context) { return Error{id, 0, std::string(context)}; }

}  // namespace hagent
