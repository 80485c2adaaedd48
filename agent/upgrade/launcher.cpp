// SPDX-License-Identifier: Apache-2.0
#include "agent/upgrade/launcher.h"

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/trust/verify.h"
#include "agent/upgrade/choice.h"
#include "platform/permissions.h"

namespace hagent::upgrade {
namespace {

using errors::AgentCode;

// an agent ends its own trial in order at the deadline; one that cannot is ended so much later
constexpr Millis k_grace = Seconds{5};

std::string words_for(const Error& error) {
    return concat({errors::describe(error.id).cause.text(), error.context.empty() ? "" : " ", error.context});
}

/// One choice after the other, until one can be started.
class Launch {
public:
    Launch(const LaunchServices& services, const config::StatePaths& state, const Place& own,
           const std::vector<std::string>& argv)
        : services_(services), record_file_(services.files, state), own_(own), argv_(argv) {}

    std::optional<int> run() {
        auto record = open();
        while (record) {
            const auto choice = next(*record);
            if (!choice.program) {
                break;
            }
            (void)services_.clock.wait(choice.pause, CancelToken());
            const auto started = start(choice);
            if (started.ok()) {
                if (*started != platform::k_start_again) {
                    return *started;
                }
                record = open();
                continue;
            }
            const auto why = words_for(started.error());
            services_.say(concat({"agent ", choice.program->version, " cannot be started: ", why}));
            record = give_up(std::move(*record), choice, why);
        }
        return std::nullopt;
    }

private:
    [[nodiscard]] Now now() {
        const auto boot = services_.host.facts().boot_id;
        return {{boot.empty() ? "-" : boot, services_.clock.since_boot()}, services_.clock.wall()};
    }

    /// Empty: there is nothing to choose.
    std::optional<Record> open() {
        auto record = record_file_.read();
        if (!record.ok()) {
            services_.say(
                concat({"the record of agents cannot be read, this one is used: ", words_for(record.error())}));
            return std::nullopt;
        }
        return std::move(*record);
    }

    /// A start that cannot be counted is none for a trial: it could go on for ever.
    Choice next(Record& record) {
        const auto held = record_file_.lock();
        if (auto again = record_file_.read();
            held.ok() && again.ok() && *again && (**again).generation > record.generation) {
            record = std::move(**again);  // somebody was quicker
        }
        Record changed = record;
        const auto before = record.last;
        auto choice = choose(changed, own_, now());
        if (changed.last != before && changed.last) {
            services_.say(concat({"agent ", changed.last->to, ": ", changed.last->reason}));
        }
        const auto written = held.ok() ? record_file_.write(changed) : Status(held.error());
        if (!written.ok()) {
            services_.say(concat({"the start cannot be noted: ", words_for(written.error())}));
            if (choice.on_trial) {
                changed = record;
                changed.trial.reset();
                choice = choose(changed, own_, now());
            }
        }
        record = std::move(changed);
        return choice;
    }

    Record give_up(Record record, const Choice& choice, std::string_view why) {
        const auto held = record_file_.lock();
        not_startable(record, choice, own_, why, now());
        if (held.ok()) {
            (void)record_file_.write(record);  // else the next start finds the same
        }
        return record;
    }

    /// The digest that was noted when the signature was checked: neither keys nor clock can be in the way of a start.
    Status check(const Program& program) {
        if (const auto weak = TRY(platform::weak_place(services_.files, program.path))) {
            return error(AgentCode::config_insecure_permissions, {weak->path, " ", weak->remedy});
        }
        const auto digest = TRY(trust::digest_file(services_.files, program.path));
        return digest.sha256 == program.sha256
                   ? Status()
                   : Status(error(AgentCode::agent_program_changed, {program.path, ", ", std::to_string(digest.bytes),
                                                                     " of ", std::to_string(program.bytes), " bytes"}));
    }

    Result<int> start(const Choice& choice) {
        TRY(check(*choice.program));
        platform::ProgramStart start;
        start.program = choice.program->path;
        start.argv = argv_;
        start.environment = {{k_launched, concat({own_.version, " ", own_.path})}};
        start.limit = choice.on_trial ? choice.limit + k_grace : Millis{0};
        return services_.starter.replace(start);
    }

    const LaunchServices& services_;
    RecordFile record_file_;
    const Place& own_;
    const std::vector<std::string>& argv_;
};

}  // namespace

std::optional<Place> launcher_of(std::string_view variable) {
    const auto blank = variable.find(' ');
    if (blank == std::string_view::npos) {
        return std::nullopt;
    }
    return Place{std::string(variable.substr(0, blank)), std::string(variable.substr(blank + 1))};
}

std::optional<int> launch(const LaunchServices& services, const config::StatePaths& state, const Place& own,
                          const std::vector<std::string>& argv) {
    return Launch(services, state, own, argv).run();
}

void back_to_launcher(platform::ProgramStarter& starter, const Place& launcher, const std::vector<std::string>& argv) {
    platform::ProgramStart start;
    start.program = launcher.path;
    start.argv = argv;
    start.environment = {{k_launched, ""}};
    (void)starter.replace(start);
}

}  // namespace hagent::upgrade
