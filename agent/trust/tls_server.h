// SPDX-License-Identifier: Apache-2.0
// Owns TLS for the connections that a listener accepts: TLS 1.2 and 1.3, certificates of clients if an authority is
// given.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "platform/socket.h"

namespace hagent::trust {

/// A stream whose bytes are encrypted on the way. One read() takes k_tls_turn_pieces from the socket at most: records
/// that carry nothing may come without end. The handshake happens within the first read() or write(); a client
/// that fails it makes that call fail with tls_handshake.
class TlsStream : public platform::Stream {
public:
    /// read() has more without another byte from the socket.
    [[nodiscard]] virtual bool has_buffered() const = 0;
    /// The stream below: what is read there is lost to this one.
    [[nodiscard]] virtual platform::Stream& plain() const = 0;
    /// The handshake waits for room to write in.
    [[nodiscard]] virtual bool wants_write() const = 0;
    /// The common name in the client's certificate, if it showed one that the authority signed and that is valid now.
    [[nodiscard]] virtual std::string client_name() const = 0;
};

/// PEM texts. An empty `client_authorities` asks clients for no certificate.
struct TlsMaterial {
    std::string certificates;  // the server's own first, then those that lead to its authority
    std::string private_key;
    std::string client_authorities;
};

/// The listener's side of TLS (RFC 8446, RFC 5246): one certificate and key for all its connections.
class TlsServer {
public:
    /// Errors: key_unreadable (a weak or unreadable key), config_bad_value (a certificate that is none, or not for that
    /// key).
    [[nodiscard]] static Result<std::unique_ptr<TlsServer>> create(const TlsMaterial& material);
    ~TlsServer();
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    /// The stream borrows this server.
    [[nodiscard]] Result<std::unique_ptr<TlsStream>> wrap(std::unique_ptr<platform::Stream> plain) const;
    /// SHA-256 of its public key in base64: what a client may pin.
    [[nodiscard]] const std::string& pin() const;

    struct Impl;

private:
    explicit TlsServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent::trust
