// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what a DHCP lease says about a manager, and of keeping the first one.
#include "agent/manager/discovery.h"

#include <doctest/doctest.h>

#include <utility>

#include "tests/fakes/fake_files.h"

namespace hagent::manager {
namespace {

using config::Dialect;
using Strings = std::vector<std::string>;

std::string lease(const std::string& options) {
    return "lease {\n  interface \"eth0\";\n  fixed-address 192.0.2.10;\n  option subnet-mask 255.255.255.0;\n" +
           options + "  expire 2 2026/11/24 03:00:00;\n}\n";
}

Strings hawkbit(const std::string& options) { return managers_of_leases(lease(options), Dialect::hawkbit); }
Strings hserver(const std::string& options) { return managers_of_leases(lease(options), Dialect::hserver); }

TEST_CASE("two addresses, the ports, and a name that comes before them") {
    CHECK(hawkbit("  option unknown-186 c0:0:2:5:c0:0:2:6;\n") == Strings{"https://192.0.2.5/", "https://192.0.2.6/"});
    CHECK(hserver("  option unknown-186 c0:0:2:5;\n") == Strings{"http://192.0.2.5/"});
    CHECK(hserver("  option unknown-186 c0:0:2:5;\n  option unknown-192 1f:90;\n") ==
          Strings{"http://192.0.2.5:8080/"});
    CHECK(hserver("  option unknown-186 c0:0:2:5;\n  option unknown-190 1:bb;\n") == Strings{"https://192.0.2.5/"});
    CHECK(hawkbit("  option unknown-186 c0:0:2:5;\n  option unknown-190 20:fb;\n  option unknown-192 0:50;\n") ==
          Strings{"https://192.0.2.5:8443/"});
    CHECK(hawkbit("  option unknown-186 c0:0:2:5;\n  option unknown-194 \"wdm.example\";\n") ==
          Strings{"https://wdm.example/"});
    CHECK(hawkbit("  option option-194 77:64:6d:2e:65:78:0;\n") == Strings{"https://wdm.ex/"});
    CHECK(hawkbit("  option unknown-194 \"wdm.example\\000\";\n  option unknown-190 8443;\n") ==
          Strings{"https://wdm.example:8443/"});
}

TEST_CASE("the last lease of the file counts") {
    const std::string both =
        lease("  option unknown-194 \"old.example\";\n") + lease("  option unknown-194 \"new.example\";\n");
    CHECK(managers_of_leases(both, Dialect::hawkbit) == Strings{"https://new.example/"});
    CHECK(managers_of_leases(lease("  option unknown-194 \"old.example\";\n") + lease(""), Dialect::hawkbit).empty());
}

TEST_CASE("at most two managers, and none that cannot be one") {
    CHECK(hawkbit("  option unknown-186 c0:0:2:5:c0:0:2:6:c0:0:2:7;\n").size() == 2);
    for (const char* odd :
         {"", "  option unknown-186 ;\n", "  option unknown-186 c0:0:2;\n", "  option unknown-186 0:0:0:0;\n",
          "  option unknown-186 ff:ff:ff:ff;\n", "  option unknown-186 c0:0:2:zz;\n", "  option unknown-186 c0:0:2:5\n",
          "  option unknown-194 \"wdm.example/path\";\n", "  option unknown-194 \"user@host\";\n",
          "  option unknown-194 \"-x\";\n", "  option unknown-194 \"a b\";\n", "  option unknown-194 \"\";\n",
          "  option unknown-1940 \"x\";\n"}) {
        CAPTURE(odd);
        CHECK(hawkbit(odd).empty());
    }
    CHECK(hawkbit("  option unknown-186 c0:0:2:5;\n  option unknown-190 0:0;\n") == Strings{"https://192.0.2.5/"});
    CHECK(managers_of_leases("option unknown-194 \"outside.example\";\n", Dialect::hawkbit).empty());
}

using platform::ServicePlace;

/// Draws these numbers one after the other, then zeros.
std::function<std::uint64_t()> lots(std::vector<std::uint64_t> numbers) {
    return [numbers = std::move(numbers), at = std::size_t{0}]() mutable {
        return at < numbers.size() ? numbers[at++] : 0;
    };
}

Strings named(const std::vector<ServicePlace>& places, std::vector<std::uint64_t> numbers = {}) {
    return managers_of_services(places, Dialect::hawkbit, lots(std::move(numbers)));
}

TEST_CASE("lower priorities come first, in whatever order the records arrive") {
    CHECK(named({{20, 0, 443, "c.example"}, {0, 5, 8443, "a.example"}, {10, 9, 443, "b.example"}}) ==
          Strings{"https://a.example:8443/", "https://b.example/", "https://c.example/"});
    CHECK(named({}).empty());
}

TEST_CASE("within one priority the lot decides by weight, and who has none comes first only by drawing nought") {
    const std::vector<ServicePlace> three = {
        {1, 60, 443, "a.example"}, {1, 0, 443, "z.example"}, {1, 40, 443, "b.example"}};
    CHECK(named(three, {0}).front() == "https://z.example/");
    CHECK(named(three, {1}).front() == "https://a.example/");
    CHECK(named(three, {60}).front() == "https://a.example/");
    CHECK(named(three, {61}).front() == "https://b.example/");
    CHECK(named(three, {100}).front() == "https://b.example/");
    CHECK(named(three, {101}).front() == "https://z.example/");  // modulo the sum and one
    CHECK(named(three, {100, 60, 0}) == Strings{"https://b.example/", "https://a.example/", "https://z.example/"});
    CHECK(named({{1, 0, 443, "a.example"}, {1, 0, 443, "b.example"}}).size() == 2);
}

TEST_CASE("weights give shares") {
    const std::vector<ServicePlace> two = {{1, 30, 443, "a.example"}, {1, 10, 443, "b.example"}};
    std::size_t first = 0;
    for (std::uint64_t lot = 0; lot < 4100; ++lot) {
        if (named(two, {lot}).front() == "https://a.example/") {
            ++first;
        }
    }
    CHECK(first == 3100);  // 0 to 30 of 0 to 40
}

TEST_CASE("records without a plain host or a port name nobody, and a long list ends") {
    for (const auto& odd :
         {ServicePlace{0, 0, 443, ""}, ServicePlace{0, 0, 0, "a.example"}, ServicePlace{0, 0, 443, "a_b.example"},
          ServicePlace{0, 0, 443, "user@a.example"}, ServicePlace{0, 0, 443, "a/b"}, ServicePlace{0, 0, 443, "-a"}}) {
        CAPTURE(odd.host);
        CHECK(named({odd}).empty());
        CHECK(named({odd, {9, 0, 443, "good.example"}}) == Strings{"https://good.example/"});
    }
    CHECK(named(std::vector<ServicePlace>(100, {0, 1, 443, "a.example"})).size() == 16);
}

TEST_CASE("the legacy dialect is encrypted on the port of HTTPS only") {
    const auto legacy = [](std::uint16_t port) {
        return managers_of_services({{0, 0, port, "m.example"}}, Dialect::hserver, lots({}));
    };
    CHECK(legacy(80) == Strings{"http://m.example/"});
    CHECK(legacy(8080) == Strings{"http://m.example:8080/"});
    CHECK(legacy(443) == Strings{"https://m.example/"});
}

/// A device whose lease names one manager now and another one later.
struct Leased {
    Leased() {
        files.put_directory("/state");
        settings.dhcp_lease_file = "/leases";
        lease_names("first");
        files.forget_calls();
    }
    void lease_names(const std::string& name) {
        files.put("/leases", lease("  option unknown-194 \"" + name + ".example\";\n"));
    }
    [[nodiscard]] Strings found() {
        const auto found = discover(files, settings, "/state");
        REQUIRE(found.ok());
        return *found;
    }

    fakes::FakeFiles files;
    config::ManagerSettings settings;
};

const std::string k_first = "https://first.example/", k_second = "https://second.example/";

TEST_CASE("the manager that was met first is kept, whatever the lease says later") {
    Leased device;
    FirstManager first(device.files, "/state");
    CHECK(device.found() == Strings{k_first});
    REQUIRE(first.met(k_first).ok());
    device.lease_names("second");
    REQUIRE(first.met(k_second).ok());  // the other address of the same lease
    CHECK(device.found() == Strings{k_first});
    CHECK(discover(device.files, device.settings, "/other").value() == Strings{k_second});
    device.settings.dhcp_lease_file = "/nosuch";
    CHECK(discover(device.files, device.settings, "/other").value().empty());
}

TEST_CASE("a power cut at any change of the note leaves none or the whole one, and none is lost that was written") {
    for (const auto unsynced : {fakes::Unsynced::lost, fakes::Unsynced::torn, fakes::Unsynced::kept}) {
        for (const bool known : {false, true}) {  // with a note from before, which every start writes again
            CAPTURE(known);
            bool cut = true;
            std::uint64_t call = 1;
            for (; cut; ++call) {
                CAPTURE(call);
                Leased device;
                if (known) {
                    device.files.put("/state/manager-met", k_first + "\n");
                }
                device.files.cut_power_at(call);
                const auto noted = FirstManager(device.files, "/state").met(k_first);
                cut = device.files.power_is_off();
                CHECK(noted.ok() != cut);
                device.files.restart(unsynced);
                device.lease_names("second");
                const auto found = device.found();
                CHECK((found == Strings{k_first} || (found == Strings{k_second} && cut && !known)));
                REQUIRE(FirstManager(device.files, "/state").met(found.front()).ok());
                device.lease_names("third");
                CHECK(device.found() == found);
            }
            CHECK(call > 4);  // create, write, sync, rename
        }
    }
}

TEST_CASE("a note for which there is no room is written later, and names the first manager even then") {
    for (std::uint64_t call = 1; call <= 4; ++call) {
        CAPTURE(call);
        Leased device;
        FirstManager first(device.files, "/state");
        device.files.fail_call(call, error(errors::AgentCode::disk_full, "planned"));
        CHECK(first.met(k_first).error().is(errors::AgentCode::disk_full));
        CHECK_FALSE(device.files.exists("/state/manager-met"));
        REQUIRE(first.met(k_second).ok());
        device.lease_names("second");
        CHECK(device.found() == Strings{k_first});
    }
    Leased device;
    FirstManager first(device.files, "/state");
    device.files.set_capacity(0);
    CHECK(first.met(k_first).error().is(errors::AgentCode::disk_full));
    CHECK(first.met(k_second).error().is(errors::AgentCode::disk_full));
    device.files.set_capacity(UINT64_MAX);
    REQUIRE(first.met(k_second).ok());
    device.lease_names("second");
    CHECK(device.found() == Strings{k_first});
    device.files.set_capacity(0);
    CHECK_FALSE(FirstManager(device.files, "/state").met(k_first).ok());  // the next start; the note is there already
    CHECK(device.found() == Strings{k_first});
}

TEST_CASE("a note that cannot be used is no reason to follow a lease") {
    Leased device;
    device.files.put("/state/manager-met", "\n");
    CHECK(discover(device.files, device.settings, "/state").error().is(errors::AgentCode::manager_unreachable));
    device.files.put("/state/manager-met", std::string(std::size_t{1} << 20U, 'x'));
    CHECK(discover(device.files, device.settings, "/state").error().is(errors::AgentCode::file_too_large));
    device.files.fail_path("/state/manager-met", error(errors::AgentCode::io_error, "planned"));
    CHECK(discover(device.files, device.settings, "/state").error().is(errors::AgentCode::io_error));
}

}  // namespace
}  // namespace hagent::manager
