// SPDX-License-Identifier: Apache-2.0
// Owns the table of libcurl codes.
#include "agent/transfer/curl_error.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "agent/base/concat.h"
#include "agent/base/text.h"
#include "agent/errors/catalogue.h"
#include "agent/trust/server_check.h"
#include "platform/os_error.h"
#include "platform/resolver.h"

namespace hagent::transfer {
namespace {

using errors::AgentCode;

struct Row {
    int code;
    AgentCode meaning;
    Stage stage;
    bool local;
};

// clang-format off
constexpr std::array k_rows = {
    Row{CURLE_URL_MALFORMAT,            AgentCode::bad_url,            Stage::connect,   true},
    Row{CURLE_UNSUPPORTED_PROTOCOL,     AgentCode::protocol_garbage,   Stage::http_head, false},  // an answer without a head
    Row{CURLE_OUT_OF_MEMORY,            AgentCode::out_of_memory,      Stage::other,     true},
    Row{CURLE_SSL_CACERT_BADFILE,       AgentCode::config_bad_value,   Stage::tls,       true},
    Row{CURLE_SSL_CERTPROBLEM,          AgentCode::config_bad_value,   Stage::tls,       true},
    Row{CURLE_SSL_CRL_BADFILE,          AgentCode::config_bad_value,   Stage::tls,       true},
    Row{CURLE_READ_ERROR,               AgentCode::config_bad_value,   Stage::connect,   true},  // the netrc file
    Row{CURLE_SSL_PINNEDPUBKEYNOTMATCH, AgentCode::pin_mismatch,       Stage::tls,       false},
    Row{CURLE_USE_SSL_FAILED,           AgentCode::tls_required,       Stage::auth,      false},
    Row{CURLE_GOT_NOTHING,              AgentCode::empty_reply,        Stage::http_head, false},
    Row{CURLE_PARTIAL_FILE,             AgentCode::truncated,          Stage::data,      false},
    Row{CURLE_SSL_SHUTDOWN_FAILED,      AgentCode::truncated,          Stage::data,      false},
    Row{CURLE_BAD_DOWNLOAD_RESUME,      AgentCode::changed_on_server,  Stage::rest,      false},
    Row{CURLE_UPLOAD_FAILED,            AgentCode::upload_failed,      Stage::stor,      false},
    Row{CURLE_REMOTE_DISK_FULL,         AgentCode::upload_failed,      Stage::stor,      false},
};

// Bits of mbedTLS's verification result (mbedtls/x509.h), the gravest first.
struct Flag {
    unsigned long bits;
    AgentCode meaning;
};
// A certificate may have several faults; the gravest one is told.
constexpr std::array k_certificate_flags = {
    Flag{0x08 | 0x02 | 0x10 | 0x40 | 0x80, AgentCode::certificate_untrusted},
    Flag{0x01 | 0x0200,                    AgentCode::certificate_expired},
    Flag{0x04,                             AgentCode::host_mismatch},
};
// clang-format on

/// libcurl gives the flags only as a number in its text.
AgentCode certificate_fault(const std::string& text) {
    const auto found = text.find("0x");
    unsigned long flags = 0;
    if (found != std::string::npos) {
        std::from_chars(text.data() + found + 2, text.data() + text.size(), flags, 16);
    }
    for (const auto& flag : k_certificate_flags) {
        if ((flags & flag.bits) != 0) {
            return flag.meaning;
        }
    }
    return AgentCode::certificate_untrusted;
}

constexpr Millis k_second_look_up = Seconds{2};  // the loop may wait for it

std::string with_words(const std::string& host, const std::string& words) {
    return words.empty() ? host : concat({host, ": ", words});
}

/// 0 for what is no number.
int number_of(std::string_view text, int base) {
    int value = 0;
    (void)std::from_chars(text.data(), text.data() + text.size(), value, base);
    return value;
}

/// As our libcurl writes it (toolchains/builder/recipes.py): "ssl_handshake -0x7780 record 21 alert 40 version 0303".
std::string handshake(const std::string& text) {
    const auto parts = words(std::string_view(text));
    if (parts.size() != 8 || parts[0] != "ssl_handshake" || !parts[1].starts_with("-0x")) {
        return {};
    }
    trust::HandshakeEnd end;
    end.code = number_of(parts[1].substr(3), 16);
    end.record = number_of(parts[3], 10);
    end.alert = number_of(parts[5], 10);
    end.version = number_of(parts[7], 16);
    return trust::handshake_words(end);
}

/// libcurl has one code for all failures of name servers. A second look-up tells them apart, unless the first took so
/// long that the answer is known: no server answers.
Failure no_address(const CurlFailure& failure) {
    if (failure.quick) {
        if (auto status = platform::look_up(failure.host, k_second_look_up); !status.ok()) {
            return std::move(status).failure();
        }
    }
    return error(errors::resolver(errors::Resolver::try_again), failure.host);
}

/// A connection that could not be made, as the system's number says it.
Failure unconnected(const CurlFailure& failure) {
    return failure.os != 0 ? platform::socket_error(failure.os, failure.host)
                           : error(errors::winsock(errors::Winsock::econnrefused), failure.host);
}

/// A connection that broke. libcurl may still hold the number of another address that refused before this one
/// answered, so only what a standing connection can suffer is believed.
std::optional<Error> suffered(const CurlFailure& failure) {
    using errors::Winsock;
    if (failure.os == 0) {
        return std::nullopt;
    }
    auto why = platform::socket_error(failure.os, failure.host);
    for (const auto code : {Winsock::econnreset, Winsock::econnaborted, Winsock::enetreset, Winsock::etimedout,
                            Winsock::enetdown, Winsock::eshutdown, Winsock::enobufs}) {
        if (why.error().id == errors::winsock(code)) {
            return why;
        }
    }
    return std::nullopt;
}

Explained timed_out(const CurlFailure& failure) {
    if (failure.connected) {
        return {error(AgentCode::stalled, failure.host), Stage::data};
    }
    if (!failure.resolved) {  // the time for connecting went by before the name server said anything
        return {error(errors::resolver(errors::Resolver::try_again), failure.host), Stage::resolve};
    }
    return {error(AgentCode::connect_timeout, failure.host), Stage::connect};
}

/// All of them may pass, and none of them says anything about the server; but a login that is wanted does not come by
/// itself.
Explained at_proxy(const CurlFailure& failure) {
    const std::string proxy = concat({"proxy ", failure.proxy});
    if (failure.connect_status != 0) {
        const auto what = concat({proxy, " answered ", std::to_string(failure.connect_status), " to CONNECT"});
        return {failure.connect_status == 407 ? error(errors::http(407), what) : error(AgentCode::proxy_failed, what),
                Stage::connect};
    }
    const auto because = [&](std::string_view why) {
        return Explained{error(AgentCode::proxy_failed, {proxy, ": ", why}), Stage::connect};
    };
    switch (failure.code) {
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST: return because(errors::describe(no_address(failure).error().id).cause.text());
        case CURLE_COULDNT_CONNECT: return because(errors::describe(unconnected(failure).error().id).cause.text());
        case CURLE_OPERATION_TIMEDOUT: return because("no answer in time");
        case CURLE_SSL_CONNECT_ERROR: return because(handshake(failure.text));
        case CURLE_PEER_FAILED_VERIFICATION: return because(failure.certificate);
        default: return because(failure.text);
    }
}

}  // namespace

Explained explain(const CurlFailure& failure) {
    if (!failure.proxy.empty()) {
        return at_proxy(failure);
    }
    switch (failure.code) {
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_FTP_CANT_GET_HOST: return {no_address(failure), Stage::resolve};
        case CURLE_COULDNT_CONNECT: return {unconnected(failure), Stage::connect};
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
            if (failure.text.find("chunk") != std::string::npos) {  // libcurl has no code of its own for it
                return {error(AgentCode::protocol_garbage, {failure.host, ": ", failure.text}), Stage::data};
            }
            if (!failure.said && failure.text.find("0x7780") != std::string::npos) {
                // TLS 1.3: the server looks at our certificate, or misses it, when the handshake is over for us
                return {error(AgentCode::tls_handshake,
                              with_words(failure.host,
                                         "the server ended TLS with an alert instead of an answer; it may "
                                         "want a client certificate, or another one")),
                        Stage::tls};
            }
            return {suffered(failure).value_or(error(errors::winsock(errors::Winsock::econnreset), failure.host)),
                    Stage::data};
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_FTP_ACCEPT_TIMEOUT: return timed_out(failure);
        case CURLE_PEER_FAILED_VERIFICATION:
            return {error(certificate_fault(failure.text), with_words(failure.host, failure.certificate)), Stage::tls};
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_ISSUER_ERROR:
            if (!failure.certificate.empty()) {  // its use is looked at behind the rest, with an error of its own
                return {error(AgentCode::certificate_untrusted, with_words(failure.host, failure.certificate)),
                        Stage::tls};
            }
            return {suffered(failure).value_or(
                        error(AgentCode::tls_handshake, with_words(failure.host, handshake(failure.text)))),
                    Stage::tls};
        default: break;
    }
    const auto row = std::find_if(k_rows.begin(), k_rows.end(), [&](const Row& r) { return r.code == failure.code; });
    const auto context = failure.host + (failure.text.empty() ? "" : ": " + failure.text);
    if (row != k_rows.end()) {
        return {error(row->meaning, context), row->stage, row->local};
    }
    return {error(AgentCode::protocol_garbage, {context, " (libcurl ", std::to_string(failure.code), ")"}),
            Stage::other};
}

Failure too_late(const std::string& host, Seconds limit) {
    return error(AgentCode::timed_out, {host, ": not whole after ", std::to_string(limit.count()), " s"});
}

}  // namespace hagent::transfer
