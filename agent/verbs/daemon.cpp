// SPDX-License-Identifier: Apache-2.0
// Owns `run` and `check-in`.
#include <variant>

#include "agent/agent.h"
#include "agent/base/concat.h"
#include "agent/config_check.h"
#include "agent/daemon_client.h"
#include "agent/session/json.h"
#include "agent/verbs/verbs.h"
#include "platform/service.h"

namespace hagent::verbs {
namespace {

/// All complaints at once: about the text, about who can change what it names, and about what is in there.
int check_config(Machine& machine, const Options& options) {
    auto outcome = load_config(machine, options, config::ManagerRule::required);
    auto* complaints = std::get_if<std::vector<config::Complaint>>(&outcome);
    std::vector<config::Complaint> found;
    if (complaints == nullptr) {
        found = check_files(machine, std::get<config::Settings>(outcome));
        complaints = &found;
    }
    if (!complaints->empty()) {
        return refused(machine, options, "the configuration cannot be used as it is", *complaints);
    }
    machine.output->print(options.json ? "{\"valid\":true}\n" : "The configuration is good.\n");
    return k_done;
}

/// The agent works without, and says so.
void tell_what_is_lost(AgentServices& services) {
    for (const auto& complaint : what_is_lost(services.machine, services.settings)) {
        services.log.warning("config", complaint.message, {{"where", complaint.path}});
    }
}

/// A configuration that cannot be used does not end a daemon that runs: nobody may be there to mend it, and the manager
/// could not be reached any more.
int run_daemon(Machine& machine, const Options& options) {
    if (options.check_config) {
        return check_config(machine, options);
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::required);
    if (!services) {
        return code;
    }
    // Each round is one life of the agent with one configuration. The lock on the state belongs to `services`: a new
    // configuration takes it anew, because it may name another directory.
    for (;;) {
        if (const auto locked = services->lock_state(); !locked.ok()) {
            return failed(machine, options, Error(locked.error()).with("another hagent works on this state directory"));
        }
        tell_what_is_lost(*services);
        const auto ended = run_agent(*services, Duration::until_stopped);
        if (!ended.ok()) {
            return failed(machine, options, ended.error());
        }
        if (*ended == Ending::stopped) {
            return k_done;
        }
        machine.output->complain("hagent: reading the configuration again\n");
        if (auto fresh = open_services(machine, options, config::ManagerRule::required); fresh.services) {
            services = std::move(fresh.services);
        } else {
            machine.output->complain("hagent: it keeps the configuration that it had\n");
        }
    }
}

}  // namespace

int run(Machine& machine, const Options& options) {
    return platform::run_as_service([&] { return run_daemon(machine, options); });
}

/// A running daemon is asked, because it holds the lock on the state. Where a manager was only now found the verb
/// begins anew with it, as the daemon does.
int check_in(Machine& machine, const Options& options) {
    auto [services, code] = open_services(machine, options, config::ManagerRule::required);
    if (!services) {
        return code;
    }
    const auto daemon = options.once ? std::nullopt : find_daemon(*machine.files, services->settings);
    if (daemon) {
        const auto answer = ask_daemon(*daemon, "/v1/check-in", transfer::Method::post);
        if (!answer.ok()) {
            return failed(machine, options, answer.error());
        }
        machine.output->print(options.json
                                  ? concat({"{\"accepted\":true,\"by\":", session::quoted(daemon->address), "}\n"})
                                  : concat({"The running agent checks in now; its page is ", daemon->url(), "/\n"}));
        return k_done;
    }
    if (const auto locked = services->lock_state(); !locked.ok()) {
        return failed(machine, options, Error(locked.error()).with("another hagent works on this state directory"));
    }
    tell_what_is_lost(*services);
    const auto ended = run_agent(*services, Duration::one_check_in);
    if (!ended.ok()) {
        return failed(machine, options, ended.error());
    }
    if (*ended == Ending::reload) {  // a manager was found
        // The lock has to go before the next call takes it.
        services.reset();
        return check_in(machine, options);
    }
    machine.output->print(options.json ? "{\"done\":true}\n" : "Checked in; nothing is left to do.\n");
    return k_done;
}

}  // namespace hagent::verbs
