// SPDX-License-Identifier: Apache-2.0
// Owns the interface to the file system: every change to a file goes through here, so that a test can cut the power at
// each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hagent::platform {

enum class FileKind : std::uint8_t { regular, directory, symlink, other };

/// Which file it is, by whatever name or below whatever mount it was found. All zero: the system does not say.
struct FileId {
    std::uint64_t device = 0, node = 0;
    [[nodiscard]] bool known() const { return (device | node) != 0; }
    friend bool operator==(const FileId&, const FileId&) = default;
};

/// What the system says about one path, at the moment of the call. `bytes` counts for regular files only.
struct FileInfo {
    FileKind kind = FileKind::regular;
    std::uint64_t bytes = 0;
    std::uint32_t mode = 0;  // POSIX permission bits; 0644/0755 on Windows
    WallTime modified;
    // group or world may write, on Windows users or guests; or owned by neither root nor us
    bool writable_by_others = false;
    bool readable_by_others = false;  // group or world may read, on Windows users or guests
    // POSIX only; Windows says all of it in the access list, and nothing here
    bool foreign = false;     // owned by neither root nor us
    std::uint32_t owner = 0;  // number of the user
    std::uint64_t names = 1;  // hard links
    FileId id;
};

/// Which links resolve() follows.
enum class Follow : std::uint8_t {
    all,
    // Those of root and of us, and those of others to what belongs to the same user (as fs.protected_symlinks has it):
    // whoever may put a link somewhere leads us to his own files only. Others: path_refused. On Windows: all, as there
    // only administrators make links.
    trusted
};

enum class OpenMode : std::uint8_t {
    read,        // must exist
    read_write,  // created with mode 0600 when absent, kept when present
    truncate     // created with mode 0600 or emptied
};

/// A write of k_direct_least bytes or more whose offset, length and address are multiples of k_direct_step goes past
/// the system's cache of files where that can be done: for long files this costs the least, and it leaves the cache to
/// those who need it.
inline constexpr std::size_t k_direct_step = 4096, k_direct_least = std::size_t{64} << 10U;

/// An open regular file. Writes are not durable before sync() returns.
class File {
public:
    virtual ~File() = default;
    /// Bytes read into `out` at `offset`; 0 only at the end.
    [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) = 0;
    /// Writes all of `bytes` at `offset`, or fails (disk_full, quota_exceeded, read_only, io_error).
    [[nodiscard]] virtual Status write_at(std::uint64_t offset, std::string_view bytes) = 0;
    /// Cuts the file or fills it up with zeros.
    [[nodiscard]] virtual Status resize(std::uint64_t bytes) = 0;
    /// Once this returns success, the content survives a power cut. The name of a new file needs sync_directory() too.
    [[nodiscard]] virtual Status sync() = 0;
    [[nodiscard]] virtual Result<std::uint64_t> size() = 0;
    /// About the open file, whatever its name means by now.
    [[nodiscard]] virtual Result<FileInfo> info() = 0;
    /// As Files::set_mode.
    [[nodiscard]] virtual Status set_mode(std::uint32_t mode) = 0;
};

/// Held while the object lives. The system releases it when the process dies, so a killed agent blocks nobody.
class Lock {
public:
    virtual ~Lock() = default;
};

/// Paths are UTF-8, absolute or relative to the working directory, with '/' (on Windows '\\' too).
/// Errors: file_not_found, permission_denied, already_exists, disk_full, quota_exceeded, read_only, not_a_directory,
/// is_a_directory, name_too_long, cross_device, io_error ...; context names the path, `os` holds the system's number.
class Files {
public:
    virtual ~Files() = default;

    /// Regular files only: unsupported_here for a device or a pipe, which could hang or answer without end.
    [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    /// The whole file, or file_too_large when it holds more than `limit` bytes.
    [[nodiscard]] virtual Result<std::string> read(const std::string& path, std::size_t limit) = 0;
    /// Replaces the file so that a power cut leaves the old or the new content: temp beside it, sync, rename, sync
    /// directory.
    [[nodiscard]] virtual Status write_durable(const std::string& path, std::string_view bytes, std::uint32_t mode) = 0;

    /// About the path itself: a symlink is not followed. Empty when nothing is there.
    [[nodiscard]] virtual Result<std::optional<FileInfo>> info(const std::string& path) = 0;
    /// Names in a directory, sorted, without "." and "..".
    [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
    /// The path with every symlink of its existing part resolved; the rest is kept as written.
    [[nodiscard]] virtual Result<std::string> resolve(const std::string& path, Follow follow = Follow::all) = 0;
    /// Every folder and link that is looked at on the way to `path`, from the root on, and at the end what it leads to,
    /// there or not. On Windows, where rights come down from above: the folder of `path` and itself.
    [[nodiscard]] virtual Result<std::vector<std::string>> way(const std::string& path) = 0;

    /// Creates missing directories (mode 0755 for `mode` absent); one that exists is no error.
    [[nodiscard]] virtual Status make_directories(const std::string& path, std::uint32_t mode = 0755) = 0;
    /// Replaces `to` atomically; both directories are synced. cross_device when they are on different volumes.
    [[nodiscard]] virtual Status rename(const std::string& from, const std::string& to) = 0;
    /// Removes a file, symlink or empty directory; file_not_found when absent.
    [[nodiscard]] virtual Status remove(const std::string& path) = 0;
    /// Removes whatever is there, not following symlinks; absent is success.
    [[nodiscard]] virtual Status remove_tree(const std::string& path) = 0;
    /// Of an existing file or directory, as POSIX permission bits; on Windows the nearest access list.
    [[nodiscard]] virtual Status set_mode(const std::string& path, std::uint32_t mode) = 0;
    /// Makes names created, renamed or removed in a directory durable.
    [[nodiscard]] virtual Status sync_directory(const std::string& path) = 0;

    /// An exclusive lock on a file that is created when absent; `busy` when another process holds it.
    [[nodiscard]] virtual Result<std::unique_ptr<Lock>> lock(const std::string& path) = 0;

    /// From now on `folder` (a path without links at its end) is the agent's own: a link in it, and what belongs to
    /// others or can be changed by them, makes calls fail with config_insecure_permissions, whenever it was put there.
    /// What is made in it is made by us alone. Before a second thread uses the files. On Windows: nothing.
    virtual void keep_own(const std::string& /*folder*/) {}

    /// Whether somebody holds that lock now; false when the file is absent. Who takes it in this very moment may be
    /// told `busy` because of the look.
    [[nodiscard]] virtual Result<bool> is_locked(const std::string& path) = 0;

    /// The same files, for paths that resolve() gave: where a symlink stands in such a path by now, the call fails with
    /// path_refused and touches nothing behind it, whenever it was put there; nor is a file opened to which somebody
    /// gave a second name in a folder where others may do that. On Windows: *this.
    [[nodiscard]] virtual Files& jailed() { return *this; }
};

/// The machine's file system.
[[nodiscard]] std::unique_ptr<Files> system_files();

}  // namespace hagent::platform
