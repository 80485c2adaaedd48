// SPDX-License-Identifier: Apache-2.0
// Owns the analysis of an agent's package.
#include "agent/upgrade/upgrade_kind.h"

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/upgrade/agent_member.h"
#include "agent/upgrade/upgrade_steps.h"
#include "agent/work/space.h"
#include "platform/paths.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;
using errors::Severity;

TaskResult note(AgentCode code, std::string context) {
    return {errors::agent(code), Severity::note, 1, std::move(context), {}};
}

/// The version that the next start would take, whoever asks.
std::string present_version(const std::optional<Record>& record) {
    return record ? version_without_trial(*record, agent_version()) : std::string(agent_version());
}

/// Nothing when the version may take its place.
std::optional<TaskResult> objection(const trust::Manifest& manifest, const std::string& present, bool may_be_older) {
    if (is_same_release(manifest.version, present)) {
        return note(AgentCode::agent_not_newer, concat({present, " is here, ", manifest.version, " was offered"}));
    }
    if (!may_be_older && !is_newer(manifest.version, present)) {
        return error_result(error(AgentCode::agent_older, {manifest.version, " was offered, ", present, " is here"}),
                            AgentCode::agent_older);
    }
    return std::nullopt;
}

class Analysis {
public:
    Analysis(const work::Request& request, const std::vector<std::string>& targets, const std::string& program)
        : request_(request), services_(request.services), targets_(targets), program_(program) {}

    /// What an earlier life has begun is carried to its end: its steps must be the same ones, and the version that it
    /// brought may be the one that runs by now.
    Status fill(Staging& staging, work::Plan& plan) {
        const auto member = TRY(agent_member(request_.manifest));
        TRY(take_file(member, staging));
        const auto record = TRY(RecordFile(services_.files, services_.settings.state).read());
        staging.from = present_version(record);
        staging.program.may_be_older =
            member.allow_downgrade || work::option(request_.options, k_option_allow_downgrade) == "true";
        if (request_.earlier.empty()) {
            if (auto found = objection(request_.manifest, staging.from, staging.program.may_be_older)) {
                plan.results.push_back(std::move(*found));
                return {};
            }
            if (record && record->trial) {
                return error(AgentCode::agent_on_trial, record->trial->program.version);
            }
            TRY(check_place(staging, plan));
        }
        if (!is_settled(1)) {
            plan.downloads.push_back(staging.file);
        }
        plan.steps = steps_of(staging);
        return {};
    }

private:
    [[nodiscard]] bool is_settled(unsigned n) const {
        for (const auto& step : request_.earlier) {
            if (step.n == n) {
                return step.state == work::StepState::done || step.state == work::StepState::failed;
            }
        }
        return false;
    }

    Status take_file(const AgentMember& member, Staging& staging) const {
        const auto path = member.program_for(targets_);
        if (path.empty()) {
            return error(AgentCode::agent_no_target, targets_.front());
        }
        for (const auto& file : request_.package.files()) {
            staging.file = file.path == path ? file : staging.file;
        }
        if (staging.file.sha256.empty()) {
            return error(AgentCode::signature_missing, path);
        }
        if (staging.file.bytes > limits::k_agent_program_bytes) {
            return error(AgentCode::limit_exceeded, {path, " has ", std::to_string(staging.file.bytes), " bytes"});
        }
        // one spelling: it is compared with paths that the system gives
        staging.folder = platform::native(concat({services_.settings.agents_dir, "/", request_.manifest.version}));
        staging.program.version = request_.manifest.version;
        staging.program.bytes = staging.file.bytes;
        staging.program.sha256 = staging.file.sha256;
        staging.program.path = platform::native(concat({staging.folder, "/", program_}));
        return {};
    }

    /// Told here and not by a download that has no room, or a program that does not start.
    Status check_place(const Staging& staging, work::Plan& plan) const {
        const auto volume = TRY(services_.disks.volume_of(staging.program.path));
        if (volume.no_programs) {
            return error(AgentCode::agent_place_noexec,
                         {services_.settings.agents_dir, " lies on ", volume.mount_point, ", which is mounted noexec"});
        }
        work::SpaceBudget space(services_.disks);
        TRY(space.take(services_.settings.state.downloads(), request_.package.bytes_to_stage(staging.file)));
        TRY(space.take(staging.program.path, staging.file.bytes));
        plan.disk = space.impacts();
        for (auto& result : space.results()) {
            plan.results.push_back(std::move(result));
        }
        return {};
    }

    const work::Request& request_;
    const work::Services& services_;
    const std::vector<std::string>& targets_;
    const std::string& program_;
};

class UpgradeWork final : public work::Work {
public:
    UpgradeWork(Staging staging, work::Plan plan, work::PackageFiles& package)
        : staging_(std::move(staging)), plan_(std::move(plan)), package_(package) {}

    [[nodiscard]] const work::Plan& plan() const override { return plan_; }
    [[nodiscard]] Result<work::Outcome> run(work::Run& run) override {
        return run_upgrade(staging_, plan_.steps, package_, run);
    }
    [[nodiscard]] std::string plan_json() const override {
        JsonWriter json;
        json.begin_object();
        json.member("from", staging_.from);
        json.member("to", staging_.program.version);
        json.member("path", staging_.program.path);
        json.member("bytes", staging_.program.bytes);
        json.end_object();
        return json.take();
    }
    [[nodiscard]] std::string plan_text() const override {
        std::string out;
        for (const auto& step : plan_.steps) {
            out += concat({std::to_string(step.n), " ", step.op, ": ", step.effect, "\n"});
        }
        return out;
    }

private:
    Staging staging_;
    work::Plan plan_;
    work::PackageFiles& package_;
};

}  // namespace

std::unique_ptr<work::Work> UpgradeKind::analyse(const work::Request& request) const {
    Staging staging;
    work::Plan plan;
    if (const auto filled = Analysis(request, targets_, program_).fill(staging, plan); !filled.ok()) {
        plan.results.push_back(error_result(filled.error(), AgentCode::step_failed));
        plan.steps.clear();
    }
    return std::make_unique<UpgradeWork>(std::move(staging), std::move(plan), request.package);
}

}  // namespace hagent::upgrade
