// SPDX-License-Identifier: Apache-2.0
#include "platform/posix/watchdog.h"

#include <fcntl.h>

#include <cerrno>

#include "platform/os_error.h"
#include "platform/posix/fd.h"

namespace hagent::platform {
namespace {

/// Any byte feeds it; a V in front of the closing stops it, unless the driver was told never to stop.
class LinuxWatchdog final : public Watchdog {
public:
    LinuxWatchdog(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    Status feed() override { return write('.'); }
    Status disarm() override { return write('V'); }

private:
    Status write(char byte) {
        const auto count = uninterrupted([&] { return ::write(fd_.get(), &byte, 1); });
        return count == 1 ? Status() : Status(file_error(errno, path_));
    }

    Fd fd_;
    std::string path_;
};

}  // namespace

Result<std::unique_ptr<Watchdog>> linux_watchdog(const std::string& device) {
    Fd fd(uninterrupted([&] { return open(device.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY); }));
    if (!fd) {
        return errno == EBUSY ? Failure(errors::agent(errors::AgentCode::busy), errno, device)
                              : file_error(errno, device);
    }
    return std::unique_ptr<Watchdog>(std::make_unique<LinuxWatchdog>(std::move(fd), device));
}

}  // namespace hagent::platform
