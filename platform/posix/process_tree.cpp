// SPDX-License-Identifier: Apache-2.0
// Owns the reading of the process table.
#include "platform/posix/process_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "agent/base/concat.h"
#include "agent/base/handle.h"
#include "agent/base/number.h"
#include "agent/base/text.h"
#include "platform/files.h"
#include "platform/posix/fd.h"

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

namespace {

constexpr int k_quick_rounds = 2000;
constexpr int k_most_generations = 16;  // deeper ones rise when those above them are gone

/// The children of one process (its first thread's), killed as they are read, and theirs after them. No memory is taken
/// and nothing is parsed twice: what counts is that it is quick. Empty when the kernel has no such list.
std::optional<bool> kill_listed(pid_t parent, int generations) {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/proc/%d/task/%d/children", parent, parent);
    const Fd list(open(path.data(), O_RDONLY | O_CLOEXEC));
    std::array<char, 2048> text;
    const auto count = list ? uninterrupted([&] { return read(list.get(), text.data(), text.size()); }) : -1;
    if (count < 0) {
        return std::nullopt;
    }
    bool found = false;
    pid_t id = 0;
    for (const char c : std::string_view(text.data(), static_cast<std::size_t>(count))) {
        if (is_digit(c)) {
            id = id * 10 + (c - '0');
        } else if (id > 1) {  // a number that the buffer cut off is not followed by a blank
            found = true;
            kill(id, SIGKILL);
            if (generations > 1) {
                std::ignore = kill_listed(id, generations - 1);
            }
            id = 0;
        }
    }
    return found;
}

}  // namespace

bool kill_descendants(pid_t ancestor) {
    bool found = false;
    for (int round = 0; round < k_quick_rounds; ++round) {
        if (!kill_listed(ancestor, k_most_generations).value_or(false)) {
            break;
        }
        found = true;
    }
    for (const pid_t id : descendants_of(ancestor)) {
        found = true;
        kill(id, SIGKILL);
    }
    return found;
}

}  // namespace hagent::platform
