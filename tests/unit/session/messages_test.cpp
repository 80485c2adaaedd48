// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the sentences that a manager reads.
#include "agent/session/messages.h"

#include <doctest/doctest.h>

#include "agent/base/limits.h"

namespace hagent::session {
namespace {

using errors::AgentCode;

TEST_CASE("the plan's message counts in proper words") {
    SessionRecord record;
    record.steps.resize(1);
    record.reboots = 2;
    record.disk = {{"/data", platform::VolumeType::normal, work::VolumeState::used, 2048, 1024, 0}};
    const auto messages = plan_messages(record, 3 << 20U, 1);
    REQUIRE(messages.size() == 2);
    CHECK(messages[0] == "plan: 1 step, 2 reboots, 1 file with 3.0 MiB to download");
    CHECK(messages[1].starts_with("volume /data: 2.0 KiB free now, 1.0 KiB afterwards"));
}

TEST_CASE("a step's message says which one, what it was and how it ended") {
    StepView step{3, 9, "EX", "", work::StepState::failed, {}, {}};
    step.results = {{errors::agent(AgentCode::command_failed), errors::Severity::error, 1, "tool: no such disk", {}}};
    const auto text = step_message(step, 7);
    CHECK(text.starts_with("step 3 of 7, EX: failed; "));
    CHECK(text.find("no such disk") != std::string::npos);
}

TEST_CASE("the final message says how it ended and how often it was interrupted, then each error with its advice") {
    SessionRecord record;
    record.phase = Phase::completed;
    record.steps.resize(3);
    record.steps[0].state = work::StepState::done;
    record.resumptions = 2;
    record.results = {{errors::agent(AgentCode::no_source), errors::Severity::error, 1, "fw/kernel", errors::ftp(550)},
                      {errors::agent(AgentCode::reboot_pending), errors::Severity::note, 1, "", {}}};
    const auto messages = final_messages(record);
    REQUIRE(messages.size() == 3);
    CHECK(messages[0] == "finished: 1 of 3 steps done, continued after 2 restarts");
    CHECK(messages[1].find("no_source") != std::string::npos);
    CHECK(messages[1].find("550") != std::string::npos);
    CHECK(messages[2].starts_with("what to do: "));
}

TEST_CASE("a job without steps, as one that was refused, did nothing") {
    SessionRecord record;
    record.phase = Phase::completed;
    CHECK(final_messages(record).front() == "finished: nothing was done");
}

TEST_CASE("however much goes wrong, the messages are bounded and keep the first error with its advice") {
    SessionRecord record;
    record.phase = Phase::completed;
    for (unsigned n = 1; n <= limits::k_script_commands; ++n) {
        StepView step{n, n, "SF", "", work::StepState::failed, {}, {}};
        step.results = {
            {errors::agent(AgentCode::path_refused), errors::Severity::error, 1, "step " + std::to_string(n), {}}};
        record.steps.push_back(step);
    }
    const auto messages = final_messages(record);
    CHECK(messages.size() <= limits::k_report_messages);
    CHECK(messages.size() % 2 == 1);
    CHECK(messages[1].starts_with("step 1 SF: "));
    CHECK(messages[2].starts_with("what to do: "));
}

}  // namespace
}  // namespace hagent::session
