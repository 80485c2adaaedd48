// SPDX-License-Identifier: Apache-2.0
// Owns the composition of the listener from its settings.
#include "agent/listener.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "agent/base/concat.h"
#include "agent/base/limits.h"
#include "agent/daemon_client.h"
#include "agent/errors/catalogue.h"
#include "agent/http/server.h"
#include "agent/trust/digest.h"
#include "agent/trust/random.h"
#include "agent/trust/tls_server.h"

namespace hagent {
namespace {

// random bytes, twice as many hexadecimal digits: nobody guesses it
constexpr std::size_t k_secret_bytes = 32;
constexpr Millis k_first_wait = Seconds{1}, k_longest_wait = Seconds{10};

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

/// An IPv6 address needs brackets in front of its port. Empty: not wanted.
std::string literal(const std::optional<config::Endpoint>& at) {
    return !at ? std::string()
               : concat({(at->address.find(':') == std::string::npos ? at->address : concat({"[", at->address, "]"})),
                         ":", std::to_string(at->port)});
}

}  // namespace

struct Listener::Impl {
    /// One address: what is served there, or why nothing is.
    struct Part {
        std::string_view setting;
        std::string name, bound;  // for machine.sockets; without a name it is not wanted
        Status (Impl::*open)() = nullptr;
        std::unique_ptr<trust::TlsServer> tls;  // the server borrows it, and the router
        std::optional<http::Router> router;
        std::unique_ptr<http::Server> server;
        std::optional<Error> why;
    };

    Impl(Machine& machine_in, const config::Settings& settings_in, loop::Loop& loop_in, log::Log& log_in,
         status::ApiServices services_in)
        : machine(machine_in),
          settings(settings_in),
          loop(loop_in),
          log(log_in),
          services(std::make_shared<const status::ApiServices>(std::move(services_in))) {
        const auto& listen = settings.listen;
        page.name = page.bound = literal(listen.status);
        trigger.name = trigger.bound = literal(listen.trigger);
    }

    ~Impl() {
        loop.cancel(timer);
        for (Part* part : parts) {
            if (part->server) {
                machine.sockets.keep(part->name, part->server->release());
            }
        }
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<http::Server*> serve(Part& part) {
        part.server =
            http::Server::over(loop, machine.clock, TRY(machine.sockets.take(part.name, part.bound)), part.tls.get());
        return part.server.get();
    }

    /// The page, for those who may see it.
    Status open_page() {
        page.tls = TRY(tls_of(machine, settings.listen));
        auto operators = TRY(http::parse_operators(TRY(content(machine, settings.listen.operators_file))));
        auto* server = TRY(serve(page));
        page.router.emplace(http::Access(server->address(), std::move(operators)));
        status::add_routes(*page.router, services);
        server->serve(*page.router);
        return {};
    }

    /// Anybody may ask for a check-in here, by HTTP or in the raw form of the VXC family, and for nothing else.
    /// Whatever more a raw line says (which server to call, whether to restart) is not even read, and nothing of it is
    /// sent back.
    Status open_trigger() {
        auto* server = TRY(serve(trigger));
        trigger.router.emplace(http::Access(server->address(), {}));
        status::add_trigger(*trigger.router, [this](const std::string& peer) { return services->trigger(peer); });
        server->serve(*trigger.router);
        server->serve_lines([this](std::string_view start, const std::string& peer) {
            const bool known = start == "&V54" || start == "&V52";
            if (known) {
                (void)services->trigger(peer);
            }
            return std::string(known ? "&00" : "");
        });
        return {};
    }

    /// The same paths as the page has, on a port that the system chooses and only for who can read the endpoint file.
    /// The file names the page as it is now, so it is written anew when that has changed.
    Status open_door() {
        if (!door.server) {
            (void)TRY(serve(door));
        }
        const DaemonEndpoint endpoint{door.server->address(), url(), page.tls ? page.tls->pin() : "",
                                      TRY(TRY(trust::Random::create()).hex(k_secret_bytes))};
        const std::string text = endpoint.to_text();
        door.router.emplace(http::Access::for_operators_only(
            {{"this device", http::Role::operators, trust::sha256_hex(endpoint_token(text))}}));
        status::add_routes(*door.router, services);
        door.server->serve(*door.router);
        return write_endpoint(*machine.files, settings, text);
    }

    [[nodiscard]] std::string url() const {
        return page.server ? page_url(page.server->address(), page.tls != nullptr) : std::string();
    }

    /// Opens what is missing, the door last. The log tells when that changes.
    void open_missing() {
        timer = 0;
        bool missing = false, changed = !announced;
        for (Part* part : parts) {
            const bool was_open = part->server && !part->why;
            if (part->name.empty() || (was_open && !(part == &door && changed))) {
                continue;
            }
            const auto opened = (this->*part->open)();
            tell(*part, opened);
            changed = changed || opened.ok();
            missing = missing || !opened.ok();
        }
        announced = true;
        if (missing) {
            timer = loop.after(wait, [this] { open_missing(); });
            wait = std::min(wait * 2, k_longest_wait);
        }
    }

    void tell(Part& part, const Status& opened) {
        if (opened.ok()) {
            if (part.why) {
                log.info("agent", "it is listened on now", {{"setting", part.setting}, {"address", part.bound}});
            }
            part.why.reset();
            return;
        }
        if (!part.why || part.why->id != opened.error().id) {
            log.warning("agent", "an address cannot be listened on; it is tried again",
                        {{"setting", part.setting},
                         {"address", part.bound},
                         {"code", errors::id_text(opened.error().id)},
                         {"where", opened.error().context}});
        }
        part.why = opened.error();
    }

    Machine& machine;
    const config::Settings& settings;
    loop::Loop& loop;
    log::Log& log;
    const std::shared_ptr<const status::ApiServices> services;  // shared: two routers have them
    Part page{"listen.status", {}, {}, &Impl::open_page, {}, {}, {}, {}};
    Part trigger{"listen.trigger", {}, {}, &Impl::open_trigger, {}, {}, {}, {}};
    Part door{"the verbs", "door", "127.0.0.1:0", &Impl::open_door, {}, {}, {}, {}};
    const std::array<Part*, 3> parts{&page, &trigger, &door};
    loop::TimerId timer = 0;
    Millis wait = k_first_wait;
    bool announced = false;  // the door was tried to be opened
};

/// The object stands before its parts are opened, because their handlers borrow it.
Listener::Listener(Machine& machine, const config::Settings& settings, loop::Loop& loop, log::Log& log,
                   status::ApiServices services)
    : impl_(std::make_unique<Impl>(machine, settings, loop, log, std::move(services))) {
    machine.sockets.keep_only({impl_->page.name, impl_->trigger.name, impl_->door.name});
    impl_->open_missing();
}
Listener::~Listener() = default;

std::string Listener::url() const { return impl_->url(); }

std::string Listener::trouble() const {
    std::string out;
    for (const auto* part : impl_->parts) {
        if (part->why) {
            out += concat({(out.empty() ? "" : "; "), part->setting, ": ", errors::describe(part->why->id).cause.text(),
                           " [", part->why->context, "]"});
        }
    }
    return out;
}

}  // namespace hagent
