// SPDX-License-Identifier: Apache-2.0
// Owns Proxy: which setting of the environment names the proxy for an address, so that an error can name both.
#pragma once

#include <optional>
#include <string>

#include "agent/transfer/url.h"

namespace hagent::transfer {

struct Proxy {
    std::string variable;  // "https_proxy"
    std::string host;
    std::string place;       // "proxy.example:3128"
    bool socks = false;      // the way is asked for by SOCKS, not by CONNECT
    bool encrypted = false;  // it is spoken to in TLS

    /// "proxy.example:3128 (https_proxy)"
    [[nodiscard]] std::string shown() const { return place + " (" + variable + ")"; }
};

/// The proxy that libcurl takes from the environment for this address, whether or not no_proxy excepts it; empty when
/// there is none. Never holds a login.
[[nodiscard]] std::optional<Proxy> environment_proxy(const Url& url);

}  // namespace hagent::transfer
