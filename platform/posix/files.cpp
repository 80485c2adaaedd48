// SPDX-License-Identifier: Apache-2.0
// Owns the file system on POSIX.
#include "platform/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>

#include "agent/base/concat.h"

#include "agent/base/number.h"
#include "agent/base/sort.h"
#include "platform/os_error.h"
#include "platform/posix/accounts.h"
#include "platform/posix/fd.h"
#include "platform/posix/file_tree.h"
#include "platform/posix/mounts.h"
#include "platform/posix/open_file.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

static_assert(sizeof(off_t) == 8, "file sizes need 64 bits: build with _FILE_OFFSET_BITS=64");

constexpr std::size_t k_chunk = 64U << 10U;

struct DirectoryTraits {
    using Value = DIR*;
    static Value none() { return nullptr; }
    static void close(Value value) { closedir(value); }
};

/// flock(2) belongs to the open file: it ends with the descriptor, also when the process is killed.
class HeldLock final : public Lock {
public:
    explicit HeldLock(Fd fd) : fd_(std::move(fd)) {}

private:
    Fd fd_;
};

int open_flags(OpenMode mode) {
    switch (mode) {
        case OpenMode::read: return O_RDONLY;
        case OpenMode::read_write: return O_RDWR | O_CREAT;
        case OpenMode::truncate: return O_RDWR | O_CREAT | O_TRUNC;
    }
    return O_RDONLY;
}

/// Whoever may write to a folder may put another name of anybody's file there and pass that file off as his own.
Status check_second_name(const Place& place, const struct stat& file, const std::string& path) {
    struct stat folder {};
    if (fstatat(place.at(), ".", &folder, 0) != 0) {
        return file_error(errno, path);
    }
    const bool of_others = is_foreign(folder.st_uid);
    const bool open_to_others = of_others || (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (open_to_others && !(of_others && file.st_uid == folder.st_uid)) {
        return error(AgentCode::path_refused, {path, " is another name of a file of ", owner_name(file.st_uid)});
    }
    return {};
}

/// A descriptor of a regular file; without O_NONBLOCK a pipe in the file's place would hang us.
Result<Fd> open_regular(const Place& place, OpenMode mode, const std::string& path) {
    int flags = open_flags(mode) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    if (place.folder) {  // links are refused: at the end of the path too, and hard links that somebody put there
        flags |= O_NOFOLLOW;
        if (mode == OpenMode::truncate) {
            unlinkat(place.at(), place.name.c_str(), 0);
            flags |= O_EXCL;
        }
    }
    Fd fd(uninterrupted([&] { return openat(place.at(), place.name.c_str(), flags, 0600); }));
    if (!fd) {
        return open_error(place, path, errno);
    }
    const struct stat found = TRY(stat_of(fd.get(), path));
    if (S_ISDIR(found.st_mode)) {
        return error(AgentCode::is_a_directory, path);
    }
    if (!S_ISREG(found.st_mode)) {
        return error(AgentCode::unsupported_here, {path, " is not a regular file"});
    }
    if (place.own && is_foreign(found.st_uid)) {
        return not_own(path, found);
    }
    if (place.folder && found.st_nlink > 1) {
        TRY(check_second_name(place, found, path));
    }
    return fd;
}

/// The name of the new content while it is not complete; one per target, so that what a power cut leaves is used again.
std::string temporary_name(const std::string& path) {
    constexpr std::size_t k_longest_name = 240;
    const auto slash = path.rfind('/');
    const std::size_t name_at = slash == std::string::npos ? 0 : slash + 1;
    return path.substr(0, std::min(path.size(), name_at + k_longest_name)) + ".new~";
}

/// What a script edits stays whose it was; files of our own are ours.
Status keep_owner(const Place& place, int fd, const std::string& path) {
    struct stat old {};
    const bool kept = place.folder && !place.own && geteuid() == 0 &&
                      fstatat(place.at(), place.name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(old.st_mode);
    return kept && fchown(fd, old.st_uid, old.st_gid) != 0 ? Status(file_error(errno, path)) : Status();
}

/// A new file with all its content, synced. What an interrupted earlier try left under the name is removed first.
Status write_new(const Place& to, const std::string& name, std::string_view bytes, std::uint32_t mode,
                 const std::string& path) {
    const int at = to.at();
    unlinkat(at, name.c_str(), 0);
    // O_EXCL: in a directory that others may write to, nobody can lead us elsewhere with a symlink.
    const Fd fd(uninterrupted([&] { return openat(at, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); }));
    if (!fd) {
        return file_error(errno, path);
    }
    TRY(write_fd(fd.get(), 0, bytes, path));
    TRY(keep_owner(to, fd.get(), path));
    if (fchmod(fd.get(), mode) != 0) {
        return file_error(errno, path);
    }
    return sync_fd(fd.get(), path);
}

class PosixFiles final : public Files {
public:
    PosixFiles() : jailed_(new PosixFiles(*this)) {}
    PosixFiles& operator=(const PosixFiles&) = delete;
    ~PosixFiles() override = default;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        return open_file(TRY(open_regular(TRY(place(path)), mode, path)), path);
    }

    Result<std::string> read(const std::string& path, std::size_t limit) override {
        const Fd fd = TRY(open_regular(TRY(place(path)), OpenMode::read, path));
        std::string content;
        // Files of /proc say that they hold nothing, so the size is not asked for.
        for (;;) {
            const std::size_t before = content.size();
            content.resize(std::min(limit, before + k_chunk) + 1);
            const auto count =
                uninterrupted([&] { return ::read(fd.get(), &content[before], content.size() - before); });
            if (count < 0) {
                return file_error(errno, path);
            }
            content.resize(before + static_cast<std::size_t>(count));
            if (content.size() > limit) {
                return error(AgentCode::file_too_large, {path, " holds more than ", std::to_string(limit), " bytes"});
            }
            if (count == 0) {
                return content;
            }
        }
    }

    Status write_durable(const std::string& path, std::string_view bytes, std::uint32_t mode) override {
        const Place to = TRY(place(path));
        const std::string temporary = temporary_name(to.name);
        auto done = write_new(to, temporary, bytes, mode, path);
        if (done.ok() && renameat(to.at(), temporary.c_str(), to.at(), to.name.c_str()) != 0) {
            done = file_error(errno, path);
        }
        if (!done.ok()) {
            unlinkat(to.at(), temporary.c_str(), 0);
            return done;
        }
        return sync_parent(to, path);
    }

    Result<std::optional<FileInfo>> info(const std::string& path) override {
        struct stat found {};
        const auto at = place(path);
        if (at.ok() && fstatat(at->at(), at->name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
            return std::optional(info_from(found));
        }
        Error problem = at.ok() ? file_error(errno, path) : at.error();
        if (problem.is(AgentCode::file_not_found) || problem.is(AgentCode::not_a_directory)) {
            return std::optional<FileInfo>();
        }
        return problem;
    }

    Result<std::vector<std::string>> list(const std::string& path) override {
        const Place at = TRY(place(path));
        const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (at.folder ? O_NOFOLLOW : 0);
        Fd fd(uninterrupted([&] { return openat(at.at(), at.name.c_str(), flags); }));
        const UniqueHandle<DirectoryTraits> directory(fd ? fdopendir(fd.get()) : nullptr);
        if (!directory) {
            return open_error(at, path, errno);
        }
        fd.release();
        std::vector<std::string> names;
        errno = 0;
        for (const dirent* entry = readdir(directory.get()); entry != nullptr; entry = readdir(directory.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != "..") {
                names.emplace_back(name);
            }
        }
        if (errno != 0) {
            return file_error(errno, path);
        }
        sort_all(names);
        return names;
    }

    Result<std::string> resolve(const std::string& path, Follow follow) override { return resolve_path(path, follow); }

    Result<std::vector<std::string>> way(const std::string& path) override {
        std::vector<std::string> way;
        TRY(resolve_path(path, Follow::all, &way));
        return way;
    }

    Status make_directories(const std::string& path, std::uint32_t mode) override {
        if (const auto own = own_path(path)) {
            TRY(make_path(parent_of(own->folder), mode));
            TRY(walk_to(own->path, mode, own->folder.size() - 1));
            return {};
        }
        if (links_ == Links::followed) {
            return make_path(path, mode);
        }
        TRY(walk_to(path, mode));
        return {};
    }

    Status rename(const std::string& from, const std::string& to) override {
        const Place source = TRY(place(from)), target = TRY(place(to));
        if (renameat(source.at(), source.name.c_str(), target.at(), target.name.c_str()) != 0) {
            return file_error(errno, concat({from, " to ", to}));
        }
        TRY(sync_parent(target, to));
        return parent_of(from) == parent_of(to) ? Status() : sync_parent(source, from);
    }

    Status remove(const std::string& path) override {
        const Place at = TRY(place(path));
        if (unlinkat(at.at(), at.name.c_str(), 0) == 0) {
            return {};
        }
        const int problem = errno;
        if ((problem == EISDIR || problem == EPERM) && unlinkat(at.at(), at.name.c_str(), AT_REMOVEDIR) == 0) {
            return {};
        }
        return file_error(problem == EISDIR ? errno : problem, path);
    }

    Status remove_tree(const std::string& path) override {
        const auto at = place(path);
        if (!at.ok() && at.error().is(AgentCode::file_not_found)) {
            return {};
        }
        return at.ok() ? remove_path_tree(*at, path) : Status(at.error());
    }

    Status set_mode(const std::string& path, std::uint32_t mode) override {
        const Place at = TRY(place(path));
        const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (at.folder ? O_NOFOLLOW : 0);
        const Fd fd(uninterrupted([&] { return openat(at.at(), at.name.c_str(), flags); }));
        if (!fd) {
            return open_error(at, path, errno);
        }
        return fchmod(fd.get(), mode) == 0 ? Status() : Status(file_error(errno, path));
    }

    Status sync_directory(const std::string& path) override {
        const Place at = TRY(place(path));
        return sync_directory_at(at.at(), at.name.c_str(), path);
    }

    Result<std::unique_ptr<Lock>> lock(const std::string& path) override {
        auto opened = open_regular(TRY(place(path)), OpenMode::read_write, path);
        if (!opened.ok() && opened.error().is(AgentCode::read_only)) {  // one that is there can be locked all the same
            opened = open_regular(TRY(place(path)), OpenMode::read, path);
        }
        Fd fd = TRY(std::move(opened));
        if (uninterrupted([&] { return flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
            const int problem = errno;
            return problem == EWOULDBLOCK ? Failure{errors::agent(AgentCode::busy), problem, path}
                                          : file_error(problem, path);
        }
        return std::unique_ptr<Lock>(std::make_unique<HeldLock>(std::move(fd)));
    }

    /// The folders above may be links of the administrator.
    void keep_own(const std::string& folder) override {
        const auto parent = resolve_path(parent_of(folder), Follow::all);
        const std::string name = folder.substr(folder.rfind('/') + 1);
        const bool known = std::any_of(own_.begin(), own_.end(), [&](const Own& own) { return own.named == folder; });
        if (parent.ok() && !name.empty() && !known) {
            own_.push_back({folder, concat({*parent, parent->ends_with('/') ? "" : "/", name})});
        }
    }

    Result<bool> is_locked(const std::string& path) override {
        const auto fd = open_regular(TRY(place(path)), OpenMode::read, path);
        if (!fd.ok()) {
            return fd.error().is(AgentCode::file_not_found) ? Result<bool>(false) : Result<bool>(fd.error());
        }
        return uninterrupted([&] { return flock(fd->get(), LOCK_SH | LOCK_NB); }) != 0;
    }

    Files& jailed() override { return jailed_ ? *jailed_ : *this; }

private:
    /// A folder of our own, as it is called and where it really is.
    struct Own {
        std::string named, real;
    };
    struct OwnPath {
        std::string folder, path;  // both real
    };

    explicit PosixFiles(PosixFiles& all) : links_(Links::refused), all_(all) {}

    [[nodiscard]] std::optional<OwnPath> own_path(const std::string& path) const {
        for (const Own& own : all_.own_) {
            for (const std::string* prefix : {&own.named, &own.real}) {
                if (holds(*prefix, path)) {
                    return OwnPath{own.real, own.real + path.substr(prefix->size())};
                }
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] Result<Place> place(const std::string& path) const {
        const auto own = own_path(path);
        return own ? place_of(own->path, Links::own, own->folder.size()) : place_of(path, links_);
    }

    static Status sync_parent(const Place& place, const std::string& path) {
        const std::string parent = parent_of(path);
        return sync_directory_at(place.at(), place.folder ? "." : parent.c_str(), parent);
    }

    Links links_ = Links::followed;
    PosixFiles& all_ = *this;  // whose own folders count
    std::vector<Own> own_;
    std::unique_ptr<PosixFiles> jailed_;
};

}  // namespace

std::unique_ptr<Files> system_files() { return std::make_unique<PosixFiles>(); }

}  // namespace hagent::platform
