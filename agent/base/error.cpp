// SPDX-License-Identifier: Apache-2.0
// Owns how an Error is made, kept and ended: here and not in its header, because several hundred places do.
#include "agent/base/error.h"

#include <utility>

#include "agent/base/concat.h"

namespace hagent {

Error Error::with(std::string_view where) && {
    context = context.empty() ? std::string(where) : concat({where, ": ", context});
    return std::move(*this);
}

Failure Failure::with(std::string_view where) && {
    *error_ = std::move(error()).with(where);
    return std::move(*this);
}

Error* Failure::kept(const Error& error) { return new Error(error); }
Error* Failure::kept(Error&& error) { return new Error(std::move(error)); }
Error* Failure::made(errors::Id id, std::int64_t os, std::string_view context) {
    return new Error{id, os, std::string(context)};
}
void Failure::drop(Error* error) { delete error; }

}  // namespace hagent
