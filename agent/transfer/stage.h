// SPDX-License-Identifier: Apache-2.0
// Owns Stage: where in a conversation with a server something happened.
#pragma once

#include <cstdint>
#include <string_view>

namespace hagent::transfer {

/// FTP stages are named after the command that was sent last; `data` lies between the 1yz reply to RETR or STOR and
/// the completion reply, which is stage `done`.
enum class Stage : std::uint8_t {
    resolve,
    connect,
    tls,
    greeting,
    auth,
    user,
    pass,
    pwd,
    cwd,
    mkd,
    type,
    size,
    mdtm,
    rest,
    epsv,
    pasv,
    retr,
    stor,
    data,
    done,
    quit,
    other,
    http_head,
    http_body,
    http_put
};
inline constexpr Stage k_first_ftp_stage = Stage::greeting;
inline constexpr Stage k_last_ftp_stage = Stage::other;

/// "connect", "RETR", "body" ...
[[nodiscard]] std::string_view to_string(Stage stage);

}  // namespace hagent::transfer
