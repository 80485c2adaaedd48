// SPDX-License-Identifier: Apache-2.0
// Owns the listening socket and the table of clients.
#include "agent/http/server.h"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/base/limits.h"
#include "agent/base/number.h"

namespace hagent::http {

/// Clients are known by their socket: a callback that comes late finds nobody and does nothing.
struct Server::Impl final : Connection::Service {
    Impl(loop::Loop& loop_in, platform::Clock& clock_in, const trust::TlsServer* tls_in)
        : loop(loop_in), clock(clock_in), tls(tls_in) {}

    loop::Loop& loop;
    platform::Clock& clock;
    const trust::TlsServer* tls;  // nullptr: clear text
    Socket socket;
    const Router* router = nullptr;
    Connection::Line line;
    std::map<platform::SocketId, std::unique_ptr<Connection>> clients;
    loop::TimerId sweep_timer = 0;
    loop::TimerId turns_timer = 0;  // 0: none is set

    Response answer(const Request& request) const override {
        return router == nullptr ? problem(503, "The agent is still starting.") : router->answer(request);
    }

    bool wants_body(const Request& head) const override { return router != nullptr && router->takes_body(head); }

    /// Whoever is left waits for the next turn.
    void accept_some() {
        for (std::size_t i = 0; i < limits::k_http_accepts; ++i) {
            auto accepted = socket.listener->accept();
            if (!accepted.ok() && !clients.empty()) {
                // Out of handles: unless one becomes free, the listener stays ready and the loop never rests.
                drop_longest_waiting();
                return;
            }
            if (!accepted.ok() || !accepted->has_value()) {
                return;
            }
            make_room(origin_of((**accepted)->peer()));
            auto client = connection(*std::move(*accepted));
            if (!client) {
                continue;  // no memory for another handshake: this client is cut, the others are served
            }
            client->take_lines(line ? &line : nullptr);
            const auto id = client->socket();
            loop.watch(id, client->interest(), [this, id](loop::Interest ready) { advance(id, ready); });
            clients.emplace(id, std::move(client));
            schedule_sweep();
        }
    }

    std::unique_ptr<Connection> connection(std::unique_ptr<platform::Stream> plain) const {
        if (tls == nullptr) {
            return std::make_unique<Connection>(std::move(plain), clock.uptime());
        }
        auto encrypted = tls->wrap(std::move(plain));
        return encrypted.ok() ? std::make_unique<Connection>(std::move(*encrypted), clock.uptime()) : nullptr;
    }

    void advance(platform::SocketId id, loop::Interest ready) {
        const auto found = clients.find(id);
        if (found == clients.end()) {
            return;
        }
        const auto state = found->second->advance(ready, clock.uptime(), *this);
        if (state == Connection::State::closed) {
            drop(id);
            return;
        }
        loop.set_interest(id, found->second->interest());
        if (found->second->has_more()) {
            schedule_turns();
        }
    }

    /// Pipelined requests that are here already get their turn after everybody else's.
    void schedule_turns() {
        if (turns_timer != 0) {
            return;
        }
        turns_timer = loop.after(Millis{0}, [this] {
            turns_timer = 0;
            std::vector<platform::SocketId> waiting;
            for (const auto& [id, client] : clients) {
                if (client->has_more()) {
                    waiting.push_back(id);
                }
            }
            for (const auto id : waiting) {
                advance(id, {true, false});
            }
        });
    }

    void drop(platform::SocketId client) {
        loop.unwatch(client);
        clients.erase(client);
    }

    void close() {
        loop.cancel(sweep_timer);
        loop.cancel(turns_timer);
        if (socket.listener) {
            loop.unwatch(socket.listener->id());
        }
        while (!clients.empty()) {
            drop(clients.begin()->first);
        }
    }

    std::size_t count(const std::string& origin) const {
        return narrow<std::size_t>(std::count_if(
            clients.begin(), clients.end(), [&](const auto& client) { return client.second->origin() == origin; }));
    }

    /// For one more client from there. Who has its share already makes the room itself; where all places are taken,
    /// whoever has the most of them.
    void make_room(const std::string& origin) {
        if (count(origin) >= limits::k_http_connections_each) {
            drop_longest_waiting(origin);
        } else if (clients.size() >= limits::k_http_connections) {
            drop_longest_waiting();
        }
    }

    /// There is at least one client.
    void drop_longest_waiting() {
        std::map<std::string_view, std::size_t> counts;
        for (const auto& [id, client] : clients) {
            ++counts[client->origin()];
        }
        const auto most = std::max_element(counts.begin(), counts.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        drop_longest_waiting(std::string(most->first));
    }

    /// There is at least one client from there.
    void drop_longest_waiting(const std::string& origin) {
        const Connection* oldest = nullptr;
        for (const auto& [id, client] : clients) {
            if (client->origin() == origin &&
                (oldest == nullptr || client->waiting_since() < oldest->waiting_since())) {
                oldest = client.get();
            }
        }
        drop(oldest->socket());
    }

    /// One timer for all clients, armed only while there are any: an idle listener never wakes the machine.
    void schedule_sweep() {
        if (sweep_timer != 0 || clients.empty()) {
            return;
        }
        sweep_timer = loop.after(Seconds{1}, [this] {
            sweep_timer = 0;
            std::vector<platform::SocketId> late;
            for (const auto& [id, client] : clients) {
                if (clock.uptime() >= client->deadline()) {
                    late.push_back(id);
                }
            }
            for (const auto id : late) {
                advance(id, {});
            }
            schedule_sweep();
        });
    }
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { impl_->close(); }

std::unique_ptr<Server> Server::over(loop::Loop& loop, platform::Clock& clock, Socket socket,
                                     const trust::TlsServer* tls) {
    auto impl = std::make_unique<Impl>(loop, clock, tls);
    impl->socket = std::move(socket);
    Impl* self = impl.get();
    loop.watch(impl->socket.listener->id(), {true, false}, [self](loop::Interest) { self->accept_some(); });
    return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Result<std::unique_ptr<Server>> Server::start(loop::Loop& loop, platform::Clock& clock, const std::string& bound,
                                              const trust::TlsServer* tls) {
    return over(loop, clock, TRY(open_socket(bound)), tls);
}

Socket Server::release() {
    impl_->close();
    return std::move(impl_->socket);
}

const std::string& Server::address() const { return impl_->socket.address; }
void Server::serve(const Router& router) { impl_->router = &router; }
void Server::serve_lines(Connection::Line line) { impl_->line = std::move(line); }
std::size_t Server::connections() const { return impl_->clients.size(); }

}  // namespace hagent::http
