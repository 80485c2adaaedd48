# SPDX-License-Identifier: Apache-2.0
"""What a secure agent must not do: the thirteen lessons of the original, one test each, against the program as it is shipped.
tests/mutations breaks each rule on purpose and demands that its test here notices."""

import contextlib
import ctypes
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import threading
import unittest

from certificates import Authority, pin
from kit import DONE, FACTOR, FAILED, NOT_FOUND, REFUSED, BoxTest, wait_until
from one_job_manager import OneJobManager, Trap

from legacy_manager import QUOTE, LegacyManager

TOKEN, VIEWER = "canary-device-token-5b1e", "canary-viewer-token-77d0"
HEAD = "[Version]\nNumber=rule\nOS=SLX\n[Script]\n"
RENAMEAT2 = {"x86_64": 316, "i686": 353}.get(platform.machine(), 276)  # the number of the system call
OLD_PACKETS = ("&V52&CI=3|MAC=0080646A1B2C|RB=0|MT=3|HS={host}|PO={port}|SPO=0|", "&V54&CI=3|MAC=0080646A1B2C|IP=127.0.0.1MT=3|HS={host}|PO={port}|")


@contextlib.contextmanager
def swapped(folder, link):
    """Meanwhile the two change places all the time."""
    call = ctypes.CDLL(None, use_errno=True).syscall
    arguments = (RENAMEAT2, -100, folder.encode(), -100, link.encode(), 2)
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            call(*arguments)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


class ThirteenRules(BoxTest):
    def setUp(self):
        super().setUp()
        self.key, self.agent = self.new_key("release", trusted=True), None
        self.manager = self.new_manager()
        self.token = self.box.write("token", TOKEN)
        self.box.write("hooks/reboot", f"#!/bin/sh\necho down > {self.box.path('rebooted')}\n", 0o700)
        self.configure()

    def tearDown(self):
        if self.agent:
            self.assertTrue(self.agent.alive(), self.agent.output())
            self.agent.signal(signal.SIGTERM)
            self.assertEqual(0, self.agent.wait(10), self.agent.output())

    def new_key(self, name, trusted=False):
        private, public = self.box.path(f"{name}.key"), self.box.path(f"{name}.pem")
        for arguments in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", private],
                          ["pkey", "-in", private, "-pubout", "-out", public]):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        if trusted:
            shutil.copyfile(public, os.path.join(self.box.keys, f"{name}.pem"))
        return private

    def new_manager(self, **more):
        manager = OneJobManager(**more)
        self.addCleanup(manager.close)
        return manager

    def trap(self):
        trap = Trap()
        self.addCleanup(trap.close)
        return trap

    def configure(self, manager=None, **settings):
        viewer = f"viewer vera {hashlib.sha256(VIEWER.encode()).hexdigest()}\n"
        self.box.configure(manager={"urls": [(manager or self.manager).url], "target_token_file": self.token, **settings},
                           listen={"operators_file": self.box.write("operators", viewer)}, transfer={"attempts": 1}, log={"level": "debug"})

    def package(self, steps, serial=1, key=None, files=(), more=()):
        """A signed package whose script is these lines; {root} is the folder that scripts may work in."""
        folder = self.box.path("package")
        shutil.rmtree(folder, ignore_errors=True)
        self.box.write("package/p.rsp", HEAD + "\n".join(steps).replace("{root}", self.box.root) + "\n")
        for name, content in files:
            self.box.write(f"package/{name}", content)
        self.expect(self.box.run("sign", folder, "--key", key or self.key, "--kind", "script", "--entry", "p.rsp", "--package", "p", "--version", "1",
                                 "--serial", str(serial), *more), DONE)
        return folder

    def work_off(self, folder, code=DONE, manager=None):
        """One check-in that is offered this package; what the manager was told about it."""
        manager = manager or self.manager
        action = manager.offer(folder)
        done = self.box.run("check-in", "--once")
        self.assertEqual(code, done.returncode, done.stderr)
        success, said = manager.result(action)
        self.assertEqual({DONE: "success", FAILED: "failure"}.get(code), success, said)
        return said

    def script(self, *lines, code=DONE):
        """Runs these steps from the command line."""
        text = HEAD + "\n".join(lines).replace("{root}", self.box.root).replace("{box}", self.box.folder) + "\n"
        return self.expect(self.box.run("script", "run", self.box.write("local.rsp", text)), code)

    def made(self, name):
        return os.path.exists(os.path.join(self.box.root, name))

    def start(self):
        self.agent = self.box.daemon()
        self.agent.process.wait(lambda: self.manager.asked("/controller/"), 20 * FACTOR, "the first check-in")

    def send(self, text):
        """What the listener answers to these bytes."""
        with socket.create_connection(("127.0.0.1", self.box.port), 10 * FACTOR) as connection:
            connection.sendall(text.encode())
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65536):
                received += piece
        return received.decode("latin-1")

    def post(self, path, body="", *headers):
        return self.send("\r\n".join([f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", f"Content-Length: {len(body)}", *headers, "", body]))

    # the rules -----------------------------------------------------------------------------------------------------------
    def test_01_no_packet_says_where_the_manager_is(self):
        self.start()
        trap = self.trap()
        there = f"http://127.0.0.1:{trap.port}/"
        for packet in OLD_PACKETS:
            self.send(packet.format(host="127.0.0.1", port=trap.port) + "\r\n\r\n")
        for body in (there, f"HS=127.0.0.1&PO={trap.port}", json.dumps({"manager": {"urls": [there]}, "url": there})):
            before = len(self.manager.asked("/controller/"))
            wait_until(lambda: " 202 " in self.post(f"/v1/check-in?HS=127.0.0.1&PO={trap.port}&url={there}", body,  # noqa: B023
                                                    f"X-Forwarded-Host: 127.0.0.1:{trap.port}", f"Referer: {there}"), 20 * FACTOR, "it is taken")
            wait_until(lambda: len(self.manager.asked("/controller/")) > before, 20 * FACTOR, "a check-in with its own manager")  # noqa: B023
        self.assertEqual((0, b""), (trap.visits, trap.said))

    def test_02_nothing_stops_the_machine_or_changes_a_job_without_a_proof_of_who_asks(self):
        action = self.manager.offer(self.package(['AL "{root}/done" "x"']), window="unavailable")
        self.start()
        self.agent.process.wait(lambda: "downloaded" in self.manager.result(action)[1], 20 * FACTOR, "the job waits for its window")
        for packet in OLD_PACKETS:
            self.assertRegex(self.send(packet.format(host="127.0.0.1", port=1) + "\r\n\r\n"), r"^HTTP/1\.1 400 ")
        for path in ("/v1/sessions/000001/cancel", "/v1/image/confirm", "/v1/reboot", "/v1/config", "/xdsa/v1/execute"):
            for more in ((), ("Authorization: Bearer wrong",), (f"Authorization: Bearer {VIEWER}",)):
                self.assertRegex(self.post(path, "{}", *more), r"^HTTP/1\.1 40[1345] ", path)
        self.assertIsNone(self.document(self.box.run("sessions", "000001", "--json"))["ended"])
        self.assertFalse(os.path.exists(self.box.path("rebooted")))

    def test_03_it_listens_to_this_device_only_and_a_packet_is_a_wish_for_an_early_check_in_without_an_echo(self):
        self.start()
        opened = self.agent.open_things()
        rows = [line.split() for name in ("tcp", "tcp6", "udp", "udp6") for line in self.agent.proc(f"net/{name}").splitlines()[1:]]
        listening = [row[1] for row in rows if f"socket:[{row[9]}]" in opened and row[3] in ("0A", "07")]
        with open(os.path.join(self.box.state, "daemon"), encoding="utf-8") as file:
            door = int(json.load(file)["door"].rpartition(":")[2])
        self.assertEqual({f"0100007F:{port:04X}" for port in (self.box.port, door)}, set(listening))
        wait_until(lambda: " 202 " in self.post("/v1/check-in"), 20 * FACTOR, "a wish is heard")
        self.assertIn(" 429 ", self.post("/v1/check-in"))
        for text in ("&V54&CI=3|ECHO-ME|\r\n\r\n", "ECHO-ME\r\n\r\n", "GET /ECHO-ME HTTP/1.1\r\nHost: ECHO-ME\r\n\r\n", "G\x01ECHO-ME\r\n\r\n",
                     "GET /ECHO-ME?ECHO-ME HTTP/1.1\r\nHost: 127.0.0.1\r\nECHO-ME: ECHO-ME\r\n\r\n", "ECHO-ME / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):
            self.assertNotIn("ECHO-ME", self.send(text))
        with socket.socket() as taken:  # or somebody else has it already
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if taken.connect_ex(("127.0.0.1", 8420)) != 0:
                taken.close()
                taken = socket.create_server(("127.0.0.1", 8420))
            settings = {**self.box.settings(), "state_dir": self.box.path("other-state")}
            del settings["listen"]
            self.box.write("hagent.json", json.dumps(settings))
            agent = self.box.spawn("run")
            agent.wait(lambda: "127.0.0.1 port 8420" in agent.output(), 20 * FACTOR, "this default is taken")
            taken.close()

    def test_04_clear_text_is_spelled_out_and_https_never_falls_back_to_it(self):
        for dialect, url in (("hawkbit", "http://192.0.2.1/"), ("folder", "http://192.0.2.1/"), ("folder", "ftp://192.0.2.1/")):
            for allowed, code in ((False, REFUSED), (True, DONE)):
                self.box.configure(manager={"dialect": dialect, "urls": [url], "allow_clear_text": allowed})
                self.expect(self.box.run("run", "--check-config"), code, *(() if allowed else ("allow_clear_text",)))
        authority, trap = self.authority(), self.trap()
        down = self.new_manager(certificate=authority.issue("down"))
        down.answer = lambda *_: (200, b"")
        self.redirecting(down, f"http://127.0.0.1:{trap.port}/f", f"ftp://127.0.0.1:{trap.port}/f")
        for path in ("0", "1"):
            self.box.configure(manager={"urls": [down.url], "ca_file": authority.pem}, transfer={"attempts": 2})
            done = self.expect(self.box.run("fetch", f"{down.url}{path}", "--json"), FAILED)
            self.assertEqual("redirect_downgrade", self.document(done)["error"]["name"])
        self.box.configure(manager={"urls": [f"https://127.0.0.1:{trap.port}/"]}, transfer={"attempts": 2, "connect_timeout_s": 2})
        self.assertNotEqual(DONE, self.box.run("fetch", f"https://127.0.0.1:{trap.port}/f").returncode)
        self.assertTrue(trap.said.startswith(b"\x16\x03"), trap.said[:20])  # a TLS hello, and nothing else ever
        self.assertNotIn(b"GET ", trap.said)

    def redirecting(self, manager, *places):
        """Makes it answer /N with a redirect to places[N]."""
        def do_get(handler):
            handler.send_response(302)
            handler.send_header("Location", places[int(handler.path[1:])])
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        manager.server.RequestHandlerClass.do_GET = do_get

    def authority(self, name="ours"):
        folder = self.box.path(f"ca-{name}")
        os.mkdir(folder, 0o700)
        return Authority(folder, name)

    def test_05_the_manager_is_known_by_its_authority_or_its_pinned_key(self):
        ours, theirs = self.authority(), self.authority("theirs")
        impostor = self.new_manager(certificate=theirs.issue("server"))
        pins = [pin(pem) for pem in (ours.pem, ours.issue("spare")[0])]
        for proof in ({"ca_file": ours.pem}, {"pins": pins}, {}):
            self.configure(impostor, **proof)
            self.assertNotEqual(DONE, self.box.run("check-in", "--once").returncode)
            self.assertEqual([], impostor.requests)
        self.configure(impostor, pins=[pins[0], pin(theirs.at("server.pem"))])
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertEqual(f"TargetToken {TOKEN}", impostor.requests[0][2]["Authorization"])

    def test_06_what_is_not_signed_for_this_device_in_every_byte_is_refused_before_the_first_step(self):
        steps, files = ['AL "{root}/first" "x"', 'SF "<regroot>/big" "{root}/big"'], [("big", b"b" * 5000)]

        def refused(name, folder):
            self.assertIn(name, self.work_off(folder, FAILED))
            self.assertFalse(self.made("first"), name)

        refused("unknown_key", self.package(steps, files=files, key=self.new_key("stranger")))
        for name, at in (("manifest.json", 40), ("big", 4999), ("p.rsp", 60)):
            folder = self.package(steps, files=files)
            with open(os.path.join(folder, name), "r+b") as file:
                file.seek(at)
                byte = file.read(1)[0]
                file.seek(at)
                file.write(bytes([byte ^ 1]))
            refused("signature_invalid" if name == "manifest.json" else "digest_mismatch", folder)
        for more, name in ((("--os", "WES"), "wrong_os"), (("--device", "tc-8"), "wrong_device"), (("--expires", "2026-01-01T00:00:00Z"), "package_expired")):
            refused(name, self.package(steps, files=files, more=more))
        self.work_off(self.package(steps, files=files))
        self.assertTrue(self.made("first") and self.made("big"))
        self.what_is_kept_is_checked_again(steps, files)
        self.what_runs_is_what_was_ordered(steps, files)

    def what_is_kept_is_checked_again(self, steps, files):
        """Everything is here and waits for permission; meanwhile the script and a file are changed."""
        shutil.rmtree(self.box.root)
        os.mkdir(self.box.root, 0o700)
        action = self.manager.offer(self.package(steps, files=files, serial=2), window="unavailable")
        self.expect(self.box.run("check-in", "--once"), DONE)
        for folder, _, names in os.walk(self.box.state):
            for path in (os.path.join(folder, name) for name in names):
                if path.endswith("/entry"):
                    with open(path, "a", encoding="utf-8") as file:
                        file.write(f'AL "{self.box.root}/evil" "x"\n')
                elif path.endswith("/part") and os.path.getsize(path) == len(files[0][1]):
                    with open(path, "r+b") as file:
                        file.write(b"x")
        self.manager.window = None
        self.expect(self.box.run("check-in", "--once"), DONE)
        self.assertEqual("success", self.manager.result(action)[0])
        self.assertFalse(self.made("evil"))
        with open(os.path.join(self.box.root, "big"), "rb") as file:
            self.assertEqual(files[0][1], file.read())

    def what_runs_is_what_was_ordered(self, steps, files):
        """A job list binds each job to one package, and is signed by a key that may sign job lists."""
        shutil.rmtree(self.box.root)
        os.mkdir(self.box.root, 0o700)
        self.box.configure(manager={"dialect": "folder", "urls": ["file://" + self.box.folder], "interval_s": 3600, "spread_s": 0})
        self.package(steps, files=files, serial=3)
        jobs = self.box.write("jobs.json", '{"format":1,"serial":1,"all":{"jobs":[{"id":"j1","package":"package/"}]}}')
        self.expect(self.box.run("sign", jobs, "--key", self.key), DONE)
        self.package(['AL "{root}/evil" "x"'], serial=4)
        self.box.run("check-in", "--once")
        self.assertFalse(os.listdir(self.box.root))
        self.package(steps, files=files, serial=5)
        self.expect(self.box.run("sign", jobs, "--key", self.key), DONE)
        roles = self.box.write("keys/release.roles", "script")
        self.expect(self.box.run("check-in", "--once"), REFUSED, "role_not_allowed")
        self.assertFalse(os.listdir(self.box.root))
        os.remove(roles)

    def test_07_a_program_gets_an_argument_vector_a_clean_environment_a_limit_and_no_descriptor_of_ours(self):
        probe = self.box.write("probe", "#!/bin/sh\nprintf '%s\\n' \"$@\" > {0}/argv\n/usr/bin/env > {0}/environment\n"
                                        "/bin/ls -l /proc/$$/fd /proc/$PPID/fd > {0}/descriptors\n".format(self.box.root), 0o700)
        hostile = f"$(touch {self.box.root}/shell); touch {self.box.root}/shell & | `touch {self.box.root}/shell` *"
        text = HEAD + f'EX "{probe} {hostile}" "+"\n'
        done = self.box.run("script", "run", self.box.write("local.rsp", text), CANARY="canary-environment", LD_PRELOAD="")
        self.expect(done, DONE)

        def lines(name):
            with open(os.path.join(self.box.root, name), encoding="utf-8") as file:
                return file.read().splitlines()

        self.assertEqual(hostile.split(), lines("argv"))
        self.assertFalse(self.made("shell"))
        self.assertLessEqual({line.partition("=")[0] for line in lines("environment") if not line.startswith("HAGENT_")}, {"PATH", "LANG", "PWD", "SHLVL", "_"})
        targets = [line.partition(" -> ")[2] for line in lines("descriptors") if " -> " in line]
        self.assertGreaterEqual(len(targets), 6)  # of the program and of the process that looks after it: no state, log, socket or loop
        self.assertEqual([], [target for target in targets if not target.startswith(("pipe:", "/dev/null", probe, self.box.root))])
        began = os.times().elapsed
        self.script('EX "/bin/sleep 60" "+" "1"', code=FAILED)
        self.assertLess(os.times().elapsed - began, 30 * FACTOR)
        self.script('EX "/bin/echo canary-output" "+"')
        self.start()
        shown = [self.send(f"GET /v1/sessions/{number:06} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n") for number in range(1, 4)]
        self.assertIn("/bin/echo", "".join(shown))
        self.assertNotIn('"output"', "".join(shown))  # of root's programs: for operators

    def test_08_no_path_leads_out_of_the_folders_for_scripts_or_to_the_agents_own_files(self):
        outside = self.box.write("outside/victim", "whole")
        os.symlink(self.box.path("outside"), os.path.join(self.box.root, "link"))
        os.symlink(outside, os.path.join(self.box.root, "file-link"))
        os.symlink("/dev/null", os.path.join(self.box.root, "null"))
        for step in ('DF "{root}/../outside/victim"', 'AL "{root}/link/victim" "x"', 'DF "{root}/link/victim"', 'AL "{root}/file-link" "x"',
                     'DT "{root}/link/."', 'AL "{root}/null" "x"', 'AL "{box}/outside/victim" "x"'):
            self.assertRegex(self.script(step, code=FAILED).stdout, r"path_refused|not_a_directory", step)
        own = {self.box.config: "AL", self.box.keys + "/release.pem": "DF", self.box.state + "/serials": "AL", self.box.hooks + "/reboot": "DF",
               self.box.program: "DF"}
        self.box.configure(script={"roots": [self.box.folder, os.path.dirname(self.box.program)]})
        for path, step in own.items():
            before = os.path.exists(path)
            self.assertIn("path_protected", self.script(f'{step} "{path}"' + (' "x"' if step == "AL" else ""), code=FAILED).stdout, path)
            self.assertEqual(before, os.path.exists(path))
        self.box.configure()
        os.mkdir(os.path.join(self.box.root, "d"))
        waits = self.box.write("waits", "#!/bin/sh\n: > {0}/begun\nwhile [ ! -e {0}/go ]; do sleep 0.02; done\n".format(self.box.folder), 0o700)
        steps = [f'EX "{waits}" "+"', *(['AL* "{root}/d/victim" "x"', 'DF* "{root}/d/victim"'] * 200)]  # analysis is over when the first begins
        text = self.box.write("local.rsp", HEAD + "\n".join(steps).replace("{root}", self.box.root) + "\n")
        process = self.box.spawn("script", "run", text)
        process.wait(lambda: os.path.exists(self.box.path("begun")), 30 * FACTOR, "the first step")
        with swapped(os.path.join(self.box.root, "d"), os.path.join(self.box.root, "link")):
            self.box.write("go", "")
            self.assertEqual(DONE, process.popen.wait(120 * FACTOR), process.output()[-2000:])
        self.assertIn("path_refused", process.output())
        with open(outside, encoding="ascii") as file:
            self.assertEqual("whole", file.read())
        self.assertEqual(["victim"], os.listdir(self.box.path("outside")))

    def test_09_what_comes_from_outside_is_bounded_before_it_is_kept_and_control_bytes_are_refused(self):
        for line in ('CO "SL\x1bX"', 'CO "SL\x0fX"', 'CO "' + "X" * 5000 + '"', "\n".join(['CO "SLX"'] * 1001)):
            self.assertIn("script_syntax", self.script(line, code=FAILED).stdout, line[:30])
        self.start()
        before = self.agent.memory_kib()
        self.assertIn(" 414 ", self.send("GET /" + "a" * 4000 + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
        self.assertIn(" 431 ", self.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "A: b\r\n" * 100 + "\r\n"))
        self.assertIn(" 413 ", self.post("/v1/check-in", "x" * (300 << 10)))
        self.assertIn(" 400 ", self.send("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: \x0f\r\n\r\n"))
        self.assertLess(self.agent.memory_kib() - before, 4096 * FACTOR)
        legacy, self.box.state = LegacyManager(), self.box.path("legacy")
        self.addCleanup(legacy.stop)
        self.box.configure(manager={"dialect": "hserver", "urls": [legacy.url], "trust": "network"}, state_dir=self.box.state)
        for guard in ("CO XP", '\r\nCO "XP"|10'):  # what is not understood may have been a guard
            legacy.queue([], raw=f'{guard}|EX "/bin/touch {self.box.root}/ran"|11|'.replace('"', QUOTE.decode()).encode())
            self.expect(self.box.run("check-in", "--once"), DONE)
            self.assertFalse(self.made("ran"), guard)
        folder = self.package(['AL "{root}/done" "x"'])
        self.box.write("package/manifest.json", b" " * (2 << 20))
        self.assertIn("file_too_large", self.expect(self.box.run("verify", folder, "--keys", self.box.keys, "--json"), REFUSED).stdout)

    def test_10_credentials_that_a_reply_brings_are_neither_written_nor_said(self):
        password, ticket = "canary-reply-password-3e9a", "canary-reply-ticket-b41c"
        manager = self.new_manager(login=f"user:{password}", query=f"?ticket={ticket}")
        self.configure(manager)
        said = [self.work_off(self.package(['AL "{root}/done" "x"']), manager=manager)]
        self.assertTrue(self.made("done"))
        self.assertTrue(manager.asked(ticket), "the ticket has to be used")
        answered = manager.answer
        action = manager.offer(self.package(['AL "{root}/done" "y"'], serial=2))
        manager.answer = lambda method, path, *more: (403, b"no " + path.encode()) if "/files/" in path else answered(method, path, *more)
        self.assertNotEqual(DONE, self.box.run("check-in", "--once").returncode)
        self.assertEqual("failure", manager.result(action)[0])
        said += [manager.result(action)[1]]
        for words in (["status", "--json"], ["sessions", "--json"], ["sessions", "000001", "--json"], ["sessions", "000002", "--json"], ["log"]):
            done = self.box.run(*words)
            said.append(done.stdout + done.stderr)
        places = list(enumerate(text.encode() for text in said))
        for folder, _, names in os.walk(self.box.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    places.append((os.path.join(folder, name), file.read()))
        for place, content in places:
            self.assertNotIn(password.encode(), content, place)
            if not str(place).endswith(("/journal", "/journal.copy")):  # it holds the job's addresses: an interrupted session goes on without its manager
                self.assertNotIn(ticket.encode(), content, place)

    def test_11_it_does_not_start_when_others_could_change_what_it_relies_on(self):
        copy = self.box.path("bin", "hagent")
        os.mkdir(self.box.path("bin"), 0o755)
        shutil.copyfile(self.box.program, copy)
        os.chmod(copy, 0o755)
        self.box.program = copy
        self.expect(self.box.run("run", "--check-config"), DONE)
        for path, bad, good in ((copy, 0o757, 0o755), (copy, 0o775, 0o755), (self.box.path("bin"), 0o777, 0o755), (self.box.config, 0o602, 0o600),
                                (self.box.folder, 0o777, 0o700), (self.box.keys, 0o777, 0o700), (os.path.join(self.box.keys, "release.pem"), 0o666, 0o644),
                                (self.box.state, 0o777, 0o700), (self.box.hooks, 0o777, 0o700), (os.path.join(self.box.hooks, "reboot"), 0o722, 0o700),
                                (self.token, 0o644, 0o600), (self.box.path("operators"), 0o604, 0o600)):
            os.chmod(path, bad)
            for verb in (["run", "--check-config"], ["run"], ["check-in", "--once"]):
                said = self.expect(self.box.run(*verb, timeout=20), REFUSED).stderr
                self.assertRegex(said, rf"{re.escape(path)}.*(?:chmod|chown)", f"{verb} {path}")
            os.chmod(path, good)
        self.assertEqual([], self.manager.requests)
        self.expect(self.box.run("check-in", "--once"), DONE)

    def test_12_an_older_list_of_commands_is_not_done_again(self):
        older = self.package(['AL "{root}/older" "x"'], serial=4)
        kept = shutil.copytree(older, self.box.path("kept"))
        self.work_off(self.package(['AL "{root}/newer" "x"'], serial=5))
        self.assertIn("package_replayed", self.work_off(kept, FAILED))
        self.assertEqual((True, False), (self.made("newer"), self.made("older")))

    def test_13_a_name_that_leads_elsewhere_does_not_replace_a_pinned_manager(self):
        """Who answers for DNS or DHCP can lead the manager's name to a machine of his; the same authority may even know that one."""
        authority = self.authority()
        real, impostor = authority.issue("real"), self.new_manager(certificate=authority.issue("impostor"))
        pins = [pin(real[0]), pin(authority.issue("spare")[0])]
        for proof in ({"pins": pins}, {"pins": pins, "ca_file": authority.pem}):
            self.configure(impostor, urls=[f"https://localhost:{impostor.port}/"], **proof)
            done = self.box.run("check-in", "--once")
            self.assertNotIn(done.returncode, (DONE, NOT_FOUND), done.stderr)
            self.assertIn("pin", done.stderr)
            self.assertEqual([], impostor.requests)


if __name__ == "__main__":
    unittest.main(verbosity=2)
