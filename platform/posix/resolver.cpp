// SPDX-License-Identifier: Apache-2.0
// Owns look_up over getaddrinfo.
#include "platform/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include "platform/os_error.h"

namespace hagent::platform {

Status look_up(const std::string& host) {
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

}  // namespace hagent::platform
