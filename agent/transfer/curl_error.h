// SPDX-License-Identifier: Apache-2.0
// Owns the mapping from libcurl's result codes to catalogue rows.
#pragma once

#include <cstdint>
#include <string>

#include "agent/base/error.h"
#include "agent/base/time.h"
#include "agent/transfer/stage.h"

namespace hagent::transfer {

/// What libcurl says about a failed request.
struct CurlFailure {
    int code = 0;               // CURLcode
    std::int64_t os = 0;        // CURLINFO_OS_ERRNO
    std::string text{};         // CURLOPT_ERRORBUFFER
    std::string host{};         // that was asked
    bool connected = false;     // a connection was made, or the peer has already said something
    bool said = false;          // the peer has answered, in the protocol that is spoken with it
    bool resolved = true;       // the name has an address
    bool quick = false;         // failed so fast that a second look-up costs no time
    std::string proxy{};        // "HOST:PORT (VARIABLE)" when the fault is the proxy's; `host` is its name then
    std::string certificate{};  // what is wrong with the peer's, in words
    long connect_status = 0;    // its answer to CONNECT; 0: none
};

/// The same in the agent's own terms.
struct Explained {
    Error error;
    Stage stage = Stage::connect;  // meaningful when nothing was said yet
    bool local = false;            // our own settings are wrong: no server can help
};

/// Never called for success. A failed look-up is repeated once, to tell an unknown name from a silent name server.
[[nodiscard]] Explained explain(const CurlFailure& failure);

/// An exchange that was ended here, by its time limit.
[[nodiscard]] Failure too_late(const std::string& host, Seconds limit);

}  // namespace hagent::transfer
