// SPDX-License-Identifier: Apache-2.0
// Owns the comparison of TimeZone with the C library, over every zone that this machine has.
#include "agent/base/time_zone.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <time.h>

#include <string>
#include <utility>
#include <vector>

#include "platform/clock.h"
#include "platform/files.h"
#include "platform/paths.h"
#include "tests/fakes/temp_directory.h"
#include "tests/fakes/zone_file.h"

using namespace hagent;

namespace {

constexpr std::size_t k_most_bytes = 64U << 10U;
constexpr std::int64_t k_from = 946'684'800, k_until = 2'840'140'800;  // 2000 to 2060
constexpr std::int64_t k_step = 23 * 86'400 + 3'607;

/// The C library in another zone, until destroyed.
class InZone {
public:
    explicit InZone(const std::string& file) : before_(platform::environment("TZ")) { set(":" + file); }
    ~InZone() { set(before_); }
    InZone(const InZone&) = delete;
    InZone& operator=(const InZone&) = delete;

private:
    static void set(const std::string& zone) {
        if (zone.empty()) {
            unsetenv("TZ");
        } else {
            setenv("TZ", zone.c_str(), 1);
        }
        tzset();
    }
    std::string before_;
};

/// Paths of all zones below a folder, but not the copies with leap seconds.
void collect(platform::Files& files, const std::string& folder, std::vector<std::string>& out) {
    const auto names = files.list(folder);
    for (const auto& name : names.ok() ? *names : std::vector<std::string>{}) {
        const std::string path = folder + "/" + name;
        if (name == "right" || name == "posix") {
            continue;
        }
        const auto content = files.read(path, k_most_bytes);
        if (!content.ok()) {
            collect(files, path, out);
        } else if (content->starts_with("TZif")) {
            out.push_back(path);
        }
    }
}

}  // namespace

TEST_CASE("a zone that is replaced while the program runs counts from then on") {
    const fakes::TempDirectory folder;
    const std::string path = folder.path() + "/localtime";
    const auto files = platform::system_files();
    const auto put = [&](std::int32_t offset) {
        REQUIRE(files->write_durable(path, fakes::ZoneFile{{offset}, {}, {}}.text(), 0644).ok());
    };
    const WallTime now{Seconds{1'780'000'000}};
    put(3600);
    const InZone in_zone(path);
    CHECK(platform::local_offset(now) == Seconds{3600});
    put(-18'000);
    CHECK(platform::local_offset(now) == Seconds{-18'000});
    REQUIRE(files->remove(path).ok());
    put(7200);
    CHECK(platform::local_offset(now) == Seconds{7200});
}

TEST_CASE("the local zone may be a rule") {
    for (const auto& [text, offset] : std::vector<std::pair<const char*, int>>{{"XYZ-5:30", 19'800}, {"UTC0", 0}}) {
        setenv("TZ", text, 1);
        CHECK(platform::local_offset(WallTime{Seconds{1'780'000'000}}) == Seconds{offset});
    }
    unsetenv("TZ");
}

TEST_CASE("Every zone of this machine is read, and agrees with the C library") {
    const auto files = platform::system_files();
    std::vector<std::string> zones;
    collect(*files, platform::time_zone_folders().front(), zones);
    if (zones.empty()) {
        MESSAGE("this machine has no time zones (package tzdata)");
        return;
    }
    for (const auto& path : zones) {
        CAPTURE(path);
        const auto zone = TimeZone::parse(files->read(path, k_most_bytes).value());
        REQUIRE(zone.has_value());
        const InZone in_zone(path);
        for (std::int64_t moment = k_from; moment < k_until; moment += k_step) {
            const auto seconds = static_cast<time_t>(moment);
            struct tm local {};
            REQUIRE(localtime_r(&seconds, &local) != nullptr);
            CAPTURE(moment);
            REQUIRE(zone->offset(WallTime{Seconds{moment}}).count() == local.tm_gmtoff);
        }
    }
}
