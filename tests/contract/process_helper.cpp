// SPDX-License-Identifier: Apache-2.0
// Owns the program that the suites of process.h start: its first argument says what it does.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/base/text.h"
#include "platform/files.h"
#include "platform/host.h"
#include "platform/paths.h"
#include "platform/process.h"
#include "platform/service.h"

namespace {

using namespace hagent;

/// Longer than any test; whoever starts it has to end it.
void live_long() { std::this_thread::sleep_for(std::chrono::minutes(10)); }

void note_pid(const std::string& path) {
    if (!platform::system_files()->write_durable(path, std::to_string(platform::own_pid()), 0644).ok()) {
        std::abort();
    }
}

/// Waits until a file exists; false when it does not come.
bool wait_for(const std::string& path) {
    for (int i = 0; i < 12'000; ++i) {
        if (platform::system_files()->info(path).value_or(std::nullopt)) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

void print_arguments(const std::vector<std::string>& arguments) {
    for (const auto& argument : arguments) {
        std::printf("%s\n", to_hex({reinterpret_cast<const std::uint8_t*>(argument.data()), argument.size()}).c_str());
    }
}

/// Starts itself as a program of its own group, which notes its process id and lives long.
int start_child(const std::string& path) {
    platform::Command command;
    command.argv = {platform::own_program(), "note-pid", path};
    const CancelToken never;
    return platform::system_processes()->run(command, never).ok() ? 0 : 1;
}

/// A service: says in one file that it runs and in another that it was asked to stop; ends with status 7, or 8 when
/// nobody asked.
int serve(const std::string& running, const std::string& stopped) {
    return platform::run_as_service([&] {
        std::atomic<bool> stop = false;
        const auto watch = platform::watch_signals(
            [](platform::ServiceRequest, void* flag) { *static_cast<std::atomic<bool>*>(flag) = true; }, &stop);
        note_pid(running);
        for (int i = 0; i < 12'000 && !stop; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        note_pid(stopped);
        return stop ? 7 : 8;
    });
}

int act(std::string_view what, const std::vector<std::string>& arguments) {
    if (what == "arguments") {
        print_arguments(arguments);
    } else if (what == "exit") {
        return std::atoi(arguments.at(0).c_str());
    } else if (what == "environment") {
        for (const auto& name : arguments) {
            std::printf("%s=%s\n", name.c_str(), platform::environment(name.c_str()).c_str());
        }
    } else if (what == "print") {
        std::printf("%s", arguments.at(0).c_str());
        std::fflush(stdout);
        std::fprintf(stderr, "%s", arguments.at(1).c_str());
    } else if (what == "repeat") {
        for (int i = 0; i < std::atoi(arguments.at(0).c_str()); ++i) {
            std::printf("line %d\n", i);
        }
    } else if (what == "directory") {
        std::printf("%s", platform::absolute(".").c_str());
    } else if (what == "read-input") {
        return std::getchar() == EOF ? 0 : 1;
    } else if (what == "raise") {
        std::raise(std::atoi(arguments.at(0).c_str()));
    } else if (what == "sleep") {
        live_long();
    } else if (what == "note-pid") {
        note_pid(arguments.at(0));
        live_long();
    } else if (what == "until") {
        note_pid(arguments.at(0));
        return wait_for(arguments.at(1)) ? 0 : 1;
    } else if (what == "serve") {
        return serve(arguments.at(0), arguments.at(1));
    } else if (what == "child") {
        return start_child(arguments.at(0));
    } else if (what == "leave-child") {
        std::thread(start_child, arguments.at(0)).detach();
        wait_for(arguments.at(0));
        std::_Exit(7);
    } else {
        return 99;
    }
    return 0;
}

}  // namespace

int main(int count, char** values) {
    const auto all = platform::program_arguments(count, values);
    return all.size() < 2 ? 98 : act(all[1], {all.begin() + 2, all.end()});
}
