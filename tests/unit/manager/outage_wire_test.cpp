// SPDX-License-Identifier: Apache-2.0
// Owns the test of hundreds of real calls to a manager that is away, each cut short: what the loop, the fetcher and
// libcurl hold after them.
#include <curl/curl.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "agent/transfer/curl_fetcher.h"
#include "platform/clock.h"
#include "platform/socket.h"
#include "tests/unit/manager/live_heap.h"

using namespace hagent;

namespace {

enum class Way : std::uint8_t { refused, black_hole, half_open, slow };

constexpr Millis k_call_limit{25};
constexpr std::size_t k_calls_at_once = 8;
constexpr const char* k_answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nand so on";

/// A manager on the loop of its caller, so that everything it holds is given back once its callers have gone.
class AwayManager {
public:
    AwayManager(loop::Loop& loop, Way way)
        : loop_(loop), way_(way), listener_(platform::listen("127.0.0.1", 0).value()), port_(listener_->port()) {
        if (way == Way::refused) {
            listener_.reset();
        } else if (way != Way::black_hole) {
            loop_.watch(listener_->id(), {true, false}, [this](loop::Interest) { accept(); });
        }
    }
    ~AwayManager() {
        loop_.cancel(timer_);
        if (listener_ && way_ != Way::black_hole) {
            loop_.unwatch(listener_->id());
        }
        while (!peers_.empty()) {
            drop(peers_.begin()->first);
        }
    }
    AwayManager(const AwayManager&) = delete;
    AwayManager& operator=(const AwayManager&) = delete;

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/poll"; }
    [[nodiscard]] bool alone() const { return peers_.empty(); }

    std::function<void()> on_leaving;  // of a caller

private:
    struct Peer {
        std::unique_ptr<platform::Stream> stream;
        std::size_t sent = 0;
    };

    void accept() {
        auto next = listener_->accept();
        if (next.ok() && *next) {
            const auto id = (**next)->id();
            peers_[id] = {std::move(**next), 0};
            loop_.watch(id, {true, false}, [this, id](loop::Interest) { hear(id); });
        }
    }

    /// Half an answer at once and then nothing, or a byte of it from time to time.
    void hear(platform::SocketId id) {
        std::array<char, 2000> bytes{};
        const auto got = peers_.at(id).stream->read(bytes);
        if (!got.ok() || (*got && **got == 0)) {
            drop(id);
        } else if (*got && way_ == Way::half_open) {
            (void)peers_.at(id).stream->write(std::string_view(k_answer).substr(0, 20));
        } else if (*got && timer_ == 0) {
            timer_ = loop_.after(Millis{1}, [this] { trickle(); });
        }
    }

    void trickle() {
        for (auto& [id, peer] : peers_) {
            (void)peer.stream->write(std::string_view(k_answer).substr(peer.sent, 1));
            peer.sent = std::min(peer.sent + 1, std::string_view(k_answer).size() - 1);
        }
        timer_ = peers_.empty() ? 0 : loop_.after(Millis{1}, [this] { trickle(); });
    }

    void drop(platform::SocketId id) {
        loop_.unwatch(id);
        peers_.erase(id);
        if (on_leaving) {
            on_leaving();
        }
    }

    loop::Loop& loop_;
    Way way_;
    std::unique_ptr<platform::Listener> listener_;
    std::uint16_t port_;
    std::map<platform::SocketId, Peer> peers_;
    loop::TimerId timer_ = 0;
};

/// Rounds of some calls at a time; the next one begins when all have ended and the other side has seen it.
class Caller {
public:
    explicit Caller(Way way) : manager_(*loop_, way) {
        manager_.on_leaving = [this] { settle(); };
    }

    /// What the program holds after each round.
    std::vector<std::int64_t> run(std::size_t rounds) {
        held_.reserve(rounds);
        rounds_ = rounds;
        call();
        loop_->after(Seconds{60}, [this] {
            late_ = true;
            loop_->stop();
        });
        loop_->run([] {});
        REQUIRE_FALSE(late_);
        CHECK(ended_ == rounds * k_calls_at_once);
        CHECK(answered_ == 0);
        return std::move(held_);
    }

private:
    void call() {
        transfer::Exchange exchange;
        exchange.url = manager_.url();
        for (std::size_t i = 0; i < k_calls_at_once; ++i) {
            fetcher_.start(exchange, 1000, k_call_limit, [this](Result<transfer::Reply> reply, const std::string&) {
                answered_ += reply.ok() && !reply->error ? 1U : 0U;
                ++ended_;
                settle();
            });
        }
    }

    /// What the last of them leave behind is gone when the loop comes round again.
    void settle() {
        if (ended_ == (held_.size() + 1) * k_calls_at_once && manager_.alone() && !std::exchange(settled_, true)) {
            loop_->post([this] {
                settled_ = false;
                held_.push_back(live_heap::bytes());
                if (held_.size() < rounds_) {
                    call();
                } else {
                    loop_->stop();
                }
            });
        }
    }

    static transfer::Options direct() {
        transfer::Options options;
        options.use_proxies = false;
        return options;
    }

    platform::SystemClock clock_;
    std::unique_ptr<loop::Loop> loop_ = loop::Loop::create(clock_).value();
    transfer::LoopFetcher fetcher_{*loop_, direct()};
    AwayManager manager_;
    std::vector<std::int64_t> held_;
    std::size_t rounds_ = 0, ended_ = 0, answered_ = 0;
    bool settled_ = false, late_ = false;
};

}  // namespace

TEST_CASE("Hundreds of calls to a manager that is away leave nothing behind") {
    using namespace live_heap;
    REQUIRE(curl_global_init_mem(CURL_GLOBAL_DEFAULT, &take, &give_back, &take_again, &take_text, &take_zeroed) ==
            CURLE_OK);
    if (!counts()) {
        MESSAGE("operator new of this build does not count: only what libcurl holds is judged");
    }
    constexpr std::size_t k_rounds = 30, k_warm = 10;
    constexpr std::int64_t k_slack = 2048;
    constexpr std::array<const char*, 4> k_names = {"refused", "black hole", "half-open", "slow"};
    for (const Way way : {Way::refused, Way::black_hole, Way::half_open, Way::slow}) {
        const std::string name = k_names.at(static_cast<std::size_t>(way));
        CAPTURE(name);
        const auto held = Caller(way).run(k_rounds);
        const std::int64_t most = *std::max_element(held.begin() + k_warm, held.end()) - held.at(k_warm - 1);
        MESSAGE(name << ": " << k_rounds * k_calls_at_once << " calls; " << held.at(k_warm - 1)
                     << " bytes on the heap after a third of them, later at most " << most << " more");
        CHECK(most <= k_slack);
    }
    curl_global_cleanup();
}
