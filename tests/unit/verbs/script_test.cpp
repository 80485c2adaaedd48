// SPDX-License-Identifier: Apache-2.0
// Owns the tests of `script check` and `script run`.
#include <algorithm>
#include <string>

#include "platform/paths.h"
#include "tests/unit/verbs/command_line.h"

namespace hagent::verbs {
namespace {

struct Device : CommandLine {
    void put_script(const std::string& commands, const std::string& path = "/job/demo.rsp") {
        files.put(path, "[Version]\nNumber=1\n[Script]\n" + fakes::rooted_script(commands));
    }
    [[nodiscard]] std::size_t sessions() { return files.list(rooted(k_state + "/sessions")).value_or({}).size(); }
};

bool is_windows() { return platform::native("/") == "\\"; }

TEST_CASE("a script is shown as a plan without being run") {
    Device device;
    device.processes.on("tool", platform::Exit{});
    device.put_script("EX \"/bin/tool\"\nAL \"/note\" \"done\"\n");
    CHECK(device.run({"script", "check", "/job/demo.rsp"}) == k_done);
    CHECK(fakes::plain(device.output.out).find("/bin/tool") != std::string::npos);
    CHECK(device.run({"script", "check", "/job/demo.rsp", "--json"}) == k_done);
    const auto plan = device.document();
    CHECK(plan["plan"].size() == 2);
    CHECK(plan["plan"][0]["op"] == "EX");
    CHECK(plan["results"].empty());
    CHECK(device.processes.calls.empty());
    CHECK_FALSE(device.files.exists("/note"));
    CHECK(device.sessions() == 0);
}

TEST_CASE("a script that is wrong ends both with 1, and check says where") {
    Device device;
    device.put_script("EX \"/bin/tool\"\nDT /unquoted\n");
    CHECK(device.run({"script", "check", "/job/demo.rsp"}) == k_failed);
    CHECK(device.said("demo.rsp:5"));
    CHECK(device.run({"script", "check", "/job/demo.rsp", "--json"}) == k_failed);
    CHECK(device.document()["results"].size() == 1);
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_failed);
    CHECK(device.processes.calls.empty());
}

TEST_CASE("a script is run, each step is told, and the result is the session") {
    Device device;
    device.processes.on("tool", platform::Exit{});
    device.put_script("EX \"/bin/tool\"\nAL \"/note\" \"done\"\n");
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_done);
    CHECK(device.complained("step 1 EX: done\nstep 2 AL: done\n"));
    CHECK(device.said("000001"));
    CHECK(device.files.exists("/note"));
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_done);
    CHECK_FALSE(device.complained("step 1"));
    const auto session = device.document();
    CHECK(session["id"] == "000002");
    CHECK(session["kind"] == "script");
    CHECK(session["summary_status"] == 0);
    CHECK(session["steps"][1]["state"] == "done");
}

TEST_CASE("a program that fails makes the verb fail") {
    Device device;
    device.put_script("EX \"/bin/tool\"\n");
    device.processes.on("tool", error(errors::AgentCode::permission_denied));
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_failed);
    CHECK(device.complained("step 1 EX: failed"));
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_failed);
    CHECK(device.document()["steps"][0]["state"] == "failed");
}

TEST_CASE("--root relocates every path of the device") {
    if (is_windows()) {
        MESSAGE("skipped: the drive is a folder below --root there; unit/script has the rule");
        return;
    }
    Device device;
    device.files.put_directory("/image");
    device.put_script("AL \"/note\" \"done\"\n");
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--root", "/image"}) == k_done);
    CHECK(device.files.exists("/image/note"));
    CHECK_FALSE(device.files.exists("/note"));
}

TEST_CASE("--source is the folder that <regroot> stands for") {
    Device device;
    device.files.put("/elsewhere/data", "12345");
    device.put_script("SF \"<regroot>/data\" \"/copy\"\n");
    CHECK(device.run({"script", "check", "/job/demo.rsp"}) == k_failed);
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--source", "/elsewhere"}) == k_done);
    CHECK(device.files.content("/copy") == "12345");
}

TEST_CASE("a script that was edited is another job, and a session of its old text does not go on with the new one") {
    Device device;
    device.put_script("AL \"/note\" \"one\"\n");
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_done);
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_done);
    const auto first = device.document()["job"]["id"];
    device.put_script("AL \"/note\" \"two\"\n");
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_done);
    CHECK(device.document()["job"]["id"] != first);
}

TEST_CASE("what is not in the folder is a missing file: nobody has signed anything") {
    Device device;
    device.put_script("SF \"<regroot>/nosuch\" \"/x\"\n");
    CHECK(device.run({"script", "check", "/job/demo.rsp"}) == k_failed);
    CHECK(device.said("file_not_found"));
    CHECK_FALSE(device.said("manifest"));
    CHECK_FALSE(device.said("sign"));
}

TEST_CASE("a script that is not there is told before a session is begun") {
    Device device;
    device.files.put_directory("/folder");
    for (const char* task : {"check", "run"}) {
        CAPTURE(task);
        CHECK(device.run({"script", task, "/nosuch.rsp"}) == k_not_found);
        CHECK(device.complained("nosuch.rsp"));
        CHECK(device.run({"script", task, "/nosuch.rsp", "--json"}) == k_not_found);
        CHECK(device.error_name() == "file_not_found");
        CHECK(device.run({"script", task, "/folder"}) == k_failed);
        CHECK(device.complained("is_a_directory"));
    }
    CHECK(device.sessions() == 0);
}

TEST_CASE("a source with a password is not taken: the journal would keep it") {
    Device device;
    device.files.put(platform::absolute("demo.rsp"), "[Script]\nEL\n");
    for (const char* task : {"check", "run"}) {
        CHECK(device.run({"script", task, "demo.rsp", "--source", "http://user:secret@127.0.0.1:1/"}) == k_usage);
        CHECK(device.complained("transfer.netrc_file"));
        CHECK_FALSE(device.complained("secret"));
        CHECK(device.run({"script", task, "demo.rsp", "--source", "nosuch://127.0.0.1:1/"}) == k_failed);
    }
    CHECK(device.sessions() == 0);
}

TEST_CASE("a script may not touch the configuration that was named, also where its path is relative") {
    if (is_windows()) {
        MESSAGE("skipped: the fake's files have one drive, and the program may stand on another");
        return;
    }
    Device device;
    const auto config = platform::absolute("here.json");
    device.files.put(config, *device.files.content(k_config));
    device.files.put("here.json", *device.files.content(k_config));
    device.files.put("/job/demo.rsp", "[Version]\nNumber=1\n[Script]\nDF \"" + config + "\"\n");
    CHECK(device.run_as_given({"--config", "here.json", "script", "check", rooted("/job/demo.rsp")}) == k_failed);
    CHECK(device.said("path_protected"));
}

TEST_CASE("only one works on the state directory at a time") {
    Device device;
    device.processes.on("tool", platform::Exit{});
    device.put_script("EX \"/bin/tool\"\n");
    const auto held = device.files.lock(rooted(k_state + "/lock"));
    REQUIRE(held.ok());
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_try_later);
    CHECK(device.complained("another hagent works on this state directory"));
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_try_later);
    CHECK(device.error_name() == "busy");
    CHECK(device.run({"script", "check", "/job/demo.rsp"}) == k_done);  // looking needs no lock
}

TEST_CASE("a state directory that cannot be written stops a run, not a check") {
    Device device;
    device.processes.on("tool", platform::Exit{});
    device.put_script("EX \"/bin/tool\"\n");
    const auto fails = [&](const std::string& name) {
        CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_failed);
        CHECK(device.complained(name));
        CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_failed);
        CHECK(device.error_name() == name);
        CHECK(device.processes.calls.empty());
        CHECK(device.run({"script", "check", "/job/demo.rsp"}) == k_done);
    };
    SUBCASE("write-protected") {
        device.files.set_read_only(true);
        fails("read_only");
    }
    SUBCASE("full") {
        device.files.set_capacity(0);
        fails("disk_full");
    }
    SUBCASE("a file stands in its place") {
        CHECK(device.files.remove_tree(rooted(k_state)).ok());
        device.files.put(k_state, "");
        fails("not_a_directory");
    }
}

TEST_CASE("a state directory that is missing is made") {
    Device device;
    device.processes.on("tool", platform::Exit{});
    device.put_script("EX \"/bin/tool\"\n");
    CHECK(device.files.remove_tree(rooted(k_state)).ok());
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) == k_done);
    CHECK(device.files.exists(k_state + "/sessions/000001/journal"));
}

TEST_CASE("a run that the power ended goes on when the same command is given again") {
    const auto prepare = [](Device& device) {
        device.put_script("AL \"/first\" \"done\"\nAL \"/second\" \"done\"\n");
        device.files.forget_calls();
    };
    Device whole;
    prepare(whole);
    CHECK(whole.run({"script", "run", "/job/demo.rsp"}) == k_done);
    const auto calls = whole.files.calls();
    const auto second = std::find_if(calls.begin(), calls.end(), [](const auto& call) {
        return fakes::plain(call).find("/second") != std::string::npos;
    });
    REQUIRE(second != calls.end());

    Device device;
    prepare(device);
    device.files.cut_power_at(static_cast<std::uint64_t>(second - calls.begin()) + 1);
    CHECK(device.run({"script", "run", "/job/demo.rsp"}) != k_done);
    device.files.restart(fakes::Unsynced::lost);
    CHECK_FALSE(device.files.exists("/second"));
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_done);
    CHECK(device.document()["id"] == "000001");
    CHECK(device.files.exists("/second"));
    CHECK(device.run({"script", "run", "/job/demo.rsp", "--json"}) == k_done);
    CHECK(device.document()["id"] == "000002");  // the first has ended
}

TEST_CASE("names with control characters do not steer the terminal") {
    Device device;
    device.put_script("AL \"/note\" \"done\"\n", "/job/\x1b[2J\x07.rsp");
    CHECK(device.run({"script", "check", "/job/\x1b[2J\x07.rsp"}) == k_done);
    CHECK(is_tame(device.output.out + device.output.err));
    CHECK(device.run({"script", "run", "/job/\x1b[2J\x07.rsp"}) == k_done);
    CHECK(is_tame(device.output.out + device.output.err));
    CHECK(device.run({"sessions"}) == k_done);
    CHECK(is_tame(device.output.out + device.output.err));
}

}  // namespace
}  // namespace hagent::verbs
