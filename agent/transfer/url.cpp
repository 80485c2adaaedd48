// SPDX-License-Identifier: Apache-2.0
// Owns the grammar of addresses: strict, because a path goes into commands and a host decides who gets a secret.
#include "agent/transfer/url.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

struct SchemeRow {
    Scheme scheme;
    std::string_view name;
    std::uint16_t port;
};
constexpr std::array<SchemeRow, 5> k_schemes = {{{Scheme::http, "http", 80},
                                                 {Scheme::https, "https", 443},
                                                 {Scheme::ftp, "ftp", 21},
                                                 {Scheme::ftps, "ftps", 990},
                                                 {Scheme::ftpes, "ftpes", 21}}};

constexpr std::size_t k_url_bytes = 4096;
constexpr std::size_t k_host_bytes = 253;

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

Failure bad(std::string_view why) { return error(AgentCode::bad_url, std::string(why)); }

/// The length of "scheme" when the text begins with "scheme:", else 0 (RFC 3986, 3.1).
std::size_t scheme_length(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && (is_letter(text[n]) ||
                               (n > 0 && (is_digit(text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.')))) {
        ++n;
    }
    return n < text.size() && text[n] == ':' ? n : 0;
}

Result<Scheme> scheme_of(std::string_view name) {
    for (const auto& row : k_schemes) {
        if (equal_ignoring_case(row.name, name)) {
            return row.scheme;
        }
    }
    return error(AgentCode::unsupported_scheme, printable(clip(name, 32)));
}

/// Letters of other alphabets must come as punycode; '_' occurs in real names.
bool plain_host(std::string_view host) {
    return !host.empty() && host.size() <= k_host_bytes && std::all_of(host.begin(), host.end(), [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

/// Only the characters are checked; whether it is an address the system finds out.
bool ipv6_host(std::string_view host) {
    return host.size() >= 2 && host.size() <= 45 && host.find(':') != std::string_view::npos &&
           std::all_of(host.begin(), host.end(), [](char c) { return is_hex(c) || c == ':' || c == '.'; });
}

/// Decodes a part that may end up in a command line of a protocol.
Result<std::string> decode_safely(std::string_view text, std::string_view what) {
    std::string plain = TRY(decode(text));
    if (plain.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return bad(std::string(what) + " holds an encoded line end or NUL");
    }
    return plain;
}

/// RFC 3986, 3.2.2 and 3.2.3. "host:" is as good as "host".
Status parse_host_and_port(std::string_view text, Url& url) {
    std::string_view port;
    if (!text.empty() && text.front() == '[') {
        const auto end = text.find(']');
        if (end == std::string_view::npos || !ipv6_host(text.substr(1, end - 1))) {
            return bad("IPv6 address is malformed");
        }
        url.host = to_lower(text.substr(1, end - 1));
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':') {
            return bad("text after the IPv6 address");
        }
        port.remove_prefix(port.empty() ? 0 : 1);
    } else {
        const auto colon = text.find(':');
        const auto host = text.substr(0, colon);
        if (!plain_host(host)) {
            return bad("host name is missing or malformed");
        }
        url.host = to_lower(host);
        port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    }
    url.port = default_port(url.scheme);
    if (!port.empty()) {
        const auto number = parse_u64(port, 65535);
        if (!number || *number == 0) {
            return bad("port is not between 1 and 65535");
        }
        url.port = narrow<std::uint16_t>(*number);
    }
    return {};
}

/// The last '@' counts: a password may hold one that was not encoded, a host never can.
Status parse_authority(std::string_view text, Url& url) {
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        const auto userinfo = text.substr(0, at);
        const auto colon = userinfo.find(':');
        url.user = TRY(decode_safely(userinfo.substr(0, colon), "user name"));
        if (colon != std::string_view::npos) {
            url.password = TRY(decode_safely(userinfo.substr(colon + 1), "password"));
        }
        text.remove_prefix(at + 1);
    }
    return parse_host_and_port(text, url);
}

/// RFC 1738, 3.2.2: the type at the end of an FTP address. libcurl would take one in the middle, too.
Status take_type(std::string& path) {
    constexpr std::string_view k_type = ";type=";
    if (path.size() > k_type.size()) {
        const auto at = path.size() - k_type.size() - 1;
        const auto code = to_lower(path.substr(path.size() - 1));
        if (equal_ignoring_case(std::string_view(path).substr(at, k_type.size()), k_type)) {
            if (code == "a" || code == "d") {
                return bad("';type=" + code + "' is not supported: files are fetched byte for byte (;type=i)");
            }
            path.erase(code == "i" ? at : path.size());
        }
    }
    path = replace_all(path, ";", "%3B");
    return {};
}

Status parse_path(std::string_view text, Url& url) {
    text = text.substr(0, text.find('#'));
    const auto question = text.find('?');
    url.path = text.substr(0, question);
    if (url.path.empty()) {
        url.path = "/";
    }
    if (question != std::string_view::npos) {
        const auto query = text.substr(question + 1);
        if (is_ftp(url.scheme)) {
            url.path += "%3F" + replace_all(query, "?", "%3F");  // FTP knows no queries: it is part of the name
        } else {
            url.query = query;
        }
    }
    if (is_ftp(url.scheme)) {
        TRY(take_type(url.path));
    }
    TRY(is_ftp(url.scheme) ? decode_safely(url.path, "path") : decode(url.path));
    return {};
}

/// RFC 3986, 5.2.4, for a path that begins with '/'.
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> kept;
    const auto segments = split(path.substr(1), '/');
    for (std::size_t i = 0; i < segments.size(); ++i) {
        const bool last = i + 1 == segments.size();
        if (segments[i] == "." || segments[i] == "..") {
            if (segments[i] == ".." && !kept.empty()) {
                kept.pop_back();
            }
            if (last) {
                kept.emplace_back();
            }
        } else {
            kept.push_back(segments[i]);
        }
    }
    std::string result;
    for (const auto segment : kept) {
        result += '/';
        result += segment;
    }
    return result.empty() ? "/" : result;
}

std::string authority_text(const Url& url) {
    std::string text = url.host.find(':') == std::string::npos ? url.host : '[' + url.host + ']';
    if (url.port != default_port(url.scheme)) {
        text += ':' + std::to_string(url.port);
    }
    return text;
}

/// RFC 3986, 5.2.2 and 5.2.3, as a text that is parsed anew: what is refused at first hand is refused here too.
std::string merged(const Url& base, std::string_view reference) {
    const std::string start = std::string(to_string(base.scheme)) + ':';
    if (reference.starts_with("//")) {
        return start + std::string(reference);
    }
    const std::string site = start + "//" + authority_text(base);
    const auto end_of_path = std::min(reference.find_first_of("?#"), reference.size());
    const auto path = reference.substr(0, end_of_path);
    const auto rest = reference.substr(end_of_path);
    if (path.empty()) {
        const std::string query = rest.starts_with('?') || base.query.empty() ? "" : '?' + base.query;
        return site + base.path + query + std::string(rest);
    }
    const std::string whole =
        path.front() == '/' ? std::string(path) : base.path.substr(0, base.path.rfind('/') + 1) + std::string(path);
    return site + without_dots(whole) + std::string(rest);
}

/// Percent-encodes all but letters, digits and the characters of `plain`.
std::string encode(std::string_view text, std::string_view plain) {
    static constexpr std::string_view k_digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        if (is_letter_or_digit(c) || plain.find(c) != std::string_view::npos) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += {'%', k_digits[byte >> 4U], k_digits[byte & 15U]};
        }
    }
    return encoded;
}

/// As browsers do with a Location: what an address cannot hold is encoded, what is encoded stays, and a path may be
/// written as on Windows.
std::string encoded_reference(std::string_view reference) {
    const auto end_of_path = std::min(reference.find_first_of("?#"), reference.size());
    std::string encoded;
    for (std::size_t i = 0; i < reference.size(); ++i) {
        const char c = reference[i];
        const bool stray =
            c == '%' && (i + 2 >= reference.size() || !is_hex(reference[i + 1]) || !is_hex(reference[i + 2]));
        if (c == '\\' && i < end_of_path) {
            encoded += '/';
        } else if (stray || c == ' ' || c == '\\' || c > '~' || c < '\0') {
            encoded += encode({&c, 1}, "");
        } else {
            encoded += c;
        }
    }
    return encoded;
}

}  // namespace

std::string_view to_string(Scheme scheme) { return k_schemes[static_cast<std::size_t>(scheme)].name; }

std::uint16_t default_port(Scheme scheme) { return k_schemes[static_cast<std::size_t>(scheme)].port; }

Result<Url> parse_url(std::string_view text) {
    const auto too_long = [] { return bad(concat({"longer than ", std::to_string(k_url_bytes), " bytes"})); };
    if (text.size() > k_url_bytes) {
        return too_long();
    }
    if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~' || c == '\\'; })) {
        return bad("a blank, backslash, control or non-ASCII byte is not percent-encoded");
    }
    const auto length = scheme_length(text);
    if (length == 0) {
        return bad("no scheme such as https://");
    }
    Url url;
    url.scheme = TRY(scheme_of(text.substr(0, length)));
    text.remove_prefix(length + 1);
    if (!text.starts_with("//")) {
        return bad("no // after the scheme");
    }
    text.remove_prefix(2);
    const auto end = std::min(text.find_first_of("/?#"), text.size());
    TRY(parse_authority(text.substr(0, end), url));
    TRY(parse_path(text.substr(end), url));
    if (to_text(url).size() > k_url_bytes) {  // what is a query elsewhere is encoded in FTP's paths, and grows
        return too_long();
    }
    return url;
}

std::string to_text(const Url& url) {
    return std::string(to_string(url.scheme)) + "://" + authority_text(url) + url.path +
           (url.query.empty() ? "" : '?' + url.query);
}

std::string shown(std::string_view url) {
    const auto slashes = url.find("//");
    const auto start = slashes == std::string_view::npos ? 0 : slashes + 2;
    // An '@' may stand in a path, so only the authority counts; a malformed text is cut at its last '@' to be safe.
    const auto end = std::min(url.find_first_of("/?#", start), url.size());
    auto at = url.substr(0, end).rfind('@');
    if (!parse_url(url).ok()) {
        at = url.rfind('@');
    }
    const auto rest = at == std::string_view::npos || at < start ? start : at + 1;
    const auto query = std::min(url.find('?', rest), url.size());
    return printable(std::string(url.substr(0, start)).append(url.substr(rest, query - rest))) +
           (query == url.size() ? "" : "?...");
}

bool same_origin(const Url& a, const Url& b) { return a.scheme == b.scheme && a.host == b.host && a.port == b.port; }

bool is_loopback(const Url& url) {
    if (url.host == "localhost" || url.host == "::1") {
        return true;
    }
    const auto parts = split(url.host, '.');
    return parts.size() == 4 && parts[0] == "127" &&
           std::all_of(parts.begin(), parts.end(), [](auto part) { return parse_u64(part, 255).has_value(); });
}

Result<Url> resolve(const Url& base, std::string_view reference) {
    const auto text = encoded_reference(trim(reference));
    Url url = TRY(parse_url(scheme_length(text) > 0 ? text : merged(base, text)));
    if (url.user.empty() && url.password.empty() && same_origin(base, url)) {
        url.user = base.user;
        url.password = base.password;
    }
    return url;
}

std::string encode_path(std::string_view path) { return encode(path, "-._~/!$&'()*+,=@:"); }

std::string with_login(std::string_view url, std::string_view user, std::string_view password) {
    const auto host = url.find("://") + 3;
    return concat({url.substr(0, host), encode(user, "-._~"), password.empty() ? "" : ":", encode(password, "-._~"),
                   "@", url.substr(host)});
}

Result<std::string> decode(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        const auto byte = from_hex(text.substr(i + 1, 2));
        if (!byte || byte->size() != 1) {
            return bad("a percent sign without two hexadecimal digits");
        }
        plain += static_cast<char>(byte->front());
        i += 2;
    }
    return plain;
}

std::string local_name(const Url& url) {
    const auto name = decode(std::string_view(url.path).substr(url.path.rfind('/') + 1));
    // A drive, a stream and wildcards have signs of their own where '\\' separates.
    const std::string_view forbidden = platform::native("/") == "/" ? "/" : "/\\:*?\"<>|";
    const bool usable =
        name.ok() && !name->empty() && name->find_first_of(forbidden) == std::string::npos && *name != "." &&
        *name != ".." &&
        std::none_of(name->begin(), name->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    return usable ? *name : "";
}

}  // namespace hagent::transfer
