// SPDX-License-Identifier: Apache-2.0
// Owns the composition of the listener from its settings.
#include "agent/listener.h"

#include <utility>
#include <vector>

#include "agent/base/limits.h"
#include "agent/door.h"
#include "agent/http/server.h"
#include "agent/trust/digest.h"
#include "agent/trust/random.h"
#include "agent/trust/tls_server.h"

namespace hagent {
namespace {

constexpr std::size_t k_door_token_bytes = 32;

Result<std::string> content(const Machine& machine, const std::string& path) {
    return path.empty() ? Result<std::string>(std::string()) : machine.files->read(path, limits::k_config_bytes);
}

/// Nothing without a certificate.
Result<std::unique_ptr<trust::TlsServer>> tls_of(const Machine& machine, const config::ListenSettings& listen) {
    if (listen.tls_cert_file.empty()) {
        return std::unique_ptr<trust::TlsServer>();
    }
    return trust::TlsServer::create({TRY(content(machine, listen.tls_cert_file)), TRY(content(machine, listen.tls_key_file)),
                                     TRY(content(machine, listen.client_ca_file))});
}

/// Those of operators_file, and whoever may read the door's file.
Result<std::vector<http::Operator>> operators_of(const Machine& machine, const config::ListenSettings& listen, const std::string& door_token) {
    auto out = TRY(http::parse_operators(TRY(content(machine, listen.operators_file))));
    out.push_back({"this device", http::Role::operators, trust::sha256_hex(door_token)});
    return out;
}

std::string literal(const config::Endpoint& at) {
    return (at.address.find(':') == std::string::npos ? at.address : "[" + at.address + "]") + ":" + std::to_string(at.port);
}

}  // namespace

struct Listener::Impl {
    platform::Files& files;
    const config::Settings& settings;
    std::unique_ptr<trust::TlsServer> tls;  // the server borrows it, and the router
    http::Router router;
    std::unique_ptr<http::Server> server;
    std::string url;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() { remove_door(impl_->files, impl_->settings); }

const std::string& Listener::url() const { return impl_->url; }

Result<std::unique_ptr<Listener>> Listener::open(Machine& machine, const config::Settings& settings, loop::Loop& loop,
                                                 status::ApiServices services) {
    const auto& listen = settings.listen;
    if (!listen.status) {
        return std::unique_ptr<Listener>();
    }
    auto tls = TRY(tls_of(machine, listen));
    auto server = TRY(http::Server::start(loop, machine.clock, literal(*listen.status), tls.get()));
    const Door door{server->address(), tls ? tls->pin() : "", TRY(TRY(trust::Random::create()).hex(k_door_token_bytes))};
    http::Router router(http::Access(server->address(), TRY(operators_of(machine, listen, door.token))));
    status::add_routes(router, std::move(services));
    auto impl = std::unique_ptr<Impl>(
        new Impl{*machine.files, settings, std::move(tls), std::move(router), std::move(server), door.url()});
    impl->server->serve(impl->router);
    TRY(write_door(*machine.files, settings, door));
    return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

}  // namespace hagent
