// SPDX-License-Identifier: Apache-2.0
// Owns what every dialect over HTTP makes of a refusing status.
#include "agent/manager/dialect.h"

namespace hagent::manager {

using errors::AgentCode;

/// A 503 is a request for patience only where it says for how long: without Retry-After it is a server that is down,
/// and another address may answer.
Failure refusal(const Answer& answer, const std::string& asked) {
    const auto where = asked + (answer.words.empty() ? "" : ": " + answer.words);
    if (answer.status == 401 || answer.status == 403) {
        return error(AgentCode::manager_auth_refused, where);
    }
    if (answer.status == 429 || (answer.status == 503 && answer.retry_after)) {
        return error(AgentCode::manager_throttled, where);
    }
    return error(errors::http(answer.status), where);
}

}  // namespace hagent::manager
