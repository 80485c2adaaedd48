// SPDX-License-Identifier: Apache-2.0 Owns the local time zone on POSIX systems. The C library keeps the rules that
// it has read for as long as TZ is the same text (glibc and musl alike), but an administrator may give the device
// another zone while the agent runs.
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>

#include "agent/base/limits.h"
#include "agent/base/time_zone.h"
#include "platform/clock.h"
#include "platform/files.h"

namespace hagent::platform {
namespace {

/// As POSIX has it in "Environment Variables": ":FILE", FILE or a rule; without TZ the device's own file.
std::optional<Seconds> offset_now(WallTime time) {
    const char* named = std::getenv("TZ");
    std::string text = named == nullptr ? "/etc/localtime" : named;
    text.erase(0, text.starts_with(':') ? 1 : 0);
    const auto file =
        system_files()->read(text.starts_with('/') ? text : "/usr/share/zoneinfo/" + text, limits::k_zone_file_bytes);
    if (const auto zone = file.ok() ? TimeZone::parse(*file) : std::nullopt) {
        return zone->offset(time);
    }
    const auto rule = ZoneRule::parse(text);
    return rule ? std::optional(rule->offset(std::chrono::floor<Seconds>(time.since_epoch))) : std::nullopt;
}

}  // namespace

/// The C library's opinion where there is neither file nor rule.
Seconds local_offset(WallTime time) {
    if (const auto offset = offset_now(time)) {
        return *offset;
    }
    const auto seconds = static_cast<std::time_t>(time.since_epoch.count() / 1000);
    std::tm local{};
    return localtime_r(&seconds, &local) == nullptr ? Seconds{0} : Seconds{local.tm_gmtoff};
}

}  // namespace hagent::platform
