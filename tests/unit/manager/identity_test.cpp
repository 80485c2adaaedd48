// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the device's id and inventory.
#include "agent/manager/identity.h"

#include <doctest/doctest.h>

#include <map>

#include "agent/base/version.h"
#include "tests/fakes/fake_disks.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/rooted.h"

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

TEST_CASE("The name that every machine has before it gets one is no hostname") {
    auto facts = host();
    for (const auto* name : {"localhost", "LOCALHOST", "localhost.localdomain", "(none)", ""}) {
        CAPTURE(name);
        facts.hostname = name;
        CHECK_FALSE(device_id("<hostname>", facts).ok());
        CHECK(is_missing_yet("tc-<hostname>", facts));
    }
    facts.hostname = "localhorst";
    CHECK(device_id("<hostname>", facts).value() == "localhorst");
    CHECK_FALSE(is_missing_yet("<serial>", facts));
}

TEST_CASE("An id is made once and kept, whatever becomes of what it was made of") {
    fakes::FakeFiles files;
    files.put_directory("/s");
    const config::StatePaths state(fakes::rooted("/s"));
    auto facts = host();
    facts.card_names = {"eth0"};
    const auto first = find_device_id(files, state, "<mac>", facts).value();
    CHECK(first.from == "eth0");
    CHECK_FALSE(first.is_kept);
    REQUIRE(keep_device_id(files, state, first).ok());
    CHECK(find_device_id(files, state, "<mac>", facts).value().from == "kept");
    facts.macs = {"00:80:64:00:00:01"};
    const auto other = find_device_id(files, state, "<mac>", facts).value();
    CHECK(other.id == first.id);
    CHECK(other.from == "kept; this machine would now be 008064000001");
    facts.macs.clear();
    CHECK(find_device_id(files, state, "<mac>", facts).value().id == first.id);
    CHECK(find_device_id(files, state, "fixed", facts).value().from == "configured");
    CHECK_FALSE(find_device_id(files, state, "tc-<mac>", facts).ok());  // another text: made anew
    facts = host();
    facts.has_real_card = false;
    CHECK_FALSE(find_device_id(files, state, "tc-<mac>", facts).value().is_sure);
    CHECK(find_device_id(files, state, "<hostname>", facts).value().is_sure);
}

TEST_CASE("A kept id survives each damaged byte and is made again after worse") {
    fakes::FakeFiles files;
    files.put_directory("/s");
    const config::StatePaths state(fakes::rooted("/s"));
    REQUIRE(keep_device_id(files, state, find_device_id(files, state, "<mac>", host()).value()).ok());
    const std::string whole = files.content("/s/device-id").value();
    auto facts = host();
    facts.macs = {"00:80:64:00:00:01"};
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ 1);
        files.put("/s/device-id", flipped);
        const auto found = find_device_id(files, state, "<mac>", facts).value();
        CAPTURE(at);
        CHECK(found.id == "008064aabbcc");
        CHECK(found.was_damaged);
    }
    for (const auto& text : {std::string(), std::string("x"), whole.substr(0, whole.size() / 3)}) {
        files.put("/s/device-id", text);
        const auto found = find_device_id(files, state, "<mac>", facts).value();
        CHECK(found.id == "008064000001");
        CHECK(found.was_damaged);
        REQUIRE(keep_device_id(files, state, found).ok());
        CHECK_FALSE(find_device_id(files, state, "<mac>", facts).value().was_damaged);
    }
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
