// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the mapping from libcurl's codes.
#include "agent/transfer/curl_error.h"

#include <curl/curl.h>
#include <doctest/doctest.h>

#include <cerrno>

#include "agent/errors/catalogue.h"

using namespace hagent;
using namespace hagent::transfer;
using errors::AgentCode;

TEST_CASE("every libcurl code means a row of the catalogue") {
    for (int code = 1; code < CURL_LAST; ++code) {
        CAPTURE(code);
        const auto explained = explain({.code = code, .text = "t", .host = "h"});
        CHECK(errors::find(explained.error.id) != nullptr);
    }
}

TEST_CASE("a time limit is told apart by whether anybody was there") {
    CHECK(explain({.code = CURLE_OPERATION_TIMEDOUT, .connected = false}).error.is(AgentCode::connect_timeout));
    CHECK(explain({.code = CURLE_OPERATION_TIMEDOUT, .resolved = false}).error.id == errors::resolver(11002));
    CHECK(explain({.code = CURLE_OPERATION_TIMEDOUT, .connected = true}).error.is(AgentCode::stalled));
}

TEST_CASE("mbedTLS's flags name the fault of a certificate") {
    const auto fault = [](const char* text) {
        return explain({.code = CURLE_PEER_FAILED_VERIFICATION, .text = text}).error;
    };
    CHECK(fault("mbedTLS: certificate verification error 0x00000008").is(AgentCode::certificate_untrusted));
    CHECK(fault("mbedTLS: certificate verification error 0x00000001").is(AgentCode::certificate_expired));
    CHECK(fault("mbedTLS: certificate verification error 0x00000200").is(AgentCode::certificate_expired));
    CHECK(fault("mbedTLS: certificate verification error 0x00000004").is(AgentCode::host_mismatch));
    CHECK(fault("mbedTLS: certificate verification error 0x0000000d").is(AgentCode::certificate_untrusted));
    CHECK(fault("no number").is(AgentCode::certificate_untrusted));
}

TEST_CASE("a broken connection without a system number still has a row") {
    CHECK(explain({.code = CURLE_COULDNT_CONNECT}).error.id == errors::winsock(10061));
    CHECK(explain({.code = CURLE_RECV_ERROR}).error.id == errors::winsock(10054));
}

TEST_CASE("broken chunks are not a broken connection") {
    CHECK(explain({.code = CURLE_RECV_ERROR, .text = "chunk hex-length char not a hex digit: 0x78"})
              .error.is(AgentCode::protocol_garbage));
}

TEST_CASE("the number of an address that refused before does not explain a later fault") {
    CHECK(explain({.code = CURLE_SSL_CONNECT_ERROR, .os = ECONNREFUSED}).error.is(AgentCode::tls_handshake));
    CHECK(explain({.code = CURLE_RECV_ERROR, .os = ECONNREFUSED}).error.id == errors::winsock(10054));
}

TEST_CASE("a slow look-up that failed was a silent name server") {
    CHECK(explain({.code = CURLE_COULDNT_RESOLVE_HOST, .host = "h", .quick = false}).error.id ==
          errors::resolver(11002));
}

TEST_CASE("a server that ends TLS with an alert instead of an answer is no broken connection") {
    CHECK(explain({.code = CURLE_RECV_ERROR, .text = "ssl_read returned: (-0x7780) SSL"})
              .error.is(AgentCode::tls_handshake));
    CHECK(explain({.code = CURLE_RECV_ERROR, .text = "ssl_read returned: (-0x7780) SSL", .said = true}).error.id ==
          errors::winsock(10054));
}

TEST_CASE("what is wrong with a certificate or a handshake is told in words") {
    CHECK(explain({.code = CURLE_PEER_FAILED_VERIFICATION, .text = "error 0x00000004", .host = "h", .certificate = "w"})
              .error.context == "h: w");
    CHECK(explain({.code = CURLE_SSL_CONNECT_ERROR,
                   .text = "ssl_handshake -0x7780 record 21 alert 70 version 0303",
                   .host = "h"})
              .error.context.starts_with("h: the server refused with alert 70 protocol_version; taken are TLS 1.2"));
    CHECK(explain({.code = CURLE_SSL_CONNECT_ERROR, .text = "another text", .host = "h"}).error.context == "h");
}

TEST_CASE("what fails at the proxy is the proxy's fault, and may pass") {
    for (int code = 1; code < CURL_LAST; ++code) {
        CAPTURE(code);
        const auto explained = explain({.code = code, .text = "t", .host = "p", .proxy = "p:3128 (https_proxy)"});
        CHECK(explained.error.is(AgentCode::proxy_failed));
        CHECK(explained.error.context.starts_with("proxy p:3128 (https_proxy): "));
        CHECK_FALSE(explained.local);
    }
    for (const long status : {300L, 307L, 401L, 404L, 405L, 410L, 503L}) {
        CHECK(explain({.code = CURLE_RECV_ERROR, .proxy = "p:1", .connect_status = status})
                  .error.is(AgentCode::proxy_failed));
    }
    CHECK(explain({.code = CURLE_RECV_ERROR, .proxy = "p:1", .connect_status = 407}).error.id == errors::http(407));
}

TEST_CASE("our own wrong settings are told from a server's faults") {
    CHECK(explain({.code = CURLE_SSL_CACERT_BADFILE}).local);
    CHECK_FALSE(explain({.code = CURLE_SSL_PINNEDPUBKEYNOTMATCH}).local);
}
