// SPDX-License-Identifier: Apache-2.0
#include "agent/session/retry.h"

#include <algorithm>
#include <array>

#include "agent/trust/manifest.h"

namespace hagent::session {

using errors::AgentCode;

bool may_pass(const Error& why, const SessionRecord& record) {
    const auto* package = std::get_if<SignedPackage>(&record.job.source);
    if (package == nullptr) {
        return false;
    }
    if (why.id.protocol != errors::Protocol::agent) {  // what a server or the network said
        const bool refused = why.id == errors::http(401) || why.id == errors::http(403);
        return !refused || !package->base_url.empty();  // of a folder it may be a file that is only half there
    }
    constexpr std::array k_trust = {AgentCode::manifest_missing,  AgentCode::signature_missing,
                                    AgentCode::signature_invalid, AgentCode::unknown_key,
                                    AgentCode::role_not_allowed,  AgentCode::key_unreadable};
    if (std::any_of(k_trust.begin(), k_trust.end(), [&](AgentCode code) { return why.is(code); })) {
        return !vouched_for(*package, trust::k_signature_name);
    }
    const bool misfit = why.is(AgentCode::digest_mismatch) || why.is(AgentCode::size_mismatch);
    const bool transfer = why.id.number / 100 == errors::agent(AgentCode::size_mismatch).number / 100;  // its area
    return (transfer || why.is(AgentCode::file_not_found)) &&
           !(misfit && record.contradicted);  // file:// has no status
}

}  // namespace hagent::session
