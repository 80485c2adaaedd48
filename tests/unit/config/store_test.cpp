// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the configuration's file and of the checks of permissions.
#include <doctest/doctest.h>

#include <algorithm>

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

/// Puts each file that the settings can name and names it there.
std::vector<std::string> every_file(fakes::FakeFiles& files, Settings& s) {
    const std::pair<const char*, std::string*> rows[] = {{"target_token_file", &s.manager.target_token_file},
                                                         {"gateway_token_file", &s.manager.gateway_token_file},
                                                         {"ca_file", &s.manager.ca_file},
                                                         {"client_cert_file", &s.manager.client_cert_file},
                                                         {"client_key_file", &s.manager.client_key_file},
                                                         {"dhcp_lease_file", &s.manager.dhcp_lease_file},
                                                         {"tls_cert_file", &s.listen.tls_cert_file},
                                                         {"tls_key_file", &s.listen.tls_key_file},
                                                         {"client_ca_file", &s.listen.client_ca_file},
                                                         {"operators_file", &s.listen.operators_file},
                                                         {"netrc_file", &s.transfer.netrc_file},
                                                         {"log", &s.log.file}};
    std::vector<std::string> names;
    for (const auto& [name, setting] : rows) {
        names.push_back(std::string(s.manager.dhcp_lease_file.empty() && setting == &s.manager.dhcp_lease_file
                                        ? "/run/"
                                        : "/etc/hagent/") +
                        name);
        *setting = rooted(names.back());
        files.put(names.back(), "x", 0600);
    }
    names.emplace_back("/usr/libexec/check");
    s.image.health = {{rooted("/usr/libexec/check"), "--quick"}};
    files.put("/usr/libexec/check", "x", 0755);
    s.image.boot = BootMethod::grub;
    for (const auto& [path, setting] :
         {std::pair("/boot/grubenv", &s.image.grub_env), {"/run/watchdog", &s.image.watchdog}}) {
        *setting = rooted(path);
        names.emplace_back(path);
        files.put(path, "x", 0600);
    }
    s.image.slots = {{"A", {{"root", rooted("/images/a")}}}};
    names.emplace_back("/images/a");
    files.put("/images/a", "x", 0600);
    return names;
}

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
    Settings s = places();
    const auto names = every_file(files, s);
    CHECK(check_places(files, s, rooted("/usr/bin/hagent")).empty());

    std::vector<std::string> all = {"/usr/bin/hagent",        "/usr/bin",        "/",    "/etc",
                                    "/etc/hagent/keys",       "/etc/hagent",     "/var", "/etc/hagent/keys/a.pem",
                                    "/etc/hagent/hooks/lock", "/var/lib/hagent", "/run", "/etc/hagent/hooks"};
    all.insert(all.end(), names.begin(), names.end());
    for (const auto& path : all) {
        CAPTURE(path);
        const auto before = files.info(path).value()->mode;
        REQUIRE(files.set_mode(path, before | 0002).ok());
        const auto complaints = check_places(files, s, rooted("/usr/bin/hagent"));
        REQUIRE(complaints.size() == 1);
        CHECK(complaints.front().path == rooted(path));
        CHECK(complaints.front().code == AgentCode::config_insecure_permissions);
        CHECK_FALSE(complaints.front().bearable);
        REQUIRE(files.set_mode(path, before).ok());
    }
    REQUIRE(files.set_mode("/etc/hagent/target_token_file", 0640).ok());
    const auto complaints = check_places(files, s, "");
    REQUIRE(complaints.size() == 1);
    CHECK(complaints.front().message ==
          "(manager.target_token_file) holds a secret that other users can get at; run: " +
              platform::command_to_hide(rooted("/etc/hagent/target_token_file")));
}

TEST_CASE_FIXTURE(Fixture, "a place in a folder that all share is good where nobody can replace what is not his") {
    Settings s = places();
    s.state_dir = rooted("/tmp/state");
    files.put_directory("/tmp", 01777);
    CHECK(check_places(files, s, "").empty());  // not there yet
    files.put_directory("/tmp/state", 0700);
    CHECK(check_places(files, s, "").empty());
    files.give_away("/tmp/state");
    CHECK(check_places(files, s, "").front().path == rooted("/tmp/state"));
    s.state_dir = rooted("/tmp");  // others may lay their files into it
    CHECK(check_places(files, s, "").front().path == rooted("/tmp"));
    files.put_directory("/shared", 01777);
    files.give_away("/shared");
    s.state_dir = rooted("/shared/state");
    CHECK(check_places(files, s, "").front().path == rooted("/shared"));
}

TEST_CASE_FIXTURE(Fixture, "a link to a place must be ours, and so must every link and folder behind it") {
    Settings s = places();
    files.put_directory("/data/keys");
    files.put_symlink("/etc/hagent/keys", "/opt/way/keys");
    files.put_symlink("/opt/way", "/data");
    CHECK(check_places(files, s, "").empty());
    for (const char* path : {"/etc/hagent/keys", "/opt/way", "/opt", "/data", "/data/keys"}) {
        CAPTURE(path);
        fakes::FakeFiles changed;
        changed.put_directory("/data/keys");
        changed.put_directory("/etc/hagent");
        changed.put_directory("/opt");
        changed.put_symlink("/etc/hagent/keys", "/opt/way/keys");
        changed.put_symlink("/opt/way", "/data");
        changed.give_away(path);
        REQUIRE(check_places(changed, s, "").size() == 1);
        CHECK(check_places(changed, s, "").front().path == rooted(path));
    }
}

TEST_CASE_FIXTURE(Fixture, "a key that leads into a folder of others is told, and costs itself alone") {
    files.put("/data/bob/a.pem", "key");
    files.give_away("/data/bob");
    files.put_directory("/etc/hagent/keys");
    files.put_symlink("/etc/hagent/keys/a.pem", "/data/bob/a.pem");
    const auto complaints = check_places(files, places(), "");
    REQUIRE(complaints.size() == 1);
    CHECK(complaints.front().path == rooted("/data/bob"));
    CHECK(complaints.front().bearable);
}

TEST_CASE_FIXTURE(Fixture, "what we may not look at stops nobody who does without it") {
    files.put_directory("/etc/hagent/keys");
    files.fail_path("/etc/hagent/keys", error(AgentCode::permission_denied, "planned"));
    REQUIRE(check_places(files, places(), "").size() == 1);
    CHECK(check_places(files, places(), "").front().bearable);
    files.fail_path("/etc/hagent/keys", error(AgentCode::io_error, "planned"));
    CHECK_FALSE(check_places(files, places(), "").front().bearable);
}

TEST_CASE_FIXTURE(Fixture, "a lease is the network service's, but not everybody's") {
    Settings s = places();
    s.manager.dhcp_lease_file = rooted("/run/net/leases");
    files.put("/run/net/leases", "x");
    files.give_away("/run/net/leases");
    files.give_away("/run/net");
    CHECK(check_places(files, s, "").empty());
    REQUIRE(files.set_mode("/run/net", 0777).ok());
    CHECK(check_places(files, s, "").front().path == rooted("/run/net"));
}

TEST_CASE_FIXTURE(Fixture, "all that the settings name is the agent's own, and the configuration and the program") {
    Settings s = places();
    const auto names = every_file(files, s);
    const auto own = own_files(s, k_path, rooted("/usr/bin/hagent"));
    for (const auto& name : names) {
        CHECK(std::find(own.begin(), own.end(), rooted(name)) != own.end());
    }
    for (const auto& path :
         {k_path, rooted("/usr/bin/hagent"), s.state_dir, s.trust.keys_dir, s.script.hooks_dir, s.log.file + ".1"}) {
        CHECK(std::find(own.begin(), own.end(), path) != own.end());
    }
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
