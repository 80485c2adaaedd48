// SPDX-License-Identifier: Apache-2.0
// Owns the test of the state directory's layout. The names are permanent: devices in the field have such files.
#include "agent/config/state_paths.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "agent/config/settings.h"

using namespace hagent;
using namespace hagent::config;

TEST_CASE("every file of the state directory has its permanent name") {
    const StatePaths paths("/s");
    CHECK(paths.state_dir() == "/s");
    CHECK(paths.lock() == "/s/lock");
    CHECK(paths.daemon_endpoint() == "/s/daemon");
    CHECK(paths.device_id() == "/s/device-id");
    CHECK(paths.device_key() == "/s/device.key");
    CHECK(paths.reports() == "/s/reports");
    CHECK(paths.jobs_serials() == "/s/jobs-serials");
    CHECK(paths.manager_met() == "/s/manager-met");
    CHECK(paths.agents() == "/s/agent");
    CHECK(paths.serials() == "/s/serials");
    CHECK(paths.registry() == "/s/registry.ini");
    CHECK(paths.rounds() == "/s/rounds");
    CHECK(paths.sessions() == "/s/sessions");
    CHECK(paths.session("000012") == "/s/sessions/000012");
    CHECK(paths.journal("000012") == "/s/sessions/000012/journal");
    CHECK(paths.trusted_time() == "/s/trusted-time");
    CHECK(paths.reserve() == "/s/reserve");
    CHECK(paths.package("000012") == "/s/sessions/000012/package");
    CHECK(paths.package_file("000012", "manifest.json") == "/s/sessions/000012/package/manifest.json");
    CHECK(paths.downloads() == "/s/downloads");
    CHECK(paths.download("000012", 3) == "/s/downloads/000012-3");
}

TEST_CASE("no two things share a place") {
    const StatePaths paths("/s");
    const std::vector<std::string> all = {paths.trusted_time(),
                                          paths.reserve(),
                                          paths.lock(),
                                          paths.daemon_endpoint(),
                                          paths.device_id(),
                                          paths.device_key(),
                                          paths.reports(),
                                          paths.jobs_serials(),
                                          paths.manager_met(),
                                          paths.agents(),
                                          paths.serials(),
                                          paths.registry(),
                                          paths.rounds(),
                                          paths.sessions(),
                                          paths.session("1"),
                                          paths.journal("1"),
                                          paths.session("2"),
                                          paths.package("1"),
                                          paths.package_file("1", "a"),
                                          paths.downloads(),
                                          paths.download("1", 0),
                                          paths.download("1", 1),
                                          paths.download("2", 0)};
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
}

TEST_CASE("the settings know the paths of their state directory") {
    Settings settings;
    settings.state_dir = "/elsewhere";
    CHECK(settings.state().lock() == "/elsewhere/lock");
}
