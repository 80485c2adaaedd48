// SPDX-License-Identifier: Apache-2.0
// Owns what process.h promises in terms of POSIX: signals, users, descriptors.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "agent/base/text.h"
#include "platform/files.h"
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
