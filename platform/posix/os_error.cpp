// SPDX-License-Identifier: Apache-2.0
// Owns the table from errno and getaddrinfo numbers to catalogue rows.
#include "platform/os_error.h"

#include <netdb.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/concat.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

// ENXIO and ENODEV are rows too: to whoever names it, a device that has vanished is a missing file.
struct FileRow {
    int number;
    AgentCode code;
};

// The seed's tables name socket errors by their Windows numbers, so these stand for them on every system.
struct SocketRow {
    int number;
    std::uint16_t winsock;
};

// clang-format off
constexpr std::array k_file_rows = {
    FileRow{ENOENT,       AgentCode::file_not_found},
    FileRow{ENXIO,        AgentCode::file_not_found},
    FileRow{ENODEV,       AgentCode::file_not_found},
    FileRow{EACCES,       AgentCode::permission_denied},
    FileRow{EPERM,        AgentCode::permission_denied},
    FileRow{EEXIST,       AgentCode::already_exists},
    FileRow{ENOTDIR,      AgentCode::not_a_directory},
    FileRow{EISDIR,       AgentCode::is_a_directory},
    FileRow{ENOSPC,       AgentCode::disk_full},
    FileRow{EDQUOT,       AgentCode::quota_exceeded},
    FileRow{EROFS,        AgentCode::read_only},
    FileRow{EIO,          AgentCode::io_error},
    FileRow{EMFILE,       AgentCode::too_many_open_files},
    FileRow{ENFILE,       AgentCode::too_many_open_files},
    FileRow{ENAMETOOLONG, AgentCode::name_too_long},
    FileRow{EXDEV,        AgentCode::cross_device},
    FileRow{EFBIG,        AgentCode::file_too_large},
    FileRow{EOVERFLOW,    AgentCode::file_too_large},
    FileRow{ENOMEM,       AgentCode::out_of_memory},
    FileRow{ENOSYS,       AgentCode::unsupported_here},
    FileRow{EOPNOTSUPP,   AgentCode::unsupported_here},
};

constexpr std::array k_socket_rows = {
    SocketRow{EINTR,           10004}, SocketRow{EBADF,         10009}, SocketRow{EACCES,       10013},
    SocketRow{EPERM,           10013}, SocketRow{EFAULT,        10014}, SocketRow{EINVAL,       10022},
    SocketRow{EMFILE,          10024}, SocketRow{ENFILE,        10024}, SocketRow{EWOULDBLOCK,  10035},
    SocketRow{EINPROGRESS,     10036}, SocketRow{EALREADY,      10037}, SocketRow{ENOTSOCK,     10038},
    SocketRow{EDESTADDRREQ,    10039}, SocketRow{EMSGSIZE,      10040}, SocketRow{EPROTOTYPE,   10041},
    SocketRow{ENOPROTOOPT,     10042}, SocketRow{EPROTONOSUPPORT, 10043}, SocketRow{ESOCKTNOSUPPORT, 10044},
    SocketRow{EOPNOTSUPP,      10045}, SocketRow{EPFNOSUPPORT,  10046}, SocketRow{EAFNOSUPPORT, 10047},
    SocketRow{EADDRINUSE,      10048}, SocketRow{EADDRNOTAVAIL, 10049}, SocketRow{ENETDOWN,     10050},
    SocketRow{ENETUNREACH,     10051}, SocketRow{ENETRESET,     10052}, SocketRow{ECONNABORTED, 10053},
    SocketRow{ECONNRESET,      10054}, SocketRow{EPIPE,         10054}, SocketRow{ENOBUFS,      10055},
    SocketRow{ENOMEM,          10055}, SocketRow{EISCONN,       10056}, SocketRow{ENOTCONN,     10057},
    SocketRow{ESHUTDOWN,       10058}, SocketRow{ETIMEDOUT,     10060}, SocketRow{ECONNREFUSED, 10061},
    SocketRow{EHOSTDOWN,       10064}, SocketRow{EHOSTUNREACH,  10065},
};
// clang-format on

// WSAHOST_NOT_FOUND, WSATRY_AGAIN, WSANO_RECOVERY, WSANO_DATA of the same tables.
constexpr std::uint16_t k_host_not_found = 11001, k_try_again = 11002, k_no_recovery = 11003, k_no_data = 11004;

}  // namespace

Failure file_error(std::int64_t number, TextView context) {
    for (const auto& row : k_file_rows) {
        if (row.number == number) {
            return {errors::agent(row.code), number, context};
        }
    }
    // no row of ours says it, so the system has to
    return {errors::agent(AgentCode::os_error), number,
            concat({context, ": os-", std::to_string(number), ", ", system_words(number)})};
}

std::string system_words(std::int64_t number) { return std::strerror(static_cast<int>(number)); }

Failure socket_error(std::int64_t number, TextView context) {
    for (const auto& row : k_socket_rows) {
        if (row.number == number) {
            return {errors::winsock(row.winsock), number, context};
        }
    }
    return {errors::agent(AgentCode::os_error), number, context};
}

Failure resolver_error(std::int64_t number, TextView context) {
    std::uint16_t row = k_no_recovery;
    if (number == EAI_NONAME) {
        row = k_host_not_found;
    } else if (number == EAI_AGAIN || number == EAI_SYSTEM || number == EAI_MEMORY) {
        row = k_try_again;
    } else if (number == EAI_NODATA || number == EAI_ADDRFAMILY) {
        row = k_no_data;
    }
    return {errors::resolver(row), number, context};
}

}  // namespace hagent::platform
