// SPDX-License-Identifier: Apache-2.0
// Owns the one event loop: timers, sockets, libcurl transfers and messages from other threads, waiting in
// curl_multi_poll.
#pragma once

#include <cstdint>
#include <memory>

#include "agent/base/callback.h"
#include "agent/base/result.h"
#include "platform/clock.h"
#include "platform/socket.h"

namespace hagent::loop {

using TimerId = std::uint64_t;

/// What a socket is watched for, or what it is ready for.
struct Interest {
    bool read = false;
    bool write = false;
};

/// Everything except post() and stop() is called on the thread that calls run(). Callbacks may add and remove
/// anything, themselves included. Between due timers the loop does not wake up.
class Loop {
public:
    [[nodiscard]] static Result<std::unique_ptr<Loop>> create(platform::Clock& clock);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Calls `due` once, as soon as `delay` has passed and the loop is free.
    TimerId after(Millis delay, Callback<void()> due);
    /// A timer that was due already, or 0, is ignored.
    void cancel(TimerId timer);

    /// Calls `ready` whenever the socket can be read or written as asked, or has failed. One callback a socket. The
    /// socket must be unwatched before it is closed.
    void watch(platform::SocketId socket, Interest interest, Callback<void(Interest)> ready);
    void set_interest(platform::SocketId socket, Interest interest);
    void unwatch(platform::SocketId socket);

    /// Runs a prepared libcurl easy handle (CURL*); `done` gets its CURLcode. The handle is borrowed until then.
    void start_transfer(void* easy, Callback<void(int)> done);
    /// Takes the handle out; its `done` is not called any more.
    void abort_transfer(void* easy);

    /// From any thread: runs `work` on the loop's thread soon.
    void post(Callback<void()> work);
    /// From any thread, and from a signal handler by way of wake(): run() returns.
    void stop();
    /// Ends the current wait; async-signal-safe on POSIX.
    void wake();

    /// Serves until stop(). `on_wake` runs after every wait, for flags that a signal handler has set.
    void run(const Callback<void()>& on_wake);

private:
    struct Impl;
    explicit Loop(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace hagent::loop
