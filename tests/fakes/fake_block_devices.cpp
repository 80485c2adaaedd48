// SPDX-License-Identifier: Apache-2.0
// Owns the promises of platform::BlockDevices over the files in memory.
#include "tests/fakes/fake_block_devices.h"

#include "agent/base/number.h"
#include "tests/fakes/rooted.h"

namespace hagent::fakes {

using errors::AgentCode;
using platform::Access;
using platform::FileKind;

class FakeBlockDevices::Device final : public platform::BlockDevice {
public:
    Device(FakeBlockDevices& owner, std::unique_ptr<platform::File> file, std::unique_ptr<platform::Lock> lock,
           std::string path)
        : owner_(owner), file_(std::move(file)), lock_(std::move(lock)), path_(std::move(path)) {}

    Result<std::uint64_t> size() override { return file_->size(); }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) override {
        const std::size_t count = TRY(file_->read_at(offset, out));
        owner_.bytes_read += count;
        const auto lie = owner_.lies_.find(path_);
        if (forgot_ && lie != owner_.lies_.end() && lie->second >= offset && lie->second - offset < count) {
            char& byte = out[narrow<std::size_t>(lie->second - offset)];
            byte = static_cast<char>(byte ^ 1);
        }
        return count;
    }

    Status write_at(std::uint64_t offset, std::string_view bytes) override {
        const std::uint64_t end = TRY(file_->size());
        if (offset > end || bytes.size() > end - offset) {
            return error(AgentCode::disk_full, path_);
        }
        return file_->write_at(offset, bytes);
    }

    Status sync() override { return file_->sync(); }
    Status forget_cache() override {
        forgot_ = true;
        return file_->sync();
    }

private:
    FakeBlockDevices& owner_;
    std::unique_ptr<platform::File> file_;
    std::unique_ptr<platform::Lock> lock_;
    std::string path_;
    bool forgot_ = false;
};

Result<std::unique_ptr<platform::BlockDevice>> FakeBlockDevices::open(const std::string& path, Access access) {
    const auto about = TRY(info(path));
    const bool exclusive = access == Access::exclusive;
    if (exclusive && about.mounted) {
        return error(AgentCode::busy, path + " is mounted or in use");
    }
    auto lock = exclusive ? TRY(files_.lock(TRY(files_.resolve(path)))) : nullptr;
    auto file = TRY(files_.open(path, exclusive ? platform::OpenMode::read_write : platform::OpenMode::read));
    return std::unique_ptr<platform::BlockDevice>(
        std::make_unique<Device>(*this, std::move(file), std::move(lock), path));
}

Result<platform::BlockInfo> FakeBlockDevices::info(const std::string& path) {
    const std::string place = TRY(files_.resolve(path));
    const auto found = TRY(files_.info(place));
    if (!found) {
        return error(AgentCode::file_not_found, path);
    }
    if (found->kind != FileKind::regular) {
        return error(found->kind == FileKind::directory ? AgentCode::is_a_directory : AgentCode::unsupported_here,
                     path);
    }
    const auto known = of_.find(plain(place));  // whatever its name
    platform::BlockInfo about = known != of_.end() ? known->second : platform::BlockInfo();
    about.bytes = found->bytes;
    about.id = found->id;
    return about;
}

void FakeBlockDevices::put(const std::string& path, std::string_view bytes, const std::string& disk) {
    files_.put(path, bytes);
    of_[path].block = true;
    of_[path].disk = disk;
}

}  // namespace hagent::fakes
