// SPDX-License-Identifier: Apache-2.0
// Owns what host.h promises, as far as a machine can be asked without switching it off.
#include "platform/host.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "platform/network_card.h"
#include "tests/fakes/fake_host.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::PowerAction;

TEST_CASE("the machine knows its name, memory, system and start") {
    const auto facts = platform::system_host()->facts();
    CHECK_FALSE(facts.hostname.empty());
    CHECK_FALSE(facts.os_name.empty());
    CHECK_FALSE(facts.os_release.empty());
    CHECK_FALSE(facts.machine.empty());
    CHECK(facts.memory_bytes > (std::uint64_t{16} << 20U));
    CHECK_FALSE(facts.boot_id.empty());
    CHECK(facts.boot_id == platform::system_host()->facts().boot_id);
}

TEST_CASE("addresses are no loopback and no link-local ones, MACs are in lower case") {
    const auto facts = platform::system_host()->facts();
    for (const auto& address : facts.addresses) {
        CAPTURE(address);
        CHECK_FALSE(address.starts_with("127."));
        CHECK_FALSE(address.starts_with("169.254."));
        CHECK_FALSE(address.starts_with("fe80:"));
        CHECK(address != "::1");
    }
    for (const auto& mac : facts.macs) {
        CAPTURE(mac);
        CHECK(mac.size() == 17);
        CHECK(std::count(mac.begin(), mac.end(), ':') == 5);
        CHECK(mac.find_first_not_of("0123456789abcdef:") == std::string::npos);
    }
}

TEST_CASE("a machine is known by the card that stays with it longest") {
    using platform::NetworkCard;
    const NetworkCard built_in{"eth10", "00:80:64:00:00:01"}, second{"eth2", "00:80:64:00:00:02"},
        wireless{"wlan0", "00:80:64:00:00:03", true, true, false, true},
        usb{"eth0", "00:80:64:00:00:04", true, true, true}, given{"eth1", "00:80:64:00:00:05", true, false},
        local{"eth3", "02:80:64:00:00:06"}, bridge{"br0", "00:80:64:00:00:07", false, false},
        again{"bond0", "00:80:64:00:00:01", false, false};
    const std::vector<NetworkCard> best_first = {second, built_in, wireless, usb, given, local};
    std::vector<NetworkCard> all = {bridge, local, given, again, usb, wireless, built_in, second};
    for (int i = 0; i < 8; ++i) {
        std::rotate(all.begin(), all.begin() + 1, all.end());
        platform::HostFacts facts;
        platform::put_cards(all, facts);
        CHECK(facts.has_real_card);
        REQUIRE(facts.macs.size() == best_first.size());
        for (std::size_t at = 0; at < best_first.size(); ++at) {
            CHECK(facts.macs[at] == best_first[at].mac);
            CHECK(facts.card_names[at] == best_first[at].name);
        }
    }
    platform::HostFacts virtual_only;
    platform::put_cards({bridge, again}, virtual_only);
    CHECK_FALSE(virtual_only.has_real_card);
    CHECK(virtual_only.macs.size() == 2);
    platform::HostFacts nothing;
    platform::put_cards({}, nothing);
    CHECK(nothing.macs.empty());
}

TEST_CASE("this process exists and takes memory, process 0 is nobody's") {
    CHECK(platform::process_exists(platform::own_pid()));
    CHECK_FALSE(platform::process_exists(0));
    CHECK_FALSE(platform::process_exists(0xFFFFFFF0U));
    CHECK(platform::own_memory_bytes() > 100'000);
    CHECK(platform::own_memory_bytes() < (std::uint64_t{1} << 32U));
}

TEST_CASE("the fake machine notes what was asked unless it refuses") {
    fakes::FakeHost host;
    CHECK(host.power(PowerAction::reboot).ok());
    host.power_answer = error(AgentCode::reboot_failed);
    CHECK_FALSE(host.power(PowerAction::power_off).ok());
    CHECK(host.actions == std::vector{PowerAction::reboot});
}

}  // namespace
}  // namespace hagent
