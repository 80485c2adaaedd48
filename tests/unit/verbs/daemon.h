// SPDX-License-Identifier: Apache-2.0
// Owns a running daemon as verbs meet it: the real listener on a free loopback port, on a loop in its own thread. It
// has no sessions, its process number is 4711, its log has one line, and check-ins that were asked for are counted.
#pragma once

#include <atomic>
#include <thread>

#include "agent/config/config.h"
#include "agent/listener.h"
#include "platform/host.h"
#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {

class Daemon {
public:
    explicit Daemon(CommandLine& line) : settings_(config::default_settings()) {
        settings_.state_dir = rooted(k_state);
        settings_.listen.status = config::Endpoint{"127.0.0.1", 0};
        auto locked = line.files.lock(settings_.state().lock());
        REQUIRE(locked.ok());
        lock_ = std::move(locked).value();
        log::Record hello;
        hello.time = clock_.wall();
        hello.area = "agent";
        hello.message = "hello";
        ring_.write(hello);
        loop_ = std::move(loop::Loop::create(clock_)).value();
        listener_ = std::make_unique<Listener>(
            line.machine, settings_, *loop_, log_,
            status::ApiServices{board_, ring_,
                                [] {
                                    status::AgentView view;
                                    view.pid = 4711;
                                    return view;
                                },
                                [this](const std::string&) {
                                    ++asked;
                                    return willing.load();
                                },
                                [](const std::string&) { return session::CancelOutcome::unknown; },
                                [](const std::string& job) {
                                    return job == "parked" ? Status()
                                                           : Status(error(errors::AgentCode::not_parked, job));
                                },
                                [] { return Status(); }});
        thread_ = std::thread([this] { loop_->run([] {}); });
    }
    ~Daemon() {
        loop_->stop();
        thread_.join();
    }
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    [[nodiscard]] std::string url() const { return listener_->url(); }
    /// As if it had been killed: its file stays, its lock does not.
    void lose_lock() { lock_.reset(); }

    std::atomic<int> asked = 0;
    std::atomic<bool> willing = true;

private:
    config::Settings settings_;
    platform::SystemClock clock_;
    status::Board board_;
    log::Ring ring_;
    log::Log log_{clock_};
    std::unique_ptr<platform::Lock> lock_;
    std::unique_ptr<loop::Loop> loop_;
    std::unique_ptr<Listener> listener_;
    std::thread thread_;
};

}  // namespace hagent::verbs
