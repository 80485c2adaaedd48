// SPDX-License-Identifier: Apache-2.0
// Owns the questions to libcurl, and whose fault a failure is: the proxy's or the server's.
#include "agent/transfer/curl_failure.h"

#include <curl/curl.h>

namespace hagent::transfer {
namespace {

long number(void* easy, CURLINFO what) {
    long value = 0;
    curl_easy_getinfo(static_cast<CURL*>(easy), what, &value);
    return value;
}

std::int64_t time_us(void* easy, CURLINFO what) {
    curl_off_t us = 0;
    curl_easy_getinfo(static_cast<CURL*>(easy), what, &us);
    return us;
}

/// Whether the fault lies before the proxy has opened the way: then it says nothing about the server.
bool at_proxy(void* easy, const CurlFailure& failure, const Url& url, const Proxy& proxy) {
    if (failure.code == CURLE_COULDNT_RESOLVE_PROXY || failure.code == CURLE_PROXY) {
        return true;
    }
    if (url.scheme == Scheme::https && !proxy.socks) {
        return failure.connect_status / 100 != 2;
    }
    const bool tls = failure.code == CURLE_SSL_CONNECT_ERROR || failure.code == CURLE_PEER_FAILED_VERIFICATION;
    return time_us(easy, CURLINFO_CONNECT_TIME_T) == 0 || (tls && !is_encrypted(url.scheme));
}

}  // namespace

long connect_status(void* easy) { return number(easy, CURLINFO_HTTP_CONNECTCODE); }
std::int64_t elapsed_us(void* easy) { return time_us(easy, CURLINFO_TOTAL_TIME_T); }

/// libcurl notes that it uses one when there is an address to go to.
std::optional<Proxy> proxy_used(void* easy, const Options& options, const Url& url, int code) {
    if (is_ftp(url.scheme) || is_loopback(url) || !options.use_proxies) {
        return std::nullopt;
    }
    const bool used = code == CURLE_COULDNT_RESOLVE_PROXY || number(easy, CURLINFO_USED_PROXY) != 0;
    return used ? environment_proxy(url) : std::nullopt;
}

std::string tls_host(void* easy, const Options& options, const Url& url) {
    const auto proxy = proxy_used(easy, options, url, CURLE_OK);
    const bool way_is_open = is_encrypted(url.scheme) && connect_status(easy) / 100 == 2;
    return proxy && proxy->encrypted && !way_is_open ? proxy->host : url.host;
}

CurlFailure failure_of(void* easy, const Options& options, const Url& url, int code, bool said) {
    const bool tls_first = is_encrypted(url.scheme) && url.scheme != Scheme::ftpes;
    CurlFailure failure;
    failure.code = code;
    failure.os = number(easy, CURLINFO_OS_ERRNO);
    failure.host = url.host;
    failure.resolved = time_us(easy, CURLINFO_NAMELOOKUP_TIME_T) > 0;
    failure.said = said;
    failure.connected = said || time_us(easy, tls_first ? CURLINFO_APPCONNECT_TIME_T : CURLINFO_CONNECT_TIME_T) > 0;
    failure.quick = elapsed_us(easy) < 2'000'000;
    if (const auto proxy = proxy_used(easy, options, url, code)) {
        failure.connect_status = connect_status(easy);
        if (at_proxy(easy, failure, url, *proxy)) {
            failure.proxy = proxy->shown();
            failure.host = proxy->host;
        }
    }
    return failure;
}

}  // namespace hagent::transfer
