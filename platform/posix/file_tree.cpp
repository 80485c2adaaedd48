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
#include "platform/posix/accounts.h"
#include "platform/posix/fd.h"
#include "platform/posix/mounts.h"

namespace hagent::platform {
namespace {

constexpr int k_deepest_tree = 200;  // one open descriptor per level
constexpr int k_most_symlinks = 40;  // as the kernel counts

struct DirectoryTraits {
    using Value = DIR*;
    static Value none() { return nullptr; }
    static void close(Value value) { closedir(value); }
};

Failure is_mounted(const std::string& point) {
    return error(errors::AgentCode::path_refused,
                 {"something is mounted at ", point, ", and nothing was removed there"});
}

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

/// What is mounted there is another tree, though it may show the same disk.
Status check_same_volume(int parent, int directory, const std::string& shown) {
    struct stat above {
    }, here{};
    if (fstat(parent == AT_FDCWD ? directory : parent, &above) != 0 || fstat(directory, &here) != 0) {
        return {};  // O_PATH before Linux 3.6; the table of mounts was asked
    }
    return above.st_dev == here.st_dev ? Status() : Status(is_mounted(shown));
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
    TRY(check_same_volume(parent, directory.get(), shown));
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

/// One part of a path still to be walked; or, with no part, the end of the link `link` of this owner.
struct Waiting {
    std::string part, link;
    uid_t owner = 0;
};

/// The next one last.
void push_parts(std::vector<Waiting>& waiting, std::string_view path) {
    const auto parts = split(path, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        if (!part->empty() && *part != ".") {
            waiting.push_back({std::string(*part), {}, 0});
        }
    }
}

/// Looked at where the walk has come to and not through the link, which may lead elsewhere by now.
Status check_end_of(const Waiting& link, const std::string& end, const std::string& path) {
    struct stat found {};
    if (lstat(end.empty() ? "/" : end.c_str(), &found) == 0 && found.st_uid == link.owner) {
        return {};
    }
    return error(errors::AgentCode::path_refused, {path, " leads through the link ", link.link, " of ",
                                                   owner_name(link.owner), " to what is not theirs"});
}

/// O_PATH needs no permission to read the folder; kernels before 2.6.39 do not know it and open as usual.
constexpr int k_walk = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// fstat() does not work on O_PATH descriptors everywhere.
Status check_own_folder(int folder, const std::string& path) {
    struct stat found {};
    if (fstatat(folder, ".", &found, 0) != 0) {
        return file_error(errno, path);
    }
    const bool changeable = is_foreign(found.st_uid) || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    return changeable ? Status(not_own(path, found)) : Status();
}

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

Result<Place> place_of(const std::string& path, Links links, std::size_t trusted) {
    if (links == Links::followed) {
        return Place{Fd(), path};
    }
    const auto last = path.find_last_of('/') + 1;
    const std::string folder = path.substr(0, last);
    Fd at = TRY(links == Links::own ? walk_to(folder, std::nullopt, trusted - 1) : walk_to(folder));
    return Place{std::move(at), last == path.size() ? "." : path.substr(last), links == Links::own};
}

bool is_foreign(uid_t owner) { return owner != 0 && owner != geteuid(); }

Failure not_own(const std::string& path, const struct stat& found) {
    return error(errors::AgentCode::config_insecure_permissions,
                 {path,
                  S_ISLNK(found.st_mode)     ? " is a link of "
                  : is_foreign(found.st_uid) ? " belongs to "
                                             : " can be changed by others and belongs to ",
                  owner_name(found.st_uid)});
}

Failure open_error(const Place& place, const std::string& path, int problem) {
    struct stat found {};
    const bool there = place.folder && fstatat(place.at(), place.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && place.own && (S_ISLNK(found.st_mode) || is_foreign(found.st_uid))) {
        return not_own(path, found);
    }
    return there && S_ISLNK(found.st_mode)
               ? error(errors::AgentCode::path_refused, {path, " is a link of ", owner_name(found.st_uid), " by now"})
               : file_error(problem, path);
}

Result<Fd> walk_to(const std::string& path, std::optional<std::uint32_t> mode, std::size_t trusted) {
    Fd at(uninterrupted([] { return open("/", k_walk); }));
    for (const auto piece : split(path, '/')) {
        const auto end = static_cast<std::size_t>(piece.data() - path.data()) + piece.size();
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
            const int problem = errno;
            struct stat found {};
            const bool there = end > trusted && fstatat(at.get(), part.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
            return there && (S_ISLNK(found.st_mode) || is_foreign(found.st_uid))
                       ? not_own(path.substr(0, end), found)
                       : walk_error(at.get(), part, path, problem);
        }
        if (end > trusted) {
            TRY(check_own_folder(next.get(), path.substr(0, end)));
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
    // Our umask is stricter than what a directory may be meant for. On what was opened and is ours, never by name.
    const Fd made(uninterrupted([&] { return open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
    if (!made || fstat(made.get(), &found) != 0 || found.st_uid != geteuid() || fchmod(made.get(), mode) != 0) {
        return file_error(made && found.st_uid != geteuid() ? EACCES : errno, path);
    }
    return sync_directory_at(AT_FDCWD, parent.c_str(), parent);
}

/// The table first, so that nothing is removed where a part must stay; and it knows mounts of the same disk.
Status remove_path_tree(const Place& place, const std::string& path) {
    const std::string parent = TRY(resolve_path(parent_of(path), Follow::all));
    const auto last = path.find_last_not_of('/');
    const std::string name = path.substr(path.rfind('/', last) + 1, last - path.rfind('/', last));
    const std::string tree = concat({parent, parent.ends_with('/') ? "" : "/", name});
    const auto mounts = mount_table();
    for (const auto& mount : mounts.ok() ? *mounts : std::vector<Mount>{}) {
        if (holds(tree, mount.point)) {
            return is_mounted(mount.point);
        }
    }
    const auto end = place.name.find_last_not_of('/');
    return remove_entry(place.at(), place.name.substr(0, end == std::string::npos ? end : end + 1), path, 0);
}

// realpath(3) fails for a path whose last parts do not exist yet; here they are kept as they are.
Result<std::string> resolve_path(const std::string& path, Follow follow, std::vector<std::string>* way) {
    std::vector<Waiting> waiting;
    push_parts(waiting, path);
    if (!is_absolute(path)) {
        push_parts(waiting, absolute("."));
    }
    std::vector<std::string> unasked;
    auto& seen = way != nullptr ? *way : unasked;
    seen.emplace_back("/");
    std::string done;
    int links = 0;
    while (!waiting.empty()) {
        const Waiting step = std::move(waiting.back());
        waiting.pop_back();
        if (step.part.empty()) {
            TRY(check_end_of(step, done, path));
            continue;
        }
        if (step.part == "..") {
            // Also in a part that does not exist yet: it would lead there once it exists.
            done.erase(done.empty() ? 0 : done.rfind('/'));
            continue;
        }
        const std::string next = concat({done, "/", step.part});
        if (way != nullptr) {
            seen.push_back(next);
        }
        const auto target = TRY(link_target(next));
        if (!target) {
            done = next;
            continue;
        }
        if (++links > k_most_symlinks) {
            return file_error(ELOOP, path);
        }
        struct stat link {};
        if (follow == Follow::trusted && (lstat(next.c_str(), &link) != 0 || is_foreign(link.st_uid))) {
            waiting.push_back({{}, next, link.st_uid});
        }
        if (is_absolute(*target)) {
            done.clear();
        }
        push_parts(waiting, *target);
    }
    if (done.empty()) {
        done = "/";
    }
    if (seen.back() != done) {
        seen.push_back(done);
    }
    return done;
}

}  // namespace hagent::platform
