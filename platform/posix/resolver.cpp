// SPDX-License-Identifier: Apache-2.0
// Owns look_up_now over getaddrinfo, and look_up_service_now over the C library's own queries.
#include "platform/resolver.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "platform/dns_message.h"
#include "platform/files.h"
#include "platform/os_error.h"

namespace hagent::platform {
namespace {

constexpr std::size_t k_answer_bytes = 4096;
constexpr std::size_t k_resolv_conf_bytes = 64U << 10U;
constexpr int k_internet = 1, k_srv = 33;
constexpr std::uint16_t k_first_row = 11000;  // the numbers of h_errno are those of the rows from here

/// One query for the SRV records of exactly this name. The answer may be longer than the buffer; its beginning counts.
Result<std::vector<ServicePlace>> ask(const std::string& name) {
    std::array<std::uint8_t, k_answer_bytes> answer{};
    const int size = res_query(name.c_str(), k_internet, k_srv, answer.data(), static_cast<int>(answer.size()));
    const int why = size < 0 ? h_errno : NO_DATA;
    auto places = services_of_answer(
        std::span(answer).first(std::min(static_cast<std::size_t>(std::max(size, 0)), answer.size())));
    if (!places.empty()) {
        return places;
    }
    const bool known = why >= HOST_NOT_FOUND && why <= NO_DATA;
    return error(errors::resolver(static_cast<errors::Resolver>(k_first_row + (known ? why : NO_RECOVERY))), name);
}

}  // namespace

Status look_up_now(const std::string& host) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(host.c_str(), nullptr, &wanted, &found);
    if (found != nullptr) {
        freeaddrinfo(found);
    }
    return code == 0 ? Status() : resolver_error(code, host);
}

Result<std::vector<ServicePlace>> look_up_service_now(const std::string& name) {
    const auto names = names_to_ask(name, system_files()->read("/etc/resolv.conf", k_resolv_conf_bytes).value_or({}));
    for (std::size_t i = 0;; ++i) {
        auto found = ask(names[i]);
        if (found.ok() || i + 1 == names.size()) {
            return found;
        }
    }
}

}  // namespace hagent::platform
