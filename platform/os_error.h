// SPDX-License-Identifier: Apache-2.0
// Owns the one mapping from the system's error numbers to catalogue rows.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/error.h"

namespace hagent::platform {

/// errno (POSIX) or GetLastError (Windows) of a file or process call: agent rows of the 1200s where one fits, else
/// os_error, with "os-40" and the system's words behind the context.
[[nodiscard]] Failure file_error(std::int64_t number, TextView context);
/// The system's own words for such a number, for people: "Too many levels of symbolic links".
[[nodiscard]] std::string system_words(std::int64_t number);
/// errno or WSAGetLastError of a socket call: the Winsock row of the same meaning (seed table).
[[nodiscard]] Failure socket_error(std::int64_t number, TextView context);
/// getaddrinfo's result: the resolver row (seed: 11001-11004).
[[nodiscard]] Failure resolver_error(std::int64_t number, TextView context);

}  // namespace hagent::platform
