// SPDX-License-Identifier: Apache-2.0
// Owns the composition of the listener from its settings.
#include "agent/listener.h"

#include <optional>
#include <utility>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/daemon_client.h"
#include "agent/http/server.h"
#include "agent/trust/digest.h"
#include "agent/trust/random.h"
#include "agent/trust/tls_server.h"

namespace hagent {
namespace {

// random bytes, twice as many hexadecimal digits: nobody guesses it
constexpr std::size_t k_endpoint_token_bytes = 32;

/// Empty for a file that is not configured.
Result<std::string> content(const Machine& machine, const std::string& path) {
    return path.empty() ? Result<std::string>(std::string()) : machine.files->read(path, limits::k_config_bytes);
}

/// Nothing without a certificate.
Result<std::unique_ptr<trust::TlsServer>> tls_of(const Machine& machine, const config::ListenSettings& listen) {
    if (listen.tls_cert_file.empty()) {
        return std::unique_ptr<trust::TlsServer>();
    }
    return trust::TlsServer::create({TRY(content(machine, listen.tls_cert_file)),
                                     TRY(content(machine, listen.tls_key_file)),
                                     TRY(content(machine, listen.client_ca_file))});
}

/// Those of operators_file, and whoever may read the endpoint file.
Result<std::vector<http::Operator>> operators_of(const Machine& machine, const config::ListenSettings& listen,
                                                 const std::string& endpoint_token) {
    auto out = TRY(http::parse_operators(TRY(content(machine, listen.operators_file))));
    out.push_back({"this device", http::Role::operators, trust::sha256_hex(endpoint_token)});
    return out;
}

/// An IPv6 address needs brackets in front of its port.
std::string literal(const config::Endpoint& at) {
    return concat({(at.address.find(':') == std::string::npos ? at.address : concat({"[", at.address, "]"})), ":",
                   std::to_string(at.port)});
}

}  // namespace

struct Listener::Impl {
    /// The page, for those who may see it, and the endpoint file for the verbs of this device.
    Status open_status(Machine& machine, loop::Loop& loop, status::ApiServices services) {
        const auto& listen = settings.listen;
        tls = TRY(tls_of(machine, listen));
        server = TRY(http::Server::start(loop, machine.clock, literal(*listen.status), tls.get()));
        const DaemonEndpoint endpoint{server->address(), tls ? tls->pin() : "",
                                      TRY(TRY(trust::Random::create()).hex(k_endpoint_token_bytes))};
        router.emplace(http::Access(server->address(), TRY(operators_of(machine, listen, endpoint.token))));
        status::add_routes(*router, std::move(services));
        server->serve(*router);
        url = endpoint.url();
        return write_endpoint(files, settings, endpoint);
    }

    /// Anybody may ask for a check-in here, by HTTP or in the raw form of the VXC family, and for nothing else.
    /// Whatever more a raw line says (which server to call, whether to restart) is not even read, and nothing of it is
    /// sent back.
    Status open_trigger(Machine& machine, loop::Loop& loop) {
        trigger = TRY(http::Server::start(loop, machine.clock, literal(*settings.listen.trigger)));
        trigger_router.emplace(http::Access(trigger->address(), {}));
        status::add_trigger(*trigger_router, [this](const std::string& peer) { return ask(peer); });
        trigger->serve(*trigger_router);
        trigger->serve_lines([this](std::string_view start, const std::string& peer) {
            const bool known = start == "&V54" || start == "&V52";
            if (known) {
                (void)ask(peer);
            }
            return std::string(known ? "&00" : "");
        });
        return {};
    }

    platform::Files& files;
    const config::Settings& settings;
    Callback<bool(const std::string& peer)> ask;  // for a check-in; the routers and servers below call it
    std::unique_ptr<trust::TlsServer> tls;        // the server borrows it, and the router
    std::optional<http::Router> router, trigger_router;
    std::unique_ptr<http::Server> server, trigger;
    std::string url;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() { remove_endpoint(impl_->files, impl_->settings); }

const std::string& Listener::url() const { return impl_->url; }

/// The object stands before its parts are opened, because their handlers borrow it; and where one of them fails its end
/// removes the endpoint file again.
Result<std::unique_ptr<Listener>> Listener::open(Machine& machine, const config::Settings& settings, loop::Loop& loop,
                                                 status::ApiServices services) {
    if (!settings.listen.status && !settings.listen.trigger) {
        return std::unique_ptr<Listener>();
    }
    std::unique_ptr<Listener> out(
        new Listener(std::unique_ptr<Impl>(new Impl{*machine.files, settings, {}, {}, {}, {}, {}, {}, {}})));
    Impl& impl = *out->impl_;
    impl.ask = std::move(services.trigger);
    services.trigger = [&impl](const std::string& peer) { return impl.ask(peer); };
    if (settings.listen.trigger) {
        TRY(out->impl_->open_trigger(machine, loop));
    }
    if (settings.listen.status) {
        TRY(out->impl_->open_status(machine, loop, std::move(services)));
    }
    return out;
}

}  // namespace hagent
