// SPDX-License-Identifier: Apache-2.0
// Owns the search for a manager at first contact. DHCP or DNS suggest one where the configuration names none; they never replace one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.h"
#include "platform/files.h"
#include "platform/resolver.h"

namespace hagent::manager {

/// The manager of the last lease in a file of dhclient (dhclient.leases(5)), by the options that thin clients know: 194 its name, else
/// 186 up to two IPv4 addresses; 190 the port of HTTPS; 192 another port, which only the legacy dialect talks to in clear text. At most two
/// addresses, in order; none where the file has no such option or anything odd in one.
[[nodiscard]] std::vector<std::string> managers_of_leases(std::string_view text, config::Dialect dialect);

/// The managers that SRV records name, in the order of RFC 2782: lower priorities first, within one by lot according to weight. Over
/// HTTPS; the legacy dialect over it on port 443 only. Records without a plain host or a port are passed over. `random`: uniform numbers.
[[nodiscard]] std::vector<std::string> managers_of_services(std::vector<platform::ServicePlace> places, config::Dialect dialect,
                                                            const std::function<std::uint64_t()>& random);

/// The manager that was met first, else what the lease file says; none when there is neither (yet).
[[nodiscard]] std::vector<std::string> discover(platform::Files& files, const config::ManagerSettings& settings, const std::string& state_dir);

/// From now on discover() gives this one and looks at no lease. Errors: those of platform::Files.
[[nodiscard]] Status keep_manager(platform::Files& files, const std::string& state_dir, const std::string& url);

}  // namespace hagent::manager
