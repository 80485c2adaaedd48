// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/upgrade_steps.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/json.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/manifest.h"
#include "agent/work/hooks.h"
#include "agent/work/placing.h"
#include "platform/paths.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;
using work::Acted;
using work::StepPlan;
using work::StepRecord;

constexpr Seconds k_self_test_limit{60};  // a slow device under load
constexpr std::uint32_t k_program_mode = 0755, k_text_mode = 0644;

enum Step : unsigned { k_stage = 1, k_self_test, k_switch, k_restart, k_trial };

std::string last_part(const std::string& path) { return path.substr(path.find_last_of("/\\") + 1); }

/// The version that a self-test's document names; empty when it is none. Other lines may stand before it.
std::string version_in(const std::string& output) {
    for (const auto line : split(output, '\n')) {
        if (line.starts_with('{')) {
            const JsonDocument document(trim(line));
            return std::string(document.root().find("version").text().value_or(""));
        }
    }
    return {};
}

class Upgrade final : public work::Actions {
public:
    Upgrade(const Staging& staging, work::PackageFiles& package, const work::Run& run)
        : staging_(staging),
          package_(package),
          run_(run),
          services_(run.services),
          file_(services_.files, services_.settings.state),
          session_(last_part(services_.scratch_dir)) {}

    Result<Acted> act(const StepPlan& step, StepRecord& record) override {
        switch (static_cast<Step>(step.n)) {
            case k_stage: return stage(record);
            case k_self_test: return self_test(record);
            case k_switch: return switch_over();
            case k_restart: return restart(record);
            case k_trial: break;
        }
        return judge();
    }

    Status stop_machine(const StepPlan& /*step*/, StepRecord& /*record*/) override { return {}; }

private:
    /// Room first: versions that nobody names go.
    Result<Acted> stage(StepRecord& record) {
        auto& files = services_.files;
        TRY(tidy(record));
        TRY(work::make_parents(staging_.program.path, files));
        for (const auto name : {trust::k_manifest_name, trust::k_signature_name}) {
            TRY(files.write_durable(concat({staging_.folder, "/", name}), TRY(package_.signed_text(name)),
                                    k_text_mode));
        }
        TRY(work::place_copy({TRY(package_.staged(staging_.file.path)), staging_.program.sha256}, staging_.program.path,
                             k_program_mode, files, run_.cancel));
        return Acted::done;
    }

    /// Kept are those that the record names, and the one that runs.
    Status tidy(StepRecord& step) {
        auto& files = services_.files;
        const auto& folder = services_.settings.agents_dir;
        const auto record = TRY(file_.read()).value_or(Record{});
        std::vector<std::string> kept = {staging_.folder, parent(services_.settings.program)};
        for (const auto* program :
             {record.confirmed ? &*record.confirmed : nullptr, record.previous ? &*record.previous : nullptr,
              record.trial ? &record.trial->program : nullptr}) {
            if (program != nullptr) {
                kept.push_back(parent(program->path));
            }
        }
        const auto names = files.list(folder);
        for (const auto& name : names.ok() ? *names : std::vector<std::string>{}) {
            const auto path = concat({folder, "/", name});
            const bool wanted = std::any_of(kept.begin(), kept.end(), [&](const std::string& one) {
                return platform::same_path(platform::native(one), platform::native(path));
            });
            if (is_version(name) && !wanted) {
                TRY(files.remove_tree(path));
                step.output += concat({"removed ", path, "\n"});
            }
        }
        return {};
    }

    static std::string parent(const std::string& path) { return path.substr(0, path.find_last_of("/\\")); }

    /// What was staged is run once, before anything relies on it. It has to say that it is what its package says.
    Result<Acted> self_test(StepRecord& record) {
        platform::Command command;
        command.argv = {staging_.program.path, "self-test", "--json"};
        command.environment = work::device_environment(services_.facts);
        command.time_limit = k_self_test_limit;
        command.output_limit = limits::k_output_tail_bytes;
        command.memory_limit = limits::k_program_memory_bytes;
        const auto ended = services_.processes.run(command, run_.cancel);
        if (!ended.ok()) {
            return ended.error().is(AgentCode::cancelled)
                       ? ended.error()
                       : error(AgentCode::agent_self_test_failed, {"it cannot be executed: ", ended.error().context})
                             .error();
        }
        record.output = work::printable_tail(ended->output);
        if (ended->timed_out) {
            return error(AgentCode::agent_self_test_failed,
                         {"it did not end within ", std::to_string(k_self_test_limit.count()), " s"});
        }
        if (ended->code != 0) {
            return error(AgentCode::agent_self_test_failed, {"it ended with ", std::to_string(ended->code),
                                                             work::k_it_said, work::last_words(record.output)});
        }
        const auto version = version_in(ended->output);
        return version == staging_.program.version
                   ? Result<Acted>(Acted::done)
                   : error(AgentCode::agent_self_test_failed,
                           {"the package says ", staging_.program.version, ", the program ",
                            version.empty() ? "nothing" : printable(clip(version, 64))});
    }

    /// Once only: what an interrupted life of this session has begun, or seen the end of, is not begun again.
    Result<Acted> switch_over() {
        TRY(services_.files.make_directories(services_.settings.state.agents(), 0700));
        TRY(services_.files.sync_directory(services_.settings.state.state_dir()));
        TRY(file_.change([&](Record& record) -> Result<bool> {
            if (is_mine(record) || is_over(record)) {
                return false;
            }
            if (record.trial) {
                return error(AgentCode::agent_on_trial, record.trial->program.version);
            }
            Trial trial;
            trial.program = staging_.program;
            trial.session = session_;
            trial.most_starts = services_.settings.agent_trial_starts;
            trial.deadline = services_.settings.agent_trial_deadline;
            begin_trial(record, std::move(trial));
            return true;
        }));
        return Acted::done;
    }

    [[nodiscard]] bool is_mine(const Record& record) const {
        return record.trial && record.trial->session == session_ && record.trial->program == staging_.program;
    }
    [[nodiscard]] bool is_over(const Record& record) const {
        return record.last && record.last->session == session_ && record.last->to == staging_.program.version;
    }
    [[nodiscard]] bool is_running() const {
        const auto& own = services_.settings.program;
        auto& files = services_.files;
        return files.resolve(own).value_or(own) == files.resolve(staging_.program.path).value_or(staging_.program.path);
    }

    /// Asked for once: an agent that comes back and is not the new one, although nobody has given that up, could go
    /// round for ever.
    Result<Acted> restart(const StepRecord& step) {
        const auto record = TRY(file_.read()).value_or(Record{});
        if (!is_mine(record) || is_running()) {
            return Acted::done;
        }
        if (services_.restarts == nullptr) {
            return Acted::on_trial;
        }
        if (step.in_flight_before) {
            TRY(give_up_unstarted());
            return Acted::done;
        }
        services_.restarts->restart_agent();
        return Acted::on_trial;
    }

    Status give_up_unstarted() {
        return file_.change([&](Record& record) -> Result<bool> {
            if (!is_mine(record)) {
                return false;
            }
            give_up(record, staging_.from, Verdict::failed, "the launcher did not start it", services_.clock.wall());
            return true;
        });
    }

    /// The verdict is in the record: the agent that was on trial, or the launcher, has put it there.
    Result<Acted> judge() {
        const auto record = TRY(file_.read()).value_or(Record{});
        if (is_mine(record)) {
            return Acted::on_trial;
        }
        if (is_over(record)) {
            return record.last->result == Verdict::confirmed
                       ? Result<Acted>(Acted::done)
                       : error(AgentCode::agent_given_up, {record.last->to, ": ", record.last->reason});
        }
        return record.confirmed && record.confirmed->sha256 == staging_.program.sha256
                   ? Result<Acted>(Acted::done)
                   : error(AgentCode::agent_given_up,
                           {staging_.program.version, ": nothing was noted about its trial"});
    }

    const Staging& staging_;
    work::PackageFiles& package_;
    const work::Run& run_;
    const work::Services& services_;
    RecordFile file_;
    std::string session_;
};

StepPlan step(unsigned n, std::string_view op, std::string effect) {
    StepPlan out;
    out.n = n;
    out.op = op;
    out.effect = std::move(effect);
    return out;
}

}  // namespace

std::vector<StepPlan> steps_of(const Staging& staging) {
    const auto& version = staging.program.version;
    std::vector<StepPlan> steps = {
        step(k_stage, "stage", concat({"put agent ", version, " to ", staging.program.path})),
        step(k_self_test, "self-test", concat({"let agent ", version, " test itself"})),
        step(k_switch, "switch", concat({"let the next start take ", version, " on trial, instead of ", staging.from})),
        step(k_restart, "restart", "start the agent again"),
        step(k_trial, "trial", concat({"confirm ", version, " after a check-in that ends well"})),
    };
    steps.front().stage = work::Stage::files;
    steps.back().stage = work::Stage::configure;
    return steps;
}

Result<work::Outcome> run_upgrade(const Staging& staging, std::span<const StepPlan> steps, work::PackageFiles& package,
                                  work::Run& run) {
    Upgrade actions(staging, package, run);
    return work::run_steps(steps, actions, run.services, run.journal, run.observer, run.earlier, run.cancel);
}

}  // namespace hagent::upgrade
