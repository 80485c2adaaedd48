// SPDX-License-Identifier: Apache-2.0
// Owns `upgrade`: the agents of this device, by hand.
#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/daemon_client.h"
#include "agent/job_guard.h"
#include "agent/manager/report_queue.h"
#include "agent/session/json.h"
#include "agent/session/parking.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"
#include "agent/upgrade/choice.h"
#include "agent/upgrade/launcher.h"
#include "agent/verbs/local_session.h"
#include "platform/paths.h"

namespace hagent::verbs {
namespace {

using errors::AgentCode;
using upgrade::Place;
using upgrade::Record;

/// The preinstalled program: whoever has launched this process, else itself, unless the record knows of another one and
/// this is an upgraded agent that was called by its path.
Place preinstalled(const Record& record) {
    if (auto launcher = upgrade::launcher_of(platform::environment(upgrade::k_launched))) {
        return *std::move(launcher);
    }
    Place own{std::string(agent_version()), platform::own_program()};
    const bool upgraded = record.running && record.launcher && record.running->path == own.path;
    return upgraded ? *record.launcher : own;
}

/// What runs, or would run at the next start.
Place running(const Record& record, const Place& launcher) {
    if (record.trial && record.trial->starts > 0) {
        return {record.trial->program.version, record.trial->program.path};
    }
    const auto* confirmed = upgrade::confirmed_beside(record, launcher.version);
    return confirmed != nullptr ? Place{confirmed->version, confirmed->path} : launcher;
}

struct Staged {
    std::string version;
    std::string_view state;
};

std::vector<Staged> staged(const Record& record) {
    std::vector<Staged> out;
    const auto add = [&](const std::string& version, std::string_view state) {
        if (std::none_of(out.begin(), out.end(), [&](const Staged& s) { return s.version == version; })) {
            out.push_back({version, state});
        }
    };
    if (record.trial) {
        add(record.trial->program.version, "trial");
    }
    for (const auto* program : {&record.confirmed, &record.previous}) {
        if (*program) {
            add((**program).version, "confirmed");
        }
    }
    if (record.last && record.last->result != upgrade::Verdict::confirmed) {
        const bool is_trial = record.last->result == upgrade::Verdict::failed || !record.last->session.empty();
        add(is_trial ? record.last->to : record.last->from, "failed");
    }
    return out;
}

void write_place(JsonWriter& json, const Place& place) {
    json.member("version", place.version);
    json.member("path", place.path);
}

void write_last(JsonWriter& json, const std::optional<upgrade::Last>& last) {
    if (!last) {
        return json.null("last");
    }
    json.begin_object("last");
    json.member("from", last->from);
    json.member("to", last->to);
    json.member("result", to_string(last->result));
    json.member("reason", last->reason);
    json.member("at", rfc3339(last->at));
    json.end_object();
}

void write_trial(JsonWriter& json, const std::optional<upgrade::Trial>& trial) {
    if (!trial) {
        return json.null("trial");
    }
    json.begin_object("trial");
    json.member("version", trial->program.version);
    json.member("starts", trial->starts);
    if (trial->ends_at) {
        json.member("deadline", rfc3339(*trial->ends_at));
    } else {
        json.null("deadline");
    }
    json.end_object();
}

std::string status_json(const Record& record, std::span<const session::Parked> parked) {
    const auto launcher = preinstalled(record);
    const auto now = running(record, launcher);
    JsonWriter json;
    json.begin_object();
    json.begin_object("running");
    write_place(json, now);
    json.member("preinstalled", now.path == launcher.path);
    json.end_object();
    json.begin_object("preinstalled");
    write_place(json, launcher);
    json.end_object();
    json.begin_array("staged");
    for (const auto& one : staged(record)) {
        json.begin_object();
        json.member("version", one.version);
        json.member("state", one.state);
        json.end_object();
    }
    json.end_array();
    write_trial(json, record.trial);
    write_last(json, record.last);
    json.raw("parked", session::parked_json(parked));
    json.end_object();
    return json.take();
}

std::string status_text(const Record& record, std::span<const session::Parked> parked) {
    const auto launcher = preinstalled(record);
    const auto now = running(record, launcher);
    std::string out = concat({"running       ", now.version, "  ", now.path, "\npreinstalled  ", launcher.version, "  ",
                              launcher.path, "\n"});
    for (const auto& one : staged(record)) {
        out += concat({"staged        ", one.version, "  ", one.state, "\n"});
    }
    if (record.trial) {
        out += concat({"trial         ", record.trial->program.version, ", ", std::to_string(record.trial->starts),
                       " of ", std::to_string(record.trial->most_starts), " starts",
                       record.trial->ends_at ? concat({", until ", rfc3339(*record.trial->ends_at)}) : "", "\n"});
    }
    if (record.last) {
        out +=
            concat({"last          ", record.last->from, " -> ", record.last->to, ": ", to_string(record.last->result),
                    record.last->reason.empty() ? "" : concat({", ", record.last->reason}), ", ",
                    rfc3339(record.last->at), "\n"});
    }
    for (const auto& one : parked) {
        out += concat({"parked        ", printable(one.job), ": ", printable(one.why),
                       "\n              to let it go on: hagent upgrade release ", printable(one.job), "\n"});
    }
    return out;
}

int status(AgentServices& services, const Options& options) {
    const auto record = upgrade::RecordFile(*services.machine.files, services.settings.state()).read();
    if (!record.ok()) {
        return failed(services.machine, options, record.error());
    }
    const auto parked = session::Parking::look(*services.machine.files, services.settings.state().rounds());
    if (!parked.ok()) {
        return failed(services.machine, options, parked.error());
    }
    const Record shown = record->value_or(Record{});
    services.machine.output->print(options.json ? status_json(shown, *parked) + "\n" : status_text(shown, *parked));
    return k_done;
}

/// The same package again is the same job.
int stage(AgentServices& services, const Options& options) {
    const auto& source = options.arguments[1];
    auto package = signed_source(source);
    if (!package.ok()) {
        return failed(services.machine, options, package.error());
    }
    session::Job job;
    job.kind = JobKind::upgrade;
    job.name = package->base_url;
    job.id = concat({session::k_local_job, trust::sha256_hex("upgrade\n" + package->base_url).substr(0, 16)});
    job.source = *std::move(package);
    return run_local_session(services, options, job);
}

int change(AgentServices& services, const Options& options, const upgrade::RecordFile::Change& change) {
    auto& machine = services.machine;
    upgrade::RecordFile file(*machine.files, services.settings.state());
    const auto there = file.read();
    auto changed = there.ok() && !*there ? Status(error(AgentCode::agent_nothing_to_do)) : file.change(change);
    if (!changed.ok()) {
        return failed(machine, options, changed.error());
    }
    settle_trials(services);
    return status(services, options);
}

int confirm(AgentServices& services, const Options& options) {
    return change(services, options, [&](Record& record) -> Result<bool> {
        if (!record.trial) {
            return error(AgentCode::agent_nothing_to_do, "no agent is on trial");
        }
        upgrade::confirm(record, preinstalled(record).version, "by hand", services.machine.clock.wall());
        return true;
    });
}

int rollback(AgentServices& services, const Options& options) {
    return change(services, options, [&](Record& record) -> Result<bool> {
        const auto launcher = preinstalled(record).version;
        const auto now = services.machine.clock.wall();
        if (record.trial) {
            upgrade::give_up(record, launcher, upgrade::Verdict::rolled_back, "by hand", now);
            return true;
        }
        return upgrade::go_back(record, launcher, upgrade::Verdict::rolled_back, "by hand", now)
                   ? Result<bool>(true)
                   : error(AgentCode::agent_nothing_to_do, "the preinstalled agent runs");
    });
}

/// By the running daemon, which owns the journals; by itself where none runs.
Status release_parked(AgentServices& services, const std::string& job) {
    auto& files = *services.machine.files;
    const auto path = concat({"/v1/parked/", transfer::encode_path(job), "/release"});
    auto answer = ask_daemon(files, services.settings, path, transfer::Method::post);
    if (!answer.ok()) {
        return answer.error().id == errors::http(404) ? Status(error(AgentCode::not_parked, job))
                                                      : Status(answer.error());
    }
    if (answer->has_value()) {
        return {};
    }
    TRY(services.lock_state());
    const auto parking = TRY(open_parking(files, services.settings));
    const auto reports = TRY(manager::ReportQueue::open(files, services.settings.state().reports()));
    return release_job(*parking, *reports, job);
}

int release(AgentServices& services, const Options& options) {
    const auto released = release_parked(services, options.arguments[1]);
    return released.ok() ? status(services, options) : failed(services.machine, options, released.error());
}

struct Task {
    std::string_view name;
    std::size_t words;
    int (*work)(AgentServices&, const Options&);
};

constexpr std::array k_tasks = {Task{"status", 1, status}, Task{"stage", 2, stage}, Task{"confirm", 1, confirm},
                                Task{"rollback", 1, rollback}, Task{"release", 2, release}};

}  // namespace

int upgrade(Machine& machine, const Options& options) {
    const auto* const task = std::find_if(k_tasks.begin(), k_tasks.end(), [&](const Task& one) {
        return !options.arguments.empty() && one.name == options.arguments.front();
    });
    if (task == k_tasks.end() || options.arguments.size() != task->words) {
        return usage(machine, options,
                     "say 'upgrade status', 'stage SOURCE', 'confirm', 'rollback' or 'release PARKED'");
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    return services ? task->work(*services, options) : code;
}

}  // namespace hagent::verbs
