// SPDX-License-Identifier: Apache-2.0
// Owns the reading of http_proxy and its kind, as libcurl reads them.
#include "agent/transfer/proxy.h"

#include <array>
#include <utility>

#include "agent/base/text.h"
#include "platform/paths.h"

namespace hagent::transfer {
namespace {

// HTTP_PROXY is left out on purpose, as in libcurl: for a program that a web server starts, a client sets it.
constexpr std::array k_for_http = {"http_proxy", "all_proxy", "ALL_PROXY"};
constexpr std::array k_for_https = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};

template <std::size_t N>
std::pair<std::string, std::string> first_set(const std::array<const char*, N>& names) {
    for (const char* name : names) {
        if (auto value = platform::environment(name); !value.empty()) {
            return {name, std::move(value)};
        }
    }
    return {};
}

}  // namespace

std::optional<Proxy> environment_proxy(const Url& url) {
    auto [variable, value] = url.scheme == Scheme::https ? first_set(k_for_https) : first_set(k_for_http);
    if (value.empty()) {
        return std::nullopt;
    }
    std::string_view rest = value;
    std::string_view scheme = "http";
    if (const auto end = rest.find("://"); end != std::string_view::npos) {
        scheme = rest.substr(0, end);
        rest.remove_prefix(end + 3);
    }
    const bool socks = to_lower(scheme).starts_with("socks"), encrypted = equal_ignoring_case(scheme, "https");
    rest = rest.substr(0, rest.find('/'));
    if (const auto sign = rest.rfind('@'); sign != std::string_view::npos) {
        rest.remove_prefix(sign + 1);  // a login
    }
    const auto colon = rest.rfind(':');
    const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
    Proxy proxy{std::move(variable), printable(rest.substr(0, has_port ? colon : rest.size())), {}, socks, encrypted};
    proxy.place = printable(rest) + (has_port ? "" : encrypted ? ":443" : ":1080");  // libcurl's
    return proxy;
}

}  // namespace hagent::transfer
