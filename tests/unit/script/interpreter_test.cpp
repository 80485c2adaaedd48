// SPDX-License-Identifier: Apache-2.0
// Owns the tests of execution: what each command does, failures, optional steps, cancelling, programs and restarts.
#include "agent/base/limits.h"
#include "platform/paths.h"
#include "tests/unit/script/device.h"

namespace hagent::script {
namespace {

using errors::AgentCode;
using errors::Severity;

TEST_CASE("the whole script runs in order, every step journalled before and after") {
    Device device;
    device.package.add("fw/kernel", "kernel");
    device.package.add("tree/one", "1");
    device.package.add("tree/sub/two", "2");
    device.files.put("/old", "x");
    device.files.put("/gone/deep/file", "x");
    device.files.put("/from", "moved");
    device.files.put("/etc/list", "a\nb\n");
    device.processes.on("check", platform::Exit{0, false, "all fine\n"});
    const Outcome outcome = device.run(
        "CO \"SLX\"\nSF \"fw/kernel\" \"/boot/kernel\"\nXC \"tree\" \"/opt/t\"\nEX \"check it\"\n"
        "DF \"/old\"\nDT \"/gone\"\nRF \"/from\" \"/to\"\nAL \"/etc/list\" \"c\"\nDL \"/etc/list\" \"a\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(outcome.results.empty());
    CHECK(states(outcome) == Strings(9, "done"));
    CHECK(device.files.content("/boot/kernel") == "kernel");
    CHECK(device.files.content("/opt/t/sub/two") == "2");
    CHECK(device.files.content("/to") == "moved");
    CHECK(device.files.content("/etc/list") == "b\nc\n");
    CHECK_FALSE(device.files.exists("/old"));
    CHECK_FALSE(device.files.exists("/gone"));
    CHECK_FALSE(device.files.exists("/from"));
    CHECK(outcome.steps[3].output == "all fine");
    CHECK(device.journal.log == Strings{"done 1", "intent 2", "done 2", "intent 3", "done 3", "intent 4", "done 4",
                                        "intent 5", "done 5", "intent 6", "done 6", "intent 7", "done 7", "intent 8",
                                        "done 8", "intent 9", "done 9"});
    CHECK(device.watcher.seen.size() == 17);
    CHECK(device.watcher.seen[1] == "2 running");
}

TEST_CASE("the intent is durable before anything changes") {
    Device device;
    device.files.put("/x", "1");
    device.journal.durable = [] { return Status(error(AgentCode::disk_full, "journal")); };
    const auto outcome = device.try_run("DF \"/x\"\n");
    REQUIRE(!outcome.ok());
    CHECK(outcome.error().is(AgentCode::disk_full));
    CHECK(device.files.exists("/x"));
}

TEST_CASE("a failed step ends the script and the later ones are skipped") {
    Device device;
    device.processes.on("bad", platform::Exit{3, false, "no\nsuch thing\n"});
    device.files.put("/x", "1");
    const Outcome outcome = device.run("CO \"SLX\"\nEX \"bad thing\"\nDF \"/x\"\n");
    CHECK(outcome.ended == Ended::failed);
    CHECK(states(outcome) == Strings{"done", "failed", "skipped"});
    CHECK(codes(outcome.results) == Codes{1513, 1516});
    CHECK(outcome.results[0].status == Severity::error);
    CHECK(outcome.results[0].context == "step 2 (EX, line 3): bad thing ended with status 3; it said: no | such thing");
    CHECK(outcome.results[1].context == "step 2 (EX, line 3)");
    CHECK(device.files.exists("/x"));
    CHECK(device.journal.log == Strings{"done 1", "intent 2", "failed 2"});
}

TEST_CASE("a failed optional step is a warning and the script goes on") {
    Device device;
    device.files.put("/x", "1");
    const Outcome outcome = device.run("CO* \"WES\"\nEX* \"missing\"\nUA* \"agent\"\nDF \"/x\"\n");
    CHECK(outcome.ended == Ended::completed);
    CHECK(states(outcome) == Strings{"failed", "failed", "failed", "done"});
    CHECK(codes(outcome.results) == Codes{1512});  // the other two are in the plan's results
    CHECK(summary_status(outcome.results) == static_cast<std::uint32_t>(Severity::warning));
    CHECK(codes(outcome.steps[0].results) == Codes{1506});
    CHECK_FALSE(device.files.exists("/x"));
}

TEST_CASE("cancelling between steps leaves the rest pending, to be run later") {
    Device device;
    device.files.put("/x", "1");
    device.files.put("/y", "1");
    device.watcher.on_change = [&](const StepRecord& record) {
        if (record.n == 1 && record.state == StepState::done) {
            device.cancel.request();
        }
    };
    const Outcome outcome = device.run("DF \"/x\"\nDF \"/y\"\n");
    CHECK(outcome.ended == Ended::cancelled);
    CHECK(states(outcome) == Strings{"done", "pending"});
    CHECK(device.files.exists("/y"));
}

TEST_CASE("cancelling in the middle of a program leaves its step in flight") {
    Device device;
    device.processes.on("slow", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        device.cancel.request();
        return error(AgentCode::cancelled, "slow");
    });
    const Outcome outcome = device.run("EX \"slow\"\n");
    CHECK(outcome.ended == Ended::cancelled);
    CHECK(states(outcome) == Strings{"running"});
    CHECK(outcome.results.empty());
    CHECK(device.journal.log == Strings{"intent 1"});
}

TEST_CASE("programs get an argument vector, a clean environment, a user and a limit") {
    Device device;
    device.settings.run_as = "thinuser";
    device.processes.on("tool", platform::Exit{});
    (void)device.run("EX \"tool 'a b' <mac>\" \"+\" \"60\"\nEX \"tool\"\nEX \"tool\" \"-\"\n");
    REQUIRE(device.processes.calls.size() == 3);
    const platform::Command& command = device.processes.calls[0];
    CHECK(command.argv == Strings{"tool", "a b", "00:80:64:aa:bb:cc"});
    CHECK(command.user == "thinuser");
    CHECK(command.time_limit == Millis{60000});
    CHECK(command.output_limit == limits::k_output_tail_bytes);
    Strings names;
    for (const auto& [name, value] : command.environment) {
        names.push_back(name);
        CHECK_FALSE(value.empty());
    }
    Strings expected = {"PATH", "LANG"};
    if (!platform::environment("SystemRoot").empty()) {  // Windows: nothing runs without them
        expected.insert(expected.end(), {"SystemRoot", "TEMP"});
    }
    expected.insert(expected.end(), {"HAGENT_OS", "HAGENT_IMAGE", "HAGENT_MAC", "HAGENT_IP", "HAGENT_HOSTNAME",
                                     "HAGENT_SERIAL", "HAGENT_SCRIPT", "HAGENT_STEP"});
    CHECK(names == expected);
    CHECK(device.processes.calls[1].time_limit == Millis{3600000});
    CHECK_FALSE(device.processes.calls[1].detached);
    CHECK(device.processes.calls[2].detached);
}

TEST_CASE("a program is told apart by how it ended") {
    struct Row {
        platform::Exit exit;
        std::uint16_t code;
        const char* text;
    };
    for (const Row& row : {Row{{0, true, ""}, 1515, "step 1 (EX, line 2): p was stopped after 5 s"},
                           {{137, false, "", 9}, 1514, "step 1 (EX, line 2): p was ended by signal 9"},
                           {{137, false, ""}, 1513, "step 1 (EX, line 2): p ended with status 137"},
                           {{-1073741819, false, ""}, 1514, "step 1 (EX, line 2): p was ended by exception 0xc0000005"},
                           {{255, false, ""}, 1513, "step 1 (EX, line 2): p ended with status 255"}}) {
        Device device;
        device.processes.on("p", row.exit);
        const Outcome outcome = device.run("EX \"p\" \"+\" \"5\"\n");
        CHECK(outcome.results.at(0).id.number == row.code);
        CHECK(outcome.results.at(0).context == row.text);
    }
}

TEST_CASE("output is bounded and printable, and a result quotes its end") {
    Device device;
    device.processes.on("p", platform::Exit{1, false, "\x1B[31m" + std::string(9000, 'x') + "caf\xE9\nend\x07\n"});
    const Outcome outcome = device.run("EX \"p\"\n");
    const std::string& output = outcome.steps[0].output;
    CHECK(output.size() <= limits::k_output_tail_bytes + 2);
    CHECK(output.find('\x1B') == std::string::npos);
    CHECK(output.ends_with("xcaf\xC3\xA9\nend?"));
    CHECK(outcome.results.at(0).context.size() < 350);
    CHECK(outcome.results.at(0).context.ends_with("xcaf\xC3\xA9 | end?"));
}

TEST_CASE("with a relocation programs and paths lie below it") {
    Device device;
    device.jail.relocation = rooted("/mnt/image");
    device.files.put(in_image("/opt/tool"), "#!");
    device.files.put(in_image("/x"), "1");
    device.processes.on("tool", platform::Exit{});
    (void)device.run("EX \"/opt/tool\"\nEX \"/bin/tool\"\nDF \"/x\"\n");
    CHECK(plain(device.processes.calls.at(0).argv[0]) == in_image("/opt/tool"));
    CHECK(plain(device.processes.calls[0].directory) == "/mnt/image");
    CHECK(plain(device.processes.calls.at(1).argv[0]) == "/bin/tool");
    CHECK_FALSE(device.files.exists(in_image("/x")));
}

TEST_CASE("a link made by an earlier step does not lead out of the jail") {
    Device device;
    device.jail.roots = {rooted("/data")};
    device.files.put("/etc/passwd", "root");
    device.files.put_directory("/data");
    device.package.add("x", "evil");
    device.processes.on("trick", [&](const platform::Command&, const CancelToken&) -> Result<platform::Exit> {
        device.files.put_symlink("/data/etc", "/etc");
        return platform::Exit{};
    });
    const Outcome outcome = device.run("EX \"trick\"\nSF \"x\" \"/data/etc/passwd\"\n");
    CHECK(outcome.ended == Ended::failed);
    CHECK(codes(outcome.results) == Codes{1504, 1516});
    CHECK(device.files.content("/etc/passwd") == "root");
}

TEST_CASE("edited files keep their line ends and permissions, and are written only when they change") {
    Device device;
    device.files.put("/dos", "a\r\nb", 0640);
    device.files.put("/unix", "a\nb\na\n", 0600);
    (void)device.run(
        "AL \"/dos\" \"c\"\nAL \"/dos\" \"a\"\nDL \"/unix\" \"a\"\nAL \"/fresh\" \"x\"\nDL \"/none\" \"x\"\n");
    CHECK(device.files.content("/dos") == "a\r\nb\r\nc\r\n");
    CHECK(device.files.info("/dos").value()->mode == 0640);
    CHECK(device.files.content("/unix") == "b\n");
    CHECK(device.files.info("/unix").value()->mode == 0600);
    CHECK(device.files.content("/fresh") == "x\n");
    CHECK(device.files.info("/fresh").value()->mode == 0644);
    CHECK_FALSE(device.files.exists("/none"));
    Device same;
    same.files.put("/f", "x\ny");
    same.files.forget_calls();
    (void)same.run("AL \"/f\" \"y\"\nDL \"/f\" \"z\"\n");
    CHECK(same.files.calls().empty());
}

TEST_CASE("edits keep the encoding of a file, and one that would not stay as it is is refused before") {
    const auto utf16 = [](std::string_view ascii, bool big) {
        std::string out = big ? "\xFE\xFF" : "\xFF\xFE";
        for (const char c : ascii) {
            out += big ? std::string{'\0', c} : std::string{c, '\0'};
        }
        return out;
    };
    Device device;
    device.files.put("/le", utf16("a\r\nb\r\n", false));
    device.files.put("/be", utf16("a\nb", true));
    device.files.put("/latin", "gr\xFCn\nk\xFChl\n");
    device.files.put("/mark",
                     "\xEF\xBB\xBF"
                     "first\nsecond\n");
    const std::string script =
        "AL \"/le\" \"c\"\nDL \"/le\" \"a\"\nAL \"/be\" \"c\"\nDL \"/latin\" \"gr\u00FCn\"\nAL \"/latin\" \"\u00E4\"\n"
        "DL \"/mark\" \"first\"\n";
    CHECK(device.run(script).ended == Ended::completed);
    CHECK(device.files.content("/le") == utf16("b\r\nc\r\n", false));
    CHECK(device.files.content("/be") == utf16("a\nb\nc\n", true));
    CHECK(device.files.content("/latin") == "k\xFChl\n\xE4\n");
    CHECK(device.files.content("/mark") ==
          "\xEF\xBB\xBF"
          "second\n");
    Device other;
    other.files.put("/raw", utf16("a\n", false).substr(2));
    other.files.put("/odd", utf16("a\n", false) + "x");
    other.files.put("/latin", "gr\xFCn\n");
    for (const char* command : {"AL \"/raw\" \"x\"", "DL \"/odd\" \"x\"", "AL \"/latin\" \"5 \u20AC\""}) {
        CAPTURE(command);
        CHECK(codes(other.plan(std::string(command) + "\n").results) == Codes{1003});
    }
}

TEST_CASE("edits follow links, so that the link stays one") {
    Device device;
    device.files.put("/real/conf", "a\n");
    device.files.put_symlink("/conf", "/real/conf");
    (void)device.run("AL \"/conf\" \"b\"\n");
    CHECK(device.files.content("/real/conf") == "a\nb\n");
    CHECK(device.files.info("/conf").value()->kind == platform::FileKind::symlink);
}

TEST_CASE("each wrong kind of file has its own code") {
    struct Row {
        const char* command;
        std::uint16_t code;
    };
    for (const Row& row : {Row{"DF \"/dir\"", 1204},
                           {"DT \"/file\"", 1203},
                           {"RF \"/none\" \"/x\"", 1200},
                           {"AL \"/dir\" \"x\"", 1204}}) {
        CAPTURE(row.command);
        Device device;
        device.files.put_directory("/dir");
        device.files.put("/file", "x");
        CHECK(codes(device.plan(std::string(row.command) + "\n").results) == Codes{row.code});
        device.processes.on("mend", platform::Exit{});  // it might, so that nobody can know before
        CHECK(device.run("EX \"mend\"\n" + std::string(row.command) + "\n").results.at(0).id.number == row.code);
    }
}

TEST_CASE("what is absent already counts as deleted") {
    Device device;
    CHECK(device.run("DF \"/none\"\nDT \"/none\"\n").ended == Ended::completed);
}

TEST_CASE("a file is renamed across volumes, a folder is not") {
    Device device;
    device.files.add_volume("/other");
    device.files.put_directory("/other");
    device.files.put("/a", "content", 0600);
    device.files.put_directory("/dir");
    const Outcome outcome = device.run("RF \"/a\" \"/other/a\"\nRF \"/dir\" \"/other/dir\"\n");
    CHECK(device.files.content("/other/a") == "content");
    CHECK(device.files.info("/other/a").value()->mode == 0600);
    CHECK_FALSE(device.files.exists("/a"));
    CHECK(codes(outcome.results) == Codes{1211, 1516});
}

TEST_CASE("a file that is in place already is not asked for") {
    Device device;
    device.package.add("a", "same");
    device.files.put("/a", "same");
    (void)device.run("SF \"a\" \"/a\"\n");
    CHECK(device.package.asked.empty());
}

struct Repository final : work::Uploads {
    Status upload(const std::string& local_path, const std::string& name, const CancelToken&) override {
        taken.push_back(local_path + " as " + name);
        return answer;
    }
    Strings taken;
    Status answer;
};

TEST_CASE("GF hands a file to the repository, and its protocol's code is kept") {
    Device device;
    Repository repository;
    device.services.uploads = &repository;
    device.files.put("/etc/conf", "x");
    CHECK(device.run("GF \"/etc/conf\" \"<regroot>/pulled/conf\"\n").ended == Ended::completed);
    CHECK(plain(repository.taken) == Strings{"/etc/conf as pulled/conf"});
    repository.answer = error(errors::ftp(553), "no");
    device.journal = {};
    const Outcome outcome = device.run("GF \"/etc/conf\" \"x\"\n");
    CHECK(outcome.results.at(0).id == errors::agent(AgentCode::step_failed));
    CHECK(outcome.results.at(0).native == errors::ftp(553));
}

}  // namespace
}  // namespace hagent::script
