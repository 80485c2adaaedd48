// SPDX-License-Identifier: Apache-2.0
// Owns volumes on Windows, by their root paths ("C:\\", or a folder that one is mounted on).
#include "platform/disk.h"

#include <array>

#include "agent/base/number.h"
#include "platform/files.h"
#include "platform/os_error.h"
#include "platform/paths.h"
#include "platform/win32/api.h"
#include "platform/win32/wide.h"

namespace hagent::platform {
namespace {

constexpr DWORD k_longest_root = 1024;

/// The seed has one word for volumes of a server, "NFS"; it stands for Windows shares too.
VolumeType type_of(const std::wstring& root) {
    DWORD flags = 0;
    GetVolumeInformationW(root.c_str(), nullptr, 0, nullptr, nullptr, &flags, nullptr, 0);
    const UINT drive = GetDriveTypeW(root.c_str());
    if (drive == DRIVE_CDROM || (flags & FILE_READ_ONLY_VOLUME) != 0) {
        return VolumeType::read_only;
    }
    return drive == DRIVE_REMOTE ? VolumeType::nfs : VolumeType::normal;
}

Result<Volume> measured(const std::wstring& root) {
    ULARGE_INTEGER available{}, total{}, free{};
    if (GetDiskFreeSpaceExW(root.c_str(), &available, &total, &free) == 0) {
        return file_error(GetLastError(), path_text(root));
    }
    return Volume{path_text(root), type_of(root), total.QuadPart, free.QuadPart, available.QuadPart};
}

class WindowsDisks final : public Disks {
public:
    /// GetVolumePathName walks up to an existing parent by itself.
    Result<Volume> volume_of(const std::string& path) override {
        const std::string place = TRY(system_files()->resolve(path));
        std::wstring root(k_longest_root, L'\0');
        if (GetVolumePathNameW(wide_path(place).c_str(), root.data(), k_longest_root) == 0) {
            return file_error(GetLastError(), path);
        }
        root.resize(root.find(L'\0'));
        return measured(root);
    }

    /// Without network and optical drives: asking a server that is away would hold the caller for minutes.
    Result<std::vector<Volume>> volumes() override {
        std::array<wchar_t, 256> drives{};
        const DWORD size = GetLogicalDriveStringsW(narrow<DWORD>(drives.size() - 1), drives.data());
        std::vector<Volume> volumes;
        // The drives stand one behind the other, each ended by a NUL.
        for (std::size_t at = 0; at < size && drives[at] != L'\0';) {
            const std::wstring root(&drives[at]);
            at += root.size() + 1;
            const UINT drive = GetDriveTypeW(root.c_str());
            auto volume = drive == DRIVE_FIXED || drive == DRIVE_REMOVABLE
                              ? measured(root)
                              : Result<Volume>(error(errors::AgentCode::unsupported_here));
            if (volume.ok()) {
                volumes.push_back(std::move(volume).value());
            }
        }
        return volumes;
    }
};

}  // namespace

std::unique_ptr<Disks> system_disks() { return std::make_unique<WindowsDisks>(); }

}  // namespace hagent::platform
