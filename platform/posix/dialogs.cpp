// SPDX-License-Identifier: Apache-2.0
// Owns messages and questions on POSIX: the console, and xmessage on the first X screen where both are there.
#include "platform/dialog.h"

#include "platform/process.h"

namespace hagent::platform {
namespace {

// Exit codes that xmessage gives for its buttons; far from 0 and 1, which a shell may give for its own reasons.
constexpr int k_accepted = 10, k_postponed = 11;
// xmessage closes itself in time; the limit on top is for one that hangs.
constexpr Seconds k_more_than_the_window{30};
// A fixed search path: the agent may run as root, and its environment must not choose the programs.
constexpr const char* k_path = "/usr/local/bin:/usr/bin:/bin";

// $1 message, $2 seconds. The message comes as an argument and is never part of a command. A server that was started by
// a display manager lets only those in who have its cookie: the file that it was started with.
constexpr const char* k_begin =
    "printf '\\r\\n%s\\r\\n' \"$1\" 2>/dev/null >/dev/console\n"
    "[ -S /tmp/.X11-unix/X0 ] && command -v xmessage >/dev/null || exit 0\n"
    "DISPLAY=:0; export DISPLAY\n"
    "for line in /proc/[0-9]*/cmdline; do\n"
    "  case $(tr '\\0' ' ' 2>/dev/null <\"$line\") in\n"
    "  *[Xx]org*' -auth '*|*/X' '*' -auth '*) XAUTHORITY=$(tr '\\0' '\\n' <\"$line\" | sed -n '/^-auth$/{n;p;q;}'); "
    "export XAUTHORITY;;\n"
    "  esac\n"
    "done\n";
constexpr const char* k_tell =
    "printf '%s\\n' \"$1\" | xmessage -center -timeout \"$2\" -buttons OK:0 -name hagent-message -file -\n";
constexpr const char* k_ask =
    "printf '%s\\n' \"$1\" | xmessage -center -timeout \"$2\" -buttons 'Now:10,Later:11' -name hagent-question -file "
    "-\n";
// Only windows that we opened have this name.
constexpr const char* k_take_back =
    "for line in /proc/[0-9]*/cmdline; do\n"
    "  case $(tr '\\0' ' ' 2>/dev/null <\"$line\") in\n"
    "  xmessage*' -name hagent-message '*) pid=${line#/proc/}; kill \"${pid%/cmdline}\";;\n"
    "  esac\n"
    "done\n"
    "exit 0\n";

/// A small shell script does the work, because the X libraries would cost more than the agent itself.
class PosixDialogs final : public Dialogs {
public:
    Status tell(const std::string& message, Seconds time) override {
        Command command = shell(std::string(k_begin) + k_tell, message, time);
        command.detached = true;
        const auto started = processes_->run(command, CancelToken());
        return started ? Status() : Status(started.error());
    }

    Status take_back() override {
        Command command = shell(k_take_back, "", Seconds{0});
        command.time_limit = k_more_than_the_window;
        const auto ended = processes_->run(command, CancelToken());
        return ended ? Status() : Status(ended.error());
    }

    Result<Answer> ask(const std::string& text, Seconds time, const CancelToken& cancel) override {
        Command command = shell(std::string(k_begin) + k_ask, text, time);
        command.time_limit = time + k_more_than_the_window;
        const auto exit = TRY(processes_->run(command, cancel));
        return exit.code == k_accepted ? Answer::accepted : exit.code == k_postponed ? Answer::postponed : Answer::none;
    }

private:
    static Command shell(const std::string& text, const std::string& message, Seconds time) {
        Command command;
        command.argv = {"/bin/sh", "-c", text, "hagent", message, std::to_string(time.count())};
        command.environment = {{"PATH", k_path}};
        return command;
    }

    std::unique_ptr<Processes> processes_ = system_processes();
};

}  // namespace

std::unique_ptr<Dialogs> system_dialogs() { return std::make_unique<PosixDialogs>(); }

}  // namespace hagent::platform
