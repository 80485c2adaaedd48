// SPDX-License-Identifier: Apache-2.0
// Owns what process.h promises in terms of POSIX: signals, users, descriptors.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <tuple>

#include "agent/base/text.h"
#include "platform/clock.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/posix/fd.h"
#include "platform/process.h"
#include "tests/fakes/temp_directory.h"

namespace hagent {
namespace {

using errors::AgentCode;
using platform::Command;
using platform::Exit;

Result<Exit> run(Command command) {
    const CancelToken never;
    command.output_limit = 4096;
    command.time_limit = Millis{60'000};
    return platform::system_processes()->run(command, never);
}

Result<Exit> shell(const std::string& script) {
    Command command;
    command.argv = {"sh", "-c", script};
    return run(command);
}

/// Whether a process is there and no mere zombie: who inherits one from us collects it in his own time.
bool lives(const std::string& pid) {
    const auto stat = platform::system_files()->read("/proc/" + pid + "/stat", 4096);
    return stat.ok() && words(std::string_view(*stat).substr(stat->rfind(')') + 1)).front() != "Z";
}

TEST_CASE("a program that a signal ended reports 128 and the signal") {
    CHECK(shell("kill -TERM $$")->code == 128 + SIGTERM);
    CHECK(shell("kill -KILL $$")->code == 128 + SIGKILL);
    CHECK(shell("exit 143")->code == 143);
}

TEST_CASE("a lock is not inherited by a program that is started while it is held") {
    const fakes::TempDirectory folder;
    const auto files = platform::system_files();
    const std::string lock = folder.path() + "/lock", ready = folder.path() + "/ready";
    auto held = files->lock(lock);
    REQUIRE(held.ok());
    CancelToken enough;
    std::thread child([&] {
        Command command;
        command.argv = {"sh", "-c", "touch " + ready + "; exec sleep 60"};
        command.time_limit = Millis{60'000};
        std::ignore = platform::system_processes()->run(command, enough);
    });
    platform::SystemClock clock;
    const CancelToken never;
    for (int i = 0; i < 3000 && !files->info(ready).value_or(std::nullopt); ++i) {
        std::ignore = clock.wait(Millis{10}, never);
    }
    CHECK(files->info(ready).value_or(std::nullopt).has_value());
    held->reset();
    CHECK(files->lock(lock).ok());
    enough.request();
    child.join();
}

TEST_CASE("a program's own status above 128 is no signal") {
    for (const char* code : {"129", "137", "143", "192", "255"}) {
        const auto done = shell(std::string("exit ") + code);
        CHECK(std::to_string(done->code) == code);
        CHECK(done->signal == 0);
    }
    CHECK(shell("kill -KILL $$")->signal == SIGKILL);
}

TEST_CASE("a child that runs away from its parent again and again does not outlive the time limit") {
    const fakes::TempDirectory directory;
    const std::string own = platform::own_program();
    for (int round = 0; round < 3; ++round) {
        const std::string note = directory.path() + "/" + std::to_string(round);
        Command command;
        command.argv = {own.substr(0, own.rfind('/') + 1) + "runaway", note};
        command.time_limit = Millis{300};
        const CancelToken never;
        platform::SystemClock clock;
        const Uptime begun = clock.uptime();
        const auto done = platform::system_processes()->run(command, never);
        const Millis used = clock.uptime() - begun;
        REQUIRE(done.ok());
        const auto bytes = [&] { return platform::system_files()->info(note).value()->bytes; };
        const auto then = bytes();
        CHECK(then > 10);
        CHECK(used < Millis{4000});
        std::ignore = clock.wait(Millis{100}, never);
        CHECK(bytes() == then);
    }
}

TEST_CASE("a program takes no more memory than its limit") {
#if !defined(__SANITIZE_ADDRESS__)
    Command command;
    command.argv = {"sh", "-c", "head -c 200000000 /dev/zero | tail -c 200000000 | wc -c"};  // tail keeps all of it
    CHECK(trim(run(command)->output).ends_with("200000000"));
    command.memory_limit = 64U << 20U;
    CHECK_FALSE(trim(run(command)->output).ends_with("200000000"));
#endif
}

TEST_CASE("who runs as another user gains no rights by a program's file") {
    if (geteuid() != 0) {
        MESSAGE("skipped: only root can become somebody else");
        return;
    }
    Command command;
    command.argv = {"sh", "-c", "grep -E 'NoNewPrivs|CapBnd|CapEff' /proc/self/status"};
    command.user = "nobody";
    const auto output = run(command)->output;
    CAPTURE(output);
    CHECK(output.find("NoNewPrivs:\t1") != std::string::npos);
    CHECK(output.find("CapBnd:\t0000000000000000") != std::string::npos);
    CHECK(output.find("CapEff:\t0000000000000000") != std::string::npos);
}

TEST_CASE("names are looked up in the fixed system path, not in ours") {
    REQUIRE(setenv("PATH", "/nowhere", 1) == 0);
    CHECK(shell("exit 4")->code == 4);
}

TEST_CASE("a program gets only its three standard streams") {
    // Not close-on-exec on purpose, as a library may open it.
    const platform::Fd leaky(open("/dev/null", O_RDONLY));
    const platform::Fd high(fcntl(leaky.get(), F_DUPFD, 200));
    CHECK(shell("for fd in /proc/self/fd/*; do echo ${fd##*/}; done | sort -n | head -4 | tr '\\n' ' '")
              ->output.starts_with("0 1 2 "));
    CHECK(shell("test ! -e /proc/$$/fd/200 && test ! -e /proc/$$/fd/" + std::to_string(leaky.get()))->code == 0);
}

TEST_CASE("a program starts with default signals and umask 022") {
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
    const mode_t mask = umask(077);
    const auto done = shell("umask; grep -E '^Sig(Blk|Ign)' /proc/self/status");
    umask(mask);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CHECK(words(done->output) ==
          std::vector<std::string_view>{"0022", "SigBlk:", "0000000000000000", "SigIgn:", "0000000000000000"});
}

TEST_CASE("a program without a directory of its own runs in /") { CHECK(trim(shell("pwd")->output) == "/"); }

TEST_CASE("another user's rights replace ours, also the groups") {
    if (geteuid() != 0) {
        return;
    }
    Command command;
    command.argv = {"sh", "-c", "id -u; id -g; id -G"};
    command.user = "nobody";
    const auto done = run(command);
    REQUIRE(done.ok());
    const auto ids = words(done->output);
    REQUIRE(ids.size() == 3);
    CHECK(ids[0] != "0");
    CHECK(ids[1] == ids[2]);
    command.user = "no-such-user";
    CHECK(run(command).error().is(AgentCode::bad_argument));
}

TEST_CASE("background programs that left session, group and parent are ended") {
    const fakes::TempDirectory directory;
    const std::string note = directory.path() + "/pid";
    const auto done = shell("(setsid sh -c 'echo $$ > " + note + "; exec sleep 600' &); while ! test -s " + note +
                            "; do :; done; cat " + note + "; exit 5");
    REQUIRE(done.ok());
    CHECK(done->code == 5);
    const auto pid = std::string(trim(done->output));
    REQUIRE_FALSE(pid.empty());
    CHECK_FALSE(lives(pid));
}

TEST_CASE("a program that closes its output early is still waited for") {
    CHECK(shell("exec >&- 2>&-; sleep 0.2; exit 6")->code == 6);
}

TEST_CASE("a script without an interpreter line is no program") {
    Command command;
    command.argv = {"/proc/self/status"};
    CHECK(run(command).error().is(AgentCode::permission_denied));
}

}  // namespace
}  // namespace hagent
