// SPDX-License-Identifier: Apache-2.0
// Owns the tests of what signals do to verbs that are at work. POSIX only: elsewhere requests do not come as signals.
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

constexpr auto k_patience = std::chrono::seconds{60};
const std::string k_endpoint = k_state + "/daemon";

/// True when the condition holds before the patience is at its end.
bool comes_true(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + k_patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
}

/// A device with a manager that is not there and a listener on a free port. The endpoint file shows that it runs.
struct Device : CommandLine {
    Device() { configure_with("127.0.0.1:0"); }
    void configure_with(const std::string& listener) {
        configure(
            {{"manager", {{"urls", {"http://127.0.0.1:1/"}}, {"spread_s", 0}}}, {"listen", {{"status", listener}}}});
    }
    [[nodiscard]] std::string endpoint() const { return files.content(k_endpoint).value_or(""); }
};

std::string page_of(const std::string& endpoint) { return json::parse(endpoint, nullptr, false).value("page", ""); }

TEST_CASE("an interrupted script stops cleanly and goes on with the same command") {
    CommandLine line;
    line.files.put("/demo.rsp", "[Version]\nNumber=1\n[Script]\nEX \"/bin/tool\"\nAL \"/note\" \"done\"\n");
    line.processes.on("tool", [](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        std::raise(SIGTERM);
        return platform::Exit{};
    });
    CHECK(line.run({"script", "run", "/demo.rsp"}) == k_try_later);
    CHECK(line.complained("give the same command again to go on"));
    CHECK_FALSE(line.files.exists("/note"));
    CHECK(line.run({"script", "run", "/demo.rsp", "--json"}) == k_done);
    CHECK(line.document()["id"] == "000001");
    CHECK(line.files.exists("/note"));
    CHECK(line.processes.calls.size() == 1);
}

TEST_CASE("the daemon runs until it is told to stop") {
    Device device;
    auto code = std::async(std::launch::async, [&] { return device.run({"run"}); });
    CHECK(comes_true([&] { return !device.endpoint().empty(); }));
    std::raise(SIGTERM);
    REQUIRE(code.wait_for(k_patience) == std::future_status::ready);
    CHECK(code.get() == k_done);
    CHECK_FALSE(device.files.exists(k_endpoint));
    CHECK(device.output.err.empty());
}

TEST_CASE(
    "the daemon reads its configuration again when it is told to, and keeps the old one when the new one is bad") {
    Device device;
    auto code = std::async(std::launch::async, [&] { return device.run({"run"}); });
    CHECK(comes_true([&] { return !device.endpoint().empty(); }));
    const auto first = device.endpoint();
    SUBCASE("good") { device.configure_with("127.0.0.2:0"); }
    SUBCASE("bad") { device.files.put(k_config, "{"); }
    const bool bad = device.files.content(k_config) == "{";
    std::raise(SIGHUP);
    CHECK(comes_true([&] { return !device.endpoint().empty() && device.endpoint() != first; }));
    CHECK((device.endpoint().find("127.0.0.2") != std::string::npos) == !bad);
    CHECK((page_of(device.endpoint()) == page_of(first)) == bad);  // the port is kept where nothing else is asked for
    std::raise(SIGTERM);
    REQUIRE(code.wait_for(k_patience) == std::future_status::ready);
    CHECK(code.get() == k_done);
    CHECK(device.complained("reading the configuration again"));
    CHECK(device.complained("keeps the configuration that it had") == bad);
}

}  // namespace
}  // namespace hagent::verbs
