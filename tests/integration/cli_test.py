# SPDX-License-Identifier: Apache-2.0
"""The command line: every verb, every exit code, the catalogue, and configurations that are garbage."""

import http.server
import json
import os
import re
import signal
import subprocess
import threading
import unittest

import kit
from kit import DONE, NOT_FOUND, REFUSED, TRY_LATER, USAGE, BoxTest

SEED_ROWS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unit", "errors", "seed_rows.def")
VERBS = ("run", "check-in", "status", "sessions", "log", "explain", "fetch", "script", "sign", "verify", "version")
EXPLAINED = {"protocol", "number", "name", "severity", "retry", "cause", "next"}


class Usage(BoxTest):
    def test_help_names_every_verb_and_each_has_its_own(self):
        text = self.expect(self.box.run("--help"), DONE).stdout
        for verb in VERBS:
            self.assertRegex(text, rf"(?m)^  {verb} ")
            self.expect(self.box.run(verb, "--help"), DONE, "Usage: hagent", f" {verb}", "--json")

    def test_wrong_command_lines_are_told_apart_from_failures(self):
        for words in ([], ["nosuch"], ["--nosuch"], ["status", "--nosuch"], ["status", "--sha256", "00" * 32], ["fetch"], ["explain"], ["script"],
                      ["script", "check"], ["script", "walk", "a.rsp"], ["script", "check", "a", "b"], ["sessions", "1", "2"], ["sign"], ["sign", "."],
                      ["verify"], ["verify", "a", "b"], ["fetch", "--sha256", "xyz", "http://127.0.0.1:1/a"], ["fetch", "--attempts", "0", "http://127.0.0.1:1/a"],
                      ["fetch", "--attempts", "-1", "http://127.0.0.1:1/a"], ["fetch", "--limit-rate", "fast", "http://127.0.0.1:1/a"],
                      ["fetch", "http://127.0.0.1:1/"], ["fetch", "-o"], ["--config"]):
            with self.subTest(words):
                done = self.expect(self.box.run(*words, config=False), USAGE)
                self.assertEqual("", done.stdout)
                self.assertTrue(done.stderr.startswith("hagent"), done.stderr)

    def test_a_wrong_command_line_answers_in_json_when_asked(self):
        for words in (["fetch"], ["explain"], ["script", "walk", "a"], ["verify"], [], ["nosuch"], ["--nosuch"], ["status", "--sha256", "00" * 32],
                      ["fetch", "--attempts", "0", "u"]):
            with self.subTest(words):
                done = self.expect(self.box.run(*words, "--json"), USAGE)
                self.assertEqual("usage", self.document(done)["error"]["name"])

    def test_a_config_that_is_named_must_be_there(self):
        for words in (["--config", self.box.path("nosuch.json"), "status"], ["--config", self.box.folder, "status"]):
            self.expect(self.box.run(*words, config=False), REFUSED)
        self.expect(self.box.run("run", config=False, HAGENT_CONFIG=self.box.path("nosuch.json")), REFUSED, "nosuch.json")
        done = self.box.run("status", "--json", config=False, HAGENT_CONFIG=self.box.config)
        self.assertEqual("test-1", self.document(self.expect(done, DONE))["device"]["id"])


class Terminal(BoxTest):
    """Names and texts from elsewhere never steer the terminal of who looks at them."""
    EVIL = "a\x1b]0;t\x07b\u009b31mc\u202ed\u2066e\u200ff\u061cg"

    def assert_tame(self, words, done):
        self.assertNotRegex((done.stdout + done.stderr).replace("\n", ""), "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069]", words)

    def test_arguments(self):
        for words in (["explain", self.EVIL], ["verify", self.box.path(self.EVIL), "--keys", self.box.keys], ["script", "check", self.box.path(self.EVIL)],
                      ["fetch", f"http://127.0.0.1:1/{self.EVIL}"], [self.EVIL], ["explain", "--" + self.EVIL], ["sessions", self.EVIL],
                      ["sign", self.box.path(self.EVIL), "--key", self.EVIL]):
            for more in ([], ["--json"]):
                self.assert_tame(words + more, self.box.run(*words, *more))

    def test_names_and_texts_of_a_package(self):
        path = self.box.write(f"{self.EVIL}/s.rsp", f'[Version]\nNumber=1\n[Script]\nAL "{self.box.root}/x\u202ey\u200f" "z"\nSF "\u202e" "{self.box.root}/"\n')
        for words in (["script", "check", path], ["script", "run", path]):
            for more in ([], ["--json"]):
                done = self.box.run(*words, *more)
                self.assert_tame(words + more, done)
        self.assertIn("\\u202e", self.box.run("script", "check", path, "--json").stdout)  # escaped, not lost

    def test_what_a_foreign_daemon_says(self):
        evil = self.EVIL

        class Daemon(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = f'{{"verdict":"{evil}"}}'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        daemon = http.server.HTTPServer(("127.0.0.1", self.box.port), Daemon)
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        self.addCleanup(daemon.server_close)
        self.addCleanup(daemon.shutdown)
        for words in (["status"], ["status", "--json"], ["sessions"], ["sessions", "1"], ["log"], ["log", "--json"]):
            self.assert_tame(words, self.box.run(*words))


class Documents(BoxTest):
    """--json prints one document, whatever happens and whether the daemon runs or not."""

    def test_without_the_daemon(self):
        status = self.document(self.expect(self.box.run("status", "--json"), DONE))
        self.assertEqual(kit.STATUS_MEMBERS, set(status))
        self.assertEqual([], self.document(self.expect(self.box.run("sessions", "--json"), DONE))["sessions"])
        self.assertEqual("session_not_found", self.document(self.expect(self.box.run("sessions", "77", "--json"), NOT_FOUND))["error"]["name"])
        self.assertIn("error", self.document(self.expect(self.box.run("log", "--json"), NOT_FOUND)))
        self.assertIn("error", self.document(self.expect(self.box.run("check-in", "--json"), TRY_LATER)))
        self.assertEqual({"valid": True}, self.document(self.expect(self.box.run("run", "--check-config", "--json"), DONE)))
        version = self.document(self.expect(self.box.run("version", "--json", config=False), DONE))
        self.assertRegex(version["version"], r"^\d+(\.\d+){1,3}$")
        self.assertTrue(version["target"] and version["libraries"])

    def test_with_the_daemon(self):
        agent = self.box.daemon()
        status = self.document(self.expect(self.box.run("status", "--json"), DONE))
        self.assertEqual(agent.pid, status["agent"]["pid"])
        self.assertIn("sessions", self.document(self.expect(self.box.run("sessions", "--json"), DONE)))
        self.assertEqual("session_not_found", self.document(self.expect(self.box.run("sessions", "77", "--json"), NOT_FOUND))["error"]["name"])
        self.assertEqual("ready", self.document(self.expect(self.box.run("log", "--json"), DONE))["log"][0]["message"])
        self.assertTrue(self.document(self.expect(self.box.run("check-in", "--json"), DONE))["accepted"])
        self.expect(self.box.run("check-in", "--once"), TRY_LATER, "what to do")
        self.expect(self.box.run("run"), TRY_LATER, "what to do")

    def test_text_for_people(self):
        self.expect(self.box.run("status"), DONE, "not running", "test-1")
        self.expect(self.box.run("sessions"), DONE)
        self.expect(self.box.run("log"), NOT_FOUND)
        agent = self.box.daemon()
        self.expect(self.box.run("status"), DONE, f"pid {agent.pid}", "127.0.0.1")
        self.expect(self.box.run("log"), DONE, "ready")
        self.expect(self.box.run("version", config=False), DONE, "hagent ")

    def test_the_log_outlives_the_daemon(self):
        agent = self.box.daemon()
        running = self.document(self.expect(self.box.run("log", "--json"), DONE))["log"]
        agent.process.stop()
        self.expect(self.box.run("log"), DONE, "ready", "stopped")
        kept = self.document(self.expect(self.box.run("log", "--json"), DONE))["log"]
        self.assertGreaterEqual(set(kept[0]), {"time", "level", "area", "message"})
        self.assertEqual([running[0][key] for key in ("time", "level", "area")], [kept[0][key] for key in ("time", "level", "area")])

    def test_a_session_whose_journal_is_damaged_is_named_and_ended(self):
        for name in ("one", "two"):
            self.expect(self.box.run("script", "run", self.box.write(f"{name}.rsp", '[Version]\nNumber=1\n[Script]\nEX "/bin/true"\n')), DONE)
        whole = os.path.join(self.box.state, "sessions", "000001", "journal")
        with open(whole, "r+b") as journal:
            content = bytearray(journal.read())
            content[content.index(b'"reboots"')] ^= 0x20
            content = content[:content.index(b'"stage"')]  # the verdict and what follows are gone
            content += b'"stage'  # a torn end
            journal.seek(0)
            journal.truncate()
            journal.write(content)
        with open(whole + ".copy", "wb") as copy:
            copy.write(content)
        for name in ("journal", "journal.copy"):
            with open(os.path.join(self.box.state, "sessions", "000002", name), "wb") as journal:
                journal.write(b"these bytes are no journal")

        def check():
            for listed in (self.document(self.box.run("sessions", "--json"))["sessions"], self.document(self.box.run("status", "--json"))["recent"]):
                self.assertEqual(["000001", "000002"], sorted(session["id"] for session in listed))
                for session in listed:
                    self.assertEqual(["corrupt_journal"], [result["name"] for result in session["results"]])
                    self.assertGreater(session["started"], "2020")
            self.expect(self.box.run("sessions"), DONE, "000001", "000002", "corrupt_journal")
            self.expect(self.box.run("sessions", "000001"), DONE, "journal is damaged", "at byte")

        check()
        agent = self.box.daemon()
        kit.wait_until(lambda: len(self.document(self.box.run("status", "--json"))["recent"]) == 2, 20 * kit.FACTOR, "both are ended")
        check()
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(20))
        check()
        with open(whole + ".damaged", "rb") as kept:
            self.assertEqual(content, kept.read())

    def test_a_daemon_that_was_killed_is_not_taken_for_running(self):
        agent = self.box.daemon()
        agent.process.kill()
        status = self.document(self.expect(self.box.run("status", "--json"), DONE))
        self.assertEqual(0, status["agent"]["pid"])
        self.box.daemon()

    def test_a_result_for_a_full_disk_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run(self.box.command("explain", "550"), stdout=full, stderr=subprocess.PIPE, check=False, env=kit.environment())
        self.assertEqual(kit.FAILED, done.returncode, done.stderr)


class Explain(BoxTest):
    @staticmethod
    def seeds():
        with open(SEED_ROWS, encoding="utf-8") as file:
            return re.findall(r'^SEED_ROW\((\w+), "[^"]*", (\d+), "([^"]*)"\)', file.read(), re.MULTILINE)

    def explain(self, *codes, code=DONE):
        return self.document(self.expect(self.box.run("explain", "--json", *codes, config=False), code))

    def test_the_examples_get_plain_answers(self):
        done = self.expect(self.box.run("explain", "550", "10061", "WSAECONNREFUSED", "SW_DSA_OVER_LIMIT", "503", config=False), DONE,
                           "ftp 550", "winsock 10061 WSAECONNREFUSED", "xdsa 75 SW_DSA_OVER_LIMIT", "ftp 503", "http 503")
        self.assertGreaterEqual(done.stdout.count("what to do: "), 6)

    def test_an_ambiguous_number_lists_all_meanings(self):
        self.assertGreaterEqual({row["protocol"] for row in self.explain("503")}, {"ftp", "http"})

    def test_every_seed_row_is_found_by_number_and_by_name(self):
        seeds = self.seeds()
        self.assertGreater(len(seeds), 200)
        by_number = self.explain(*sorted({number for _, number, _ in seeds}))
        by_name = self.explain(*sorted({row["name"] for row in by_number} | {name for _, _, name in seeds if name}))
        for protocol, number, name in seeds:
            with self.subTest(protocol=protocol, number=number, name=name):
                meanings = [row for row in by_number if (row["protocol"], row["number"]) == (protocol, int(number))]
                row = next((row for row in meanings if row["name"] == name), meanings[0])  # the seed misprints one name
                self.assertIn(row, by_name)
                self.assertGreaterEqual(set(row), EXPLAINED)
                self.assertGreater(len(row["cause"]), 10)
                self.assertGreater(len(row["next"]), 4)
                self.assertIn(row["retry"], ("transient", "permanent"))

    def test_each_name_of_the_seeds_alone_finds_its_row(self):
        for protocol, number, name in self.seeds()[::20]:
            if name:
                self.assertIn((protocol, int(number)), [(row["protocol"], row["number"]) for row in self.explain(name)])

    def test_what_is_unknown_is_said(self):
        self.assertEqual([], self.explain("NOSUCHCODE", code=NOT_FOUND))
        self.assertEqual({"ftp"}, {row["protocol"] for row in self.explain("550", "NOSUCHCODE", code=NOT_FOUND)})
        for code in ("-1", "99999999999999999999", "", "%s%n", "a" * 5000, "5 5 0"):
            self.expect(self.box.run("explain", "--", code, config=False), NOT_FOUND)


def changed(**sections):
    """A configuration text that is good but for these sections."""
    base = {"manager": {"urls": ["https://manager.example/"]}, "state_dir": "/nonexistent/hagent"}
    for name, value in sections.items():
        base[name] = {**base.get(name, {}), **value} if isinstance(value, dict) and isinstance(base.get(name, {}), dict) else value
    return json.dumps(base)


# (what it is, the text, words that the complaint must hold)
GARBAGE = [
    ("nothing", "", ("not well-formed",)),
    ("blanks", " \n\t ", ("not well-formed",)),
    ("prose", "the manager is at https://manager.example/", ("line 1",)),
    ("cut in the middle", changed()[:-20], ("line 1",)),
    ("cut in a string", '{"device": {"id": "a', ("line 1",)),
    ("fault in line 3", '{\n "device": {},\n "manager": {,}\n}', ("line 3",)),
    ("binary", bytes(range(256)) * 8, ("line 1",)),
    ("NULs", b"\0" * 4096, ("line 1",)),
    ("bytes that are no UTF-8", b'{"device": {"id": "\xff\xfe"}}', ()),
    ("list", "[]", ("curly",)),
    ("number", "42", ("curly",)),
    ("null", "null", ("curly",)),
    ("two documents", changed() + changed(), ("line 1",)),
    ("deep nesting", "[" * 100000, ()),
    ("deep nesting of objects", '{"device":' * 20000, ()),
    ("too large", "/*" + "a" * (1 << 20) + "*/" + changed(), ("262144",)),
    ("a key twice", '{"device": {"id": "a", "id": "b"}, "manager": {"urls": ["https://m.example/"]}}', ("device.id",)),
    ("unknown section", changed(managr={"urls": []}), ("managr", "did you mean manager?")),
    ("unknown key", changed(manager={"ulrs": []}), ("manager.ulrs", "did you mean urls?")),
    ("unknown key without a guess", changed(transfer={"zzzzzz": 1}), ("transfer.zzzzzz", "unknown key")),
    ("key with an escape sequence", changed(device={"\u001b[2J": 1}), ("unknown key",)),
    ("text for a number", changed(transfer={"attempts": "8"}), ("transfer.attempts", "whole number")),
    ("fraction", changed(transfer={"attempts": 1.5}), ("transfer.attempts", "whole number")),
    ("negative", changed(transfer={"attempts": -1}), ("transfer.attempts", "must be from")),
    ("zero attempts", changed(transfer={"attempts": 0}), ("transfer.attempts", "must be from")),
    ("beyond 64 bits", changed(transfer={"attempts": 10 ** 30}), ("transfer.attempts",)),
    ("number for a text", changed(device={"id": 5}), ("device.id", "text")),
    ("number for a section", changed(transfer=5), ("transfer", "object")),
    ("text for a flag", changed(manager={"allow_clear_text": "yes"}), ("manager.allow_clear_text", "true or false")),
    ("text for a list", changed(manager={"urls": "https://m.example/"}), ("manager.urls", "list")),
    ("empty item", changed(manager={"urls": [""]}), ("manager.urls[0]",)),
    ("no manager", changed(manager={"urls": []}), ("manager.urls",)),
    ("unknown dialect", changed(manager={"dialect": "smtp"}), ("manager.dialect", "hawkbit, folder, hserver")),
    ("clear text elsewhere", changed(manager={"urls": ["http://manager.example/"]}), ("manager.urls[0]", "not encrypted")),
    ("address without a scheme", changed(manager={"urls": ["manager.example"]}), ("manager.urls[0]", "whole address")),
    ("one pin", changed(manager={"pins": ["sha256//" + "A" * 43 + "="]}), ("manager.pins", "second pin")),
    ("pin that is none", changed(manager={"pins": ["abc", "def"]}), ("manager.pins[0]",)),
    ("certificate without its key", changed(manager={"client_cert_file": "/a"}), ("manager.client_key_file",)),
    ("both tokens", changed(manager={"target_token_file": "/a", "gateway_token_file": "/b"}), ("manager.gateway_token_file",)),
    ("control character", changed(device={"id": "a\nb"}), ("device.id", "control")),
    ("very long text", changed(device={"id": "a" * 5000}), ("device.id", "longer than")),
    ("listener for everybody", changed(listen={"status": "0.0.0.0:80"}), ("listen.status", "tls_cert_file")),
    ("listener that is no address", changed(listen={"status": "everywhere"}), ("listen.status",)),
    ("port beyond the end", changed(listen={"status": "127.0.0.1:65536"}), ("listen.status",)),
    ("relative state directory", changed(state_dir="state"), ("state_dir", "absolute")),
    ("relative root", changed(script={"roots": ["etc"]}), ("script.roots[0]", "absolute")),
    ("zone of no place", changed(windows=["mon-fri 22:00-05:00 Moon/North"]), ("windows[0]", "'Moon/North'", "UTC")),
    ("zone outside of its folder", changed(windows=["mon-fri 22:00-05:00 ../../etc/passwd"]), ("windows[0]",)),
    ("window of no time", changed(windows=["mon-fri 25:00-26:00"]), ("windows[0]",)),
    ("backoff upside down", changed(transfer={"backoff_base_ms": 5000, "backoff_cap_ms": 1000}), ("transfer.backoff_cap_ms",)),
    ("unknown log level", changed(log={"level": "loud"}), ("log.level", "debug, info")),
]


class GarbageConfig(BoxTest):
    def test_each_is_refused_in_plain_words(self):
        self.assertGreaterEqual(len(GARBAGE), 25)
        for name, text, words in GARBAGE:
            with self.subTest(name):
                self.box.write("hagent.json", text)
                done = self.expect(self.box.run("run", "--check-config", "--json"), REFUSED, "configuration", *words)
                error = self.document(done)["error"]
                self.assertEqual("agent", error["protocol"])
                self.assertTrue(1100 <= error["number"] < 1200, error)
                self.assertLess(len(done.stderr), 5000)
                self.assertTrue(all(character.isprintable() or character == "\n" for character in done.stderr), repr(done.stderr))

    def test_every_fault_is_named_in_one_go(self):
        self.box.write("hagent.json", '{"managr": 1, "transfer": {"attempts": "x"}, "log": {"level": 3}, "manager": {"urls": []}}')
        self.expect(self.box.run("run", "--check-config"), REFUSED, "managr", "transfer.attempts", "log.level")

    def test_every_verb_that_reads_it_refuses(self):
        self.box.write("hagent.json", changed(manager={"ulrs": []}))
        for words in (["run"], ["check-in"], ["check-in", "--once"], ["status"], ["sessions"], ["log"], ["fetch", "http://127.0.0.1:1/a"],
                      ["script", "check", "a.rsp"], ["script", "run", "a.rsp"], ["verify", "."]):
            with self.subTest(words):
                self.expect(self.box.run(*words), REFUSED, "did you mean urls?")
        self.expect(self.box.run("explain", "550"), DONE)
        self.expect(self.box.run("version"), DONE)

    def test_comments_are_taken(self):
        with open(self.box.config, encoding="utf-8") as file:
            text = file.read()
        self.box.write("hagent.json", "// ours\n/* of 2026 */\n" + text)
        self.expect(self.box.run("run", "--check-config"), DONE)

    def test_a_window_in_a_zone_is_taken(self):
        self.box.configure(windows=["mon-fri 22:00-05:00 UTC"])
        self.expect(self.box.run("run", "--check-config"), DONE)

    def test_what_others_could_change_is_refused(self):
        secret = self.box.write("token", "abc\n")
        self.box.configure(manager={"target_token_file": secret})
        self.expect(self.box.run("run", "--check-config"), DONE)
        for path, mode, good in ((self.box.config, 0o666, 0o600), (self.box.config, 0o620, 0o600), (self.box.folder, 0o777, 0o700),
                                 (self.box.state, 0o777, 0o700), (self.box.keys, 0o777, 0o700), (self.box.hooks, 0o777, 0o700), (secret, 0o644, 0o600)):
            with self.subTest(path=os.path.basename(path), mode=oct(mode)):
                os.chmod(path, mode)
                done = self.expect(self.box.run("run", "--check-config"), REFUSED, path)
                self.assertRegex(done.stderr, r"chmod|mode|writ|read|change")
                self.expect(self.box.run("run"), REFUSED)
                os.chmod(path, good)
        os.unlink(secret)
        self.expect(self.box.run("run", "--check-config"), REFUSED, secret)

    def test_a_folder_in_its_place_is_refused(self):
        os.unlink(self.box.config)
        os.mkdir(self.box.config)
        self.expect(self.box.run("run"), REFUSED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
