// SPDX-License-Identifier: Apache-2.0
// Owns block devices on Windows: plain files, and disks and volumes by their device names ("\\.\PhysicalDrive0",
// "\\.\D:", "\\?\Volume{...}").
#include "platform/block_device.h"

#include <algorithm>
#include <array>

#include "agent/base/number.h"
#include "platform/os_error.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"
// After the Windows headers.
#include <winioctl.h>

namespace hagent::platform {
namespace {

using errors::AgentCode;

constexpr std::size_t k_largest_piece = 16U << 20U;
constexpr std::size_t k_longest_folder = 1024;
constexpr DWORD k_share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

bool is_device(const std::string& path) { return path.starts_with("\\\\.\\") || path.starts_with("\\\\?\\Volume{"); }
bool is_volume(const std::string& path) {
    return path.starts_with("\\\\?\\Volume{") || (path.size() == 6 && is_device(path) && path[5] == ':');
}

/// wide_path() would make a path of a device absolute, which it is.
std::wstring name_of(const std::string& path) { return is_device(path) ? wide(path) : wide_path(path); }

Failure last_error(const std::string& path) {
    const DWORD number = GetLastError();
    const bool held = number == ERROR_SHARING_VIOLATION || number == ERROR_LOCK_VIOLATION;
    return held ? Failure(errors::agent(AgentCode::busy), number, path) : file_error(number, path);
}

Status finished(BOOL done, const std::string& path) { return done != 0 ? Status() : Status(last_error(path)); }

template <class Answer>
bool ask(HANDLE handle, DWORD code, Answer& answer) {
    DWORD bytes = 0;
    return DeviceIoControl(handle, code, nullptr, 0, &answer, sizeof(answer), &bytes, nullptr) != 0;
}
bool tell(HANDLE handle, DWORD code) {
    DWORD bytes = 0;
    return DeviceIoControl(handle, code, nullptr, 0, nullptr, 0, &bytes, nullptr) != 0;
}

Result<std::uint64_t> size_of(HANDLE handle, const std::string& path) {
    if (is_device(path)) {
        GET_LENGTH_INFORMATION length{};
        return ask(handle, IOCTL_DISK_GET_LENGTH_INFO, length)
                   ? Result<std::uint64_t>(narrow<std::uint64_t>(length.Length.QuadPart))
                   : last_error(path);
    }
    LARGE_INTEGER bytes{};
    return GetFileSizeEx(handle, &bytes) != 0 ? Result<std::uint64_t>(narrow<std::uint64_t>(bytes.QuadPart))
                                              : last_error(path);
}

OVERLAPPED at_offset(std::uint64_t offset) {
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset & 0xFFFFFFFFU);
    place.OffsetHigh = static_cast<DWORD>(offset >> 32U);
    return place;
}

/// Devices take whole sectors only; what is not is refused by the system with invalid_parameter.
class WindowsDevice final : public BlockDevice {
public:
    WindowsDevice(FileHandle handle, std::uint64_t bytes, std::string path)
        : handle_(std::move(handle)), bytes_(bytes), path_(std::move(path)) {}

    Result<std::uint64_t> size() override { return bytes_; }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        OVERLAPPED place = at_offset(offset);
        DWORD count = 0;
        const auto wanted = static_cast<DWORD>(std::min(out.size(), k_largest_piece));
        if (offset >= bytes_) {
            return std::size_t{0};
        }
        if (ReadFile(handle_.get(), out.data(), wanted, &count, &place) == 0 && GetLastError() != ERROR_HANDLE_EOF) {
            return last_error(path_);
        }
        return std::size_t{count};
    }

    Status write_at(std::uint64_t offset, std::string_view bytes) override {
        if (offset > bytes_ || bytes.size() > bytes_ - offset) {  // a plain file would grow
            return error(AgentCode::disk_full, path_);
        }
        while (!bytes.empty()) {
            OVERLAPPED place = at_offset(offset);
            DWORD count = 0;
            const auto piece = static_cast<DWORD>(std::min(bytes.size(), k_largest_piece));
            if (WriteFile(handle_.get(), bytes.data(), piece, &count, &place) == 0) {
                return last_error(path_);
            }
            bytes.remove_prefix(count);
            offset += count;
        }
        return {};
    }

    Status sync() override { return finished(FlushFileBuffers(handle_.get()), path_); }

    Status forget_cache() override {
        TRY(sync());
        // A volume that is locked and dismounted has no cache. Of a file it is dropped when somebody opens the file
        // to go past it.
        if (!is_device(path_)) {
            const FileHandle past(CreateFileW(name_of(path_).c_str(), GENERIC_READ, k_share_all, nullptr, OPEN_EXISTING,
                                              FILE_FLAG_NO_BUFFERING, nullptr));
        }
        return {};
    }

private:
    FileHandle handle_;
    std::uint64_t bytes_;
    std::string path_;
};

std::string system_volume() {
    std::array<wchar_t, k_longest_folder> folder{};
    const UINT size = GetWindowsDirectoryW(folder.data(), narrow<UINT>(folder.size()));
    const std::string path = size > 1 && size < folder.size() ? narrow_text({folder.data(), size}) : "";
    return path.size() > 1 && path[1] == ':' ? "\\\\.\\" + path.substr(0, 2) : "";
}

/// "\\.\PhysicalDrive0": the disk of a volume, or the disk itself.
std::string disk_of(HANDLE handle) {
    STORAGE_DEVICE_NUMBER number{};
    return ask(handle, IOCTL_STORAGE_GET_DEVICE_NUMBER, number)
               ? "\\\\.\\PhysicalDrive" + std::to_string(number.DeviceNumber)
               : "";
}

Result<FileHandle> open_place(const std::string& path, Access access) {
    const bool exclusive = access == Access::exclusive;
    // A volume with a file system cannot be opened without sharing; it is locked instead.
    const DWORD share = !exclusive        ? k_share_all
                        : is_device(path) ? FILE_SHARE_READ | FILE_SHARE_WRITE
                                          : FILE_SHARE_READ;
    FileHandle handle(CreateFileW(name_of(path).c_str(), exclusive ? GENERIC_READ | GENERIC_WRITE : GENERIC_READ, share,
                                  nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!handle) {
        const DWORD number = GetLastError();
        const DWORD attributes = GetFileAttributesW(name_of(path).c_str());
        if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
            return error(AgentCode::is_a_directory, path);
        }
        SetLastError(number);
        return last_error(path);
    }
    if (!is_device(path) && GetFileType(handle.get()) != FILE_TYPE_DISK) {
        return error(AgentCode::unsupported_here, {path, " is neither a disk, a volume nor a file"});
    }
    return handle;
}

class WindowsDevices final : public BlockDevices {
public:
    Result<std::unique_ptr<BlockDevice>> open(const std::string& path, Access access) override {
        if (access == Access::exclusive && TRY(info(path)).mounted) {
            return error(AgentCode::busy, {path, " is in use by the system"});
        }
        FileHandle handle = TRY(open_place(path, access));
        if (access == Access::exclusive && is_volume(path)) {
            if (!tell(handle.get(), FSCTL_LOCK_VOLUME)) {
                return Failure(errors::agent(AgentCode::busy), GetLastError(), path);
            }
            TRY(finished(tell(handle.get(), FSCTL_DISMOUNT_VOLUME) ? 1 : 0, path));
        }
        const std::uint64_t bytes = TRY(size_of(handle.get(), path));
        return std::unique_ptr<BlockDevice>(std::make_unique<WindowsDevice>(std::move(handle), bytes, path));
    }

    Result<BlockInfo> info(const std::string& path) override {
        const FileHandle handle = TRY(open_place(path, Access::read));
        BlockInfo about;
        about.block = is_device(path);
        about.bytes = TRY(size_of(handle.get(), path));
        if (!about.block) {
            BY_HANDLE_FILE_INFORMATION found{};
            if (GetFileInformationByHandle(handle.get(), &found) != 0) {
                about.id = {found.dwVolumeSerialNumber,
                            (std::uint64_t{found.nFileIndexHigh} << 32U) | found.nFileIndexLow};
            }
            return about;
        }
        DISK_GEOMETRY geometry{};
        if (ask(handle.get(), IOCTL_DISK_GET_DRIVE_GEOMETRY, geometry) && geometry.BytesPerSector != 0) {
            about.sector_bytes = geometry.BytesPerSector;
        }
        STORAGE_DEVICE_NUMBER number{};
        if (ask(handle.get(), IOCTL_STORAGE_GET_DEVICE_NUMBER, number)) {
            about.id = {std::uint64_t{number.DeviceNumber} + 1, number.PartitionNumber};
        }
        about.disk = disk_of(handle.get());
        about.mounted = is_of_the_system(path, about.id);
        return about;
    }

    std::string root_device() override { return system_volume(); }
    std::string command_line() override { return ""; }
    std::string file_system_at(const std::string& /*path*/) override { return ""; }

private:
    /// The system's volume and the disk that it lies on are never free. Another volume is in use when its lock, at the
    /// time of the opening, is refused.
    static bool is_of_the_system(const std::string& path, const FileId& id) {
        const FileHandle system(CreateFileW(wide(system_volume()).c_str(), 0, k_share_all, nullptr, OPEN_EXISTING,
                                            FILE_ATTRIBUTE_NORMAL, nullptr));
        STORAGE_DEVICE_NUMBER number{};
        if (!system || !ask(system.get(), IOCTL_STORAGE_GET_DEVICE_NUMBER, number)) {
            return path == system_volume();
        }
        const bool same_disk = id.device == std::uint64_t{number.DeviceNumber} + 1;
        return same_disk && (!is_volume(path) || id.node == number.PartitionNumber);
    }
};

}  // namespace

std::unique_ptr<BlockDevices> system_block_devices() { return std::make_unique<WindowsDevices>(); }

}  // namespace hagent::platform
