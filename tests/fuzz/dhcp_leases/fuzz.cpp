// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reading of DHCP leases: whatever a network's server put there, what comes of it is the address of a plain
// host.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/manager/discovery.h"
#include "agent/transfer/url.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto dialect : {config::Dialect::hawkbit, config::Dialect::hserver}) {
        const auto urls = manager::managers_of_leases(text, dialect);
        require(urls.size() <= 2);
        for (const auto& address : urls) {
            const auto url = transfer::parse_url(address);
            require(url.ok() && url->user.empty() && url->path == "/" && url->query.empty() && url->port != 0);
            require(url->scheme == transfer::Scheme::https ||
                    (url->scheme == transfer::Scheme::http && dialect == config::Dialect::hserver));
        }
    }
    return 0;
}
