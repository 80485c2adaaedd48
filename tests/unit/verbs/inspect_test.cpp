// SPDX-License-Identifier: Apache-2.0
// Owns the tests of the verbs that change nothing: status, sessions, log, explain, version; with and without a daemon.
#include <string>

#include "agent/base/concat.h"
#include "agent/base/version.h"
#include "agent/manager/report_queue.h"
#include "tests/unit/verbs/command_line.h"
#include "tests/unit/verbs/daemon.h"

namespace hagent::verbs {
namespace {

const std::string k_log_file = "/var/log/hagent.log";

/// A device on which one script ran; its session is 000001.
struct Device : CommandLine {
    Device() {
        processes.on("true", platform::Exit{});
        files.put("/demo.rsp", "[Version]\nNumber=1\n[Script]\n" + fakes::rooted_script("EX \"/bin/true\"\n"));
        REQUIRE(run({"script", "run", "/demo.rsp"}) == k_done);
    }
};

TEST_CASE("status tells from the state directory what it can while no daemon runs") {
    Device device;
    CHECK(device.run({"status"}) == k_done);
    CHECK(device.said("not running"));
    CHECK(device.said("device-1"));
    CHECK(device.said("000001"));
    CHECK(device.run({"status", "--json"}) == k_done);
    const auto document = device.document();
    CHECK(document["device"]["id"] == "device-1");
    CHECK(document["agent"]["pid"] == 0);
    CHECK(document["recent"][0]["id"] == "000001");
    CHECK(document["session"].is_null());
    CHECK(document["trust"].dump().find("release") != std::string::npos);
}

TEST_CASE("status without a daemon counts the reports that wait and names what is damaged") {
    Device device;
    {
        auto queue = manager::ReportQueue::open(device.files, rooted(k_state + "/reports")).value();
        REQUIRE(queue->add({"7", session::ReportStage::success, {"done"}, 1, 1}).ok());
    }
    CHECK(device.run({"status", "--json"}) == k_done);
    CHECK(device.document()["reports_queued"] == 1);
    CHECK(device.document()["trust"]["damage"].empty());
    std::string bytes = *device.files.content(k_state + "/reports");
    bytes.back() ^= 1;
    device.files.put(k_state + "/reports", bytes);
    device.files.put(k_state + "/serials", "x");
    CHECK(device.run({"status", "--json"}) == k_done);
    CHECK(device.document()["reports_queued"] == 1);
    CHECK(device.document()["trust"]["damage"].size() == 2);
    CHECK(device.files.content(k_state + "/reports") == bytes);  // only looked at
    CHECK(device.run({"status"}) == k_done);
    CHECK(device.said("damage"));
}

TEST_CASE("a state directory that is missing or cannot be read is no failure for those who only look") {
    CommandLine line;
    SUBCASE("missing") { CHECK(line.files.remove_tree(rooted(k_state)).ok()); }
    SUBCASE("unreadable") { line.files.fail_path(k_state + "/sessions", error(errors::AgentCode::permission_denied)); }
    SUBCASE("write-protected") { line.files.set_read_only(true); }
    for (const char* verb : {"status", "sessions"}) {
        CAPTURE(verb);
        CHECK(line.run({verb}) == k_done);
        CHECK(line.run({verb, "--json"}) == k_done);
        CHECK(line.document().is_object());
    }
    CHECK(line.run({"sessions", "000001"}) != k_done);
}

TEST_CASE("sessions lists them all, and one with its steps") {
    Device device;
    CHECK(device.run({"sessions"}) == k_done);
    CHECK(device.said("000001"));
    CHECK(device.said("demo.rsp"));
    CHECK(device.run({"sessions", "--json"}) == k_done);
    CHECK(device.document()["sessions"].size() == 1);
    CHECK(device.run({"sessions", "000001"}) == k_done);
    CHECK(device.said("EX done"));
    CHECK(device.run({"sessions", "000001", "--json"}) == k_done);
    CHECK(device.document()["steps"][0]["state"] == "done");
}

TEST_CASE("a session that is not there, whatever its name looks like, is not found") {
    CommandLine line;
    line.files.put("/var/lib/hagent/elsewhere/journal", "x");
    for (const char* id : {"77", "", ".", "../elsewhere", "000001/../x", "\x1b[2J", "a b", "%2e%2e", "?x#y"}) {
        CAPTURE(id);
        CHECK(line.run({"sessions", id}) == k_not_found);
        CHECK(line.output.out.empty());
        CHECK(is_tame(line.output.err));
        CHECK(line.run({"sessions", id, "--json"}) == k_not_found);
        CHECK(line.error_name() == "session_not_found");
    }
}

TEST_CASE("a session with a damaged journal is shown as far as it can be read") {
    Device device;
    device.files.put(k_state + "/sessions/000001/journal", "these bytes are no journal");
    device.files.put(k_state + "/sessions/000001/journal.copy", "nor these");
    CHECK(device.run({"sessions", "000001"}) == k_done);
    CHECK(device.said("corrupt_journal"));
    CHECK(device.run({"sessions", "000001", "--json"}) == k_done);
    CHECK(device.document()["results"][0]["name"] == "corrupt_journal");
}

TEST_CASE("log shows the log file when no daemon runs") {
    CommandLine line;
    SUBCASE("none is configured") {
        CHECK(line.run({"log"}) == k_not_found);
        CHECK(line.complained("log.file names no log file"));
        CHECK(line.run({"log", "--json"}) == k_not_found);
        CHECK(line.error_name() == "file_not_found");
    }
    SUBCASE("it is not there yet") {
        line.configure({{"log", {{"file", rooted(k_log_file)}}}});
        CHECK(line.run({"log"}) == k_not_found);
    }
    SUBCASE("it may not be read") {
        line.configure({{"log", {{"file", rooted(k_log_file)}}}});
        line.files.put(k_log_file, "x");
        line.files.fail_path(k_log_file, error(errors::AgentCode::permission_denied));
        CHECK(line.run({"log"}) == k_refused);
        CHECK(line.run({"log", "--json"}) == k_refused);
        CHECK(line.error_name() == "permission_denied");
    }
    SUBCASE("its lines become records, and what is no record is left out") {
        line.configure({{"log", {{"file", rooted(k_log_file)}}}});
        line.files.put(k_log_file,
                       "2026-11-30T13:00:00Z info    agent: ready listener=\"http://127.0.0.1:1: x\"\n"
                       "a torn line\n\nmore: than three words\n"
                       "2026-11-30T13:00:01Z warning transfer: \xff\"quoted\"\n");
        CHECK(line.run({"log"}) == k_done);
        CHECK(line.said("agent: ready"));
        CHECK(line.run({"log", "--json"}) == k_done);
        const auto records = line.document()["log"];
        REQUIRE(records.size() == 2);
        CHECK(records[0]["time"] == "2026-11-30T13:00:00Z");
        CHECK(records[0]["level"] == "info");
        CHECK(records[0]["area"] == "agent");
        CHECK(records[0]["message"] == "ready listener=\"http://127.0.0.1:1: x\"");
        CHECK(records[1]["level"] == "warning");
    }
}

TEST_CASE("a log file with control characters does not steer the terminal") {
    CommandLine line;
    line.configure({{"log", {{"file", rooted(k_log_file)}}}});
    line.files.put(k_log_file, "2026-11-30T13:00:00Z info    agent: \x1b[2Jready\n");
    CHECK(line.run({"log"}) == k_done);
    CHECK(line.said("ready"));
    CHECK(is_tame(line.output.out));
}

TEST_CASE("explain knows the system's own numbers, as os_error tells them") {
    CommandLine line;
    CHECK(line.run({"explain", "os-99"}) == k_done);
    CHECK(line.said("on this system"));
    CHECK(line.said("os_error"));
    CHECK(line.run({"explain", "errno 99", "--json"}) == k_done);
    CHECK(line.document().at(0)["name"] == "os_error");
    CHECK(line.run({"explain", "os-"}) == k_not_found);
    CHECK(line.run({"explain", "os-99999999"}) == k_not_found);
}

TEST_CASE("explain looks a code up by number and by name") {
    CommandLine line;
    CHECK(line.run({"explain", "550"}) == k_done);
    CHECK(line.said("ftp 550"));
    CHECK(line.run({"explain", "wsaeconnrefused", "550", "--json"}) == k_done);
    const auto rows = line.document();
    CHECK(rows.size() >= 2);
    for (const char* member : {"protocol", "number", "name", "severity", "retry", "cause", "next"}) {
        CHECK(rows[0].contains(member));
    }
}

TEST_CASE("an unknown code among known ones is said, and the exit code tells") {
    CommandLine line;
    CHECK(line.run({"explain", "550", "nosuch"}) == k_not_found);
    CHECK(line.said("ftp 550"));
    CHECK(line.said("nosuch: no such code"));
    CHECK(line.run({"explain", "nosuch", "--json"}) == k_not_found);
    CHECK(line.document() == json::array());
}

TEST_CASE("version names the agent, its target and its libraries") {
    CommandLine line;
    CHECK(line.run({"version"}) == k_done);
    CHECK(line.said(concat({"hagent ", agent_version(), " for "})));
    CHECK(line.said("mbedTLS"));
    CHECK(line.run({"version", "--json"}) == k_done);
    CHECK(line.document()["version"] == std::string(agent_version()));
    CHECK_FALSE(line.document()["target"].get<std::string>().empty());
    CHECK(line.document()["libraries"].get<std::string>().find("libcurl") != std::string::npos);
}

TEST_CASE("a running daemon is asked, and its answer is printed") {
    Device device;
    Daemon daemon(device);
    CHECK(device.run({"status"}) == k_done);
    CHECK(device.said("pid 4711"));
    CHECK(device.run({"status", "--json"}) == k_done);
    CHECK(device.document()["agent"]["pid"] == 4711);
    CHECK(device.run({"log"}) == k_done);
    CHECK(device.said("agent: hello"));
    CHECK(device.run({"log", "--json"}) == k_done);
    CHECK(device.document()["log"][0]["message"] == "hello");
    CHECK(device.run({"sessions", "--json"}) == k_done);
    CHECK(device.document()["sessions"].empty());  // the daemon's board, not the journals
    CHECK(device.run({"sessions"}) == k_done);
    CHECK(device.said("000001"));
    CHECK(device.run({"sessions", "000001", "--json"}) == k_done);
    CHECK(device.document()["id"] == "000001");  // one that the daemon does not know is read from its journal
    CHECK(device.run({"sessions", "77", "--json"}) == k_not_found);
}

TEST_CASE("a file that names no living daemon is not believed") {
    CommandLine line;
    const auto endpoint = [](std::uint64_t pid, const std::string& door) {
        return json{{"pid", pid}, {"door", door}, {"page", ""}, {"pin", ""}, {"secret", "t"}}.dump();
    };
    const std::uint64_t own = platform::own_pid();
    for (const auto& content : {std::string("no JSON"), std::string(), endpoint(UINT32_MAX, "127.0.0.1:1"),
                                endpoint(UINT64_MAX, "127.0.0.1:1"), endpoint(own, "")}) {
        CAPTURE(content);
        line.files.put(k_state + "/daemon", content);
        CHECK(line.run({"status"}) == k_done);
        CHECK(line.said("not running"));
    }
}

TEST_CASE("a daemon that does not answer or does not know us is told with its error") {
    CommandLine line;
    { const Daemon gone(line); }
    line.machine.sockets.keep_only({});
    CHECK(line.run({"status"}) == k_done);  // its file is there, but nobody holds the lock
    const auto held = line.files.lock(rooted(k_state + "/lock"));
    CHECK(line.run({"status"}) == k_try_later);
    CHECK(line.complained("what to do"));
    CHECK(line.run({"status", "--json"}) == k_try_later);
    CHECK(line.error_name() == "WSAECONNREFUSED");
    CHECK(line.run({"log"}) == k_try_later);
    CHECK(line.run({"sessions", "--json"}) == k_done);  // the journals tell as much
}

}  // namespace
}  // namespace hagent::verbs
