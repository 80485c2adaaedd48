// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/probe_kind.h"

#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "agent/work/hooks.h"
#include "agent/work/placing.h"

namespace hagent::fakes {
namespace {

using errors::AgentCode;
using work::Acted;
using work::StepPlan;
using work::StepRecord;

struct Line {
    std::string word, first, second;
};

Line line_from(std::string_view text) {
    Line line;
    for (auto* part : {&line.word, &line.first}) {
        const auto blank = text.find(' ');
        *part = std::string(text.substr(0, blank));
        text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
    }
    line.second = std::string(text);
    return line;
}

StepPlan step_from(const Line& line, unsigned n) {
    StepPlan step;
    step.n = n;
    step.line = n;
    step.op = line.word.substr(0, line.word.find('?'));
    step.effect = concat({line.word, " ", line.first});
    step.optional = line.word.ends_with('?');
    step.acts = line.word != "look" && line.word != "early";
    step.may_repeat = line.word != "once";
    step.stops_machine = line.word == "restart";
    step.stage = line.word == "fetch" ? work::Stage::files : work::Stage::any;
    return step;
}

class ProbeActions final : public work::Actions {
public:
    ProbeActions(const std::vector<Line>& lines, work::PackageFiles& package, const work::Run& run)
        : lines_(lines), package_(package), run_(run) {}

    Result<Acted> act(const StepPlan& step, StepRecord& record) override {
        const Line& line = lines_[step.n - 1];
        auto& files = run_.services.files;
        if (line.word == "write" || line.word == "once") {
            TRY(work::make_parents(line.first, files));
            TRY(files.write_durable(line.first, line.second, 0644));
        } else if (line.word == "fetch") {
            TRY(work::place({TRY(package_.staged(line.first)), {}}, line.second, work::Placing::copy, files,
                            run_.cancel));
        } else if (line.word == "stream") {
            TRY(stream(line));
        } else if (line.word == "ask") {
            do {
                TRY(run_.manager->check_in(Seconds{60}, run_.cancel));
            } while (!run_.manager->may_execute());
        } else if (line.word == "restart-half") {
            return restart_once(step, record);
        } else if (line.word.starts_with("deadline")) {
            return judge_in_time(step, record, line.word.ends_with("-restarts"));
        } else if (line.word == "restart") {
            record.boot_id = run_.services.host.facts().boot_id;
        } else if (line.word == "suspend") {
            return rest_once(step);
        } else if (line.word.starts_with("trial")) {
            return judge(step, line.word);
        } else if (line.word == "wait" || (line.word == "wait-once" && !record.in_flight_before)) {
            while (!run_.services.clock.wait(Seconds{60}, run_.cancel)) {
            }
            return error(AgentCode::cancelled);
        } else if (line.word == "wait-once") {
            return Acted::done;
        } else {
            return error(AgentCode::command_failed, "as it was told to");
        }
        return Acted::done;
    }

    Status stop_machine(const StepPlan& /*step*/, StepRecord& record) override {
        return work::stop_machine(run_.services, platform::PowerAction::reboot, Seconds{0},
                                  work::device_environment(run_.services.facts), record.output, run_.cancel);
    }

    std::optional<Uptime> look_at;  // of the trial

private:
    /// In two parts, the second one first.
    [[nodiscard]] Status stream(const Line& line) {
        struct Sink final : work::RangeSink {
            Status write(std::string_view bytes) override {
                text += bytes;
                return {};
            }
            std::string text;
        };
        const auto& all = package_.files();
        const auto file = std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.path == line.first; });
        const std::uint64_t bytes = file == all.end() ? 0 : file->bytes, half = bytes / 2;
        Sink front, back;
        TRY(package_.read_range(line.first, half, bytes - half, back, false, run_.cancel));
        TRY(package_.read_range(line.first, 0, half, front, false, run_.cancel));
        return run_.services.files.write_durable(line.second, front.text + back.text, 0644);
    }

    /// The note holds the start of the machine in which the restart was asked for.
    Result<Acted> restart_once(const StepPlan& step, StepRecord& record, const std::string& suffix = "") {
        auto& files = run_.services.files;
        const std::string boot = run_.services.host.facts().boot_id, place = note(step) + suffix;
        const bool asked = TRY(files.info(place)).has_value();
        if (asked && TRY(files.read(place, 128)) != boot) {
            return Acted::done;
        }
        if (asked) {  // and the machine is still up
            (void)TRY(work::force_late_restart(run_.services, work::k_restart_patience));
        }
        TRY(files.write_durable(place, boot, 0600));
        TRY(stop_machine(step, record));
        return Acted::restarts;
    }

    /// The note holds the moment until which the manager has to answer.
    Result<Acted> judge_in_time(const StepPlan& step, StepRecord& record, bool restarts) {
        auto& files = run_.services.files;
        const Uptime now = run_.services.clock.uptime();
        if (!TRY(files.info(note(step)))) {
            const auto until = (now + Seconds{600}).since_start.count();
            TRY(files.write_durable(note(step), std::to_string(until), 0600));
        }
        const auto until = parse_u64(TRY(files.read(note(step), 128)), INT64_MAX).value_or(0);
        look_at = Uptime{Millis{static_cast<std::int64_t>(until)}};
        if (now >= *look_at && restarts && TRY(restart_once(step, record, ".back")) == Acted::restarts) {
            look_at = now + work::k_restart_patience;
            return Acted::restarts;
        }
        if (now >= *look_at) {
            return error(AgentCode::command_failed,
                         run_.manager_answered ? "the manager did not say the right thing" : "nobody has answered");
        }
        return run_.checked_in ? Acted::done : Acted::on_trial;
    }

    [[nodiscard]] std::string note(const StepPlan& step) const {
        return concat({run_.services.scratch_dir, "/probe-", std::to_string(step.n)});
    }

    Result<Acted> rest_once(const StepPlan& step) {
        auto& files = run_.services.files;
        if (TRY(files.info(note(step)))) {
            return Acted::done;
        }
        TRY(files.write_durable(note(step), "rested", 0600));
        return Acted::suspended;
    }

    /// The note holds the start of the machine, or the life of the agent, in which the trial began.
    Result<Acted> judge(const StepPlan& step, std::string_view word) {
        auto& files = run_.services.files;
        const std::string boot =
            word.starts_with("trial-life") ? std::to_string(platform::own_pid()) : run_.services.host.facts().boot_id;
        if (!TRY(files.info(note(step)))) {
            TRY(files.write_durable(note(step), boot, 0600));
            return Acted::on_trial;
        }
        if (!run_.checked_in || TRY(files.read(note(step), 128)) == boot) {
            return Acted::on_trial;
        }
        return word.ends_with("-fails") ? Result<Acted>(error(AgentCode::command_failed, "the trial was not good"))
                                        : Acted::done;
    }

    const std::vector<Line>& lines_;
    work::PackageFiles& package_;
    const work::Run& run_;
};

class ProbeWork final : public work::Work {
public:
    ProbeWork(std::vector<Line> lines, work::Plan plan, work::PackageFiles& package)
        : lines_(std::move(lines)), plan_(std::move(plan)), package_(package) {}

    [[nodiscard]] const work::Plan& plan() const override { return plan_; }
    [[nodiscard]] Result<work::Outcome> run(work::Run& run) override {
        ProbeActions actions(lines_, package_, run);
        auto outcome = TRY(
            work::run_steps(plan_.steps, actions, run.services, run.journal, run.observer, run.earlier, run.cancel));
        outcome.look_again_at = actions.look_at;
        return outcome;
    }
    [[nodiscard]] std::string plan_json() const override { return R"({"probe":true})"; }
    [[nodiscard]] std::string plan_text() const override { return concat({std::to_string(lines_.size()), " lines\n"}); }

private:
    std::vector<Line> lines_;
    work::Plan plan_;
    work::PackageFiles& package_;
};

bool known(const Line& line) {
    constexpr std::array<std::string_view, 20> k_words = {"deadline-restarts",
                                                          "stream",
                                                          "early",
                                                          "deadline",
                                                          "restart-half",
                                                          "ask",
                                                          "look",
                                                          "write",
                                                          "once",
                                                          "fetch",
                                                          "restart",
                                                          "suspend",
                                                          "trial",
                                                          "trial-fails",
                                                          "trial-life",
                                                          "trial-life-fails",
                                                          "wait",
                                                          "wait-once",
                                                          "fail",
                                                          "fail?"};
    return std::find(k_words.begin(), k_words.end(), line.word) != k_words.end();
}

/// What analysis reads of the package itself.
std::string early_text(const work::Request& request, const std::string& path, work::Plan& plan) {
    auto place = request.package.staged(path);
    auto text = place.ok() ? request.services.files.read(*place, 4096) : std::move(place);
    if (!text.ok()) {
        plan.results.push_back(error_result(text.error(), AgentCode::step_failed));
    }
    return text.ok() ? ": " + *text : "";
}

}  // namespace

std::vector<std::string> ProbeKind::files_for_analysis(const trust::Manifest& manifest) const {
    std::vector<std::string> paths = {"early/not-listed"};
    for (const auto& file : manifest.files) {
        if (file.path.starts_with("early/")) {
            paths.push_back(file.path);
        }
    }
    return paths;
}

std::unique_ptr<work::Work> ProbeKind::analyse(const work::Request& request) const {
    std::vector<Line> lines;
    work::Plan plan;
    if (!request.entry) {
        plan.results.push_back(error_result(request.entry.error(), AgentCode::step_failed));
    }
    const std::string entry = request.entry.ok() ? *request.entry : std::string();
    for (const auto text : split(entry, '\n')) {
        if (text.empty()) {
            continue;
        }
        lines.push_back(line_from(text));
        plan.steps.push_back(step_from(lines.back(), static_cast<unsigned>(lines.size())));
        if (!known(lines.back())) {
            plan.results.push_back(
                error_result(error(AgentCode::unknown_command, std::string(text)), AgentCode::step_failed));
        }
        for (const auto& file : request.package.files()) {
            if (lines.back().word == "fetch" && file.path == lines.back().first) {
                plan.downloads.push_back(file);
            }
            plan.streamed_bytes += lines.back().word == "stream" && file.path == lines.back().first ? file.bytes : 0;
        }
        if (lines.back().word == "early") {
            plan.steps.back().effect += early_text(request, lines.back().first, plan);
        }
        plan.reboots += lines.back().word == "restart" ? 1U : 0U;
    }
    return std::make_unique<ProbeWork>(std::move(lines), std::move(plan), request.package);
}

}  // namespace hagent::fakes
