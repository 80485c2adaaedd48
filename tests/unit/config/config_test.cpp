// SPDX-License-Identifier: Apache-2.0
// Owns the tests of reading the configuration text.
#include "platform/paths.h"
#include "tests/unit/config/complaints.h"

using namespace hagent;
using namespace hagent::config;
using errors::AgentCode;

TEST_CASE("an empty object gives the defaults of the interface") {
    const Settings s = settings_of("{}");
    CHECK(s.device.id == "<mac>");
    CHECK(s.device.os_code == "SLX");
    CHECK(s.manager.dialect == Dialect::hawkbit);
    CHECK_FALSE(s.has_manager());
    CHECK(s.manager.tenant == "DEFAULT");
    CHECK(s.manager.interval == Seconds{300});
    CHECK(s.manager.spread == Seconds{60});
    CHECK(s.manager.trust == ContentTrust::required);
    CHECK_FALSE(s.manager.allow_clear_text);
    CHECK(s.listen.status == Endpoint{"127.0.0.1", 8420});
    CHECK_FALSE(s.listen.trigger);
    CHECK(s.transfer.attempts == 8);
    CHECK(s.transfer.backoff_base == Millis{1000});
    CHECK(s.transfer.backoff_cap == Millis{300000});
    CHECK(s.transfer.limit_bytes_per_s == 0);
    CHECK(s.transfer.connect_timeout == Seconds{15});
    CHECK(s.transfer.stall_timeout == Seconds{60});
    CHECK(s.script.roots == std::vector<std::string>{platform::default_script_root()});
    CHECK(s.script.time_limit == Seconds{3600});
    CHECK(s.image.boot == BootMethod::none);
    CHECK(s.image.confirm_deadline == Seconds{600});
    CHECK(s.image.grub_env == "/boot/grub/grubenv");
    CHECK(s.image.slots.empty());
    CHECK(s.image.running.empty());
    CHECK(s.image.tries == 3);
    CHECK(s.image.confirm_deadline_max == Seconds{3600});
    CHECK(s.image.health.empty());
    CHECK(s.image.watchdog.empty());
    CHECK(s.upgrade.automatic);
    CHECK(s.upgrade.dir.empty());
    CHECK_FALSE(s.upgrade.window);
    CHECK(s.upgrade.trial_starts == 3);
    CHECK(s.upgrade.confirm_deadline == Seconds{300});
    CHECK(s.upgrade.spread == Seconds{0});
    CHECK(s.upgrade.loop_rounds == 3);
    CHECK(s.upgrade.loop_hours == std::chrono::hours{24});
    CHECK(s.windows.empty());
    CHECK(s.log.level == log::Level::info);
    CHECK(s.log.file.empty());
}

namespace {

constexpr const char* k_every_key = R"({
      // comments are allowed
      "device":   {"id": "tc-<mac>", "os_code": "WES", "labels": {"Custom1": "lobby"}},
      "manager":  {"dialect": "folder", "urls": ["https://a.example/", "ftps://b.example/x/"], "tenant": "T", "target_token_file": "/t",
                   "gateway_token_file": "", "ca_file": "/ca", "pins": [], "client_cert_file": "/c", "client_key_file": "/k",
                   "interval_s": 10, "spread_s": 0, "trust": "network", "allow_clear_text": true},
      "listen":   {"status": "0.0.0.0:1", "trigger": "[::]:80", "tls_cert_file": "/tc", "tls_key_file": "/tk",
                   "client_ca_file": "/cc", "operators_file": "/o"},
      "transfer": {"attempts": 3, "backoff_base_ms": 5, "backoff_cap_ms": 50, "limit_bytes_per_s": 4294967296,
                   "connect_timeout_s": 1, "stall_timeout_s": 2, "netrc_file": "/n"},
      "script":   {"roots": ["/data", "/opt"], "run_as": "kiosk", "time_limit_s": 60, "hooks_dir": "/h"},
      "software": {"options": {"enforce_dsa": "true"}},
      "image":    {"boot": "grub", "slots": [{"name": "A", "device": "/dev/sda2"}, {"name": "B", "device": "/dev/sda3"}],
                   "grub_env": "/b/grubenv", "running": "B", "tries": 2, "confirm_deadline_s": 30,
                   "confirm_deadline_max_s": 40, "health": [["/bin/ok", "a b"], "/bin/also --quick"],
                   "watchdog": "/dev/watchdog"},
      "upgrade":  {"auto": false, "dir": "/u", "window": "22:00-05:00", "trial_starts": 5, "confirm_deadline_s": 60,
                   "spread_s": 90, "loop_rounds": 2, "loop_hours": 6},
      "trust":    {"keys_dir": "/keys"}, "windows": ["mon-fri 20:00-06:00"], "state_dir": "/s",
      "log":      {"level": "debug", "file": "/l"} /* the end */
    })";

}  // namespace

TEST_CASE("every key of who we are, whom we ask and where we listen is taken") {
    const Settings s = settings_of(rooted_text(k_every_key));
    CHECK(s.device.id == "tc-<mac>");
    CHECK(s.device.os_code == "WES");
    CHECK(s.device.labels.at("Custom1") == "lobby");
    CHECK(s.manager.dialect == Dialect::folder);
    CHECK(s.manager.urls == std::vector<std::string>{"https://a.example/", "ftps://b.example/x/"});
    CHECK(s.manager.tenant == "T");
    CHECK(s.manager.target_token_file == rooted("/t"));
    CHECK(s.manager.ca_file == rooted("/ca"));
    CHECK(s.manager.client_cert_file == rooted("/c"));
    CHECK(s.manager.client_key_file == rooted("/k"));
    CHECK(s.manager.interval == Seconds{10});
    CHECK(s.manager.spread == Seconds{0});
    CHECK(s.manager.trust == ContentTrust::network);
    CHECK(s.manager.allow_clear_text);
    CHECK(s.listen.status == Endpoint{"0.0.0.0", 1});
    CHECK(s.listen.trigger == Endpoint{"::", 80});
    CHECK(s.listen.tls_cert_file == rooted("/tc"));
    CHECK(s.listen.tls_key_file == rooted("/tk"));
    CHECK(s.listen.client_ca_file == rooted("/cc"));
    CHECK(s.listen.operators_file == rooted("/o"));
}

TEST_CASE("every key of what we do and where we keep it is taken") {
    const Settings s = settings_of(rooted_text(k_every_key));
    CHECK(s.transfer.attempts == 3);
    CHECK(s.transfer.backoff_base == Millis{5});
    CHECK(s.transfer.backoff_cap == Millis{50});
    CHECK(s.transfer.limit_bytes_per_s == 4294967296);
    CHECK(s.transfer.connect_timeout == Seconds{1});
    CHECK(s.transfer.stall_timeout == Seconds{2});
    CHECK(s.transfer.netrc_file == rooted("/n"));
    CHECK(s.script.roots == std::vector<std::string>{rooted("/data"), rooted("/opt")});
    CHECK(s.script.run_as == "kiosk");
    CHECK(s.script.time_limit == Seconds{60});
    CHECK(s.script.hooks_dir == rooted("/h"));
    CHECK(s.software.options.at("enforce_dsa") == "true");
    CHECK(s.image.boot == BootMethod::grub);
    CHECK(s.image.grub_env == rooted("/b/grubenv"));
    CHECK(s.image.slots ==
          std::vector<SlotSettings>{{"A", {{"root", rooted("/dev/sda2")}}}, {"B", {{"root", rooted("/dev/sda3")}}}});
    CHECK(s.image.running == "B");
    CHECK(s.image.tries == 2);
    CHECK(s.image.confirm_deadline == Seconds{30});
    CHECK(s.image.confirm_deadline_max == Seconds{40});
    CHECK(s.image.health ==
          std::vector<std::vector<std::string>>{{rooted("/bin/ok"), "a b"}, {rooted("/bin/also"), "--quick"}});
    CHECK(s.image.watchdog == rooted("/dev/watchdog"));
    CHECK_FALSE(s.upgrade.automatic);
    CHECK(s.upgrade.dir == rooted("/u"));
    CHECK(s.upgrade.window == parse_window("22:00-05:00"));
    CHECK(s.upgrade.trial_starts == 5);
    CHECK(s.upgrade.confirm_deadline == Seconds{60});
    CHECK(s.upgrade.spread == Seconds{90});
    CHECK(s.upgrade.loop_rounds == 2);
    CHECK(s.upgrade.loop_hours == std::chrono::hours{6});
    CHECK(s.trust.keys_dir == rooted("/keys"));
    CHECK(s.windows == std::vector<Window>{*parse_window("mon-fri 20:00-06:00")});
    CHECK(s.state_dir == rooted("/s"));
    CHECK(s.log.level == log::Level::debug);
    CHECK(s.log.file == rooted("/l"));
}

TEST_CASE("a slot has parts, or one device, which is its root") {
    const Settings s = settings_of(R"({"image": {"slots": [
        {"name": "A", "parts": {"root": "/dev/sda2", "boot": "/dev/sda1"}}, {"name": "B", "parts": {"root": "/dev/sda4", "boot": "/dev/sda3"}}]}})");
    REQUIRE(s.image.slots.size() == 2);
    CHECK(s.image.slots[0].parts.size() == 2);
    CHECK(s.image.slots[0].device() == "/dev/sda2");
    CHECK(s.image.find("B") == &s.image.slots[1]);
    CHECK(s.image.find("C") == nullptr);
    CHECK(SlotSettings{"C", {{"boot", "/dev/sda9"}}}.device() == "/dev/sda9");
    CHECK(complaints_of(R"({"image": {"slots": [{"name": "A", "device": "/a", "parts": {"root": "/b"}}]}})")
              .starts_with("image.slots[0].device: stands for parts"));
}

TEST_CASE("the longest time for a confirm is never shorter than the ordinary one unless somebody says so") {
    CHECK(settings_of(R"({"image": {"confirm_deadline_s": 7200}})").image.confirm_deadline_max == Seconds{7200});
    CHECK(complaints_of(R"({"image": {"confirm_deadline_s": 7200, "confirm_deadline_max_s": 3600}})") ==
          "image.confirm_deadline_max_s: must not be smaller than confirm_deadline_s\n");
}

TEST_CASE("agents of other versions lie below the state directory unless another place is named") {
    Settings s;
    s.state_dir = "/s";
    CHECK(s.agents() == "/s/agent");
    s.upgrade.dir = "/u";
    CHECK(s.agents() == "/u/agent");
}

TEST_CASE("empty text switches a listener off") {
    CHECK_FALSE(settings_of(R"({"listen": {"status": ""}})").listen.status);
}

TEST_CASE("an unknown key is named with its path and the likely spelling") {
    CHECK(complaints_of(R"({"manager": {"ulrs": []}})") == "manager.ulrs: unknown key; did you mean urls?\n");
    CHECK(complaints_of(R"({"mangaer": {}})") == "mangaer: unknown key; did you mean manager?\n");
    CHECK(complaints_of(R"({"transfer": {"attempt": 3}})") ==
          "transfer.attempt: unknown key; did you mean attempts?\n");
    CHECK(complaints_of(R"({"log": {"colour_of_the_sky": 1}})") == "log.colour_of_the_sky: unknown key\n");
    CHECK(code_of(R"({"x": 1})") == AgentCode::config_unknown_key);
}

TEST_CASE("wrong types and values out of range are named with their path") {
    CHECK(complaints_of(R"({"device": []})") == "device: must be an object in curly brackets\n");
    CHECK(complaints_of(R"({"device": {"id": 5}})") == "device.id: must be a text in quotation marks\n");
    CHECK(complaints_of(R"({"manager": {"allow_clear_text": "yes"}})") ==
          "manager.allow_clear_text: must be true or false\n");
    CHECK(complaints_of(R"({"transfer": {"attempts": 0}})") == "transfer.attempts: must be from 1 to 1000\n");
    CHECK(complaints_of(R"({"transfer": {"attempts": -1}})") == "transfer.attempts: must be from 1 to 1000\n");
    CHECK(complaints_of(R"({"transfer": {"attempts": 1.5}})") == "transfer.attempts: must be a whole number\n");
    CHECK(complaints_of(R"({"transfer": {"attempts": 99999999999999999999}})") ==
          "transfer.attempts: must be a whole number\n");
    CHECK(complaints_of(R"({"manager": {"interval_s": "5m"}})") == "manager.interval_s: must be a whole number\n");
    CHECK(complaints_of(R"({"manager": {"dialect": "http"}})") ==
          "manager.dialect: must be one of: hawkbit, folder, hserver\n");
    CHECK(complaints_of(R"({"manager": {"dialect": ""}})") ==
          "manager.dialect: must be one of: hawkbit, folder, hserver\n");
    CHECK(complaints_of(R"({"manager": {"dialect": null}})") == "manager.dialect: must be a text in quotation marks\n");
    CHECK(complaints_of(R"({"manager": {"urls": "https://a/"}})") ==
          "manager.urls: must be a list in square brackets\n");
    CHECK(complaints_of(R"({"script": {"roots": ["/a", 5]}})") ==
          "script.roots[1]: must be a text that is not empty\n");
    CHECK(complaints_of(R"({"software": {"options": {"a": true}}})") ==
          "software.options.a: must be a text in quotation marks\n");
    CHECK(
        complaints_of(R"({"listen": {"status": "localhost:80"}})").starts_with("listen.status: must be an IP address"));
    CHECK(complaints_of(R"({"listen": {"status": "?"}})").starts_with("listen.status: must be an IP address"));
    CHECK(complaints_of(R"({"device": {"id": "a\u0007"}})") == "device.id: must not hold control characters\n");
    CHECK(complaints_of(R"({"windows": ["some day"]})").starts_with("windows[0]: must be a time span"));
    CHECK(
        complaints_of(R"({"upgrade": {"window": "25:00-26:00"}})").starts_with("upgrade.window: must be a time span"));
    CHECK(complaints_of(R"({"image": {"slots": [{"name": "A", "dev": "x"}]}})") ==
          "image.slots[0].dev: unknown key; did you mean device?\nimage.slots[0].name: is needed, and so is device or "
          "parts\n");
    for (const char* bad : {"0", "4", "-1", "\"3\""}) {
        CAPTURE(bad);
        CHECK(complaints_of(R"({"image": {"tries": )" + std::string(bad) + "}}").starts_with("image.tries: must be "));
    }
    for (const char* bad : {"5", "[]", "\"\"", "[5]", "[\"\"]", "[\"/a\", 1]", "{}"}) {
        CAPTURE(bad);
        CHECK(complaints_of(R"({"image": {"health": [["/ok"], )" + std::string(bad) + "]}}")
                  .starts_with("image.health[1]: must be a program with its arguments"));
    }
    CHECK(code_of(R"({"device": []})") == AgentCode::config_bad_value);
}

TEST_CASE("all complaints are found in one go") {
    CHECK(complaints_of(R"({"device": {"id": 5, "x": 1}, "log": {"level": "loud"}, "y": {}})") ==
          "device.id: must be a text in quotation marks\n"
          "device.x: unknown key\n"
          "log.level: must be one of: debug, info, warning, error\n"
          "y: unknown key\n");
}

TEST_CASE("text that is not JSON is refused with its place") {
    CHECK(complaints_of("{\n  \"log\": {\n    \"level\": info\n  }\n}") == "line 3, column 14: not well-formed JSON\n");
    CHECK(code_of("{") == AgentCode::config_syntax);
    CHECK(code_of("") == AgentCode::config_syntax);
    CHECK(code_of("[]") == AgentCode::config_syntax);
    CHECK(code_of("{} {}") == AgentCode::config_syntax);
    CHECK(code_of("{\"log\": {\"file\": \"\xFF\"}}") == AgentCode::config_syntax);
    CHECK(code_of("{\"log\": {},}") == AgentCode::config_syntax);
}

TEST_CASE("repeated keys, deep nesting and huge files are refused") {
    CHECK(complaints_of(R"({"log": {"level": "info", "level": "debug"}})") == "log.level: is given twice\n");
    CHECK(complaints_of(std::string(100, '[')).ends_with("is nested too deep\n"));
    CHECK(complaints_of(std::string(300000, ' ') + "{}") == "the file is longer than 262144 bytes\n");
}

TEST_CASE("the first complaint becomes the error") {
    const std::vector<Complaint> complaints = {{AgentCode::config_unknown_key, "a.b", "unknown key"},
                                               {AgentCode::config_bad_value, "c", "must be a whole number"}};
    CHECK(to_error(complaints).error().is(AgentCode::config_unknown_key));
    CHECK(to_error(complaints).error().context == "a.b: unknown key");
}
