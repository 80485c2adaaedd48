// SPDX-License-Identifier: Apache-2.0
// Owns the payloads of a session's journal (FORMAT.md beside this file), in both directions. Private to this folder.
#pragma once

#include <cstdint>
#include <string>

#include "agent/journal/record.h"
#include "agent/session/store.h"

namespace hagent::session {

/// They stand on disk: a number never changes its meaning, new ones follow at the end.
enum RecordType : std::uint16_t {
    k_begin = 1,
    k_phase,
    k_package,
    k_plan,
    k_resumed,
    k_intent,
    k_step,
    k_end,
    k_verdict,
    k_transfer,
    k_trial,
    k_postponed
};

/// One JSON object each, with the members of FORMAT.md.
[[nodiscard]] std::string begin_payload(const SessionRecord& record);
[[nodiscard]] std::string phase_payload(Phase phase);
[[nodiscard]] std::string package_payload(const SessionRecord& record);
[[nodiscard]] std::string plan_payload(const SessionRecord& record);
[[nodiscard]] std::string postponed_payload(const SessionRecord& record);
[[nodiscard]] std::string transfer_payload(const TransferView& view);
[[nodiscard]] std::string intent_payload(unsigned n);
[[nodiscard]] std::string step_payload(const work::StepRecord& step);
[[nodiscard]] std::string end_payload(const SessionRecord& record);
[[nodiscard]] std::string verdict_payload(const SessionRecord& record, ReportStage stage);

/// What the record says about the session; a type or a member that is not known says nothing.
void apply(const journal::Record& entry, Stored& stored);

}  // namespace hagent::session
