// SPDX-License-Identifier: Apache-2.0
// Owns the bodies that are sent to hawkBit: feedback with messages it must take, and attributes within its limits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/manager/dialect.h"

namespace hagent::manager {

struct Feedback {
    std::string action_id;
    std::string_view execution;          // proceeding, download, downloaded, closed, rejected
    std::string_view finished = "none";  // none, success, failure
    std::vector<std::string> messages;
    std::uint32_t done = 0, of = 0;  // progress; left out when `of` is 0
};

/// Holds no timestamp: a device clock that is wrong would make the server ignore what is installed.
[[nodiscard]] std::string feedback_body(const Feedback& feedback);

/// At most k_report_messages texts, the last ones, of at most k_report_message_bytes each, without anything that
/// could be markup or control a terminal: hawkBit refuses a whole report because of one such text.
[[nodiscard]] std::vector<std::string> clean_messages(const std::vector<std::string>& messages);

/// At most 100 attributes of printable ASCII, names and values of at most 128 characters.
[[nodiscard]] std::string config_data_body(const Identity& identity);

[[nodiscard]] std::string confirmation_body();

}  // namespace hagent::manager
