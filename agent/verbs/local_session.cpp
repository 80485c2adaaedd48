// SPDX-License-Identifier: Apache-2.0
#include "agent/verbs/local_session.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "agent/base/concat.h"
#include "agent/daemon_client.h"
#include "agent/session/engine.h"
#include "agent/session/json.h"
#include "agent/status/documents.h"
#include "agent/transfer/url.h"
#include "platform/paths.h"
#include "platform/service.h"

namespace hagent::verbs {
namespace {

/// Id of a session that an earlier run of this command has begun and not ended.
/// A run that was interrupted or cut off by the power is gone on with; a second session would do its steps twice.
std::optional<std::string> unfinished(const session::Store& store, const std::string& job_id) {
    const auto ids = store.list();
    for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
        const auto stored = store.load(id);
        if (stored.ok() && !stored->record.ended && stored->record.job.id == job_id) {
            return id;
        }
    }
    return std::nullopt;
}

constexpr unsigned k_trust_rows = 14;  // hundreds of the catalogue's numbers

/// Notes and warnings are no failure. One that was interrupted goes on later, which a script has to tell from both.
int outcome_code(const session::SessionRecord& record, session::SessionEnd end) {
    if (end == session::SessionEnd::interrupted) {
        return k_try_later;
    }
    const auto results = record.all_results();
    if (!has_error(results) || !record.failed()) {
        return k_done;
    }
    const auto met = std::find_if(results.begin(), results.end(),
                                  [](const TaskResult& result) { return result.status == errors::Severity::error; });
    const bool begun = std::any_of(record.steps.begin(), record.steps.end(), [](const session::StepView& step) {
        return step.state != work::StepState::pending;
    });
    const bool untrusted = met->id.protocol == errors::Protocol::agent && met->id.number / 100 == k_trust_rows;
    return !begun && untrusted ? k_refused : k_failed;
}

std::vector<std::string> folders_of(const session::Job& job) {
    const auto* package = std::get_if<session::SignedPackage>(&job.source);
    return package != nullptr ? std::vector<std::string>{package->base_url} : std::vector<std::string>{};
}

}  // namespace

Status usable_source(const std::string& source) {
    if (transfer::is_file_url(source)) {
        return {};
    }
    const auto url = TRY(transfer::parse_url(source));
    if (!url.user.empty() || !url.password.empty()) {
        return error(errors::AgentCode::usage, {"an address takes no user and password here; put them into the file "
                                                "that transfer.netrc_file names"});
    }
    return {};
}

Result<session::SignedPackage> signed_source(const std::string& source) {
    std::string address = source;
    if (is_url(source)) {
        TRY(usable_source(source));
    } else {
        const auto path = platform::absolute(source);
        address = concat({path.starts_with('/') ? "file://" : "file:///", transfer::encode_path(path)});
    }
    return session::SignedPackage{{}, address.ends_with('/') ? address : address + "/", false, {}};
}

void StepPrinter::changed(const session::SessionRecord& record) {
    for (const auto& step : record.steps) {
        const bool ended = step.state != work::StepState::pending && step.state != work::StepState::running;
        if (ended && step.n > told_ && !quiet_) {
            told_ = step.n;
            output_.complain(
                concat({"step ", std::to_string(step.n), " ", step.op, ": ", work::to_string(step.state), "\n"}));
        }
    }
}

LocalSession::LocalSession(AgentServices& services, bool quiet, const std::vector<std::string>& folders)
    : printer(*services.machine.output, quiet),
      remote(transfer::curl_fetcher(services.transfer)),
      fetcher(*services.machine.files, folders, remote.get()),
      store(*services.machine.files, services.settings.state()),
      context{*services.machine.files,
              services.machine.clock,
              *services.machine.processes,
              *services.machine.host,
              *services.machine.disks,
              fetcher,
              services.transfer,
              services.random,
              services.log,
              services.session_settings,
              store,
              printer,
              services.machine.kinds,
              services.machine.dialogs.get(),
              services.machine.registry.get(),
              &services.time,
              services.machine.devices.get(),
              &services.ring} {}

void settle_trials(AgentServices& services) {
    if (!services.lock_state().ok()) {
        (void)ask_daemon(*services.machine.files, services.settings, "/v1/check-in", transfer::Method::post);
        return;
    }
    const session::Store store(*services.machine.files, services.settings.state());
    const auto ids = store.list();
    for (const auto& id : ids.ok() ? *ids : std::vector<std::string>{}) {
        const auto stored = store.load(id);
        if (!stored.ok() || stored->record.ended || !stored->on_trial) {
            continue;
        }
        LocalSession parts(services, true, folders_of(stored->record.job));
        session::Stop stop;
        if (auto session = session::Session::resume(parts.context, id, std::nullopt); session.ok()) {
            (void)(*session)->run(stop);  // what fails is in its log, and the next start goes on with it
        }
    }
}

int run_local_session(AgentServices& services, const Options& options, const session::Job& job,
                      const SessionJson& json) {
    if (const auto locked = services.lock_state(); !locked.ok()) {
        return failed(services.machine, options, locked.error());
    }
    if (services.state_problem) {
        return failed(services.machine, options, *services.state_problem);
    }
    LocalSession parts(services, options.json, folders_of(job));
    (void)session::mend_sessions(parts.context);
    const auto earlier = unfinished(parts.store, job.id);
    auto session = earlier ? session::Session::resume(parts.context, *earlier, std::nullopt)
                           : session::Session::begin(parts.context, job);
    if (!session.ok()) {
        return failed(services.machine, options, session.error());
    }
    session::Stop stop;
    const auto signals = platform::watch_signals(
        [](platform::ServiceRequest, void* context) { static_cast<session::Stop*>(context)->token().flag(); }, &stop);
    const auto end = (*session)->run(stop);
    if (!end.ok()) {
        return failed(services.machine, options, end.error());
    }
    const auto& record = (*session)->record();
    services.machine.output->print(options.json ? json(record) + "\n" : status::session_text(record));
    if (*end == session::SessionEnd::interrupted) {
        services.machine.output->complain("Interrupted; give the same command again to go on.\n");
    }
    return outcome_code(record, *end);
}

}  // namespace hagent::verbs
