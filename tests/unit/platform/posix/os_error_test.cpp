// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the errno table.
#include "platform/os_error.h"

#include <doctest/doctest.h>
#include <netdb.h>

#include <cerrno>
#include <utility>

namespace hagent {
namespace {

using errors::AgentCode;

TEST_CASE("file errors become the rows that name them") {
    for (const auto& [number, code] : {std::pair{ENOSPC, AgentCode::disk_full},
                                       {EDQUOT, AgentCode::quota_exceeded},
                                       {EROFS, AgentCode::read_only},
                                       {EACCES, AgentCode::permission_denied},
                                       {EPERM, AgentCode::permission_denied},
                                       {ENOENT, AgentCode::file_not_found},
                                       {EEXIST, AgentCode::already_exists},
                                       {ENOTDIR, AgentCode::not_a_directory},
                                       {EISDIR, AgentCode::is_a_directory},
                                       {EIO, AgentCode::io_error},
                                       {EMFILE, AgentCode::too_many_open_files},
                                       {ENAMETOOLONG, AgentCode::name_too_long},
                                       {EXDEV, AgentCode::cross_device},
                                       {EFBIG, AgentCode::file_too_large},
                                       {ENOTEMPTY, AgentCode::os_error}}) {
        const int errno_value = number;
        CAPTURE(errno_value);
        CHECK(platform::file_error(number, "").error().is(code));
        CHECK(platform::file_error(number, "").error().os == number);
    }
}

TEST_CASE("socket errors become the Winsock rows of the same meaning") {
    for (const auto& [number, row] : {std::pair{ECONNREFUSED, 10061},
                                      {ETIMEDOUT, 10060},
                                      {ECONNRESET, 10054},
                                      {EPIPE, 10054},
                                      {EHOSTUNREACH, 10065},
                                      {ENETUNREACH, 10051},
                                      {EADDRINUSE, 10048},
                                      {EADDRNOTAVAIL, 10049},
                                      {EACCES, 10013},
                                      {EWOULDBLOCK, 10035}}) {
        const int errno_value = number;
        CAPTURE(errno_value);
        CHECK(platform::socket_error(number, "").error().id == errors::winsock(static_cast<std::uint16_t>(row)));
    }
}

TEST_CASE("name look-up failures become the resolver rows") {
    CHECK(platform::resolver_error(EAI_NONAME, "").error().id == errors::resolver(11001));
    CHECK(platform::resolver_error(EAI_AGAIN, "").error().id == errors::resolver(11002));
    CHECK(platform::resolver_error(EAI_FAIL, "").error().id == errors::resolver(11003));
    CHECK(platform::resolver_error(EAI_NODATA, "").error().id == errors::resolver(11004));
}

}  // namespace
}  // namespace hagent
