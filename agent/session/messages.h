// SPDX-License-Identifier: Apache-2.0
// Owns the sentences that a manager reads about a session: short, bounded, for people.
// A message is one line of UTF-8. How long and how many they may be is for the report queue to see to.
#pragma once

#include <string>
#include <vector>

#include "agent/session/record.h"

namespace hagent::session {

/// "plan: 9 steps, 1 reboot, 66.2 MiB to download", then one line per volume that is touched.
/// `files`: how many are to be downloaded.
[[nodiscard]] std::vector<std::string> plan_messages(const SessionRecord& record, std::uint64_t download_bytes,
                                                     std::size_t files);
/// "step 5 of 9, EX: done".
[[nodiscard]] std::string step_message(const StepView& step, std::size_t of);
/// How it ended, then every error with its cause and next step.
/// At most k_report_messages: what does not fit is on the status page.
/// That it failed, why, and when it is tried again.
[[nodiscard]] std::vector<std::string> postponed_messages(const SessionRecord& record);
[[nodiscard]] std::vector<std::string> final_messages(const SessionRecord& record);

/// What is told of a session. Only steps that are done count: a script that was given up must not look complete to the
/// manager.
[[nodiscard]] Report report_of(const SessionRecord& record, ReportStage stage, std::vector<std::string> messages);

}  // namespace hagent::session
