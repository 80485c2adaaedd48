// SPDX-License-Identifier: Apache-2.0
// Owns the loop around curl_multi_poll, which waits for our sockets beside those of libcurl. So no event library is
// needed, and no code for each system.
#include "agent/loop/loop.h"

#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "agent/base/handle.h"
#include "agent/base/limits.h"

namespace hagent::loop {
namespace {

struct MultiTraits {
    using Value = CURLM*;
    static Value none() { return nullptr; }
    static void close(Value multi) { curl_multi_cleanup(multi); }
};

short wanted(Interest interest) {
    return static_cast<short>((interest.read ? CURL_WAIT_POLLIN : 0) | (interest.write ? CURL_WAIT_POLLOUT : 0));
}

struct Watch {
    Interest interest;
    // shared: a callback may unwatch itself, and must outlive the call that does so
    std::shared_ptr<Callback<void(Interest)>> ready;
};

}  // namespace

struct Loop::Impl {
    explicit Impl(platform::Clock& clock_in) : clock(clock_in) {}

    platform::Clock& clock;
    UniqueHandle<MultiTraits> multi;
    TimerId last_timer = 0;
    std::map<std::pair<Uptime, TimerId>, Callback<void()>> timers;
    std::map<platform::SocketId, Watch> watches;
    std::vector<curl_waitfd> waited;
    std::size_t first_served = 0;  // where in `waited` the turn of the sockets begins
    std::map<CURL*, Callback<void(int)>> transfers;
    std::mutex inbox_mutex;
    std::vector<Callback<void()>> inbox;
    std::atomic<bool> stopping = false;

    /// Milliseconds until the first timer is due. libcurl knows the times of its transfers by itself.
    int wait_time() const {
        if (timers.empty()) {
            return INT_MAX;
        }
        const auto left = (timers.begin()->first.first - clock.uptime()).count();
        return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
    }

    void wait() {
        waited.clear();
        for (const auto& [socket, watch] : watches) {
            waited.push_back({static_cast<curl_socket_t>(socket), wanted(watch.interest), 0});
        }
        curl_multi_poll(multi.get(), waited.data(), static_cast<unsigned>(waited.size()), wait_time(), nullptr);
    }

    /// A callback may have removed the watch of a later entry: each is looked up anew. However many sockets are ready,
    /// timers and messages do not wait longer than a turn; the next turn goes on with those that were left.
    void serve_sockets() {
        const Uptime end = clock.uptime() + Millis{limits::k_loop_turn_ms};
        for (std::size_t i = 0; i < waited.size(); ++i) {
            const std::size_t at = (first_served + i) % waited.size();
            if (i > 0 && clock.uptime() >= end) {
                first_served = at;
                return;
            }
            const auto& entry = waited[at];
            const auto found = watches.find(static_cast<platform::SocketId>(entry.fd));
            if (entry.revents == 0 || found == watches.end()) {
                continue;
            }
            const auto ready = found->second.ready;
            (*ready)({(entry.revents & CURL_WAIT_POLLIN) != 0, (entry.revents & CURL_WAIT_POLLOUT) != 0});
        }
        first_served = 0;
    }

    void serve_transfers() {
        if (transfers.empty()) {
            return;
        }
        int running = 0;
        curl_multi_perform(multi.get(), &running);
        int queued = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi.get(), &queued)) {
            if (message->msg != CURLMSG_DONE) {
                continue;
            }
            CURL* easy = message->easy_handle;
            const int code = message->data.result;
            curl_multi_remove_handle(multi.get(), easy);
            if (auto done = transfers.extract(easy); !done.empty()) {
                done.mapped()(code);
            }
        }
    }

    void serve_timers() {
        const Uptime now = clock.uptime();
        std::vector<std::pair<Uptime, TimerId>> due;  // those that callbacks set come in the next round
        for (auto timer = timers.begin(); timer != timers.end() && timer->first.first <= now; ++timer) {
            due.push_back(timer->first);
        }
        for (const auto& key : due) {
            if (auto timer = timers.extract(key); !timer.empty()) {  // an earlier one may have cancelled it
                timer.mapped()();
            }
        }
    }

    /// Work that is posted meanwhile comes in the next round, so that a chain of posts cannot lock out the sockets.
    void serve_inbox() {
        std::vector<Callback<void()>> work;
        {
            const std::lock_guard lock(inbox_mutex);
            work.swap(inbox);
        }
        for (const auto& item : work) {
            item();
        }
    }
};

Loop::Loop(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Loop::~Loop() {
    for (const auto& [easy, done] : impl_->transfers) {
        curl_multi_remove_handle(impl_->multi.get(), easy);
    }
}

Result<std::unique_ptr<Loop>> Loop::create(platform::Clock& clock) {
    auto impl = std::make_unique<Impl>(clock);
    impl->multi.reset(curl_multi_init());
    if (!impl->multi) {
        return error(errors::AgentCode::out_of_memory, "event loop");
    }
    return std::unique_ptr<Loop>(new Loop(std::move(impl)));
}

TimerId Loop::after(Millis delay, Callback<void()> due) {
    const TimerId id = ++impl_->last_timer;
    impl_->timers.emplace(std::pair(impl_->clock.uptime() + delay, id), std::move(due));
    return id;
}

// A search through all timers: there are a dozen at most.
void Loop::cancel(TimerId timer) {
    std::erase_if(impl_->timers, [timer](const auto& entry) { return entry.first.second == timer; });
}

void Loop::watch(platform::SocketId socket, Interest interest, Callback<void(Interest)> ready) {
    impl_->watches[socket] = {interest, std::make_shared<Callback<void(Interest)>>(std::move(ready))};
}

void Loop::set_interest(platform::SocketId socket, Interest interest) {
    if (const auto found = impl_->watches.find(socket); found != impl_->watches.end()) {
        found->second.interest = interest;
    }
}

void Loop::unwatch(platform::SocketId socket) { impl_->watches.erase(socket); }

void Loop::start_transfer(void* easy, Callback<void(int)> done) {
    impl_->transfers[easy] = std::move(done);
    curl_multi_add_handle(impl_->multi.get(), easy);
}

void Loop::abort_transfer(void* easy) {
    if (impl_->transfers.erase(easy) != 0) {
        curl_multi_remove_handle(impl_->multi.get(), easy);
    }
}

void Loop::post(Callback<void()> work) {
    {
        const std::lock_guard lock(impl_->inbox_mutex);
        impl_->inbox.push_back(std::move(work));
    }
    wake();
}

void Loop::stop() {
    impl_->stopping = true;
    wake();
}

void Loop::wake() { curl_multi_wakeup(impl_->multi.get()); }

void Loop::run(const Callback<void()>& on_wake) {
    while (!impl_->stopping) {
        impl_->serve_transfers();  // a transfer that was just added sets its own wait time here
        if (impl_->stopping) {
            break;
        }
        impl_->wait();
        on_wake();
        impl_->serve_inbox();
        impl_->serve_timers();
        impl_->serve_sockets();
    }
}

}  // namespace hagent::loop
