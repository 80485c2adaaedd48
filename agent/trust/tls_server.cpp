// SPDX-License-Identifier: Apache-2.0
// Owns the server's side of TLS on mbedTLS: one configuration, one context for each client.
#include "agent/trust/tls_server.h"

#include <array>
#include <cstdint>
#include <cstring>  // MBEDTLS_OID_CMP
#include <utility>
#include <vector>

#include <mbedtls/base64.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/trust/generator.h"
#include "agent/trust/public_key.h"

namespace hagent::trust {

struct TlsServer::Impl {
    explicit Impl(Generator random_in) : random(std::move(random_in)) {
        mbedtls_ssl_config_init(&config);
        mbedtls_x509_crt_init(&own);
        mbedtls_x509_crt_init(&authorities);
    }
    ~Impl() {
        mbedtls_ssl_config_free(&config);
        mbedtls_x509_crt_free(&authorities);
        mbedtls_x509_crt_free(&own);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    mbedtls_ssl_config config;
    mbedtls_x509_crt own;
    mbedtls_x509_crt authorities;
    Pk key;
    Generator random;
    std::string pin;
};

namespace {

Failure unusable(std::string_view why, int native = 0) {
    return {errors::agent(errors::AgentCode::config_bad_value), native, why};
}

/// All certificates of a PEM text; one that cannot be read spoils the lot.
Status parse_certificates(mbedtls_x509_crt& into, const std::string& pem, std::string_view what) {
    const int code = mbedtls_x509_crt_parse(&into, reinterpret_cast<const unsigned char*>(pem.c_str()), pem.size() + 1);
    return code == 0 ? Status() : unusable(std::string(what) + ": not certificates in PEM form", code);
}

/// As curl and browsers write it: SHA-256 of the SubjectPublicKeyInfo in base64 (RFC 7469, 2.4).
Result<std::string> pin_of(const Pk& key) {
    const auto digest = from_hex(TRY(fingerprint_of(key))).value_or(std::vector<std::uint8_t>());
    std::array<unsigned char, 64> out{};
    std::size_t length = 0;
    if (const int code = mbedtls_base64_encode(out.data(), out.size(), &length, digest.data(), digest.size());
        code != 0) {
        return unusable("the key has no fingerprint", code);
    }
    return std::string(reinterpret_cast<const char*>(out.data()), length);
}

/// TLS over a stream that never blocks. The library calls back for bytes; "none yet" passes through it unchanged.
class MbedStream final : public TlsStream {
public:
    explicit MbedStream(std::unique_ptr<platform::Stream> plain) : plain_(std::move(plain)) { mbedtls_ssl_init(&tls_); }
    ~MbedStream() override { mbedtls_ssl_free(&tls_); }
    MbedStream(const MbedStream&) = delete;
    MbedStream& operator=(const MbedStream&) = delete;

    Status begin(const mbedtls_ssl_config& config) {
        if (const int code = mbedtls_ssl_setup(&tls_, &config); code != 0) {
            return Failure{errors::agent(errors::AgentCode::tls_handshake), code, "no memory for another connection"};
        }
        mbedtls_ssl_set_bio(&tls_, this, send, receive, nullptr);
        return {};
    }

    platform::SocketId id() const override { return plain_->id(); }
    const std::string& peer() const override { return plain_->peer(); }

    Result<std::optional<std::size_t>> read(std::span<char> out) override {
        pieces_left_ = limits::k_tls_turn_pieces;
        return outcome(mbedtls_ssl_read(&tls_, reinterpret_cast<unsigned char*>(out.data()), out.size()));
    }

    Result<std::optional<std::size_t>> write(std::string_view bytes) override {
        pieces_left_ = limits::k_tls_turn_pieces;
        return outcome(mbedtls_ssl_write(&tls_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
    }

    void shut_write() override {
        (void)mbedtls_ssl_close_notify(&tls_);  // the end of the TCP stream tells the same to a client that missed it
        plain_->shut_write();
    }

    platform::Stream& plain() const override { return *plain_; }
    bool has_buffered() const override { return mbedtls_ssl_check_pending(&tls_) != 0; }
    bool wants_write() const override { return wants_write_; }

    std::string client_name() const override {
        const mbedtls_x509_crt* shown = mbedtls_ssl_get_peer_cert(&tls_);
        if (shown == nullptr || mbedtls_ssl_get_verify_result(&tls_) != 0) {
            return {};
        }
        for (const mbedtls_x509_name* part = &shown->subject; part != nullptr; part = part->next) {
            if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) {
                return {reinterpret_cast<const char*>(part->val.p), part->val.len};
            }
        }
        return {};
    }

private:
    Result<std::optional<std::size_t>> outcome(int code) {
        wants_write_ = code == MBEDTLS_ERR_SSL_WANT_WRITE;
        if (code == MBEDTLS_ERR_SSL_WANT_READ || wants_write_) {
            return std::optional<std::size_t>();
        }
        if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
            return std::optional<std::size_t>(0);
        }
        if (code < 0) {
            return Failure{errors::agent(errors::AgentCode::tls_handshake), code, plain_->peer()};
        }
        return std::optional<std::size_t>(static_cast<std::size_t>(code));
    }

    /// The library's way to the socket: bytes moved, "again later", or an error.
    static int moved(const Result<std::optional<std::size_t>>& result, int later) {
        if (!result.ok()) {
            return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
        }
        return result->has_value() ? static_cast<int>(**result) : later;
    }
    static int send(void* self, const unsigned char* bytes, std::size_t size) {
        return moved(static_cast<MbedStream*>(self)->plain_->write({reinterpret_cast<const char*>(bytes), size}),
                     MBEDTLS_ERR_SSL_WANT_WRITE);
    }
    static int receive(void* self, unsigned char* bytes, std::size_t size) {
        auto& me = *static_cast<MbedStream*>(self);
        if (me.pieces_left_ == 0) {
            return MBEDTLS_ERR_SSL_WANT_READ;  // the socket will tell again that there is more
        }
        --me.pieces_left_;
        return moved(me.plain_->read({reinterpret_cast<char*>(bytes), size}), MBEDTLS_ERR_SSL_WANT_READ);
    }

    std::unique_ptr<platform::Stream> plain_;
    mbedtls_ssl_context tls_;
    bool wants_write_ = false;
    unsigned pieces_left_ = 0;
};

}  // namespace

TlsServer::TlsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() = default;

const std::string& TlsServer::pin() const { return impl_->pin; }

Result<std::unique_ptr<TlsServer>> TlsServer::create(const TlsMaterial& material) {
    if (psa_crypto_init() != PSA_SUCCESS) {  // TLS 1.3 of the library rests on it; a second call does nothing
        return Failure{errors::agent(errors::AgentCode::os_error), 0, "no entropy from the system"};
    }
    auto impl = std::make_unique<Impl>(TRY(Generator::create()));
    impl->key = TRY(parse_private_key(material.private_key));
    impl->pin = TRY(pin_of(impl->key));
    TRY(parse_certificates(impl->own, material.certificates, "listen.tls_cert_file"));
    if (mbedtls_pk_check_pair(&impl->own.pk, impl->key.get(), Generator::next, &impl->random) != 0) {
        return unusable("listen.tls_key_file: not the key of the first certificate in listen.tls_cert_file");
    }
    auto& config = impl->config;
    if (const int code = mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                                     MBEDTLS_SSL_PRESET_DEFAULT);
        code != 0) {
        return unusable("TLS cannot be set up", code);
    }
    mbedtls_ssl_conf_rng(&config, Generator::next, &impl->random);
    mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
    // Clients could use it to make the device calculate for them (CVE-2011-1473), and nobody needs it.
    mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
    if (const int code = mbedtls_ssl_conf_own_cert(&config, &impl->own, impl->key.get()); code != 0) {
        return unusable("listen.tls_cert_file cannot be used", code);
    }
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
    if (!material.client_authorities.empty()) {
        TRY(parse_certificates(impl->authorities, material.client_authorities, "listen.client_ca_file"));
        mbedtls_ssl_conf_ca_chain(&config, &impl->authorities, nullptr);
        mbedtls_ssl_conf_authmode(
            &config, MBEDTLS_SSL_VERIFY_OPTIONAL);  // a token will do as well; client_name() looks at the verdict
    }
    return std::unique_ptr<TlsServer>(new TlsServer(std::move(impl)));
}

Result<std::unique_ptr<TlsStream>> TlsServer::wrap(std::unique_ptr<platform::Stream> plain) const {
    auto stream = std::make_unique<MbedStream>(std::move(plain));
    TRY(stream->begin(impl_->config));
    return std::unique_ptr<TlsStream>(std::move(stream));
}

}  // namespace hagent::trust
