// SPDX-License-Identifier: Apache-2.0
// Owns the reading of addresses and the list of kept sockets.
#include "agent/http/sockets.h"

#include <algorithm>

#include "agent/base/concat.h"
#include "agent/base/number.h"

namespace hagent::http {

Result<Socket> open_socket(const std::string& bound) {
    const auto colon = bound.rfind(':');
    const auto port =
        colon == std::string::npos ? std::nullopt : parse_u64(std::string_view(bound).substr(colon + 1), 65535);
    if (!port) {
        return error(errors::AgentCode::config_bad_value, {"listen address '", bound, "': expected ADDRESS:PORT"});
    }
    const std::string shown_address = bound.substr(0, colon);
    std::string address = shown_address;
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
        address = address.substr(1, address.size() - 2);
    }
    auto listener = TRY(platform::listen(address, narrow<std::uint16_t>(*port)));
    std::string actual = concat({shown_address, ":", std::to_string(listener->port())});
    return Socket{std::move(listener), std::move(actual)};
}

Result<Socket> Sockets::take(const std::string& name, const std::string& bound) {
    const auto kept = std::find_if(kept_.begin(), kept_.end(), [&](const auto& entry) { return entry.first == name; });
    if (kept == kept_.end()) {
        return open_socket(bound);
    }
    Socket socket = std::move(kept->second);
    kept_.erase(kept);
    return socket;
}

void Sockets::keep_only(const std::vector<std::string>& wanted) {
    std::erase_if(
        kept_, [&](const auto& entry) { return std::find(wanted.begin(), wanted.end(), entry.first) == wanted.end(); });
}

}  // namespace hagent::http
