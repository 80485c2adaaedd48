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
