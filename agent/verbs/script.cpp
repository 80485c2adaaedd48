// SPDX-License-Identifier: Apache-2.0
// Owns `script check` and `script run`: the administrator's way to see a plan and to carry it out by hand.
#include <variant>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/session/engine.h"
#include "agent/session/json.h"
#include "agent/session/session.h"
#include "agent/status/documents.h"
#include "agent/transfer/url.h"
#include "agent/trust/digest.h"
#include "agent/trust/verify.h"
#include "agent/verbs/local_session.h"
#include "platform/paths.h"
#include "platform/service.h"

namespace hagent::verbs {
namespace {

/// The same command again is the same job: an unfinished session of it goes on. The file that was named is what runs: a
/// package from elsewhere has to have the same bytes as its entry.
session::Job job_of(const Options& options, const std::string& file, const std::string& digest) {
    const auto& source = options.source;
    session::Job job;
    job.name = file.substr(file.find_last_of("/\\") + 1);
    job.relocation = options.root.empty() ? "" : platform::absolute(options.root);
    if (is_url(source)) {
        job.source =
            session::SignedPackage{{}, source.back() == '/' ? source : source + "/", options.allow_unsigned, {}};
    } else {
        job.source = session::LocalFolder{platform::absolute(source.empty() ? file + "/.." : source), file};
    }
    job.options.emplace_back(session::k_option_entry_sha256, digest);
    job.id = concat({session::k_local_job,
                     trust::sha256_hex(concat({file, "\n", digest, "\n", source, "\n", options.root})).substr(0, 16)});
    return job;
}

/// Told before a session is begun for nothing.
Status readable_file(Machine& machine, const std::string& file) {
    const auto info = TRY(machine.files->info(file));
    if (!info) {
        return error(errors::AgentCode::file_not_found, file);
    }
    if (info->kind == platform::FileKind::directory) {
        return error(errors::AgentCode::is_a_directory, file);
    }
    return {};
}

/// The digest of the script's file.
Result<std::string> usable(Machine& machine, const Options& options, const std::string& file) {
    if (is_url(options.source)) {
        TRY(usable_source(options.source));
    }
    TRY(readable_file(machine, file));
    return TRY(trust::digest_file(*machine.files, file)).sha256;
}

/// What a session borrows while one verb runs.
struct SessionServices {
    SessionServices(AgentServices& services, bool quiet)
        : printer(*services.machine.output, quiet),
          fetcher(transfer::curl_fetcher(services.transfer)),
          store(*services.machine.files, services.settings.state()),
          context{*services.machine.files,
                  services.machine.clock,
                  *services.machine.processes,
                  *services.machine.host,
                  *services.machine.disks,
                  *fetcher,
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

    StepPrinter printer;
    std::unique_ptr<transfer::Fetcher> fetcher;
    session::Store store;
    session::Context context;
};

/// Notes and warnings are no failure. One that was interrupted goes on later, which a script has to tell from both.
int outcome_code(const session::SessionRecord& record, session::SessionEnd end) {
    if (end == session::SessionEnd::interrupted) {
        return k_try_later;
    }
    return has_error(record.all_results()) && record.failed() ? k_failed : k_done;
}

/// Under the lock of the state directory: the daemon and this verb must not change the device at the same time.
int run_script(AgentServices& services, const Options& options, const session::Job& job) {
    if (const auto locked = services.lock_state(); !locked.ok()) {
        return failed(services.machine, options, locked.error());
    }
    if (services.state_problem) {
        return failed(services.machine, options, *services.state_problem);
    }
    SessionServices parts(services, options.json);
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
    services.machine.output->print(options.json ? session::session_json(record) + "\n" : status::session_text(record));
    if (*end == session::SessionEnd::interrupted) {
        services.machine.output->complain("Interrupted; give the same command again to go on.\n");
    }
    return outcome_code(record, *end);
}

/// Takes no lock and makes no session, so a plan can be looked at while the daemon works.
int check_script(AgentServices& services, const Options& options, session::Job job) {
    LocalSession parts(services, true);
    session::SessionRecord record;
    // No id of the store: what a remote package needs on the disk lies under this name and goes again at the end. Each
    // look has a name of its own, so that none finds what another one, or one that was killed, has left.
    record.id = concat({session::k_look, "-", std::to_string(services.random())});
    record.job = std::move(job);
    const auto plan = session::dry_run(parts.context, record, CancelToken());
    if (!plan.ok()) {
        return failed(services.machine, options, plan.error());
    }
    services.machine.output->print(options.json ? plan->json + "\n" : plan->text);
    return has_error(plan->results) ? k_failed : k_done;
}

}  // namespace

int script(Machine& machine, const Options& options) {
    const bool check = !options.arguments.empty() && options.arguments.front() == "check";
    if (options.arguments.size() != 2 || (!check && options.arguments.front() != "run")) {
        return usage(machine, options, "say 'script check FILE' or 'script run FILE'");
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::optional);
    if (!services) {
        return code;
    }
    const std::string file = platform::absolute(options.arguments.back());
    const auto digest = usable(machine, options, file);
    if (!digest.ok()) {
        return failed(machine, options, digest.error());
    }
    const auto job = job_of(options, file, *digest);
    return check ? check_script(*services, options, job) : run_local_session(*services, options, job);
}

}  // namespace hagent::verbs
