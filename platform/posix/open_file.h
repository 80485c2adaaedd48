// SPDX-License-Identifier: Apache-2.0
// Owns an open file by its descriptor, of a plain file or a device, and what is asked of descriptors.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "platform/files.h"
#include "platform/posix/fd.h"

namespace hagent::platform {

/// How a file is read where offset, length and address allow both (platform/files.h). Past the cache costs less for
/// what is long and read once, and shows what the device has kept.
enum class Reads : std::uint8_t { through_the_cache, past_the_cache };

/// `path` is for people, in all of these.
[[nodiscard]] std::unique_ptr<File> open_file(Fd fd, std::string path, Reads reads = Reads::through_the_cache);
[[nodiscard]] Result<struct stat> stat_of(int fd, const std::string& path);
[[nodiscard]] FileInfo info_from(const struct stat& found);
[[nodiscard]] Status sync_fd(int fd, const std::string& path);
/// All of `bytes`, however many calls it takes.
[[nodiscard]] Status write_fd(int fd, std::uint64_t offset, std::string_view bytes, const std::string& path);

}  // namespace hagent::platform
