// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the configuration's file and of the checks of permissions.
#include <doctest/doctest.h>

#include "agent/config/store.h"
#include "platform/paths.h"
#include "platform/permissions.h"
#include "tests/fakes/fake_files.h"
#include "tests/fakes/rooted.h"
#include "tests/fakes/zone_file.h"

using namespace hagent;
using namespace hagent::config;
using errors::AgentCode;
using fakes::rooted;

namespace {

const std::string k_path = rooted("/etc/hagent/hagent.json");

struct Fixture {
    fakes::FakeFiles files;

    [[nodiscard]] Outcome load(Absent absent = Absent::refused) {
        return config::load(files, k_path, ManagerRule::optional, absent);
    }
    [[nodiscard]] std::vector<Complaint> refused() {
        auto outcome = load();
        REQUIRE(outcome.index() == 1);
        return std::get<1>(outcome);
    }
};

Settings places() {
    Settings s = default_settings();
    s.trust.keys_dir = rooted("/etc/hagent/keys");
    s.script.hooks_dir = rooted("/etc/hagent/hooks");
    s.state_dir = rooted("/var/lib/hagent");
    return s;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a file is loaded, also through a symlink") {
    files.put("/data/real.json", R"({"device": {"id": "x"}})");
    files.put_symlink(k_path, "/data/real.json");
    const auto outcome = load();
    REQUIRE(outcome.index() == 0);
    CHECK(std::get<0>(outcome).device.id == "x");
}

TEST_CASE_FIXTURE(Fixture, "a window's time zone is looked up when the file is read") {
    files.put(k_path, R"({"windows": ["mon-fri 22:00-05:00 Europe/Berlin"]})");
    const auto complaint = refused().front();
    CHECK(complaint.code == AgentCode::config_bad_value);
    CHECK(complaint.path == "windows[0]");
    CHECK(complaint.message.find("zone 'Europe/Berlin': ") == 0);
    for (const auto& folder : platform::time_zone_folders()) {  // none on Windows
        fakes::FakeFiles device;
        device.put(k_path, R"({"windows": ["mon-fri 22:00-05:00 Europe/Berlin"]})");
        device.put(folder + "/Europe/Berlin", fakes::berlin().text());
        const auto outcome = config::load(device, k_path, ManagerRule::optional, Absent::refused);
        REQUIRE(outcome.index() == 0);
        CHECK(std::get<0>(outcome).windows.front().rules.has_value());
    }
    files.put(k_path, R"({"windows": ["mon-fri 22:00-05:00 UTC"]})");
    CHECK(load().index() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a missing file is refused, or gives the defaults where that is asked for") {
    CHECK(refused().front() == Complaint{AgentCode::config_missing, k_path, "there is no such file"});
    CHECK(load(Absent::defaults).index() == 0);
    files.put_directory("/etc/hagent");
    CHECK(refused().front().code == AgentCode::config_missing);
    CHECK(load(Absent::defaults).index() == 0);
}

TEST_CASE_FIXTURE(Fixture, "a file that cannot be read is refused even where defaults would do") {
    files.put(k_path, "{}");
    files.fail_path(k_path, error(AgentCode::io_error, "planned"));
    CHECK(load(Absent::defaults).index() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a configuration that others can change is refused with the remedy") {
    files.put(k_path, "{}", 0664);
    REQUIRE(refused().size() == 1);
    CHECK(refused().front().code == AgentCode::config_insecure_permissions);
    CHECK(refused().front().path == k_path);
    CHECK(refused().front().message == platform::how_to_close(k_path, files.info(k_path).value().value()));
    REQUIRE(files.set_mode(k_path, 0644).ok());
    CHECK(load().index() == 0);
    REQUIRE(files.set_mode("/etc/hagent", 0777).ok());
    CHECK(refused().front().path == rooted("/etc/hagent"));
    REQUIRE(files.set_mode("/etc/hagent", 0755).ok());
    files.give_away(k_path);
    CHECK(refused().front().message == platform::how_to_close(k_path, files.info(k_path).value().value()));
}

TEST_CASE_FIXTURE(Fixture, "the folder of a configuration right below the root is the root") {
    files.put("/hagent.json", "{}");
    REQUIRE(files.set_mode("/", 0777).ok());
    const auto outcome = config::load(files, rooted("/hagent.json"), ManagerRule::optional, Absent::refused);
    REQUIRE(outcome.index() == 1);
    CHECK(std::get<1>(outcome).front().path == rooted("/"));
}

TEST_CASE_FIXTURE(Fixture, "a file that is too long is refused") {
    files.put(k_path, std::string(300000, ' '));
    CHECK(refused().front().message == "is longer than 262144 bytes");
}

TEST_CASE_FIXTURE(Fixture, "every place the agent relies on is checked") {
    files.put("/usr/bin/hagent", "program", 0755);
    files.put("/etc/hagent/keys/a.pem", "key");
    files.put("/etc/hagent/hooks/lock", "program", 0755);
    files.put_directory("/var/lib/hagent", 0700);
    files.put("/etc/hagent/token", "secret", 0600);
    Settings s = places();
    s.manager.target_token_file = rooted("/etc/hagent/token");
    CHECK(check_places(files, s, rooted("/usr/bin/hagent")).empty());

    for (const char* path : {"/usr/bin/hagent", "/usr/bin", "/etc/hagent/keys", "/etc/hagent/keys/a.pem",
                             "/etc/hagent/hooks", "/etc/hagent/hooks/lock", "/var/lib/hagent", "/etc/hagent/token"}) {
        CAPTURE(path);
        const auto before = files.info(path).value()->mode;
        REQUIRE(files.set_mode(path, before | 0002).ok());
        const auto complaints = check_places(files, s, rooted("/usr/bin/hagent"));
        REQUIRE(complaints.size() == 1);
        CHECK(complaints.front().path == rooted(path));
        CHECK(complaints.front().code == AgentCode::config_insecure_permissions);
        REQUIRE(files.set_mode(path, before).ok());
    }
    REQUIRE(files.set_mode("/etc/hagent/token", 0640).ok());
    const auto complaints = check_places(files, s, "");
    REQUIRE(complaints.size() == 1);
    CHECK(complaints.front().message ==
          "holds a secret that other users can get at; run: " + platform::command_to_hide(rooted("/etc/hagent/token")));
}

TEST_CASE_FIXTURE(Fixture, "places that do not exist yet are fine, secrets that are named are not") {
    Settings s = places();
    CHECK(check_places(files, s, "").empty());
    s.transfer.netrc_file = "/etc/hagent/netrc";
    REQUIRE(check_places(files, s, "").size() == 1);
    CHECK(check_places(files, s, "").front().code == AgentCode::file_not_found);
}

TEST_CASE_FIXTURE(Fixture, "a secret is read when only its owner can read it") {
    files.put("/token", "  abc def\r\n", 0600);
    CHECK(read_secret(files, "/token").value() == "abc def");
    for (const std::uint32_t mode : {0640U, 0604U, 0620U, 0602U}) {
        REQUIRE(files.set_mode("/token", mode).ok());
        CHECK(read_secret(files, "/token").error().is(AgentCode::config_insecure_permissions));
    }
    files.put("/token", "abc", 0600);
    files.give_away("/token");
    CHECK(read_secret(files, "/token").error().is(AgentCode::config_insecure_permissions));
}

TEST_CASE_FIXTURE(Fixture, "a secret that is missing, empty or more than a line is refused") {
    CHECK(read_secret(files, "/none").error().is(AgentCode::file_not_found));
    files.put("/empty", "\n", 0600);
    CHECK(read_secret(files, "/empty").error().is(AgentCode::config_bad_value));
    files.put("/lines", "a\nb\n", 0600);
    CHECK(read_secret(files, "/lines").error().is(AgentCode::config_bad_value));
    files.put("/long", std::string(5000, 'x'), 0600);
    CHECK_FALSE(read_secret(files, "/long").ok());
}
