// SPDX-License-Identifier: Apache-2.0
// Owns the session and the agent that the status tests show.
#pragma once

#include <string>
#include <utility>

#include "agent/status/documents.h"

namespace hagent::status {

/// A session with one of everything; `text` stands wherever text comes from outside.
inline session::SessionRecord sample_session(const std::string& id, const std::string& text) {
    using errors::AgentCode;
    session::SessionRecord out;
    out.id = id;
    out.job.id = text;
    out.job.name = text;
    out.package = text;
    out.version = text;
    out.signer = text;
    out.phase = session::Phase::executing;
    out.started = WallTime{Millis{1'796'083'200'000}};
    const TaskResult result{errors::agent(AgentCode::command_failed), errors::Severity::error, 1, text,
                            errors::ftp(550)};
    out.steps = {{1, 2, text, text, work::StepState::failed, {result}, text}};
    out.progress = {50, 100, 10, 5};
    session::TransferView view;
    view.file = text;
    view.url = text;
    view.resumed_at = {4096};
    view.state = session::TransferState::running;
    view.transcript = {text};
    out.transfers = {view};
    out.disk = {{text, platform::VolumeType::normal, work::VolumeState::used, 100, 50, 60}};
    out.results = {result};
    return out;
}

inline AgentView sample_agent(const std::string& text) {
    AgentView out;
    out.device = {{"id", text}, {text, "value"}};
    out.pid = 42;
    out.uptime = Seconds{100};
    out.pss_bytes = 1 << 20U;
    out.listener = "http://127.0.0.1:8420";
    out.manager = {"hawkbit", text, WallTime{Millis{1'796'083'200'000}}, text, std::nullopt};
    out.volumes = {{text, platform::VolumeType::normal, 1000, 500, 400}};
    out.trusted_keys = {text};
    out.parked = {{text, JobKind::image, text, "11.1", text, true, 3, WallTime{}}};
    out.images.trial = image::TrialView{text, text, 2, ""};
    out.agents.preinstalled = {"0.1.0.0", text};
    out.agents.record.confirmed = upgrade::Program{"1.2.0.0", 1, "", text};
    upgrade::Trial trial;
    trial.program = {"1.3.0.0", 1, "", text};
    trial.starts = 1;
    trial.ends_at = WallTime{Millis{1'796'083'200'000}};
    out.agents.record.trial = trial;
    out.agents.record.last = upgrade::Last{"0.1.0.0", "1.2.0.0", upgrade::Verdict::confirmed, text, "", WallTime{}};
    out.reports_queued = 2;
    return out;
}

inline std::vector<log::Ring::Entry> sample_log(const std::string& text) {
    log::Record record;
    record.time = WallTime{Millis{1'796'083'200'000}};
    record.area = "session";
    record.message = text;
    record.fields = {{"key", text}};
    return {{7, log::cleaned(std::move(record))}};  // as every sink gets it
}

}  // namespace hagent::status
