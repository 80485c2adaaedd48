// SPDX-License-Identifier: Apache-2.0
// Owns `upgrade`: the agents of this device, by hand.
#include <algorithm>
#include <array>

#include "agent/base/concat.h"
#include "agent/base/json_writer.h"
#include "agent/base/text.h"
#include "agent/daemon_client.h"
#include "agent/device_state.h"
#include "agent/job_guard.h"
#include "agent/manager/report_queue.h"
#include "agent/session/json.h"
#include "agent/session/parking.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"
#include "agent/upgrade/choice.h"
#include "agent/verbs/local_session.h"

namespace hagent::verbs {
namespace {

using errors::AgentCode;
using upgrade::Record;

std::string status_json(const upgrade::Agents& agents, std::span<const session::Parked> parked) {
    JsonWriter json;
    json.begin_object();
    upgrade::write_agents(json, agents);
    json.raw("parked", session::parked_json(parked));
    json.end_object();
    return json.take();
}

std::string status_text(const upgrade::Agents& agents, std::span<const session::Parked> parked) {
    std::string out = upgrade::status_text(agents);
    for (const auto& one : parked) {
        out += concat({"parked: ", printable(one.job), ": ", printable(one.why),
                       "\n  to let it go on: hagent upgrade release ", printable(one.job), "\n"});
    }
    return out;
}

int status(AgentServices& services, const Options& options) {
    const auto agents = show_agents(services.machine, services.settings);
    if (!agents.ok()) {
        return failed(services.machine, options, agents.error());
    }
    const auto parked = session::Parking::look(*services.machine.files, services.settings.state().rounds());
    if (!parked.ok()) {
        return failed(services.machine, options, parked.error());
    }
    services.machine.output->print(options.json ? status_json(*agents, *parked) + "\n" : status_text(*agents, *parked));
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
        upgrade::confirm(record, preinstalled_agent(record).version, "by hand", services.machine.clock.wall());
        return true;
    });
}

int rollback(AgentServices& services, const Options& options) {
    return change(services, options, [&](Record& record) -> Result<bool> {
        const auto launcher = preinstalled_agent(record).version;
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
