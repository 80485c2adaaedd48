// SPDX-License-Identifier: Apache-2.0
// Owns the look at all that leads to a file: whoever can change one of these decides what is read there.
#include "platform/permissions.h"

namespace hagent::platform {
namespace {

constexpr std::uint32_t k_sticky = 01000;

bool is_weak(const FileInfo& info, bool above) {
    const bool shared = above && info.kind == FileKind::directory && (info.mode & k_sticky) != 0 && !info.foreign;
    return info.writable_by_others && !shared;
}

}  // namespace

Result<std::optional<WeakPlace>> weak_place(Files& files, const std::string& path) {
    const auto way = TRY(files.way(path));
    for (const auto& place : way) {
        const auto info = TRY(files.info(place));
        if (info && is_weak(*info, &place != &way.back())) {
            return std::optional(WeakPlace{place, how_to_close(place, *info)});
        }
    }
    return std::optional<WeakPlace>();
}

}  // namespace hagent::platform
