// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what a DHCP lease says about a manager, and of keeping the first one.
#include "agent/manager/discovery.h"

#include <doctest/doctest.h>

#include "tests/fakes/fake_files.h"

namespace hagent::manager {
namespace {

using config::Dialect;
using Strings = std::vector<std::string>;

std::string lease(const std::string& options) {
    return "lease {\n  interface \"eth0\";\n  fixed-address 192.0.2.10;\n  option subnet-mask 255.255.255.0;\n" + options + "  expire 2 2026/11/24 03:00:00;\n}\n";
}

Strings hawkbit(const std::string& options) { return managers_of_leases(lease(options), Dialect::hawkbit); }
Strings hserver(const std::string& options) { return managers_of_leases(lease(options), Dialect::hserver); }

TEST_CASE("two addresses, the ports, and a name that comes before them") {
    CHECK(hawkbit("  option unknown-186 c0:0:2:5:c0:0:2:6;\n") == Strings{"https://192.0.2.5/", "https://192.0.2.6/"});
    CHECK(hserver("  option unknown-186 c0:0:2:5;\n") == Strings{"http://192.0.2.5/"});
    CHECK(hserver("  option unknown-186 c0:0:2:5;\n  option unknown-192 1f:90;\n") == Strings{"http://192.0.2.5:8080/"});
    CHECK(hserver("  option unknown-186 c0:0:2:5;\n  option unknown-190 1:bb;\n") == Strings{"https://192.0.2.5/"});
    CHECK(hawkbit("  option unknown-186 c0:0:2:5;\n  option unknown-190 20:fb;\n  option unknown-192 0:50;\n") == Strings{"https://192.0.2.5:8443/"});
    CHECK(hawkbit("  option unknown-186 c0:0:2:5;\n  option unknown-194 \"wdm.example\";\n") == Strings{"https://wdm.example/"});
    CHECK(hawkbit("  option option-194 77:64:6d:2e:65:78:0;\n") == Strings{"https://wdm.ex/"});
    CHECK(hawkbit("  option unknown-194 \"wdm.example\\000\";\n  option unknown-190 8443;\n") == Strings{"https://wdm.example:8443/"});
}

TEST_CASE("the last lease of the file counts") {
    const std::string both = lease("  option unknown-194 \"old.example\";\n") + lease("  option unknown-194 \"new.example\";\n");
    CHECK(managers_of_leases(both, Dialect::hawkbit) == Strings{"https://new.example/"});
    CHECK(managers_of_leases(lease("  option unknown-194 \"old.example\";\n") + lease(""), Dialect::hawkbit).empty());
}

TEST_CASE("at most two managers, and none that cannot be one") {
    CHECK(hawkbit("  option unknown-186 c0:0:2:5:c0:0:2:6:c0:0:2:7;\n").size() == 2);
    for (const char* odd : {"", "  option unknown-186 ;\n", "  option unknown-186 c0:0:2;\n", "  option unknown-186 0:0:0:0;\n",
                            "  option unknown-186 ff:ff:ff:ff;\n", "  option unknown-186 c0:0:2:zz;\n", "  option unknown-186 c0:0:2:5\n",
                            "  option unknown-194 \"wdm.example/path\";\n", "  option unknown-194 \"user@host\";\n", "  option unknown-194 \"-x\";\n",
                            "  option unknown-194 \"a b\";\n", "  option unknown-194 \"\";\n", "  option unknown-1940 \"x\";\n"}) {
        CAPTURE(odd);
        CHECK(hawkbit(odd).empty());
    }
    CHECK(hawkbit("  option unknown-186 c0:0:2:5;\n  option unknown-190 0:0;\n") == Strings{"https://192.0.2.5/"});
    CHECK(managers_of_leases("option unknown-194 \"outside.example\";\n", Dialect::hawkbit).empty());
}

TEST_CASE("the manager that was met first is kept, whatever the lease says later") {
    fakes::FakeFiles files;
    files.put_directory("/state");
    files.put("/leases", lease("  option unknown-194 \"first.example\";\n"));
    config::ManagerSettings settings;
    settings.dhcp_lease_file = "/leases";
    CHECK(discover(files, settings, "/state") == Strings{"https://first.example/"});
    REQUIRE(keep_manager(files, "/state", "https://first.example/").ok());
    files.put("/leases", lease("  option unknown-194 \"second.example\";\n"));
    CHECK(discover(files, settings, "/state") == Strings{"https://first.example/"});
    CHECK(discover(files, settings, "/other") == Strings{"https://second.example/"});
    settings.dhcp_lease_file = "/nosuch";
    CHECK(discover(files, settings, "/other").empty());
}

}  // namespace
}  // namespace hagent::manager
