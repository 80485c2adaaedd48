// SPDX-License-Identifier: Apache-2.0
// Owns look_up_now over getaddrinfo of Winsock, and look_up_service_now over DnsQuery.
#include "platform/resolver.h"

#include <utility>

#include "platform/dns_message.h"
#include "platform/os_error.h"
#include "platform/win32/api.h"
#include "platform/win32/network_facts.h"
// After the Windows headers.
#include <windns.h>

namespace hagent::platform {
namespace {

struct RecordTraits {
    using Value = DNS_RECORDA*;
    static Value none() { return nullptr; }
    static void close(Value value) { DnsRecordListFree(value, DnsFreeRecordList); }
};

// The name is complete already: Windows must not add its own domains to it.
constexpr DWORD k_how = DNS_QUERY_STANDARD | DNS_QUERY_TREAT_AS_FQDN;

/// The row for what DnsQuery says.
std::int64_t resolver_number(DNS_STATUS status) {
    switch (status) {
        case DNS_ERROR_RCODE_NAME_ERROR: return WSAHOST_NOT_FOUND;
        case DNS_INFO_NO_RECORDS: return WSANO_DATA;
        case DNS_ERROR_RCODE_SERVER_FAILURE:
        case ERROR_TIMEOUT: return WSATRY_AGAIN;
        default: return WSANO_RECOVERY;
    }
}

/// One query for the SRV records of exactly this name.
Result<std::vector<ServicePlace>> ask(const std::string& name) {
    DNS_RECORDA* first = nullptr;
    const auto status =
        DnsQuery_A(name.c_str(), DNS_TYPE_SRV, k_how, nullptr, reinterpret_cast<PDNS_RECORD*>(&first), nullptr);
    const UniqueHandle<RecordTraits> records(first);
    std::vector<ServicePlace> places;
    for (const auto* record = status == 0 ? first : nullptr; record != nullptr; record = record->pNext) {
        if (record->wType == DNS_TYPE_SRV && record->Data.SRV.pNameTarget != nullptr) {
            const auto& srv = record->Data.SRV;
            std::string host = srv.pNameTarget;
            host.resize(host.ends_with('.') ? host.size() - 1 : host.size());
            if (!host.empty()) {
                places.push_back({srv.wPriority, srv.wWeight, srv.wPort, std::move(host)});
            }
        }
    }
    if (!places.empty()) {
        return places;
    }
    return resolver_error(status == 0 ? WSANO_DATA : resolver_number(status), name);
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
    // In the form of resolv.conf(5), so that one rule says what is asked for on both systems.
    std::string line = "search";
    for (const auto& domain : network_facts().domains) {
        line += " " + domain;
    }
    const auto names = names_to_ask(name, line);
    for (std::size_t i = 0;; ++i) {
        auto found = ask(names[i]);
        if (found.ok() || i + 1 == names.size()) {
            return found;
        }
    }
}

}  // namespace hagent::platform
