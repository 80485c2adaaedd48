// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the worker thread: order, bound, cancelling, stopping.
#include "agent/loop/worker.h"

#include <doctest/doctest.h>

#include <future>
#include <vector>

namespace hagent::loop {
namespace {

std::shared_ptr<CancelToken> token() { return std::make_shared<CancelToken>(); }

/// Holds the worker until it is opened.
struct Gate {
    std::promise<void> entered, open;
    Worker::Work work() {
        return [this](const CancelToken&) {
            entered.set_value();
            open.get_future().wait();
        };
    }
};

TEST_CASE("work is done in order, on another thread") {
    std::vector<int> done;
    std::promise<std::thread::id> where;
    {
        Worker worker(8);
        for (int i = 0; i < 5; ++i) {
            REQUIRE(worker.submit(token(), [&done, i](const CancelToken&) { done.push_back(i); }).ok());
        }
        REQUIRE(worker.submit(token(), [&](const CancelToken&) { where.set_value(std::this_thread::get_id()); }).ok());
        CHECK(where.get_future().get() != std::this_thread::get_id());
    }
    CHECK(done == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("the inbox is bounded, and takes again once there is room") {
    Gate gate;
    Worker worker(2);
    REQUIRE(worker.submit(token(), gate.work()).ok());
    gate.entered.get_future().wait();
    CHECK_FALSE(worker.idle());
    std::promise<void> last;
    CHECK(worker.submit(token(), [](const CancelToken&) {}).ok());
    CHECK(worker.submit(token(), [&](const CancelToken&) { last.set_value(); }).ok());
    const auto full = worker.submit(token(), [](const CancelToken&) {});
    REQUIRE_FALSE(full.ok());
    CHECK(full.error().is(errors::AgentCode::limit_exceeded));
    gate.open.set_value();
    last.get_future().wait();
    CHECK(worker.submit(token(), [](const CancelToken&) {}).ok());
}

TEST_CASE("the owner of a token stops the work that watches it") {
    Worker worker(2);
    const auto cancel = token();
    std::promise<bool> stopped;
    REQUIRE(worker.submit(cancel, [&](const CancelToken& given) { stopped.set_value(given.wait(Seconds{60})); }).ok());
    cancel->request();
    CHECK(stopped.get_future().get());
}

TEST_CASE("stop cancels what runs, drops what waits and takes nothing more") {
    Worker worker(4);
    std::promise<void> entered;
    bool cancelled = false, dropped = true;
    REQUIRE(worker
                .submit(token(),
                        [&](const CancelToken& cancel) {
                            entered.set_value();
                            cancelled = cancel.wait(Seconds{60});
                        })
                .ok());
    REQUIRE(worker.submit(token(), [&](const CancelToken&) { dropped = false; }).ok());
    entered.get_future().wait();
    worker.stop();
    CHECK(cancelled);
    CHECK(dropped);
    CHECK(worker.idle());
    CHECK_FALSE(worker.submit(token(), [](const CancelToken&) {}).ok());
    worker.stop();
}

TEST_CASE("work may submit work") {
    Worker worker(2);
    std::promise<void> second;
    REQUIRE(worker
                .submit(token(),
                        [&](const CancelToken&) {
                            CHECK(worker.submit(token(), [&](const CancelToken&) { second.set_value(); }).ok());
                        })
                .ok());
    second.get_future().wait();
}

}  // namespace
}  // namespace hagent::loop
