// SPDX-License-Identifier: Apache-2.0
// Owns the judgement of a Location.
#include "agent/transfer/http_redirect.h"

namespace hagent::transfer {

using errors::AgentCode;

Result<Url> redirect_target(const Url& asked, const HttpHead& head) {
    auto next = resolve(asked, head.location());
    if (head.location().empty() || !next.ok()) {
        return error(AgentCode::protocol_garbage,
                     {"HTTP ", std::to_string(head.status()), " without a usable Location"});
    }
    if (is_ftp(next->scheme) || (is_encrypted(asked.scheme) && !is_encrypted(next->scheme))) {
        return error(AgentCode::redirect_downgrade, shown(head.location()));
    }
    return next;
}

}  // namespace hagent::transfer
