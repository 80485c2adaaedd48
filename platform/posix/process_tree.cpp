// SPDX-License-Identifier: Apache-2.0
// Owns the reading of the process table.
#include "platform/posix/process_tree.h"

#include <dirent.h>

#include <csignal>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/handle.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace hagent::platform {
namespace {

struct DirectoryTraits {
    using Value = DIR*;
    static Value none() { return nullptr; }
    static void close(Value value) { closedir(value); }
};

struct Process {
    pid_t id = 0, parent = 0;
    bool zombie = false;
};

std::optional<pid_t> parse_pid(std::string_view text) {
    const auto value = parse_u64(text, std::numeric_limits<pid_t>::max());
    return value ? std::optional(narrow<pid_t>(*value)) : std::nullopt;
}

/// One line of /proc/PID/stat (proc(5)); empty for what is no process or has ended meanwhile.
std::optional<Process> read_process(Files& files, std::string_view id_text) {
    constexpr std::size_t k_stat_bytes = 4096;
    const auto id = parse_pid(id_text);
    const auto stat = id ? files.read(concat({"/proc/", id_text, "/stat"}), k_stat_bytes) : std::string();
    if (!stat.ok()) {
        return std::nullopt;
    }
    // "pid (name) state parent ...": the name may hold blanks and parentheses.
    const auto name_end = stat->rfind(')');
    if (name_end == std::string::npos) {
        return std::nullopt;
    }
    const auto fields = words(std::string_view(*stat).substr(name_end + 1));
    const auto parent = fields.size() > 1 ? parse_pid(fields[1]) : std::nullopt;
    return parent ? std::optional(Process{*id, *parent, fields[0] == "Z" || fields[0] == "X"}) : std::nullopt;
}

/// Read entry by entry: the table has no snapshot, so a process may be missed while it is born. The caller looks again.
std::vector<Process> all_processes() {
    const auto files = system_files();
    const UniqueHandle<DirectoryTraits> directory(opendir("/proc"));
    std::vector<Process> processes;
    while (const dirent* entry = directory ? readdir(directory.get()) : nullptr) {
        if (auto process = read_process(*files, entry->d_name)) {
            processes.push_back(*process);
        }
    }
    return processes;
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t ancestor) {
    const auto processes = all_processes();
    std::vector<pid_t> family = {ancestor};
    std::vector<pid_t> alive;
    for (std::size_t i = 0; i < family.size(); ++i) {
        for (const auto& process : processes) {
            if (process.parent != family[i] || process.id == process.parent) {
                continue;
            }
            family.push_back(process.id);
            if (!process.zombie) {
                alive.push_back(process.id);
            }
        }
    }
    return alive;
}

void kill_descendants(pid_t ancestor, Millis time) {
    SystemClock clock;
    const CancelToken never;
    const Uptime end = clock.uptime() + time;
    for (auto alive = descendants_of(ancestor); !alive.empty() && clock.uptime() < end;
         alive = descendants_of(ancestor)) {
        for (const pid_t id : alive) {
            kill(id, SIGKILL);
        }
        std::ignore = clock.wait(Millis{2}, never);
    }
}

}  // namespace hagent::platform
