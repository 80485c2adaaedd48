// SPDX-License-Identifier: Apache-2.0
// Owns Options: what the configuration says about transfers, as a value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/time.h"

namespace hagent::trust {
class TrustedTime;
}

namespace hagent::transfer {

/// Defaults are those of spec 11 "Config".
struct Options {
    unsigned attempts = 8;  // tries in a row without progress
    Millis backoff_base{1000};
    Millis backoff_cap{300000};
    std::uint64_t limit_bytes_per_s = 0;  // 0: none; a request's own limit wins when it is lower
    Seconds connect_timeout{15};
    Seconds stall_timeout{60};      // too little data for this long ends a try; there is no total limit
    std::string netrc_file;         // netrc format; empty: none
    std::string ca_file;            // PEM bundle; empty: the system's
    std::vector<std::string> pins;  // base64 SHA-256 of public keys, with or without "sha256//"; one must match
    std::string client_cert_file, client_key_file;  // PEM; empty: none
    bool use_proxies = true;  // http_proxy, https_proxy, no_proxy of the environment, for HTTP and HTTPS
    std::string user_agent = "hagent";
    trust::TrustedTime* time = nullptr;  // borrowed: how late it is at least; null: as this release's date has it
    std::string boot_id;  // of this start of the machine: what was written in it needs no sync to count; may be empty
};

}  // namespace hagent::transfer
