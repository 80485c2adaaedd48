// SPDX-License-Identifier: Apache-2.0
// Owns the reading of the configuration text: JSON with comments in, Settings or every complaint out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/error.h"
#include "agent/config/settings.h"

namespace hagent::config {

/// One thing wrong with the configuration.
struct Complaint {
    errors::AgentCode code = errors::AgentCode::config_bad_value;  // a row of the 1100s
    std::string path;       // "manager.urls[1]"; for a file the file's path; empty: the text as a whole
    std::string message;    // "must be from 1 to 100": plain words, no secret
    bool bearable = false;  // only what it speaks of is lost; the agent works on without
    friend bool operator==(const Complaint&, const Complaint&) = default;
};

/// Whether `manager.urls` may be left out: `run` and `check-in` need it, the local verbs do not.
enum class ManagerRule : std::uint8_t { required, optional };

using Outcome = std::variant<Settings, std::vector<Complaint>>;

/// Reads a whole configuration. Unknown and repeated keys, wrong types, values out of range and combinations that make
/// no sense are all found in one go. At most k_config_bytes. Source: spec 11 "Config". Codes: config_syntax,
/// config_unknown_key, config_bad_value, config_clear_text_refused.
[[nodiscard]] Outcome parse(std::string_view text, ManagerRule manager);

/// Check-ins that come too seldom for a trial to be confirmed: after one that fails the deadline would pass before the
/// next. Bearable, as the device has been working so far; `--check-config` refuses it.
[[nodiscard]] std::vector<Complaint> check_deadlines(const Settings& settings);

/// One line per complaint, "manager.ulrs: unknown key; did you mean urls?", each ended by a line feed.
[[nodiscard]] std::string render(std::span<const Complaint> complaints);

/// The first complaint as an error; its context holds path and message. `complaints` is not empty. For callers that can
/// say one thing only.
[[nodiscard]] Failure to_error(std::span<const Complaint> complaints);

}  // namespace hagent::config
