// SPDX-License-Identifier: Apache-2.0
#include "agent/manager_search.h"

#include <memory>
#include <string>

#include "agent/base/cancel.h"
#include "agent/base/concat.h"
#include "agent/base/time.h"
#include "agent/errors/catalogue.h"
#include "agent/manager/discovery.h"
#include "platform/resolver.h"

namespace hagent {
namespace {

constexpr Millis k_look_again = Seconds{60};

Failure nobody_named(const std::string& source) {
    return error(errors::AgentCode::manager_unreachable, {source, " names no manager"});
}

/// What the name servers' answer means to who waits for a manager: a service that they do not know is one that nobody
/// offers.
Failure nobody_answers(const std::string& service, Failure why) {
    const Error& known = why.error();
    const bool unknown = known.id == errors::resolver(errors::Resolver::host_not_found) ||
                         known.id == errors::resolver(errors::Resolver::no_data);
    return unknown ? nobody_named(service) : std::move(why);
}

}  // namespace

/// In the order of trust: who was met before, then the lease, then the name servers, which are asked only where nobody
/// else names a manager.
void ManagerSearch::look() {
    const auto& settings = services_.settings;
    const auto found = manager::discover(*services_.machine.files, settings.manager, settings.state_dir);
    if (!found.ok()) {
        return found_nobody(found.error());
    }
    if (!found->empty()) {
        return ended_({});
    }
    if (settings.manager.dns_srv.empty()) {
        return found_nobody(nobody_named(settings.manager.dhcp_lease_file));
    }
    const auto asked = services_.worker.submit(std::make_shared<CancelToken>(),
                                               [this](const CancelToken& cancel) { ask_name_servers(cancel); });
    if (!asked.ok()) {
        found_nobody(asked.error());
    }
}

/// On the worker's thread: name servers that are away take their time. Nobody reads the list before the loop has heard
/// of it.
void ManagerSearch::ask_name_servers(const CancelToken& cancel) {
    const auto& m = services_.settings.manager;
    auto places = platform::look_up_service(m.dns_srv, cancel);
    if (!places.ok()) {
        return services_.loop.post(
            [this, why = nobody_answers(m.dns_srv, std::move(places).failure())] { found_nobody(why); });
    }
    auto& named = services_.machine.named_managers;
    named = manager::managers_of_services(std::move(*places), m.dialect, services_.random);
    services_.loop.post([this, &m, &named] { named.empty() ? found_nobody(nobody_named(m.dns_srv)) : ended_({}); });
}

/// The log says it once for each reason: a device that waits for its network a whole night would fill it.
void ManagerSearch::found_nobody(const Error& why) {
    if (patience_ == Patience::once) {
        return ended_(why);
    }
    const std::string reason = concat({errors::id_text(why.id), " ", why.context});
    if (std::exchange(told_, reason) != reason) {
        services_.log.warning("agent", "no manager is known; it is looked for again every minute",
                              {{"code", errors::id_text(why.id)}, {"where", why.context}});
    }
    (void)services_.timers.after(k_look_again, [this] { look(); });
}

}  // namespace hagent
