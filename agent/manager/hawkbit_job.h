// SPDX-License-Identifier: Apache-2.0
// Owns the reading of what hawkBit sends: the links of a poll answer and the job in a deployment.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/manager/dialect.h"

namespace hagent::manager {

/// A link of the poll answer that names an action.
struct ActionLink {
    std::string url;
    std::string id;  // the last part of the path, decoded: a whole text, never a number
};

struct PollAnswer {
    std::optional<Seconds> sleep;
    std::string config_data_url;  // empty: attributes are not wanted
    std::optional<ActionLink> deployment, cancel, confirmation;
    [[nodiscard]] bool idle() const { return config_data_url.empty() && !deployment && !cancel && !confirmation; }
};

/// `url` is where the answer came from: relative links start there, and no link may leave an encrypted connection.
/// Error: manager_malformed_answer.
[[nodiscard]] Result<PollAnswer> read_poll(std::string_view body, const std::string& url);

/// JobOffered, JobRefused for a deployment that no agent could carry out, or empty when there is nothing to do
/// (download and update are both "skip"). Error: manager_malformed_answer when it is no deployment at all.
[[nodiscard]] Result<std::optional<Event>> read_deployment(std::string_view body, const std::string& job_id,
                                                           const std::string& url);

/// "HH:mm:ss"; empty when it is not.
[[nodiscard]] std::optional<Seconds> parse_sleep(std::string_view text);

}  // namespace hagent::manager
