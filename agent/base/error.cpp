// SPDX-License-Identifier: Apache-2.0
// Owns how an Error is made, kept and ended: here and not in its header, because several hundred places do.
#include "agent/base/error.h"

#include <utility>

#include "agent/base/concat.h"

namespace hagent {

Error Error::with(TextView where) && {
    context = context.empty() ? std::string(where.view()) : concat({where, ": ", context});
    return std::move(*this);
}

Failure Failure::with(TextView where) && {
    *error_ = std::move(error()).with(where);
    return std::move(*this);
}

Error* Failure::kept(const Error& error) { return new Error(error); }
Error* Failure::kept(Error&& error) { return new Error(std::move(error)); }
Error* Failure::made(errors::Id id, TextView context) { return made(id, 0, context); }
Error* Failure::made(errors::Id id, std::int64_t os, TextView context) {
    return new Error{id, os, std::string(context.view())};
}
Error* Failure::made(errors::Id id, std::initializer_list<TextView> context) {
    return new Error{id, 0, concat(context)};
}
void Failure::drop(Error* error) { delete error; }

}  // namespace hagent
