// SPDX-License-Identifier: Apache-2.0
// Owns FakeHost: a machine that a test describes and whose power switch only notes what was asked.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "platform/host.h"

namespace hagent::fakes {

class FakeHost final : public platform::Host {
public:
    [[nodiscard]] platform::HostFacts facts() override { return known; }
    [[nodiscard]] Status power(platform::PowerAction action) override {
        if (power_answer.ok()) {
            actions.push_back(action);
        }
        return power_answer;
    }

    [[nodiscard]] Status force_restart() override {
        forced += power_answer.ok() ? 1U : 0U;
        return power_answer;
    }

    [[nodiscard]] Result<std::unique_ptr<platform::Watchdog>> open_watchdog(const std::string& device) override {
        if (device != watchdog_device) {
            return error(errors::AgentCode::file_not_found, device);
        }
        return std::unique_ptr<platform::Watchdog>(std::make_unique<Dog>(*this));
    }

    std::string watchdog_device;                      // empty: there is none
    std::atomic<unsigned> feeds = 0, disarmings = 0;  // from any thread

    platform::HostFacts known = {"device-1",
                                 {"00:80:64:aa:bb:cc"},
                                 {"192.0.2.10"},
                                 "Example Maker",
                                 "T10",
                                 "SN0001",
                                 "Example CPU",
                                 std::uint64_t{512} << 20U,
                                 "Linux",
                                 "6.1.0",
                                 "i686",
                                 "11111111-2222-4333-8444-555555555555",
                                 "",
                                 ""};
    Status power_answer;                         // set an error to refuse
    std::vector<platform::PowerAction> actions;  // what was asked and not refused, in order
    unsigned forced = 0;                         // restarts that were forced and not refused

private:
    class Dog final : public platform::Watchdog {
    public:
        explicit Dog(FakeHost& host) : host_(host) {}
        [[nodiscard]] Status feed() override { return ++host_.feeds, Status(); }
        [[nodiscard]] Status disarm() override { return ++host_.disarmings, Status(); }

    private:
        FakeHost& host_;
    };
};

}  // namespace hagent::fakes
