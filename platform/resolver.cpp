// SPDX-License-Identifier: Apache-2.0
// Owns how long a question to the name servers is waited for.
#include "platform/resolver.h"

#include <memory>

#include "platform/aside.h"

namespace hagent::platform {
namespace {

// Longer than any list of name servers takes: three of them, twice, 5 s each.
constexpr Millis k_service_limit = Seconds{60};

/// What `ask` says, which may outlive the wait for it.
template <class Answer>
Answer asked(const std::string& name, Answer (*ask)(const std::string&), const CancelToken& cancel, Millis limit) {
    const auto answer = std::make_shared<Answer>(error(errors::resolver(errors::Resolver::try_again), name));
    if (finishes_aside([answer, name, ask] { *answer = ask(name); }, cancel, limit)) {
        return std::move(*answer);
    }
    return cancel.requested() ? error(errors::AgentCode::cancelled, name)
                              : error(errors::resolver(errors::Resolver::try_again), name);
}

}  // namespace

Status look_up(const std::string& host, Millis limit) { return asked(host, &look_up_now, CancelToken(), limit); }

Result<std::vector<ServicePlace>> look_up_service(const std::string& name, const CancelToken& cancel) {
    return asked(name, &look_up_service_now, cancel, k_service_limit);
}

}  // namespace hagent::platform
