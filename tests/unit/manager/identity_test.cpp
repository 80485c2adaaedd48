// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the device's id and inventory.
#include "agent/manager/identity.h"

#include <doctest/doctest.h>

#include <map>

#include "agent/base/version.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_host.h"

using namespace hagent;
using namespace hagent::manager;

namespace {

platform::HostFacts host() { return fakes::FakeHost().known; }

std::map<std::string, std::string> as_map(const Identity& identity) {
    return {identity.attributes.begin(), identity.attributes.end()};
}

}  // namespace

TEST_CASE("The id is made from the machine's facts: a MAC without colons, in lower case") {
    auto facts = host();
    facts.macs = {"00:80:64:AA:BB:CC", "02:00:00:00:00:01"};
    CHECK(device_id("<mac>", facts).value() == "008064aabbcc");
    CHECK(device_id("tc-<mac>.<hostname>", facts).value() == "tc-008064aabbcc.device-1");
    CHECK(device_id("<serial>", facts).value() == "SN0001");
    CHECK(device_id("front-desk@2+1_a:b", facts).value() == "front-desk@2+1_a:b");
}

TEST_CASE("An id that no machine can have is a fault of the configuration") {
    auto facts = host();
    facts.macs.clear();
    facts.serial = "To be filled by O.E.M.";
    for (const auto* pattern : {"", "<mac>", "<serial>", "<ip>", "<>", "<mac", "a b", "a/b", "a?b", "a#b", "a%b",
                                "M\xc3\xbcnchen", "a\nb", "a>"}) {
        const auto id = device_id(pattern, facts);
        INFO(pattern);
        REQUIRE_FALSE(id.ok());
        CHECK(id.error().is(errors::AgentCode::config_bad_value));
        CHECK(id.error().context.starts_with("device.id"));
    }
    CHECK_FALSE(device_id(std::string(129, 'a'), facts).ok());
    CHECK(device_id(std::string(128, 'a'), facts).ok());
}

TEST_CASE("The inventory tells what the machine is, in a fixed order and without empty values") {
    config::DeviceSettings settings;
    settings.os_code = "SLX";
    settings.labels = {{"Custom1", "lobby"}, {"Custom2", ""}};
    auto facts = host();
    facts.vendor.clear();
    DeviceState state;
    state.image_version = "11.2.038";
    state.more = {{"agent.trust", "required, 2 keys"}};
    const auto identity = describe("tc-1", settings, facts, fakes::FakeDisks().all, state);
    CHECK(identity.device_id == "tc-1");
    const auto all = as_map(identity);
    CHECK(all.size() == identity.attributes.size());
    CHECK(all.at("device.id") == "tc-1");
    CHECK(all.at("mac") == "00:80:64:aa:bb:cc");
    CHECK(all.at("memory_mib") == "512");
    CHECK(all.at("os.code") == "SLX");
    CHECK(all.at("image.version") == "11.2.038");
    CHECK(all.at("agent.version") == agent_version());
    CHECK(all.at("disk0") == "/");
    CHECK(all.at("disk0.total_mib") == "8192");
    CHECK(all.at("disk0.free") == "4.0 GiB");
    CHECK(all.at("agent.trust") == "required, 2 keys");
    CHECK(all.at("Custom1") == "lobby");
    CHECK_FALSE(all.contains("Custom2"));
    CHECK_FALSE(all.contains("vendor"));
    CHECK(identity.attributes.front().first == "device.id");
    CHECK(identity.attributes == describe("tc-1", settings, facts, fakes::FakeDisks().all, state).attributes);
}

TEST_CASE("The digest changes with what is worth telling, not with free space") {
    const auto volumes = fakes::FakeDisks().all;
    const auto before = describe("tc-1", {}, host(), volumes, {});
    auto fuller = volumes;
    fuller[0].available_bytes = 1;
    CHECK(describe("tc-1", {}, host(), fuller, {}).digest == before.digest);
    auto facts = host();
    facts.boot_id = "another";
    CHECK(describe("tc-1", {}, facts, volumes, {}).digest != before.digest);
    CHECK(describe("tc-2", {}, host(), volumes, {}).digest != before.digest);
    CHECK(describe("tc-1", {}, host(), volumes, {"2", "", {}}).digest != before.digest);
}

TEST_CASE("A machine with very many addresses and volumes tells the first ones") {
    auto facts = host();
    facts.addresses.assign(1000, "192.0.2.1");
    const std::vector<platform::Volume> volumes(1000, fakes::FakeDisks().all[0]);
    const auto identity = describe("tc-1", {}, facts, volumes, {});
    CHECK(identity.attributes.size() < 60);
    CHECK(as_map(identity).at("ip").size() < 100);
}
