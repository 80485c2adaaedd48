// SPDX-License-Identifier: Apache-2.0
#include "agent/session/reserve.h"

#include <algorithm>

#include "agent/base/limits.h"

namespace hagent::session {
namespace {

constexpr std::size_t k_piece = 4U << 10U;

/// What is free on the volume of the state; all of it where nobody can tell.
std::uint64_t available(Context& context) {
    const auto volume = context.disks.volume_of(context.settings.state.state_dir());
    return volume.ok() ? volume->available_bytes : UINT64_MAX;
}

/// Bytes that no file system can store in less room.
std::string filler() {
    std::string out(k_piece, '\0');
    std::uint32_t state = 1;
    for (char& byte : out) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24U);
    }
    return out;
}

Status write(platform::Files& files, const std::string& path, std::uint64_t bytes) {
    const auto file = TRY(files.open(path, platform::OpenMode::truncate));
    const std::string piece = filler();
    for (std::uint64_t at = 0; at < bytes; at += piece.size()) {
        TRY(file->write_at(at, piece));
    }
    return file->sync();
}

}  // namespace

void keep_reserve(Context& context) {
    const auto path = context.settings.state.reserve();
    const auto there = context.files.info(path);
    const std::uint64_t bytes =
        std::min<std::uint64_t>(limits::k_reserve_bytes, available(context) / 2) / k_piece * k_piece;
    if (bytes > 0 && there.ok() && !*there && !write(context.files, path, bytes).ok()) {
        (void)context.files.remove(path);
    }
}

bool give_up_reserve(Context& context) {
    const bool given = context.files.remove(context.settings.state.reserve()).ok();
    if (given) {
        context.log.warning("session", "the state directory is full: its reserve is given up for the next job",
                            {{"where", context.settings.state.state_dir()}});
    }
    return given;
}

void use_reserve(Context& context) {
    if (available(context) < limits::k_reserve_bytes) {
        (void)give_up_reserve(context);
    }
}

}  // namespace hagent::session
