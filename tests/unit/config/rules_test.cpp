// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the rules over several settings.
#include "platform/host.h"
#include "tests/unit/config/complaints.h"

using namespace hagent;
using namespace hagent::config;
using errors::AgentCode;

namespace {

std::string manager(std::string_view members) { return R"({"manager": {)" + std::string(members) + "}}"; }
std::string url(std::string_view address, std::string_view more = "") {
    return manager("\"urls\": [\"" + std::string(address) + "\"]" + std::string(more));
}

// base64 of 32 bytes: of 0x00.., of 0x01..
constexpr std::string_view k_pin_a = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
constexpr std::string_view k_pin_b = "sha256//AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
std::string pins(std::initializer_list<std::string_view> list) {
    std::string out;
    for (const auto pin : list) {
        out += (out.empty() ? "\"" : ", \"") + std::string(pin) + "\"";
    }
    return manager("\"pins\": [" + out + "]");
}

}  // namespace

TEST_CASE("a manager is needed only where the caller says so") {
    CHECK(complaints_of("{}", ManagerRule::optional).empty());
    CHECK(complaints_of("{}", ManagerRule::required) == "manager.urls: names no manager; give at least one address\n");
    CHECK(complaints_of(url("https://m.example/"), ManagerRule::required).empty());
}

TEST_CASE("clear text is accepted on loopback, elsewhere only when it is spelled out") {
    for (const char* local : {"http://127.0.0.1:8080/", "http://localhost/x", "HTTP://LOCALHOST/", "http://[::1]:80/",
                              "http://127.8.9.1"}) {
        CAPTURE(local);
        CHECK(complaints_of(url(local)).empty());
    }
    for (const char* remote :
         {"http://m.example/", "http://127.0.0.1.example/", "http://localhost.example/", "http://127.0.0.1@m.example/",
          "http://10.0.0.1:80/", "http://[::2]/", "http://127.1/"}) {
        CAPTURE(remote);
        CHECK(code_of(url(remote)) == AgentCode::config_clear_text_refused);
        CHECK(complaints_of(url(remote, R"(, "allow_clear_text": true)")).empty());
    }
    CHECK(complaints_of(url("ftp://127.0.0.1/", R"(, "dialect": "folder")")).empty());
    CHECK(code_of(url("ftp://m.example/", R"(, "dialect": "folder")")) == AgentCode::config_clear_text_refused);
    CHECK(complaints_of(url("http://m.example/")) ==
          "manager.urls[0]: http is not encrypted; use https, or accept the risk with \"allow_clear_text\": true\n");
}

TEST_CASE("each dialect takes its own schemes") {
    for (const char* address : {"https://m/", "ftps://m/", "file:///srv/jobs/"}) {
        CHECK(complaints_of(url(address, R"(, "dialect": "folder")")).empty());
    }
    CHECK_FALSE(complaints_of(url("ftps://m/")).empty());
    CHECK_FALSE(complaints_of(url("file:///srv/jobs/")).empty());
    CHECK_FALSE(complaints_of(url("gopher://m/", R"(, "dialect": "folder")")).empty());
    for (const char* broken : {"m.example", "https://", "://m/", "https:///x", "https://m /", "https://[::1/"}) {
        CAPTURE(broken);
        CHECK(complaints_of(url(broken)).find("whole address") != std::string::npos);
    }
}

TEST_CASE("the legacy dialect must be trusted explicitly") {
    CHECK(complaints_of(url("https://m/", R"(, "dialect": "hserver")"))
              .starts_with("manager.trust: must say \"network\""));
    CHECK(
        complaints_of(url("https://m/", R"(, "dialect": "hserver", "trust": "network", "opcodes": ["V01"])")).empty());
    CHECK(complaints_of(manager(R"("opcodes": ["V01"])")) == "manager.opcodes: is for the dialect hserver only\n");
}

TEST_CASE("a manager that DHCP suggests must prove itself, unless the network is trusted anyway") {
    const std::string lease = R"("dhcp_lease_file": "/leases")";
    CHECK(complaints_of(manager(lease), ManagerRule::required) ==
          "manager.dhcp_lease_file: needs ca_file or pins, or whoever answers in this network becomes the manager\n");
    CHECK(complaints_of(manager(lease + R"(, "ca_file": "/ca.pem")"), ManagerRule::required).empty());
    CHECK(code_of(manager(lease + R"(, "dialect": "folder", "ca_file": "/ca.pem")")) == AgentCode::config_bad_value);
    CHECK(code_of(manager(lease + R"(, "dialect": "hserver", "trust": "network")")) == AgentCode::config_bad_value);
    CHECK(complaints_of(manager(lease + R"(, "dialect": "hserver", "trust": "network", "allow_clear_text": true)"))
              .empty());
    CHECK(complaints_of(manager(lease + R"(, "urls": ["https://m.example/"])")).empty());
}

TEST_CASE("a manager that the name servers suggest must prove itself too, and its service has the form of one") {
    const std::string service = R"("dns_srv": "_hagent._tcp")", ca = R"(, "ca_file": "/ca.pem")";
    CHECK(complaints_of(manager(service), ManagerRule::required) ==
          "manager.dns_srv: needs ca_file or pins, or whoever answers in this network becomes the manager\n");
    CHECK(complaints_of(manager(service + ca), ManagerRule::required).empty());
    CHECK(complaints_of(manager(R"("dns_srv": "_hagent._tcp.example.org")" + ca), ManagerRule::required).empty());
    CHECK(complaints_of(manager(service + R"(, "dialect": "folder")"))
              .starts_with("manager.dns_srv: finds servers of the dialects"));
    CHECK(complaints_of(manager(service + R"(, "dialect": "hserver", "trust": "network")"))
              .starts_with("manager.dns_srv: needs allow_clear_text"));
    CHECK(complaints_of(manager(service + R"(, "urls": ["https://m.example/"])")).empty());
    for (const char* odd : {"hagent._tcp", "_hagent", "_hagent._udp", "_tcp"}) {
        CAPTURE(odd);
        CHECK(complaints_of(manager(R"("dns_srv": ")" + std::string(odd) + "\"" + ca)) ==
              "manager.dns_srv: must be the name of a service over TCP, as _hagent._tcp\n");
    }
}

TEST_CASE("pins come in pairs and are digests") {
    CHECK(complaints_of(pins({k_pin_a, k_pin_b})).empty());
    CHECK(complaints_of(pins({k_pin_a})).starts_with("manager.pins: needs a second pin"));
    for (const char* bad : {"sha256//", "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                            "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
                            "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                            "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-A="}) {
        CAPTURE(bad);
        CHECK(complaints_of(pins({bad, k_pin_b})).starts_with("manager.pins[0]: must be sha256//"));
    }
}

TEST_CASE("files that need each other are asked for") {
    CHECK(complaints_of(manager(R"("client_cert_file": "/c")")) ==
          "manager.client_key_file: is needed together with manager.client_cert_file\n");
    CHECK(complaints_of(R"({"listen": {"tls_key_file": "/k"}})") ==
          "listen.tls_cert_file: is needed together with listen.tls_key_file\n");
    CHECK_FALSE(complaints_of(manager(R"("target_token_file": "/a", "gateway_token_file": "/b")")).empty());
    CHECK_FALSE(complaints_of(R"({"listen": {"client_ca_file": "/c"}})").empty());
}

TEST_CASE("a status page for other machines needs a certificate, the trigger does not") {
    CHECK(complaints_of(R"({"listen": {"status": "0.0.0.0:8420"}})").starts_with("listen.status: needs tls_cert_file"));
    CHECK(complaints_of(R"({"listen": {"status": "0.0.0.0:8420", "tls_cert_file": "/c", "tls_key_file": "/k"}})")
              .empty());
    CHECK(complaints_of(R"({"listen": {"trigger": "0.0.0.0:80"}})").empty());
    CHECK(complaints_of(R"({"listen": {"status": "[::1]:8420"}})").empty());
    CHECK_FALSE(complaints_of(R"({"listen": {"trigger": "127.0.0.1:8420"}})").empty());
}

TEST_CASE("bcd is for Windows only") {
    const auto said = complaints_of(
        R"({"image": {"boot": "bcd", "slots": [{"name": "A", "device": "/a"}, {"name": "B", "device": "/b"}]}})");
    CHECK((said.find("image.boot: must be another boot method") == std::string::npos) == platform::has_bcd());
}

TEST_CASE("slots that cannot be told apart, or named at a boot loader, are refused") {
    const auto slots = [](const std::string& list) {
        return complaints_of("{\"image\": {\"slots\": [" + list + "]}}");
    };
    const std::string a = R"({"name": "A", "device": "/dev/a"})";
    CHECK(slots(a).empty());
    CHECK(slots(a + R"(, {"name": "B-2_x.1", "device": "/dev/b"})").empty());
    CHECK(slots(a + R"(, {"name": "A", "device": "/dev/b"})") ==
          "image.slots: must have different names and devices\n");
    CHECK(slots(a + R"(, {"name": "B", "device": "/dev/a"})") ==
          "image.slots: must have different names and devices\n");
    CHECK(slots(R"({"name": "A", "parts": {"root": "/x", "boot": "/x"}})") ==
          "image.slots: must have different names and devices\n");
    CHECK(slots(a + R"(, {"name": "B", "parts": {"root": "/b", "boot": "/c"}})") ==
          "image.slots: must have the same parts in both slots\n");
    for (const char* name : {"A B", "A=B", "-A", "A$", "\u00e4"}) {
        CAPTURE(name);
        CHECK(slots(R"({"name": ")" + std::string(name) + R"(", "device": "/b"})")
                  .starts_with("image.slots[0].name: must be of letters"));
        CHECK(slots(R"({"name": "A", "parts": {")" + std::string(name) + R"(": "/b"}})")
                  .starts_with("image.slots[0].parts: must have names"));
    }
    CHECK(complaints_of(R"({"image": {"running": "C", "slots": [{"name": "A", "device": "/dev/a"}]}})") ==
          "image.running: must be the name of one of image.slots\n");
}

TEST_CASE("check-ins that cannot keep a deadline are told, and do not stop an agent that works") {
    const auto late = [](const std::string& text) {
        const auto settings = settings_of(text);
        const auto complaints = check_deadlines(settings);
        for (const auto& complaint : complaints) {
            CHECK(complaint.bearable);
        }
        return render(complaints);
    };
    const std::string slots =
        R"("boot": "hook", "slots": [{"name": "A", "device": "/a"}, {"name": "B", "device": "/b"}])";
    CHECK(late("{}").empty());
    CHECK(late(R"({"manager": {"interval_s": 86400, "spread_s": 86400}})").empty());  // no slots: no such trial
    CHECK(late("{\"image\": {" + slots + "}}").empty());
    CHECK(late("{\"manager\": {\"spread_s\": 601}, \"image\": {" + slots + "}}") ==
          "manager.spread_s: must not be longer than image.confirm_deadline_s, or a trial ends before a check-in can "
          "confirm it\n");
    CHECK(late("{\"manager\": {\"interval_s\": 601}, \"image\": {" + slots + "}}")
              .starts_with("manager.interval_s: must not be longer than image.confirm_deadline_s"));
    CHECK(
        late("{\"manager\": {\"interval_s\": 601}, \"image\": {\"confirm_deadline_s\": 601, " + slots + "}}").empty());
    CHECK(late(R"({"manager": {"spread_s": 61, "interval_s": 30}, "upgrade": {"confirm_deadline_s": 60}})")
              .starts_with("manager.spread_s: must not be longer than upgrade.confirm_deadline_s"));
    CHECK(late(R"({"manager": {"spread_s": 0, "interval_s": 61}, "upgrade": {"confirm_deadline_s": 60}})")
              .starts_with("manager.interval_s: must not be longer than upgrade.confirm_deadline_s"));
}

TEST_CASE("combinations that cannot work are refused") {
    CHECK(complaints_of(R"({"upgrade": {"dir": "here"}})") == "upgrade.dir: must be an absolute path\n");
    CHECK(complaints_of(R"({"transfer": {"backoff_base_ms": 10, "backoff_cap_ms": 5}})")
              .starts_with("transfer.backoff_cap_ms"));
    CHECK(complaints_of(R"({"image": {"boot": "grub"}})").starts_with("image.slots"));
    CHECK(complaints_of(R"({"image": {"slots": [{"name": "A", "device": "/a"}, {"name": "A", "device": "/b"}]}})")
              .starts_with("image.slots"));
    CHECK(complaints_of(R"({"state_dir": "here"})") == "state_dir: must be an absolute path\n");
    CHECK(complaints_of(R"({"script": {"roots": []}})") == "script.roots: must name at least one folder\n");
    CHECK(complaints_of(R"({"script": {"roots": ["data"]}})") == "script.roots[0]: must be an absolute path\n");
    CHECK(complaints_of(R"({"device": {"id": ""}})").starts_with("device.id: must not be empty"));
    CHECK(complaints_of(R"({"device": {"os_code": ""}})").starts_with("device.os_code: must be a code"));
    CHECK(complaints_of(manager(R"("tenant": "a/b")")).starts_with("manager.tenant"));
}
