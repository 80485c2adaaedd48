// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reading of a name server's answer: whoever sent it, what comes of it is a bounded list of addresses of
// plain hosts.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "agent/manager/discovery.h"
#include "agent/transfer/url.h"
#include "platform/dns_message.h"
#include "tests/fuzz/require.h"

namespace {

using namespace hagent;
using hagent::fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto places = platform::services_of_answer(std::span(data, size));
    require(places.size() <= 16);
    for (const auto& place : places) {
        require(!place.host.empty() && place.host.size() <= 253);
    }
    for (const auto dialect : {config::Dialect::hawkbit, config::Dialect::hserver}) {
        const auto urls = manager::managers_of_services(
            places, dialect, [n = std::uint64_t{0}]() mutable { return n += 0x9E3779B97F4A7C15U; });
        require(urls.size() <= places.size());
        for (const auto& address : urls) {
            const auto url = transfer::parse_url(address);
            require(url.ok() && url->user.empty() && url->path == "/" && url->query.empty() && url->port != 0);
            require(url->scheme == transfer::Scheme::https ||
                    (url->scheme == transfer::Scheme::http && dialect == config::Dialect::hserver));
        }
    }
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto names = platform::names_to_ask("_hagent._tcp", text);
    require(!names.empty() && names.size() <= 6 && platform::names_to_ask("_hagent._tcp.example", text).size() == 1);
    return 0;
}
