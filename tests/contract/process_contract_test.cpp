// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform/process.h: the common ones over the real and the fake, the rest over real programs.
#include <doctest/doctest.h>

#include <thread>

#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/clock.h"
#include "platform/host.h"
#include "tests/fakes/fake_processes.h"
#include "tests/fakes/temp_directory.h"

namespace hagent {
namespace {

using errors::AgentCode;
using fakes::TempDirectory;
using platform::Command;
using platform::Exit;

constexpr Millis k_deadline{20'000};

std::string helper() {
    const std::string own = platform::own_program();
    return own.substr(0, own.find_last_of("/\\") + 1) + "process_helper";
}

Command command(std::vector<std::string> arguments) {
    Command command;
    command.argv = std::move(arguments);
    command.argv.insert(command.argv.begin(), helper());
    command.output_limit = 1U << 16U;
    command.time_limit = Millis{60'000};
    // Without it Windows programs cannot find their libraries.
    if (const auto root = platform::environment("SystemRoot"); !root.empty()) {
        command.environment.emplace_back("SystemRoot", root);
    }
    return command;
}

Exit run(const Command& command) {
    const CancelToken never;
    auto done = platform::system_processes()->run(command, never);
    if (!done.ok()) {
        FAIL(done.error().context);
    }
    return std::move(done).value();
}

std::string without_returns(const std::string& text) { return replace_all(text, "\r", ""); }

/// Waits for a condition that must come true.
template <class Condition>
bool eventually(Condition condition) {
    platform::SystemClock clock;
    const CancelToken never;
    const Uptime end = clock.uptime() + k_deadline;
    while (!condition()) {
        if (clock.uptime() > end || clock.wait(Millis{5}, never)) {
            return false;
        }
    }
    return true;
}

std::uint32_t noted_pid(const std::string& path) {
    const auto text = platform::system_files()->read(path, 100);
    return text.ok() ? narrow<std::uint32_t>(parse_u64(*text).value_or(0)) : 0;
}

bool ends(std::uint32_t pid) {
    REQUIRE(pid != 0);
    return eventually([&] { return !platform::process_exists(pid); });
}

struct RealProcesses {
    std::unique_ptr<platform::Processes> owner = platform::system_processes();
    platform::Processes& processes = *owner;
};

struct ScriptedProcesses {
    ScriptedProcesses() {
        owner.on("process_helper", [](const Command& called, const CancelToken&) -> Result<Exit> {
            return called.argv[1] == "exit" ? Exit{3, false, ""} : Exit{0, false, called.argv[2] + called.argv[3]};
        });
    }
    fakes::FakeProcesses owner;
    platform::Processes& processes = owner;
};

TEST_CASE_TEMPLATE("exit codes, output tails and refusals are the same, real or fake", T, RealProcesses,
                   ScriptedProcesses) {
    T t;
    CancelToken cancel;
    CHECK(t.processes.run(command({"exit", "3"}), cancel)->code == 3);
    Command printing = command({"print", "0123456789", "abcdef"});
    CHECK(t.processes.run(printing, cancel)->output == "0123456789abcdef");
    printing.output_limit = 8;
    CHECK(t.processes.run(printing, cancel)->output == "89abcdef");
    printing.output_limit = 0;
    CHECK(t.processes.run(printing, cancel)->output.empty());

    Command absent = command({});
    for (const char* name : {"no-such-program-anywhere", "/no/such/folder/program"}) {
        absent.argv[0] = name;
        CHECK(t.processes.run(absent, cancel).error().is(AgentCode::command_not_found));
        CHECK(t.processes.find(name, "").error().is(AgentCode::command_not_found));
    }
    CHECK(t.processes.find(printing.argv[0], "").ok());
    absent.argv.clear();
    CHECK(t.processes.run(absent, cancel).error().is(AgentCode::command_not_found));

    cancel.request();
    CHECK(t.processes.run(printing, cancel).error().is(AgentCode::cancelled));
}

TEST_CASE("arguments arrive byte for byte") {
    const std::vector<std::string> tricky = {"",
                                             " ",
                                             "a b",
                                             "\"",
                                             "\\",
                                             "a\\",
                                             "a b\\",
                                             "\\\"",
                                             "\\\\\"x",
                                             "$HOME",
                                             "%PATH%",
                                             "*",
                                             "'",
                                             "a\tb",
                                             "&|<>^",
                                             "--x=\"y z\\\"",
                                             "gr\xC3\xBC\xC3\x9F",
                                             "\xF0\x9F\x98\x80"};
    std::vector<std::string> arguments = {"arguments"};
    arguments.insert(arguments.end(), tricky.begin(), tricky.end());
    std::string expected;
    for (const auto& text : tricky) {
        expected += to_hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}) + "\n";
    }
    CHECK(without_returns(run(command(arguments)).output) == expected);
}

TEST_CASE("exit codes are passed on") {
    for (const int code : {0, 1, 2, 127, 128, 255}) {
        CHECK(run(command({"exit", std::to_string(code)})).code == code);
    }
}

TEST_CASE("nothing of our environment is inherited") {
    Command printing = command({"environment", "GIVEN", "EMPTY", "HOME", "PATH", "USERPROFILE"});
    printing.environment.emplace_back("GIVEN", "a b=c");
    printing.environment.emplace_back("EMPTY", "");
    CHECK(without_returns(run(printing).output) == "GIVEN=a b=c\nEMPTY=\nHOME=\nPATH=\nUSERPROFILE=\n");
}

TEST_CASE("the working directory is the one asked for") {
    const TempDirectory directory;
    Command printing = command({"directory"});
    printing.directory = directory.path();
    CHECK(platform::same_path(run(printing).output, platform::native(directory.path())));
    printing.directory = directory.path() + "/none";
    const CancelToken never;
    CHECK_FALSE(platform::system_processes()->run(printing, never).ok());
}

TEST_CASE("standard input is empty") { CHECK(run(command({"read-input"})).code == 0); }

TEST_CASE("of much output the tail is kept") {
    Command printing = command({"repeat", "200000"});
    printing.output_limit = 1000;
    const Exit done = run(printing);
    CHECK(done.code == 0);
    CHECK(done.output.size() == 1000);
    CHECK(trim(done.output).ends_with("line 199999"));
}

TEST_CASE("the time limit ends the program and what it started") {
    const TempDirectory directory;
    const std::string note = directory.path() + "/pid";
    Command slow = command({"child", note});
    platform::SystemClock clock;
    // On a busy machine the child may need longer to be born than the limit; then with a longer one.
    for (slow.time_limit = Millis{1000}; noted_pid(note) == 0; slow.time_limit *= 2) {
        REQUIRE(slow.time_limit < k_deadline * 2);
        const Uptime start = clock.uptime();
        CHECK(run(slow).timed_out);
        CHECK(clock.uptime() - start >= slow.time_limit);
        CHECK(clock.uptime() - start < slow.time_limit + k_deadline);
    }
    CHECK(ends(noted_pid(note)));
}

TEST_CASE("cancelling ends the program and what it started within a second") {
    const TempDirectory directory;
    const std::string note = directory.path() + "/pid";
    platform::SystemClock clock;
    CancelToken cancel;
    Uptime asked;
    std::thread other([&] {
        std::ignore = eventually([&] { return noted_pid(note) != 0; });
        asked = clock.uptime();
        cancel.request();
    });
    const auto done = platform::system_processes()->run(command({"child", note}), cancel);
    const Uptime returned = clock.uptime();
    other.join();
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().is(AgentCode::cancelled));
    CHECK(returned - asked < Millis{1000});
    CHECK(ends(noted_pid(note)));
}

TEST_CASE("what a program leaves behind when it ends is ended too") {
    const TempDirectory directory;
    const std::string note = directory.path() + "/pid";
    CHECK(run(command({"leave-child", note})).code == 7);
    CHECK(ends(noted_pid(note)));
}

TEST_CASE("a detached program goes on after run returned") {
    const TempDirectory directory;
    const std::string note = directory.path() + "/pid", stop = directory.path() + "/stop";
    Command free = command({"until", note, stop});
    free.detached = true;
    CHECK(run(free).code == 0);
    REQUIRE(eventually([&] { return noted_pid(note) != 0; }));
    CHECK(platform::process_exists(noted_pid(note)));
    REQUIRE(platform::system_files()->write_durable(stop, "", 0644).ok());
    CHECK(ends(noted_pid(note)));
    free.argv = {"/no/such/folder/program"};
    const CancelToken never;
    CHECK(platform::system_processes()->run(free, never).error().is(AgentCode::command_not_found));
}

TEST_CASE("a file that is no program is refused") {
    const TempDirectory directory;
    REQUIRE(platform::system_files()->write_durable(directory.path() + "/text", "hello", 0644).ok());
    Command text = command({});
    text.argv[0] = directory.path() + "/text";
    const CancelToken never;
    CHECK_FALSE(platform::system_processes()->run(text, never).ok());
}

TEST_CASE("many programs one after the other leave no handles behind") {
    for (int i = 0; i < 40; ++i) {
        REQUIRE(run(command({"exit", "5"})).code == 5);
    }
}

}  // namespace
}  // namespace hagent
