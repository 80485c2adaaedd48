// SPDX-License-Identifier: Apache-2.0
// Owns the device with an engine on a worker's thread, which the tests stop and start again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "agent/base/limits.h"
#include "agent/session/engine.h"
#include "tests/unit/session/device.h"

namespace hagent::session {

/// A switch that one thread waits for and another one sets.
class Event {
public:
    void set() {
        const std::lock_guard lock(mutex_);
        ++count_;
        changed_.notify_all();
    }
    [[nodiscard]] bool wait(int count = 1) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return count_ >= count; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

struct Plant : Device {
    Plant() {
        publish("EX \"work\"\n", {});
        processes.on("work", platform::Exit{});
        start();
    }
    ~Plant() { stop_worker(); }
    Plant(const Plant&) = delete;
    Plant& operator=(const Plant&) = delete;

    void start() {
        idle = std::make_unique<Event>();
        worker = std::make_unique<loop::Worker>(limits::k_queued_jobs * 2);
        engine = std::make_unique<Engine>(context, *worker, [this] { idle->set(); });
    }
    void stop_worker() {
        engine->shut_down();
        gate.set();
        worker->stop();
    }
    /// The agent's next life on the same disk.
    void restart() {
        stop_worker();
        engine.reset();
        start();
        REQUIRE(engine->resume_unfinished().ok());
    }
    /// The program "work" holds on until the gate is open; entered says that it runs.
    void block() {
        processes.on("block", [this](const platform::Command&, const CancelToken& cancel) -> Result<platform::Exit> {
            entered.set();
            while (!cancel.requested() && !gate.wait()) {
            }
            return cancel.requested() ? Result<platform::Exit>(error(errors::AgentCode::cancelled)) : platform::Exit{};
        });
        publish("EX \"block\"\n", {});
    }
    void wait_idle(int visits = 1) { REQUIRE(idle->wait(visits)); }

    Event entered, gate;
    std::unique_ptr<Event> idle;
    std::unique_ptr<loop::Worker> worker;
    std::unique_ptr<Engine> engine;
};

}  // namespace hagent::session
