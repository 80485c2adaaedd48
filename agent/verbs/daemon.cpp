// SPDX-License-Identifier: Apache-2.0
// Owns `run` and `check-in`.
#include <optional>
#include <variant>

#include "agent/agent.h"
#include "agent/base/concat.h"
#include "agent/config_check.h"
#include "agent/daemon_client.h"
#include "agent/launch.h"
#include "agent/session/json.h"
#include "agent/verbs/verbs.h"
#include "platform/service.h"

namespace hagent::verbs {
namespace {

// between a life that could not begin and the next try
constexpr Millis k_look_every{100};
constexpr int k_looks_before_next_life = 50;

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

/// Services with the configuration as it is now; those that there were, where it cannot be used. The state stays
/// locked.
std::unique_ptr<AgentServices> read_again(Machine& machine, const Options& options,
                                          std::unique_ptr<AgentServices> before) {
    machine.output->complain("hagent: reading the configuration again\n");
    auto fresh = open_services(machine, options, config::ManagerRule::required);
    if (fresh.services) {
        const auto locked = fresh.services->lock_state_after(*before);
        if (locked.ok()) {
            if (fresh.services->settings.state_dir != before->settings.state_dir) {
                remove_endpoint(*machine.files, before->settings);
            }
            return std::move(fresh.services);
        }
        failed(machine, options, locked.error());
    }
    machine.output->complain("hagent: it keeps the configuration that it had\n");
    return before;
}

/// Each round is one life of the agent with one configuration, and holds the lock on its state directory. A life that
/// cannot begin ends the process only when it is the first one: what is in the way may go.
int live(Machine& machine, const Options& options, std::unique_ptr<AgentServices> services) {
    Requests requests;
    int code = k_done;
    for (bool first = true;; first = false) {
        tell_what_is_lost(*services);
        const auto ended = run_agent(*services, Duration::until_stopped, requests);
        if (!ended.ok()) {
            code = failed(machine, options, ended.error());
        }
        if (ended.ok() && *ended == Ending::relaunch) {
            remove_endpoint(*machine.files, services->settings);
            services.reset();  // the state's lock goes with it
            return relaunch_agent(machine, options);
        }
        if (ended.ok() ? *ended == Ending::stopped : first) {
            break;
        }
        for (int i = 0; !ended.ok() && i < k_looks_before_next_life && !requests.stop() && !requests.reload(); ++i) {
            (void)machine.clock.wait(k_look_every, CancelToken());
        }
        (void)requests.take_reload();
        if (requests.stop()) {
            code = k_done;
            break;
        }
        services = read_again(machine, options, std::move(services));
    }
    remove_endpoint(*machine.files, services->settings);
    return code;
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
    if (const auto locked = services->lock_state(); !locked.ok()) {
        return failed(machine, options, locked.error());
    }
    return live(machine, options, std::move(services));
}

/// `by`: the listener's address where there is one.
void say_accepted(Machine& machine, const Options& options, const DaemonEndpoint& daemon) {
    if (options.json) {
        const auto by = daemon.page.empty() ? daemon.door : daemon.page.substr(daemon.page.find("//") + 2);
        machine.output->print(concat({"{\"accepted\":true,\"by\":", session::quoted(by), "}\n"}));
        return;
    }
    machine.output->print(concat({"The running agent checks in now",
                                  daemon.page.empty() ? "" : concat({"; its page is ", daemon.page, "/"}), "\n"}));
}

Result<Ending> check_in_once(AgentServices& services) {
    Requests requests;
    return run_agent(services, Duration::one_check_in, requests);
}

}  // namespace

int run(Machine& machine, const Options& options) {
    return platform::run_as_service([&] {
        const auto ended = options.check_config ? std::nullopt : launch_agent(machine, options);
        return ended ? *ended : run_daemon(machine, options);
    });
}

/// A running daemon is asked, because it holds the lock on the state. Where a manager was only now found the verb
/// begins anew with it, as the daemon does.
int check_in(Machine& machine, const Options& options) {
    if (const auto ended = options.once ? launch_agent(machine, options) : std::nullopt) {
        return *ended;
    }
    auto [services, code] = open_services(machine, options, config::ManagerRule::required);
    if (!services) {
        return code;
    }
    const auto answer = options.once
                            ? Result<std::optional<DaemonAnswer>>(std::nullopt)
                            : ask_daemon(*machine.files, services->settings, "/v1/check-in", transfer::Method::post);
    if (!answer.ok()) {
        return failed(machine, options, answer.error());
    }
    if (answer->has_value()) {
        say_accepted(machine, options, (**answer).from);
        return k_done;
    }
    if (const auto launched = options.once ? std::nullopt : launch_agent(machine, options)) {
        return *launched;
    }
    if (const auto locked = services->lock_state(); !locked.ok()) {
        return failed(machine, options, locked.error());
    }
    tell_what_is_lost(*services);
    const auto ended = check_in_once(*services);
    if (!ended.ok()) {
        return failed(machine, options, ended.error());
    }
    if (*ended == Ending::relaunch) {  // the new agent ends what this one has begun
        services.reset();
        return relaunch_agent(machine, options);
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
