// SPDX-License-Identifier: Apache-2.0
// Owns the search for a manager at first contact. DHCP or DNS suggest one where the configuration names none; they
// never replace one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/settings.h"
#include "platform/files.h"
#include "platform/resolver.h"

namespace hagent::manager {

/// The manager of the last lease in a file of dhclient (dhclient.leases(5)), by the options that thin clients know: 194
/// its name, else 186 up to two IPv4 addresses; 190 the port of HTTPS; 192 another port, which only the legacy dialect
/// talks to in clear text. At most two addresses, in order; none where the file has no such option or anything odd in
/// one.
[[nodiscard]] std::vector<std::string> managers_of_leases(std::string_view text, config::Dialect dialect);

/// The managers that SRV records name, in the order of RFC 2782: lower priorities first, within one by lot according to
/// weight. Over HTTPS; the legacy dialect over it on port 443 only. Records without a plain host or a port are passed
/// over. `random`: uniform numbers.
[[nodiscard]] std::vector<std::string> managers_of_services(std::vector<platform::ServicePlace> places,
                                                            config::Dialect dialect,
                                                            const std::function<std::uint64_t()>& random);

/// The manager that was met first, else what the lease file says; none when there is neither (yet). Errors: those of
/// platform::Files and manager_unreachable, when there is a note of the one met first that cannot be used: no lease
/// replaces it.
[[nodiscard]] Result<std::vector<std::string>> discover(platform::Files& files, const config::ManagerSettings& settings,
                                                        const std::string& state_dir);

/// The note of the first manager that was met: from then on discover() gives this one and looks at no lease.
class FirstManager {
public:
    /// `files` is borrowed.
    FirstManager(platform::Files& files, std::string state_dir) : files_(files), state_dir_(std::move(state_dir)) {}

    /// A check-in with this address succeeded. The first one is noted, once; where that failed, it is tried again at
    /// the next call. Errors: those of platform::Files.
    [[nodiscard]] Status met(const std::string& url);

private:
    platform::Files& files_;
    std::string state_dir_;
    std::string first_;
    bool noted_ = false;
};

}  // namespace hagent::manager
