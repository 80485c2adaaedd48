# SPDX-License-Identifier: Apache-2.0
"""`script check` and `script run` by hand: good scripts end to end, garbage with line, column and caret, kill -9 and going on."""

import contextlib
import functools
import hashlib
import http.server
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import unittest
import urllib.request

from kit import DONE, FACTOR, FAILED, NOT_FOUND, TRY_LATER, BoxTest, wait_until
from services import lives  # from tests/lab, which kit puts on the path

HEAD = "[Version]\nNumber=test\nOS=SLX\n[Script]\n"
LONG = "a" * 5000
# (what it is, the script, line and column of the complaint, words it must hold)
GARBAGE = [
    ("nothing", "", 1, 1, "[Script]"),
    ("only a comment", "; nothing\n", 2, 1, "[Script]"),
    ("no section", 'CO "SLX"\n', 1, 1, "section"),
    ("no script section", "[Version]\nNumber=1\n", 3, 1, "[Script]"),
    ("section without an end", "[Version\n", 1, 9, "']'"),
    ("something after a section", "[Version] x\n", 1, 11, "nothing after"),
    ("version line without =", "[Version]\nNumber\n[Script]\n", 2, 1, "Key=Value"),
    ("version line without a key", "[Version]\n=1\n[Script]\n", 2, 1, "key before"),
    ("NUL", HEAD + 'CO "S\0LX"\n', 5, 6, ""),
    ("NULs only", b"\0" * 4096, 1, None, ""),
    ("escape sequence", HEAD + 'CO "\x1b[2J"\n', 5, 5, ""),
    ("binary", bytes(range(1, 256)) * 16, 1, None, ""),
    ("an ELF program", b"\x7fELF\x02\x01\x01" + bytes(100), 1, 1, ""),
    ("a huge line", HEAD + f'CO "{LONG}"\n', 5, None, "4096 bytes"),
    ("too many commands", HEAD + 'CO "SLX"\n' * 1001, 1005, 1, "1000 commands"),
    ("quote without an end", HEAD + 'CO "SLX\n', 5, None, "quote"),
    ("argument without quotes", HEAD + "CO SLX\n", 5, 4, ""),
    ("no blank between arguments", HEAD + 'RF "/a""/b"\n', 5, None, ""),
    ("rubbish after the arguments", HEAD + 'CO "SLX" ~~\n', 5, 10, ""),
    ("unknown opcode", HEAD + 'XX "a"\n', 5, 1, "command that exists"),
    ("shell command", HEAD + "rm -rf /\n", 5, None, ""),
    ("opcode of signs", HEAD + '!! "a"\n', 5, 1, ""),
    ("too few arguments", HEAD + 'SF "a"\n', 5, None, "expected 2 arguments"),
    ("too many arguments", HEAD + 'DF "/a" "/b"\n', 5, None, "expected 1 argument"),
    ("dots at the start", HEAD + 'DF "../etc/passwd"\n', 5, 4, "absolute"),
    ("dots inside", HEAD + 'DF "{root}/../../etc/passwd"\n', 5, 4, '".."'),
    ("dots at the end", HEAD + 'DF "{root}/.."\n', 5, 4, '".."'),
    ("outside the roots", HEAD + 'DF "/etc/passwd"\n', 5, 4, "/etc/passwd"),
    ("a name that begins like a root", HEAD + 'DF "{root}x/a"\n', 5, 4, "roots"),
    ("through a link", HEAD + 'DF "{root}/out/passwd"\n', 5, 4, ""),
    ("a device node", HEAD + 'AL "{root}/null" "x"\n', 5, 4, ""),
    ("the agent's state", HEAD + 'DT "{state}"\n', 5, 4, "agent"),
    ("a file in the agent's state", HEAD + 'DF "{state}/lock"\n', 5, 4, "agent"),
    ("a folder above the agent's state", HEAD + 'DT "{folder}"\n', 5, 4, ""),
    ("the agent's configuration", HEAD + 'AL "{config}" "x"\n', 5, 4, "agent"),
    ("the agent's keys", HEAD + 'RF "{root}/a" "{keys}/evil.pem"\n', 5, None, "agent"),
    ("the agent's program", HEAD + 'DF "{program}"\n', 5, 4, "agent"),
    ("a root itself", HEAD + 'DT "{root}"\n', 5, 4, ""),
    ("a repository path with dots", HEAD + 'SF "<regroot>/../../etc/passwd" "{root}/x"\n', 5, 4, '".."'),
    ("a repository file that is not there", HEAD + 'SF "<regroot>/nosuch" "{root}/x"\n', 5, None, "nosuch"),
    ("an unknown variable", HEAD + 'DF "{root}/<nosuch>"\n', 5, 4, "<nosuch>"),
    ("a size that is none", HEAD + 'CF "{root}" "much"\n', 5, None, "much"),
    ("more space than there is", HEAD + 'CF "{root}" "900000G"\n', 5, None, ""),
    ("another operating system", HEAD + 'CO "WXP"\n', 5, None, "WXP"),
    ("a time that is none", HEAD + 'EX "/bin/true" "+" "soon"\n', 5, None, "soon"),
    ("a wait flag that is none", HEAD + 'EX "/bin/true" "maybe"\n', 5, None, "maybe"),
    ("an empty command line", HEAD + 'EX ""\n', 5, None, ""),
    ("an open quote in a command line", HEAD + "EX \"/bin/sh -c 'a\"\n", 5, None, ""),
]


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class ScriptTest(BoxTest):
    def setUp(self):
        super().setUp()
        # Two roots: what a script may touch as a rule, and the box itself, so that what protects the agent's files is not the jail's wall.
        os.mkdir(self.box.path("package"))
        os.symlink("/etc", os.path.join(self.box.root, "out"))

    def script(self, text, name="test.rsp"):
        if isinstance(text, str):
            for key in ("root", "state", "folder", "config", "keys", "program"):
                text = text.replace("{" + key + "}", getattr(self.box, key))
        return self.box.write(f"package/{name}", text)

    def device(self, path, text=None, mode=0o644):
        if text is not None:
            return self.box.write(f"root/{path}", text, mode)
        with open(os.path.join(self.box.root, path), encoding="utf-8") as file:
            return file.read()

    def tree(self):
        """{path: content} below the device's root."""
        found = {}
        for folder, _, names in os.walk(self.box.root):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(FileNotFoundError):  # an agent at work renames what it has written
                    if stat.S_ISREG(os.lstat(path).st_mode):
                        with open(path, "rb") as file:
                            found[os.path.relpath(path, self.box.root)] = file.read()
        return found


class WhatWasNamed(ScriptTest):
    """FILE is what runs, and below --root nothing happens to the machine."""

    def setUp(self):
        super().setUp()
        self.key = self.box.path("release.key")
        for words in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key],
                      ["pkey", "-in", self.key, "-pubout", "-out", os.path.join(self.box.keys, "release.pem")]):
            subprocess.run(["openssl", *words], check=True, capture_output=True)
        self.script('[Version]\nNumber=p\n[Script]\nAL "{root}/other" "x"\n', "entry.rsp")
        self.expect(self.box.run("sign", self.box.path("package"), "--key", self.key, "--kind", "script", "--entry", "entry.rsp", "--package", "p",
                                 "--version", "1", "--serial", "1"), DONE)
        handler = functools.partial(QuietFiles, directory=self.box.path("package"))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def test_another_script_of_the_source_is_refused_and_the_same_one_runs(self):
        mine = self.box.write("mine.rsp", f'[Version]\nNumber=p\n[Script]\nAL "{self.box.root}/mine" "x"\n')
        for verb in ("check", "run"):
            done = self.expect(self.box.run("script", verb, mine, "--source", self.url, "--json"), FAILED)
            self.assertIn("other_script", done.stdout)
            self.expect(self.box.run("script", verb, mine, "--source", self.url, "--allow-unsigned"), FAILED)
            self.expect(self.box.run("script", verb, self.box.path("nosuch.rsp"), "--source", self.url), NOT_FOUND, "nosuch.rsp")
        self.assertEqual({}, self.tree())
        self.expect(self.box.run("script", "run", self.box.path("package/entry.rsp"), "--source", self.url), DONE)
        self.assertEqual({"other": b"x\n"}, self.tree())

    def test_below_root_the_machine_and_its_user_are_left_alone(self):
        said = self.box.path("said")
        for hook in ("reboot", "lock", "unlock", "ask", "before-change", "after-change"):
            self.box.write(f"hooks/{hook}", f"#!/bin/sh\necho {hook} >> {said}\n", 0o700)
        self.box.configure(script={"roots": ["/"]})
        path = self.script('[Version]\nNumber=r\n[Script]\nLU "wait"\nQU "now?"\nAL "/made" "x"\nEL\nRB\nSP "60"\n', "r.rsp")
        plan = self.expect(self.box.run("script", "check", path, "--root", self.box.root), DONE).stdout
        self.assertEqual(5, plan.count("not done below --root"), plan)
        self.expect(self.box.run("script", "run", path, "--root", self.box.root), DONE)
        self.assertEqual("x\n", self.device("made"))
        self.assertFalse(os.path.exists(said))

    def test_a_hook_that_cannot_be_run_is_told_before_anything_is_done(self):
        self.box.write("hooks/ask", "#!/bin/sh\nexit 0\n", 0o600)
        path = self.script('[Version]\nNumber=q\n[Script]\nAL "{root}/made" "x"\nQU "now?" "1"\n', "q.rsp")
        self.expect(self.box.run("script", "run", path), FAILED, "hooks/ask cannot be run")
        self.assertEqual({}, self.tree())


class Programs(ScriptTest):
    """What programs of EX may take, leave behind and show."""

    def read(self, path, token=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.box.port}{path}", headers={"Authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, timeout=20 * FACTOR) as answer:
            return answer.read().decode()

    def test_what_they_print_is_for_operators(self):
        operators = f"operator otto {hashlib.sha256(b'token-otto').hexdigest()}\nviewer vera {hashlib.sha256(b'token-vera').hexdigest()}\n"
        self.box.configure(listen={"status": f"127.0.0.1:{self.box.port}", "operators_file": self.box.write("operators", operators)})
        path = self.script(HEAD + 'CO "SLX"\nEX "/bin/sh -c \'echo canary-output; exit 3\'"\n')
        self.assertIn("canary-output", self.document(self.expect(self.box.run("script", "run", path, "--json"), FAILED))["steps"][1]["output"])
        agent = self.box.daemon()
        wait_until(lambda: "000001" in self.read("/v1/sessions"), 20 * FACTOR, "the history")
        for place in ("/", "/v1/status", "/v1/status.txt", "/v1/sessions", "/v1/sessions/000001", "/v1/results", "/v1/log", "/v1/log.txt"):
            for token in (None, "token-vera"):
                self.assertNotIn("canary-output", self.read(place, token).replace("echo canary-output", ""), place)
        self.assertIn("canary-output\"", self.read("/v1/sessions/000001", "token-otto"))
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(20))

    def test_a_program_that_runs_away_ends_with_its_time(self):
        runner = self.box.write("runner", f"#!{sys.executable}\nimport os, time\nif os.fork():\n    time.sleep(60)\nwhile True:\n    os.setsid()\n"
                                          "    time.sleep(0.01)\n    if os.fork():\n        os._exit(0)\n", 0o700)
        path = self.script(HEAD + f'EX "{runner}" "+" "1"\n')
        self.expect(self.box.run("script", "run", path), FAILED)
        left = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
                left += [pid] if runner.encode() in file.read().split(b"\0") else []
        self.assertEqual([], left)

    def test_a_status_above_128_is_no_signal_and_a_signal_is_one(self):
        for line, words in (("exit 137", "ended with status 137"), ("exit 143", "ended with status 143"), ("kill -TERM $$", "was ended by signal 15")):
            path = self.script(HEAD + f'EX "/bin/sh -c \'{line}\'"\n')
            self.expect(self.box.run("script", "run", path), FAILED, words)

    def test_a_program_that_takes_all_memory_ends_before_the_machine_does(self):
        path = self.script(HEAD + 'EX "/bin/sh -c \'head -c 3000000000 /dev/zero | tail -c 3000000000 | wc -c\'" "+" "60"\n')
        done = self.box.run("script", "run", path, "--json")
        self.assertNotIn("3000000000\"", self.document(done)["steps"][0].get("output", "") + '"')


class Garbage(ScriptTest):
    def test_each_is_refused_with_line_column_and_caret(self):
        self.assertGreaterEqual(len(GARBAGE), 25)
        self.box.configure(script={"roots": [self.box.root, self.box.folder, self.box.program]})
        try:
            os.mknod(os.path.join(self.box.root, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        except PermissionError:
            os.symlink("/dev/null", os.path.join(self.box.root, "null"))
        self.device("a", "here\n")
        before = self.tree()
        for name, text, line, column, words in GARBAGE:
            with self.subTest(name):
                # what lies beside the root is outside it again where that is the point
                outside = name in ("a name that begins like a root", "outside the roots", "dots inside", "through a link")
                self.box.configure(script={"roots": [self.box.root] if outside else [self.box.root, self.box.folder, self.box.program]})
                path = self.script(text)
                done = self.expect(self.box.run("script", "check", path), FAILED, words)
                place = re.search(rf"(?m)^{re.escape(path)}:(\d+):(\d+): (.*)\n(.*)\n( *)\^$", done.stdout + done.stderr)
                self.assertTrue(place, done.stdout + done.stderr)
                self.assertEqual((line or int(place[1]), column or int(place[2])), (int(place[1]), int(place[2])), place[0])
                self.assertTrue(len(place[4]) < 120 and all(character.isprintable() for character in place[4]), repr(place[4]))
                self.assertLess(len(done.stdout + done.stderr), 40000)
                self.assertFalse(os.path.exists(os.path.join(self.box.state, "sessions", "000001")))
        self.assertEqual(before, self.tree())

    def test_a_configuration_that_the_environment_names_is_protected_too(self):
        self.box.configure(script={"roots": [self.box.root, self.box.folder]})
        path = self.script(HEAD + 'AL "{config}" "x"\n')
        self.expect(self.box.run("script", "check", path, config=False, HAGENT_CONFIG=self.box.config), FAILED, "agent")
        self.expect(self.box.run("script", "check", path, config=False, cwd=self.box.folder,
                                 HAGENT_CONFIG=os.path.relpath(self.box.config, self.box.folder)), FAILED, "agent")

    def test_running_garbage_changes_nothing(self):
        self.device("a", "here\n")
        before = self.tree()
        for text in (HEAD + 'DF "{root}/a"\nXX "a"\n', HEAD + 'DF "{root}/a"\nDF "/etc/passwd"\n', HEAD + 'DF "{root}/a"\nCO "SLX\n',
                     HEAD + 'DF "{root}/a"\nCO "WXP"\n', b"\xff\xfe\0", HEAD + 'DF "{root}/a"\nSF "<regroot>/nosuch" "{root}/b"\n'):
            with self.subTest(text):
                done = self.expect(self.box.run("script", "run", self.script(text), "--json"), FAILED)
                document = self.document(done)
                self.assertTrue(document.get("error") or any(result["status_name"] == "SW_ERROR" for result in document["results"]), document)
                self.assertEqual(before, self.tree())

    def test_json_of_a_refused_script_is_one_document(self):
        for text in (b"\0\xff", HEAD + 'XX "a"\n', HEAD + "CO SLX\n"):
            document = self.document(self.expect(self.box.run("script", "check", self.script(text), "--json"), FAILED))
            results = document.get("results") or [document["error"]]
            self.assertRegex(results[0]["text"], r":\d+:\d+: ")

    def test_what_is_not_there_is_not_found(self):
        for verb in ("check", "run"):
            self.expect(self.box.run("script", verb, self.box.path("nosuch.rsp")), NOT_FOUND, "nosuch.rsp")
            self.expect(self.box.run("script", verb, self.box.folder), FAILED, "is_a_directory")
        self.assertEqual([], self.document(self.box.run("sessions", "--json"))["sessions"])

    def test_a_huge_file_is_refused_by_its_size(self):
        self.expect(self.box.run("script", "check", self.script(HEAD + 'CO "SLX"\n' * 200000)), FAILED, "file_too_large", "1048576")

    def test_a_program_that_is_not_there_is_found_out_before_anything_is_run(self):
        script = self.script(HEAD + f'AL "{self.box.root}/made" "x"\nEX "/nosuch/program"\n')
        for verb in ("check", "run"):
            result, = self.document(self.expect(self.box.run("script", verb, script, "--json"), FAILED))["results"]
            self.assertEqual("command_not_found", result["name"])
            self.assertIn("/nosuch/program", result["text"])
        self.assertEqual({}, self.tree())

    def test_a_program_that_an_earlier_step_should_bring_and_does_not_fails_its_step(self):
        script = self.script(HEAD + 'EX "/bin/true"\nEX "/nosuch/program"\n')
        plan = self.document(self.expect(self.box.run("script", "check", script, "--json"), DONE))
        self.assertEqual([("command_not_found", "SW_WARNING")], [(result["name"], result["status_name"]) for result in plan["results"]])
        result, = self.document(self.expect(self.box.run("script", "run", script, "--json"), FAILED))["steps"][1]["results"]
        self.assertEqual("command_not_found", result["name"])


class Run(ScriptTest):
    DEMO = HEAD + ('CO "SLX"\nCF "/" "1M"\nSF "<regroot>/fw/blob" "/opt/fw/blob"\nXC "<regroot>/tree" "/srv/tree"\nAL "/etc/app.conf" "mode=new"\n'
                   'DL "/etc/app.conf" "mode=old"\nDF "/var/old"\nDF* "/var/never-there"\nRF "/var/log.1" "/var/log.2"\n'
                   'EX "/bin/cat opt/fw/small"\nDT "/var/cache"\n')

    def setUp(self):
        super().setUp()
        self.blob = os.urandom(300000)
        self.box.write("package/fw/blob", self.blob)
        for n in range(20):
            self.box.write(f"package/tree/{n}/file", f"file {n}\n")
        self.device("opt/fw/small", "said by the program\n")
        self.device("etc/app.conf", "a=1\nmode=old\nb=2\n")
        self.device("var/old", "old\n")
        self.device("var/log.1", "log\n")
        self.device("var/cache/deep/er", "x\n")
        self.box.configure(script={"roots": ["/"]})

    def test_a_whole_script_below_another_root(self):
        path = self.script(self.DEMO)
        before = self.tree()
        plan = self.document(self.expect(self.box.run("script", "check", path, "--root", self.box.root, "--json"), DONE))
        self.assertGreaterEqual(set(plan), {"version", "plan", "downloads", "disk", "reboots", "results"})
        self.assertEqual([step["op"] for step in plan["plan"]], ["CO", "CF", "SF", "XC", "AL", "DL", "DF", "DF", "RF", "EX", "DT"])
        for step in plan["plan"]:
            self.assertGreaterEqual(set(step), {"step", "line", "op", "optional", "arguments", "effect"})
        self.assertEqual(21, len(plan["downloads"]))
        self.assertEqual(300000, next(item["bytes"] for item in plan["downloads"] if item["file"] == "fw/blob"))
        self.assertTrue(all({"volume", "type", "state", "before_bytes", "after_bytes"} <= set(volume) for volume in plan["disk"]))
        self.assertEqual(before, self.tree())

        session = self.document(self.expect(self.box.run("script", "run", path, "--root", self.box.root, "--json"), DONE))
        self.assertGreaterEqual(set(session), {"id", "kind", "job", "task_type", "phase", "phase_name", "started", "ended", "steps", "progress", "results",
                                               "summary_status"})
        self.assertTrue(all({"n", "op", "line", "state", "results"} <= set(step) for step in session["steps"]))
        self.assertEqual({"done"}, {step["state"] for step in session["steps"]} - {"failed"} if session["steps"][7]["state"] == "failed" else
                         {step["state"] for step in session["steps"]})
        self.assertEqual("said by the program", session["steps"][9]["output"].strip())
        bytes_of_all = sum(item["bytes"] for item in plan["downloads"])
        self.assertEqual((bytes_of_all, bytes_of_all), (session["progress"]["bytes"], session["progress"]["total"]))
        after = self.tree()
        self.assertEqual(self.blob, after["opt/fw/blob"])
        self.assertEqual(b"a=1\nb=2\nmode=new\n", after["etc/app.conf"])
        self.assertEqual((20, b"log\n"), (sum(path.startswith("srv/tree/") for path in after), after["var/log.2"]))
        self.assertFalse({"var/old", "var/log.1", "var/cache/deep/er"} & set(after))

        again = self.document(self.expect(self.box.run("sessions", session["id"], "--json"), DONE))
        self.assertEqual((session["id"], session["summary_status"]), (again["id"], again["summary_status"]))
        self.assertEqual(len(session["steps"]), len(again["steps"]))
        self.assertEqual([session["id"]], [item["id"] for item in self.document(self.box.run("sessions", "--json"))["sessions"]])
        self.expect(self.box.run("sessions"), DONE, session["id"], "test.rsp")
        self.assertNotEqual(session["id"], self.document(self.box.run("script", "run", path, "--root", self.box.root, "--json"))["id"])

    def test_a_failing_step_stops_it_and_says_why(self):
        path = self.script(HEAD + 'AL "/etc/app.conf" "first"\nEX "/bin/sh -c \'echo the flash is worn >&2; exit 7\'"\nDF "/var/old"\n')
        done = self.expect(self.box.run("script", "run", path, "--root", self.box.root, "--json"), FAILED)
        session = self.document(done)
        self.assertEqual(["done", "failed"], [step["state"] for step in session["steps"]][:2])
        self.assertIn(session["steps"][2]["state"], ("pending", "skipped"))
        result = session["steps"][1]["results"][0]
        self.assertEqual(("command_failed", "SW_ERROR"), (result["name"], result["status_name"]))
        self.assertIn("status 7", result["text"])
        self.assertIn("the flash is worn", result["text"])
        self.assertGreater(len(result["next"]), 10)
        self.assertIn("first", self.device("etc/app.conf"))
        self.assertEqual("old\n", self.device("var/old"))

    def test_an_optional_step_that_fails_is_a_warning(self):
        path = self.script(HEAD + 'EX* "/bin/false"\nDF "/var/old"\n')
        session = self.document(self.expect(self.box.run("script", "run", path, "--root", self.box.root, "--json"), DONE))
        self.assertEqual({"SW_WARNING"}, {result["status_name"] for result in session["steps"][0]["results"]})
        self.assertEqual("done", session["steps"][1]["state"])
        self.assertNotIn("var/old", self.tree())

    def test_programs_get_a_clean_environment_and_no_shell(self):
        path = self.script(HEAD + 'EX "/usr/bin/env"\nEX "/bin/echo $HOME `id` > {root}/made ; true"\n')
        session = self.document(self.expect(self.box.run("script", "run", path, "--root", self.box.root, "--json", TMPDIR="/secret/canary"), DONE))
        self.assertNotIn("/secret/canary", session["steps"][0]["output"])
        self.assertIn("PATH=", session["steps"][0]["output"])
        self.assertIn("$HOME `id` >", session["steps"][1]["output"])
        self.assertNotIn("made", self.tree())

    def test_a_program_that_does_not_end_is_ended_with_its_children(self):
        path = self.script(HEAD + 'EX "/bin/sh -c \'echo $$ > pids; sleep 600 & echo $! >> pids; wait\'" "+" "1"\n')
        session = self.document(self.expect(self.box.run("script", "run", path, "--root", self.box.root, "--json"), FAILED))
        self.assertEqual("command_timeout", session["steps"][0]["results"][0]["name"])
        pids = self.device("pids").split()
        self.assertEqual(2, len(pids))
        wait_until(lambda: not any(lives(pid) for pid in pids), 10 * FACTOR, "the program and its child to end")


class Interrupted(ScriptTest):
    """One step waits until the test lets it go; the agent is killed or stopped there."""

    WAIT = '#!/bin/sh\necho start >> "$1/starts"\nn=0\nwhile [ ! -e "$1/go" ] && [ $n -lt 1200 ]; do n=$((n + 1)); sleep 0.1; done\n'

    def setUp(self):
        super().setUp()
        self.device("wait", self.WAIT, 0o755)
        self.device("conf", "a=1\n")
        self.box.write("package/blob", b"b" * 100000)
        self.addCleanup(lambda: os.path.isdir(self.box.root) and self.device("go", ""))

    def waiting(self, again):
        """Starts a script and returns its process once it waits in step 3."""
        path = self.script(HEAD + f'SF "<regroot>/blob" "{{root}}/blob"\nEX "/bin/sh -c \'echo once >> {{root}}/once\'"\nEX "{{root}}/wait {{root}}" "{again}"\n'
                                  'AL "{root}/conf" "line"\n')
        process = self.box.spawn("script", "run", path)
        process.wait(lambda: "starts" in self.tree(), 30 * FACTOR, "the step that waits")
        return path, process

    def finish(self, path, code=DONE):
        self.device("go", "")
        return self.document(self.expect(self.box.run("script", "run", path, "--json"), code))

    def assert_finished_once(self, session):
        self.assertEqual(["done"] * 4, [step["state"] for step in session["steps"]])
        self.assertEqual("once\n", self.device("once"))
        self.assertEqual("a=1\nline\n", self.device("conf"))
        self.assertEqual(1, len(self.document(self.box.run("sessions", "--json"))["sessions"]))

    def test_killed_and_given_again_it_goes_on(self):
        path, process = self.waiting("+r")
        process.kill()
        listed = self.document(self.box.run("sessions", "--json"))["sessions"]
        self.assertEqual([None], [item["ended"] for item in listed])
        session = self.finish(path)
        self.assertEqual((listed[0]["id"], 1), (session["id"], session["resumptions"]))
        self.assert_finished_once(session)
        self.assertEqual("start\nstart\n", self.device("starts"))

    def test_killed_three_times_it_still_goes_on(self):
        path, process = self.waiting("+r")
        process.kill()
        for n in (2, 3):
            process = self.box.spawn("script", "run", path)
            process.wait(lambda: self.device("starts").count("start") == n, 30 * FACTOR, "the step that waits")  # pylint: disable=cell-var-from-loop
            process.kill()
        session = self.finish(path)
        self.assertEqual(3, session["resumptions"])
        self.assert_finished_once(session)

    def test_a_step_that_must_not_be_repeated_is_reported(self):
        path, process = self.waiting("+")
        process.kill()
        session = self.finish(path, FAILED)
        self.assertEqual("step_interrupted", session["steps"][2]["results"][0]["name"])
        self.assertEqual(("start\n", "a=1\n"), (self.device("starts"), self.device("conf")))

    def test_an_interrupt_stops_cleanly_and_resumably(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                path, process = self.waiting("+r")
                process.popen.send_signal(number)
                self.assertEqual(TRY_LATER, process.popen.wait(20 * FACTOR), process.output())
                self.assertIn("same command again", process.output())
                self.assert_sane(process.output())
                os.unlink(os.path.join(self.box.root, "starts"))
                session = self.finish(path)
                self.assertEqual(["done"] * 4, [step["state"] for step in session["steps"]])
                for name in ("go", "once", "starts"):
                    os.unlink(os.path.join(self.box.root, name)) if os.path.exists(os.path.join(self.box.root, name)) else None

    def test_the_state_belongs_to_one_at_a_time(self):
        path, process = self.waiting("+r")
        for words in (["script", "run", path], ["run"], ["check-in", "--once"]):
            with self.subTest(words):
                self.expect(self.box.run(*words), TRY_LATER, "state directory")
        document = self.document(self.expect(self.box.run("script", "run", path, "--json"), TRY_LATER))
        self.assertEqual(("busy", "transient"), (document["error"]["name"], document["error"]["retry"]))
        self.expect(self.box.run("script", "check", path), DONE)
        self.expect(self.box.run("sessions"), DONE, "test.rsp")
        self.device("go", "")
        self.assertEqual(0, process.popen.wait(30 * FACTOR), process.output())

    def test_the_daemon_goes_on_with_what_a_command_left(self):
        _, process = self.waiting("+r")
        process.kill()
        self.device("go", "")
        agent = self.box.daemon()
        agent.process.wait(lambda: "line" in self.device("conf"), 30 * FACTOR, "the session to go on")
        agent.process.wait(lambda: self.document(self.box.run("sessions", "--json"))["sessions"][0]["ended"], 30 * FACTOR, "its end")
        self.assert_finished_once(self.document(self.box.run("sessions", "--json"))["sessions"][0])

    def test_a_cut_journal_goes_on_and_a_broken_one_hides_nothing_else(self):
        path, process = self.waiting("+r")
        process.kill()
        journal = os.path.join(self.box.state, "sessions", "000001", "journal")
        with open(journal, "r+b") as file:
            file.truncate(os.path.getsize(journal) - 3)
        session = self.finish(path)
        self.assertEqual(["done"] * 4, [step["state"] for step in session["steps"]])
        with open(journal, "r+b") as file:
            file.seek(40)
            file.write(b"\xff" * 20)
        self.assertIn(self.box.run("sessions", "000001").returncode, (DONE, FAILED))
        self.expect(self.box.run("status"), DONE)
        self.expect(self.box.run("sessions"), DONE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
