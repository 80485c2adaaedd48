// SPDX-License-Identifier: Apache-2.0
// Owns the walks over directories. They go from descriptor to descriptor: a path would be looked up anew at each step,
// and whoever swaps a folder for a link meanwhile would lead the walk out of its tree.
#include "platform/posix/file_tree.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#include <array>
#include <optional>
#include <vector>

#include "agent/base/concat.h"

#include "agent/base/text.h"
#include "platform/os_error.h"
#include "platform/paths.h"
#include "platform/posix/fd.h"

namespace hagent::platform {
namespace {

constexpr int k_deepest_tree = 200;  // one open descriptor per level
constexpr int k_most_symlinks = 40;  // as the kernel counts

struct DirectoryTraits {
    using Value = DIR*;
    static Value none() { return nullptr; }
    static void close(Value value) { closedir(value); }
};

bool is_dot(const std::string& name) { return name == "." || name == ".."; }

Status remove_entry(int parent, const std::string& name, const std::string& shown, int depth);

Status remove_children(int directory, const std::string& shown, int depth) {
    // The names are read before the first is removed: what readdir returns after a removal is not defined everywhere.
    std::vector<std::string> names;
    Fd copy(fcntl(directory, F_DUPFD_CLOEXEC, 0));
    const UniqueHandle<DirectoryTraits> listing(copy ? fdopendir(copy.get()) : nullptr);
    if (!listing) {
        return file_error(errno, shown);
    }
    copy.release();
    for (const dirent* entry = readdir(listing.get()); entry != nullptr; entry = readdir(listing.get())) {
        if (!is_dot(entry->d_name)) {
            names.emplace_back(entry->d_name);
        }
    }
    for (const auto& name : names) {
        TRY(remove_entry(directory, name, concat({shown, "/", name}), depth));
    }
    return {};
}

/// Tries to remove a file first: what the entry is may change between a look and the removal. `shown` is for errors.
Status remove_entry(int parent, const std::string& name, const std::string& shown, int depth) {
    if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) {
        return {};
    }
    // Linux says EISDIR for a directory, POSIX says EPERM; both may also mean what they say.
    const int problem = errno;
    if (problem != EISDIR && problem != EPERM) {
        return file_error(problem, shown);
    }
    if (depth == k_deepest_tree) {
        return error(errors::AgentCode::limit_exceeded, {shown, ": folders nested too deeply"});
    }
    const Fd directory(uninterrupted(
        [&] { return openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK); }));
    if (!directory) {
        return file_error(errno == ENOTDIR ? problem : errno, shown);
    }
    TRY(remove_children(directory.get(), shown, depth + 1));
    if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        return file_error(errno, shown);
    }
    return {};
}

/// What a symlink says; empty optional when the path is something else or is not there.
Result<std::optional<std::string>> link_target(const std::string& path) {
    std::array<char, PATH_MAX> buffer{};
    const auto length = readlink(path.c_str(), buffer.data(), buffer.size());
    if (length >= 0) {
        return std::optional<std::string>(std::in_place, buffer.data(), static_cast<std::size_t>(length));
    }
    if (errno == EINVAL || errno == ENOENT || errno == ENOTDIR) {
        return std::optional<std::string>();
    }
    return file_error(errno, path);
}

/// The parts of a path still to be walked, the next one last.
void push_parts(std::vector<std::string>& waiting, std::string_view path) {
    const auto parts = split(path, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (!part->empty() && *part != ".") {
            waiting.emplace_back(*part);
        }
    }
}

/// O_PATH needs no permission to read the folder; kernels before 2.6.39 do not know it and open as usual.
constexpr int k_walk = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// Why a part of the path could not be opened. A link is told apart: the path held none when it was resolved.
Failure walk_error(int at, const std::string& part, const std::string& path, int problem) {
    struct stat found {};
    if (fstatat(at, part.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode)) {
        return error(errors::AgentCode::path_refused, {path, " leads through a link by now"});
    }
    return file_error(problem, path);
}

}  // namespace

std::string parent_of(const std::string& path) {
    const auto end = path.find_last_not_of('/');
    const auto slash = end == std::string::npos ? end : path.rfind('/', end);
    if (slash == std::string::npos) {
        return path.starts_with('/') ? "/" : ".";
    }
    return slash == 0 ? "/" : path.substr(0, slash);
}

Result<Place> place_of(const std::string& path, Links links) {
    if (links == Links::followed) {
        return Place{Fd(), path};
    }
    const auto last = path.find_last_of('/') + 1;
    return Place{TRY(walk_to(path.substr(0, last))), last == path.size() ? "." : path.substr(last)};
}

Result<Fd> walk_to(const std::string& path, std::optional<std::uint32_t> mode) {
    Fd at(uninterrupted([] { return open("/", k_walk); }));
    for (const auto piece : split(path, '/')) {
        const std::string part(piece);
        if (part.empty()) {
            continue;
        }
        const auto step = [&](int flags) {
            return uninterrupted([&] { return openat(at.get(), part.c_str(), flags | O_NOFOLLOW); });
        };
        Fd next(step(k_walk));
        if (!next && errno == ENOENT && mode && mkdirat(at.get(), part.c_str(), 0700) == 0) {
            // Made with 0700 and opened for real: fchmod does not work on an O_PATH descriptor.
            next.reset(step(O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (next && fchmod(next.get(), *mode) != 0) {
                return file_error(errno, path);
            }
            TRY(sync_directory_at(at.get(), ".", path));
        }
        if (!next) {
            return walk_error(at.get(), part, path, errno);
        }
        at = std::move(next);
    }
    return at;
}

Status sync_directory_at(int at, const char* name, const std::string& path) {
    const Fd directory(uninterrupted([&] { return openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!directory) {
        return file_error(errno, path);
    }
    // Some file systems (FAT, network shares) cannot sync a directory and say so with EINVAL.
    if (uninterrupted([&] { return fsync(directory.get()); }) != 0 && errno != EINVAL && errno != EOPNOTSUPP) {
        return file_error(errno, path);
    }
    return {};
}

Status make_path(const std::string& path, std::uint32_t mode) {
    struct stat found {};
    if (stat(path.c_str(), &found) == 0) {
        return S_ISDIR(found.st_mode) ? Status() : Status(error(errors::AgentCode::not_a_directory, path));
    }
    if (errno != ENOENT) {
        return file_error(errno, path);
    }
    const std::string parent = parent_of(path);
    if (parent != path && parent != ".") {
        TRY(make_path(parent, mode));
    }
    if (mkdir(path.c_str(), 0700) != 0) {
        const int problem = errno;
        const bool made_meanwhile = problem == EEXIST && stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
        return made_meanwhile ? Status() : Status(file_error(problem, path));
    }
    // Our umask is stricter than what a directory may be meant for.
    if (chmod(path.c_str(), mode) != 0) {
        return file_error(errno, path);
    }
    return sync_directory_at(AT_FDCWD, parent.c_str(), parent);
}

Status remove_path_tree(const Place& place, const std::string& path) {
    const auto end = place.name.find_last_not_of('/');
    return remove_entry(place.at(), place.name.substr(0, end == std::string::npos ? end : end + 1), path, 0);
}

// realpath(3) fails for a path whose last parts do not exist yet; here they are kept as they are.
Result<std::string> resolve_path(const std::string& path) {
    std::vector<std::string> waiting;
    push_parts(waiting, path);
    if (!is_absolute(path)) {
        push_parts(waiting, absolute("."));
    }
    std::string done;
    int links = 0;
    while (!waiting.empty()) {
        const std::string part = std::move(waiting.back());
        waiting.pop_back();
        if (part == "..") {
            // Also in a part that does not exist yet: it would lead there once it exists.
            done.erase(done.empty() ? 0 : done.rfind('/'));
            continue;
        }
        const std::string next = concat({done, "/", part});
        const auto target = TRY(link_target(next));
        if (!target) {
            done = next;
            continue;
        }
        if (++links > k_most_symlinks) {
            return file_error(ELOOP, path);
        }
        if (is_absolute(*target)) {
            done.clear();
        }
        push_parts(waiting, *target);
    }
    return done.empty() ? std::string("/") : done;
}

}  // namespace hagent::platform
