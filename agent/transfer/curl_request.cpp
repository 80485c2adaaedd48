// SPDX-License-Identifier: Apache-2.0
// Owns every libcurl option that follows from Options, Exchange and Url.
#include "agent/transfer/curl_request.h"

#include <curl/curl.h>

#include <algorithm>
#include <string>

#include "agent/base/check.h"
#include "agent/base/concat.h"
#include "agent/base/number.h"
#include "platform/paths.h"

namespace hagent::transfer {
namespace {

constexpr long k_buffer_bytes = 64L << 10U;
constexpr long k_low_speed_bytes_per_s = 1;

/// Of two limits the lower one; 0 means that there is none.
std::uint64_t lower_limit(std::uint64_t a, std::uint64_t b) { return a == 0 ? b : (b == 0 ? a : std::min(a, b)); }

/// As CURLOPT_PINNEDPUBLICKEY wants them.
std::string joined_pins(const std::vector<std::string>& pins) {
    std::string text;
    for (const auto& pin : pins) {
        text += (text.empty() ? "" : ";") + std::string(pin.starts_with("sha256//") ? "" : "sha256//") + pin;
    }
    return text;
}

std::string ca_bundle(const Options& options) {
    return options.ca_file.empty() ? platform::system_ca_file() : options.ca_file;
}

struct Request {
    CURL* easy;
    const Options& options;
    const Exchange& exchange;
    const Url& url;

    template <class T>
    void set(CURLoption option, T value) const {
        // Refused only for options that this build of libcurl lacks, and those are chosen beside the build.
        check(curl_easy_setopt(easy, option, value) == CURLE_OK);
    }

    [[nodiscard]] Url plain() const;
    void address() const;
    void times() const;
    void tls() const;
    void credentials() const;
    void body() const;
    void http() const;
    void ftp() const;
};

/// In a scheme that libcurl knows.
Url Request::plain() const {
    Url known = url;
    known.scheme = url.scheme == Scheme::ftpes ? Scheme::ftp : url.scheme;
    return known;
}

void Request::address() const {
    set(CURLOPT_URL, to_text(plain()).c_str());
    // libcurl is built with these only; said here too, so that another build cannot open more.
    set(CURLOPT_PROTOCOLS_STR, "http,https,ftp,ftps");
    // Its time limit for name look-up would use SIGALRM, in a process with threads.
    set(CURLOPT_NOSIGNAL, 1L);
    // Whoever gives up does not wait for a running question to the name servers: its thread cleans up after itself.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_BUFFERSIZE, k_buffer_bytes);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    if (is_ftp(url.scheme) || is_loopback(url) || !options.use_proxies) {
        set(CURLOPT_PROXY, "");
    } else {
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's head must never be taken for the server's
        const auto bundle = ca_bundle(options);
        set(CURLOPT_PROXY_CAINFO, bundle.empty() ? nullptr : bundle.c_str());
    }
}

void Request::times() const {
    const auto stall = narrow<long>(std::clamp<std::int64_t>(options.stall_timeout.count(), 1, 86400));
    set(CURLOPT_CONNECTTIMEOUT, narrow<long>(std::clamp<std::int64_t>(options.connect_timeout.count(), 1, 86400)));
    set(CURLOPT_LOW_SPEED_LIMIT, k_low_speed_bytes_per_s);
    set(CURLOPT_LOW_SPEED_TIME, stall);
    if (is_ftp(url.scheme)) {
        set(CURLOPT_SERVER_RESPONSE_TIMEOUT, stall);
    }
    const auto limit = static_cast<curl_off_t>(
        std::min<std::uint64_t>(lower_limit(exchange.limit_bytes_per_s, options.limit_bytes_per_s), INT64_MAX));
    set(exchange.method == Method::get ? CURLOPT_MAX_RECV_SPEED_LARGE : CURLOPT_MAX_SEND_SPEED_LARGE, limit);
}

void Request::tls() const {
    if (!is_encrypted(url.scheme)) {
        return;
    }
    // Older versions of TLS are not to be negotiated, whatever the server offers (RFC 8996).
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    if (!options.pins.empty()) {
        set(CURLOPT_PINNEDPUBLICKEY, joined_pins(options.pins).c_str());
    }
    if (options.pins.empty() || !options.ca_file.empty()) {
        const auto bundle = ca_bundle(options);
        set(CURLOPT_CAINFO, bundle.empty() ? nullptr : bundle.c_str());
        set(CURLOPT_SSL_VERIFYPEER, 1L);
    } else {
        set(CURLOPT_SSL_VERIFYPEER, 0L);  // the pinned key alone says who it is
    }
    if (!options.client_cert_file.empty()) {
        set(CURLOPT_SSLCERT, options.client_cert_file.c_str());
        set(CURLOPT_SSLKEY,
            options.client_key_file.empty() ? options.client_cert_file.c_str() : options.client_key_file.c_str());
    }
    if (is_ftp(url.scheme)) {
        set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
        set(CURLOPT_FTPSSLAUTH, static_cast<long>(CURLFTPAUTH_TLS));
    }
}

void Request::credentials() const {
    if (url.password.empty() && !options.netrc_file.empty()) {
        set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
        set(CURLOPT_NETRC_FILE, options.netrc_file.c_str());
        if (!url.user.empty()) {  // libcurl looks for the password of a user only when the address holds the name
            set(CURLOPT_URL, with_login(to_text(plain()), url.user, {}).c_str());
        }
    } else if (!url.user.empty() || !url.password.empty()) {
        set(CURLOPT_USERNAME, url.user.c_str());
        set(CURLOPT_PASSWORD, url.password.c_str());
    }
}

void Request::ftp() const {
    // The address in a 227 reply is never used: behind NAT it is wrong, and a server could send us anywhere with it.
    set(CURLOPT_FTP_SKIP_PASV_IP, 1L);
    set(CURLOPT_FTP_USE_EPSV, exchange.ftp.epsv ? 1L : 0L);
    if (exchange.method == Method::put) {
        set(CURLOPT_FTP_CREATE_MISSING_DIRS, static_cast<long>(CURLFTP_CREATE_DIR_RETRY));
        return;
    }
    set(CURLOPT_FILETIME, exchange.ftp.mdtm ? 1L : 0L);
    set(CURLOPT_IGNORE_CONTENT_LENGTH, 1L);  // SIZE and REST are asked by before_retr()
}

void Request::body() const {
    const auto bytes =
        static_cast<curl_off_t>(exchange.source != nullptr ? exchange.source_bytes : exchange.body.size());
    switch (exchange.method) {
        case Method::get: return;
        case Method::put:
            set(CURLOPT_UPLOAD, 1L);
            set(CURLOPT_INFILESIZE_LARGE, bytes);
            return;
        case Method::post:
            set(CURLOPT_POST, 1L);
            set(CURLOPT_POSTFIELDSIZE_LARGE, bytes);
            return;
    }
}

void Request::http() const {
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, options.user_agent.c_str());
    set(CURLOPT_HTTP09_ALLOWED, exchange.headless ? 1L : 0L);
}

}  // namespace

Result<std::size_t> next_to_send(const Exchange& exchange, std::uint64_t& sent, std::span<char> out) {
    std::size_t count = 0;
    if (exchange.source != nullptr) {
        const auto left = std::min<std::uint64_t>(exchange.source_bytes - sent, out.size());
        count = left == 0 ? 0 : TRY(exchange.source->read_at(sent, out.first(narrow<std::size_t>(left))));
    } else {
        const auto rest = std::string_view(exchange.body).substr(narrow<std::size_t>(sent));
        count = rest.copy(out.data(), out.size());
    }
    sent += count;
    return count;
}

std::vector<std::string> header_lines(const Exchange& exchange, bool own_origin, const Headers& provided) {
    std::vector<std::string> lines;
    const auto add = [&](const std::string& name, const std::string& value) {
        // libcurl wants "Name;" for an empty value; "Name:" would take its own header of that name away.
        lines.push_back(name + (value.empty() ? ";" : ": " + value));
    };
    for (const auto& [name, value] : own_origin ? exchange.headers : Headers()) {
        add(name, value);
    }
    for (const auto& [name, value] : provided) {
        add(name, value);
    }
    if (exchange.method == Method::get && (exchange.offset > 0 || exchange.end)) {
        const auto last = exchange.end ? std::to_string(*exchange.end - 1) : std::string();
        add("Range", concat({"bytes=", std::to_string(exchange.offset), "-", last}));
        if (!exchange.if_range.empty()) {
            add("If-Range", exchange.if_range);
        }
    }
    if (exchange.method == Method::get && exchange.past_caches) {
        add("Cache-Control", "no-cache");
        add("Pragma", "no-cache");  // what a cache of HTTP/1.0 understands
    }
    // Without "Expect: 100-continue": servers that do not know it would cost a second at each upload.
    lines.emplace_back("Expect:");
    return lines;
}

std::string peer_address(void* easy) {
    const char* address = nullptr;
    curl_easy_getinfo(static_cast<CURL*>(easy), CURLINFO_PRIMARY_IP, &address);
    return address == nullptr ? std::string() : address;
}

std::uint64_t bytes_sent(void* easy) {
    curl_off_t sent = 0;
    curl_easy_getinfo(static_cast<CURL*>(easy), CURLINFO_SIZE_UPLOAD_T, &sent);
    return static_cast<std::uint64_t>(sent);
}

void* with_line(void* list, const std::string& line) {
    curl_slist* longer = curl_slist_append(static_cast<curl_slist*>(list), line.c_str());
    check(longer != nullptr);
    return longer;
}

void configure_request(void* easy, const Options& options, const Exchange& exchange, const Url& url) {
    const Request request{static_cast<CURL*>(easy), options, exchange, url};
    request.address();
    request.times();
    request.tls();
    request.credentials();
    request.body();
    if (is_ftp(url.scheme)) {
        request.ftp();
    } else {
        request.http();
    }
}

}  // namespace hagent::transfer
