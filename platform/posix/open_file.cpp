// SPDX-License-Identifier: Apache-2.0
// Owns reading and writing by a descriptor.
#include "platform/posix/open_file.h"

#include <fcntl.h>

#include <cerrno>

#include "agent/base/number.h"
#include "platform/os_error.h"
#include "platform/posix/file_tree.h"

namespace hagent::platform {
namespace {

using errors::AgentCode;

// off_t is signed.
constexpr std::uint64_t k_largest_file = INT64_MAX;

/// O_DIRECT asks for this alignment on all usual disks.
bool fits_direct(std::uint64_t offset, std::span<const char> bytes) {
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    return bytes.size() >= k_direct_least && (offset | bytes.size() | address) % k_direct_step == 0;
}

class PosixFile final : public File {
public:
    PosixFile(Fd fd, std::string path, Reads reads) : fd_(std::move(fd)), path_(std::move(path)), reads_(reads) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        if (offset > k_largest_file) {
            return std::size_t{0};
        }
        be_direct(reads_ == Reads::past_the_cache && fits_direct(offset, out));
        auto count = read_once(offset, out);
        if (count < 0 && refuses_direct(errno)) {
            count = read_once(offset, out);
        }
        if (count < 0) {
            return file_error(errno, path_);
        }
        return static_cast<std::size_t>(count);
    }

    Status write_at(std::uint64_t offset, std::string_view bytes) override {
        be_direct(fits_direct(offset, bytes));
        auto status = write_fd(fd_.get(), offset, bytes, path_);
        if (!status.ok() && refuses_direct(status.error().os)) {
            status = write_fd(fd_.get(), offset, bytes, path_);
        }
        return status;
    }

    Status resize(std::uint64_t bytes) override {
        if (bytes > k_largest_file) {
            return error(AgentCode::file_too_large, path_);
        }
        if (uninterrupted([&] { return ftruncate(fd_.get(), static_cast<off_t>(bytes)); }) != 0) {
            return file_error(errno, path_);
        }
        return {};
    }

    Status sync() override { return sync_fd(fd_.get(), path_); }

    Result<std::uint64_t> size() override {
        const struct stat found = TRY(stat_of(fd_.get(), path_));
        return narrow<std::uint64_t>(found.st_size);
    }

    Result<FileInfo> info() override { return info_from(TRY(stat_of(fd_.get(), path_))); }

    Status set_mode(std::uint32_t mode) override {
        return fchmod(fd_.get(), mode) == 0 ? Status() : Status(file_error(errno, path_));
    }

private:
    ssize_t read_once(std::uint64_t offset, std::span<char> out) {
        return uninterrupted([&] { return pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset)); });
    }

    /// Whether that was the error of a file system that wants larger steps, or none at all; it is spared them then.
    bool refuses_direct(std::int64_t error) {
        const bool refuses = direct_ && error == EINVAL;
        can_be_direct_ = can_be_direct_ && !refuses;
        be_direct(direct_ && can_be_direct_);
        return refuses;
    }

    /// Switches between the system's cache and direct access. The kernel keeps both in order: a read by way of the
    /// cache sees what was written directly before.
    void be_direct(bool wanted) {
        const bool direct = wanted && can_be_direct_;
        if (direct == direct_) {
            return;
        }
        const int flags = fcntl(fd_.get(), F_GETFL);
        const bool changed =
            flags >= 0 && fcntl(fd_.get(), F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
        direct_ = changed ? direct : direct_;
        can_be_direct_ = can_be_direct_ && changed;
    }

    Fd fd_;
    std::string path_;
    Reads reads_;
    bool direct_ = false;
    bool can_be_direct_ = true;
};
}  // namespace

Result<struct stat> stat_of(int fd, const std::string& path) {
    struct stat found {};
    if (fstat(fd, &found) != 0) {
        return file_error(errno, path);
    }
    return found;
}

FileInfo info_from(const struct stat& found) {
    FileInfo info;
    info.kind = S_ISREG(found.st_mode)   ? FileKind::regular
                : S_ISDIR(found.st_mode) ? FileKind::directory
                : S_ISLNK(found.st_mode) ? FileKind::symlink
                                         : FileKind::other;
    info.bytes = narrow<std::uint64_t>(found.st_size);
    info.mode = found.st_mode & 07777U;
    info.modified = {Seconds{found.st_mtim.tv_sec} + Millis{found.st_mtim.tv_nsec / 1'000'000}};
    const bool open_to_others = info.kind != FileKind::symlink && (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    info.foreign = is_foreign(found.st_uid);
    info.owner = found.st_uid;
    info.names = found.st_nlink;
    info.id = {found.st_dev, found.st_ino};
    info.writable_by_others = open_to_others || info.foreign;
    info.readable_by_others = info.kind != FileKind::symlink && (found.st_mode & (S_IRGRP | S_IROTH)) != 0;
    return info;
}

Status sync_fd(int fd, const std::string& path) {
    if (uninterrupted([&] { return fsync(fd); }) != 0) {
        return file_error(errno, path);
    }
    return {};
}

Status write_fd(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path) {
    const std::uint64_t wanted = bytes.size();
    if (wanted > k_largest_file || offset > k_largest_file - wanted) {
        return error(AgentCode::file_too_large, path);
    }
    while (!bytes.empty()) {
        const auto count =
            uninterrupted([&] { return pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
        if (count < 0) {
            return file_error(errno, path);
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

std::unique_ptr<File> open_file(Fd fd, std::string path, Reads reads) {
    return std::make_unique<PosixFile>(std::move(fd), std::move(path), reads);
}

}  // namespace hagent::platform
