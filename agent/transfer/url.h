// SPDX-License-Identifier: Apache-2.0
// Owns Url: an address that the agent may fetch from or send to, taken apart, put together, and shown without secrets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hagent::transfer {

/// ftps is TLS from the first byte (port 990); ftpes is FTP that must switch to TLS (RFC 4217).
enum class Scheme : std::uint8_t { http, https, ftp, ftps, ftpes };

[[nodiscard]] std::string_view to_string(Scheme scheme);
[[nodiscard]] std::uint16_t default_port(Scheme scheme);
[[nodiscard]] constexpr bool is_ftp(Scheme scheme) { return scheme >= Scheme::ftp; }
[[nodiscard]] constexpr bool is_encrypted(Scheme scheme) {
    return scheme == Scheme::https || scheme == Scheme::ftps || scheme == Scheme::ftpes;
}

/// Source: RFC 3986. `user` and `password` are decoded; `path` and `query` stay percent-encoded as written,
/// the path begins with '/', and a fragment is dropped. `host` is lower case; an IPv6 literal has no brackets.
struct Url {
    Scheme scheme = Scheme::https;
    std::string user, password;
    std::string host;
    std::uint16_t port = 0;
    std::string path = "/";
    std::string query;  // without '?'

    friend bool operator==(const Url&, const Url&) = default;
};

/// Errors: bad_url, unsupported_scheme. Blanks, control bytes and bytes above 126 must come percent-encoded,
/// and no part of an FTP address may hold an encoded CR, LF or NUL, which would smuggle a command. At the end of an FTP
/// address ";type=i" says what is done anyway, "a" and "d" are refused; any other ';' is part of a name.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

/// The address again, without user and password.
[[nodiscard]] std::string to_text(const Url& url);

/// Any text that is meant as an address, for people: what stands between "//" and "@" is left out, also when the rest
/// is malformed, a query, which may be a ticket, becomes "?...", and control bytes become '?'.
[[nodiscard]] std::string shown(std::string_view url);

/// Same scheme, host and port (RFC 6454).
[[nodiscard]] bool same_origin(const Url& a, const Url& b);

/// Whether the host is this machine: "localhost", 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(const Url& url);

/// What a Location or a link means, seen from `base` (RFC 3986, 5.2). Blanks, bytes above 126 and stray percent signs
/// are encoded as browsers do. User and password of the base go along only to the same origin. Errors: bad_url,
/// unsupported_scheme.
[[nodiscard]] Result<Url> resolve(const Url& base, std::string_view reference);

/// A relative path ("fw/new kernel") percent-encoded for use in an address; '/' stays. ';' does not, because FTP
/// addresses give it a meaning.
[[nodiscard]] std::string encode_path(std::string_view path);

/// The text of an address that names nobody, with a login before its host, encoded so that neither part can end early.
/// Without a password it is left to who may know it.
[[nodiscard]] std::string with_login(std::string_view url, std::string_view user, std::string_view password);

/// The last part of the path as the name of a local file; empty when it cannot be one here, or would lead to another
/// folder.
[[nodiscard]] std::string local_name(const Url& url);

/// "%41" becomes "A". Error: bad_url, for a percent sign without two hexadecimal digits.
[[nodiscard]] Result<std::string> decode(std::string_view text);

}  // namespace hagent::transfer
