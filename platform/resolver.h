// SPDX-License-Identifier: Apache-2.0
// Owns the questions to the system's name servers: why a name has no address, and where a service is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/cancel.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::platform {

/// Whether a host name has an address, as the system's resolver says: the reason behind a connection that failed by
/// its name. Errors: resolver rows (11001 not found, 11002 no answer, also after `limit`, 11003 failed for good,
/// 11004 no address).
[[nodiscard]] Status look_up(const std::string& host, Millis limit);

/// One SRV record (RFC 2782). `host` has no dot at its end; it may hold any byte, nobody has looked at it.
struct ServicePlace {
    std::uint16_t priority = 0;  // lower ones first
    std::uint16_t weight = 0;    // the share among those of one priority
    std::uint16_t port = 0;
    std::string host;
    friend bool operator==(const ServicePlace&, const ServicePlace&) = default;
};

/// Asks the system's name servers where a service is; waits as long as they let it, or until cancelled. A name that
/// ends with its protocol ("_hagent._tcp") is looked for in each domain that names here are completed with, until one
/// has it. At least one record. Errors: resolver rows, of the last name that was asked for; cancelled.
[[nodiscard]] Result<std::vector<ServicePlace>> look_up_service(const std::string& name, const CancelToken& cancel);

/// The same of each system, on the thread that calls: the C library's resolver cannot be cancelled.
[[nodiscard]] Status look_up_now(const std::string& host);
[[nodiscard]] Result<std::vector<ServicePlace>> look_up_service_now(const std::string& name);

}  // namespace hagent::platform
