// SPDX-License-Identifier: Apache-2.0
// Owns the table from GetLastError numbers to catalogue rows; socket numbers are catalogue rows themselves.
#include "platform/os_error.h"

#include <array>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

struct FileRow {
    std::int64_t number;
    AgentCode code;
};

constexpr std::int64_t k_disk_quota_exceeded = 1295;  // ERROR_DISK_QUOTA_EXCEEDED, which mingw does not name

// clang-format off
constexpr std::array k_file_rows = {
    FileRow{ERROR_FILE_NOT_FOUND,        AgentCode::file_not_found},
    FileRow{ERROR_PATH_NOT_FOUND,        AgentCode::file_not_found},
    FileRow{ERROR_INVALID_DRIVE,         AgentCode::file_not_found},
    FileRow{ERROR_BAD_NETPATH,           AgentCode::file_not_found},
    FileRow{ERROR_BAD_NET_NAME,          AgentCode::file_not_found},
    FileRow{ERROR_ACCESS_DENIED,         AgentCode::permission_denied},
    FileRow{ERROR_SHARING_VIOLATION,     AgentCode::permission_denied},
    FileRow{ERROR_LOCK_VIOLATION,        AgentCode::permission_denied},
    FileRow{ERROR_PRIVILEGE_NOT_HELD,    AgentCode::permission_denied},
    FileRow{ERROR_ALREADY_EXISTS,        AgentCode::already_exists},
    FileRow{ERROR_FILE_EXISTS,           AgentCode::already_exists},
    FileRow{ERROR_DIRECTORY,             AgentCode::not_a_directory},
    FileRow{ERROR_DISK_FULL,             AgentCode::disk_full},
    FileRow{ERROR_HANDLE_DISK_FULL,      AgentCode::disk_full},
    FileRow{k_disk_quota_exceeded,       AgentCode::quota_exceeded},
    FileRow{ERROR_WRITE_PROTECT,         AgentCode::read_only},
    FileRow{ERROR_CRC,                   AgentCode::io_error},
    FileRow{ERROR_SECTOR_NOT_FOUND,      AgentCode::io_error},
    FileRow{ERROR_WRITE_FAULT,           AgentCode::io_error},
    FileRow{ERROR_READ_FAULT,            AgentCode::io_error},
    FileRow{ERROR_GEN_FAILURE,           AgentCode::io_error},
    FileRow{ERROR_IO_DEVICE,             AgentCode::io_error},
    FileRow{ERROR_FILE_CORRUPT,          AgentCode::io_error},
    FileRow{ERROR_DISK_CORRUPT,          AgentCode::io_error},
    FileRow{ERROR_TOO_MANY_OPEN_FILES,   AgentCode::too_many_open_files},
    FileRow{ERROR_FILENAME_EXCED_RANGE,  AgentCode::name_too_long},
    FileRow{ERROR_BUFFER_OVERFLOW,       AgentCode::name_too_long},
    FileRow{ERROR_NOT_SAME_DEVICE,       AgentCode::cross_device},
    FileRow{ERROR_FILE_TOO_LARGE,        AgentCode::file_too_large},
    FileRow{ERROR_NOT_ENOUGH_MEMORY,     AgentCode::out_of_memory},
    FileRow{ERROR_OUTOFMEMORY,           AgentCode::out_of_memory},
    FileRow{ERROR_COMMITMENT_LIMIT,      AgentCode::out_of_memory},
    FileRow{ERROR_NOT_SUPPORTED,         AgentCode::unsupported_here},
    FileRow{ERROR_CALL_NOT_IMPLEMENTED,  AgentCode::unsupported_here},
};
// clang-format on

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

std::string system_words(std::int64_t number) {
    std::array<wchar_t, 256> text{};
    const DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
                                        static_cast<DWORD>(number), 0, text.data(), text.size(), nullptr);
    return std::string(trim(narrow_text({text.data(), length})));
}

Failure socket_error(std::int64_t number, TextView context) {
    const bool known = number >= WSABASEERR && number < WSAHOST_NOT_FOUND;
    return {known ? errors::winsock(static_cast<std::uint16_t>(number)) : errors::agent(AgentCode::os_error), number,
            context};
}

Failure resolver_error(std::int64_t number, TextView context) {
    const bool known = number >= WSAHOST_NOT_FOUND && number <= WSANO_DATA;
    const auto row = static_cast<std::uint16_t>(known ? number : WSANO_RECOVERY);
    return {errors::resolver(row), number, context};
}

}  // namespace hagent::platform
