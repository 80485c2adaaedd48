// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `check-in`, and of what `run` looks at before it starts.
#include <string>

#include "agent/trust/digest.h"
#include "agent/trust/sign.h"
#include "tests/unit/verbs/command_line.h"
#include "tests/unit/verbs/daemon.h"

namespace hagent::verbs {
namespace {

/// A device whose manager is a folder of its own.
struct Device : CommandLine {
    Device() {
        files.put_directory("/site");
        configure({{"manager",
                    {{"dialect", "folder"},
                     {"urls", {"file:///" + drive() + "site/"}},
                     {"interval_s", 60},
                     {"spread_s", 0}}}});
    }
    /// "C:/" where paths have a drive.
    static std::string drive() {
        const auto root = rooted("/");
        return root == "/" ? "" : root.substr(0, 2) + "/";
    }
    void publish(const json& jobs) {
        const auto text = jobs.dump();
        files.put("/site/jobs.json", text);
        files.put("/site/jobs.sig", trust::sign(text, trust::keys::k_ec_a_private).value());
    }
    void offer_script(const std::string& commands) {
        files.put("/site/demo/demo.rsp", "[Version]\nNumber=1\n[Script]\n" + fakes::rooted_script(commands));
        trust::Manifest manifest;
        manifest.package = "demo";
        manifest.version = "1";
        manifest.serial = 1;
        manifest.entry = "demo.rsp";
        REQUIRE(trust::sign_package(files, rooted("/site/demo"), manifest, trust::keys::k_ec_a_private).ok());
        const auto digest = trust::sha256_hex(*files.content("/site/demo/manifest.json"));
        publish({{"format", 1},
                 {"serial", 1},
                 {"all", {{"jobs", {{{"id", "j1"}, {"package", "demo/"}, {"manifest_sha256", digest}}}}}}});
    }
};

TEST_CASE("without a daemon one check-in is done here, to the end of its jobs") {
    Device device;
    device.processes.on("tool", platform::Exit{});
    device.offer_script("EX \"/bin/tool\"\n");
    CHECK(device.run({"check-in"}) == k_done);
    CHECK(device.said("Checked in; nothing is left to do."));
    CHECK(device.processes.calls.size() == 1);
    CHECK(device.run({"check-in", "--once", "--json"}) == k_done);
    CHECK(device.document()["done"] == true);
    CHECK(device.processes.calls.size() == 1);  // a job is done once
    CHECK(device.run({"sessions", "000001"}) == k_done);
}

TEST_CASE("a job that fails makes the check-in fail") {
    Device device;
    device.processes.on("tool", error(errors::AgentCode::permission_denied));
    device.offer_script("EX \"/bin/tool\"\n");
    CHECK(device.run({"check-in"}) == k_failed);
    CHECK(device.complained("session 000001"));
}

TEST_CASE("a manager that is not there or not to be believed is told") {
    Device device;
    SUBCASE("nothing there") {
        CHECK(device.run({"check-in"}) == k_not_found);
        CHECK(device.run({"check-in", "--json"}) == k_not_found);
        CHECK(device.error_name() == "file_not_found");
    }
    SUBCASE("a wrong signature") {
        device.publish({{"format", 1}, {"serial", 1}});
        device.files.put("/site/jobs.json", R"({"format":1,"serial":2})");
        CHECK(device.run({"check-in"}) == k_refused);
        CHECK(device.run({"check-in", "--json"}) == k_refused);
        CHECK(device.error_name() == "signature_invalid");
    }
    SUBCASE("a port where nobody listens") {
        device.configure({{"manager", {{"urls", {"http://127.0.0.1:1/"}}, {"spread_s", 0}}}});
        CHECK(device.run({"check-in"}) == k_try_later);
        CHECK(device.run({"check-in", "--json"}) == k_try_later);
        CHECK(device.error_name() == "WSAECONNREFUSED");
    }
}

TEST_CASE("a running daemon checks in instead, unless --once says otherwise") {
    Device device;
    Daemon daemon(device);
    CHECK(device.run({"check-in"}) == k_done);
    CHECK(device.said("its page is " + daemon.url() + "/"));
    CHECK(device.run({"check-in", "--json"}) == k_done);
    CHECK(device.document()["accepted"] == true);
    CHECK("http://" + device.document()["by"].get<std::string>() == daemon.url());
    CHECK(daemon.asked == 2);
    daemon.willing = false;
    CHECK(device.run({"check-in"}) == k_try_later);
    CHECK(daemon.asked == 3);
    CHECK(device.run({"check-in", "--once"}) == k_try_later);  // the daemon works on the state
    CHECK(daemon.asked == 3);
}

TEST_CASE("a daemon that was killed is not asked, whoever has its port and its number") {
    Device device;
    Daemon daemon(device);
    daemon.lose_lock();
    CHECK(device.run({"check-in"}) == k_not_found);  // the folder is empty: it went there itself
    CHECK(device.run({"status", "--json"}) == k_done);
    CHECK(device.document()["agent"]["pid"] == 0);
    CHECK(daemon.asked == 0);
}

TEST_CASE("an endpoint file in which anything was changed opens no door") {
    Device device;
    Daemon daemon(device);
    const std::string file = k_state + "/daemon";
    auto text = device.files.content(file).value();
    text.insert(text.find('}'), " ");
    device.files.put(file, text);
    CHECK(device.run({"check-in"}) != k_done);
    CHECK(device.run({"status"}) != k_done);
    CHECK(daemon.asked == 0);
}

TEST_CASE("nothing is started where another works or others could interfere") {
    Device device;
    const auto both = [&](int code, const std::string& text) {
        for (const char* verb : {"run", "check-in"}) {
            CAPTURE(verb);
            CHECK(device.run({verb}) == code);
            CHECK_MESSAGE(device.complained(text), device.output.err);
        }
    };
    SUBCASE("another hagent") {
        const auto held = device.files.lock(rooted(k_state + "/lock"));
        REQUIRE(held.ok());
        both(k_try_later, "another hagent works on this state directory");
    }
    SUBCASE("keys that others can change") {
        device.files.put("/etc/hagent/keys/evil.pem", trust::keys::k_ec_b_public, 0666);
        both(k_refused, "others could change what the agent relies on");
    }
    SUBCASE("a state directory of somebody else") {
        device.files.give_away(k_state);
        both(k_refused, "others could change what the agent relies on");
    }
}

TEST_CASE(
    "a state directory that is write-protected or full keeps nobody from checking in, and is not another hagent") {
    Device device;
    SUBCASE("write-protected") { device.files.set_read_only(true); }
    SUBCASE("full") { device.files.set_capacity(0); }
    CHECK(device.run({"check-in"}) == k_not_found);  // the folder is empty: it went there
    CHECK_FALSE(device.complained("another hagent"));
    CHECK(device.run({"status"}) == k_done);
}

TEST_CASE("run --check-config looks and starts nothing") {
    Device device;
    device.files.forget_calls();
    CHECK(device.run({"run", "--check-config"}) == k_done);
    CHECK(device.said("The configuration is good."));
    CHECK(device.run({"run", "--check-config", "--json"}) == k_done);
    CHECK(device.document()["valid"] == true);
    CHECK(device.files.calls().empty());
    device.files.give_away(k_state);
    CHECK(device.run({"run", "--check-config"}) == k_refused);
}

}  // namespace
}  // namespace hagent::verbs
