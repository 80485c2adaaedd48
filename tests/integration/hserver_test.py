# SPDX-License-Identifier: Apache-2.0
"""The legacy dialect over a lab manager that speaks it and a real vsftpd: a whole update, step by step, and what is not done."""

import http.server
import json
import os
import socket
import threading
import unittest

from ftp_daemons import PASSWORD, USER, Missing, Vsftpd, make_certificate
from kit import DONE, FACTOR, FAILED, REFUSED, TRY_LATER, BoxTest, OwnServers, own_port, wait_until

from legacy_manager import QUOTE, LegacyManager

MAC = r"^[0-9A-F]{12}$"


class Hserver(OwnServers, BoxTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        try:
            cls.ftp = Vsftpd(cls.services, os.path.join(cls.folder, "vsftpd"), "clear", make_certificate(cls.folder))
        except Missing as reason:
            raise unittest.SkipTest(str(reason)) from reason
        cls.kernel = os.urandom(3_000_000)
        os.mkdir(os.path.join(cls.ftp.home, "demo"))
        cls.ftp.serve("demo/kernel", cls.kernel)
        cls.ftp.serve("demo/small file", b"small")
        cls.ftp.start()

    def setUp(self):
        super().setUp()
        self.manager = LegacyManager()
        self.addCleanup(self.manager.stop)
        self.server = ("127.0.0.1", self.ftp.port, USER, PASSWORD, False)
        self.configure()

    def configure(self, **more):
        self.box.configure(manager={"dialect": "hserver", "urls": [self.manager.url], "trust": "network", "interval_s": 3600, "spread_s": 0, **more})

    def check_in(self, code=DONE, *words):
        done = self.expect(self.box.run("check-in", "--once"), code, *words)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)
        return done

    def made(self, name):
        try:
            with open(os.path.join(self.box.root, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def assert_no_secret_on_disk(self):
        for folder, _, names in os.walk(self.box.folder):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(PASSWORD.encode(), file.read(), os.path.join(folder, name))

    def lines(self):
        root = self.box.root
        return ['CO "SLX"', f'SF "demo/kernel" "{root}//boot//kernel"', f'SF "demo/small file" "{root}/etc/small"', f'EX "/bin/touch {root}/touched" "+"',
                'SV* "HKEY_LOCAL_MACHINE\\Software\\Vendor\\Count" "10" "REG_DWORD"', f'DF* "{root}/never-there"']

    def test_a_whole_update_runs_and_every_step_is_reported(self):
        number = self.manager.queue(self.lines(), self.server)
        self.check_in()
        self.assertEqual((self.kernel, b"small", b""), (self.made("boot/kernel"), self.made("etc/small"), self.made("touched")))
        self.assertEqual("V01", self.manager.verbs()[0])
        self.assertIn(self.manager.verbs()[-1], ("V01", "V55"))  # after the last report it asks for more
        inventory = dict(self.manager.requests[0][2])
        self.assertRegex(inventory["MAC"], MAC)
        self.assertEqual("SLX", inventory["OS"])
        states = [state for state, _ in self.manager.reports(number)]
        self.assertEqual("done", states[-1])
        self.assertEqual(1, states.count("done"))
        said = "\n".join(message for _, messages in self.manager.reports(number) for message in messages)
        for step, op in enumerate(("CO", "SF", "SF", "EX", "SV", "DF"), 1):
            self.assertIn(f"step {step} of 6, {op}: ", said)
        session = json.loads(self.box.run("sessions", "--json").stdout)["sessions"][0]
        self.assertEqual([10, 11, 12, 13, 14, 15], [step["line"] for step in session["steps"]])
        self.assert_no_secret_on_disk()
        reports = len(self.manager.reports(number))
        self.check_in()
        self.assertEqual(reports, len(self.manager.reports(number)))

    def lease(self, port):
        return self.box.write("leases", "lease {\n  option unknown-186 7f:0:0:1;\n  option unknown-192 %x:%x;\n}\n" % divmod(port, 256))

    def test_a_manager_that_dhcp_suggests_is_met_once_and_kept(self):
        self.configure(urls=[], dhcp_lease_file=self.box.path("leases"), allow_clear_text=True)
        self.check_in(TRY_LATER, "names no manager")
        self.manager.queue(self.lines()[:1])
        self.lease(self.manager.server.server_port)
        self.check_in()
        self.assertEqual("V01", self.manager.verbs()[0])
        requests = len(self.manager.requests)
        self.lease(own_port())
        self.check_in()
        self.assertGreater(len(self.manager.requests), requests)
        for name in ("manager-met", "manager-met.copy"):
            with open(os.path.join(self.box.state, name), "w", encoding="utf-8"):
                pass
        self.check_in(TRY_LATER, "manager-met is damaged")  # a lease takes its place only when an administrator removes it

    def test_a_configured_manager_is_never_replaced_by_a_suggested_one(self):
        stranger = LegacyManager()
        self.addCleanup(stranger.stop)
        self.lease(stranger.server.server_port)
        self.configure(dhcp_lease_file=self.box.path("leases"), allow_clear_text=True)
        self.check_in()
        self.assertTrue(self.manager.requests)
        self.assertEqual([], stranger.requests)

    def test_the_master_has_what_the_first_server_has_not(self):
        self.manager.queue(self.lines()[1:2], ("127.0.0.1", own_port(), USER, "x", False), self.server)
        self.check_in()
        self.assertEqual(self.kernel, self.made("boot/kernel"))

    def test_an_update_that_is_offered_again_is_reported_again_and_not_done_again(self):
        number = self.manager.queue([f'AL "{self.box.root}/list" "once"'])
        self.check_in()
        self.manager.updates[number].finished = False  # the manager has lost the report
        self.check_in()
        self.assertEqual(b"once", self.made("list").strip())
        self.assertEqual(["done", "done"], [state for state, _ in self.manager.reports(number) if state == "done"])

    def test_failures_are_reported_with_step_and_code(self):
        number = self.manager.queue(['EX "/bin/false" "+"', f'EX "/bin/touch {self.box.root}/after" "+"'])
        self.check_in(FAILED)
        self.assertEqual("error", self.manager.state(number))
        self.assertIn("command_failed", " ".join(self.manager.reports(number)[-1][1]))
        self.assertIsNone(self.made("after"))
        missing = self.manager.queue([f'SF "demo/gone" "{self.box.root}/x"'], self.server)
        self.check_in(FAILED)
        self.assertIn("ftp-550", " ".join(self.manager.reports(missing)[-1][1]))
        wrong = self.manager.queue(['CO "XP"', f'EX "/bin/touch {self.box.root}/after" "+"'])
        self.check_in(FAILED)
        self.assertIn("os_mismatch", " ".join(self.manager.reports(wrong)[-1][1]))
        self.assertIsNone(self.made("after"))

    def test_only_the_opcodes_of_the_configuration_are_done(self):
        self.configure(opcodes=["CO", "SF"])
        number = self.manager.queue(self.lines(), self.server)
        self.check_in()
        self.assertEqual("error", self.manager.state(number))
        self.assertIn("EX in step 13 is not in manager.opcodes", " ".join(self.manager.reports(number)[-1][1]))
        self.assertFalse(os.listdir(self.box.root))

    def test_paths_outside_of_the_roots_and_unknown_opcodes_do_nothing(self):
        for line in (f'SF "demo/kernel" "{self.box.folder}/outside"', 'ZZ "x"', f'DF "{self.box.state}/daemon"'):
            number = self.manager.queue([line], self.server)
            self.check_in(FAILED)
            self.assertEqual("error", self.manager.state(number), line)
        self.assertFalse(os.path.exists(self.box.path("outside")))

    def test_a_malformed_script_is_refused_whole(self):
        quote = QUOTE.decode()
        number = self.manager.queue([], raw=f"EX {quote}/bin/touch {self.box.root}/x{quote}|10|EX {quote}/bin/true|11|".encode())
        self.check_in()
        self.assertIn("agent-1500", " ".join(self.manager.reports(number)[-1][1]))
        self.assertIsNone(self.made("x"))

    def test_a_guard_that_is_not_understood_refuses_the_whole_job_and_names_its_field(self):
        guards = ["CO XP", '\r\nCO "XP"|10', 'CO "XP"', '&CO "XP"|10', "CO=XP", '\0CO "XP"|10', '\u00a0CO "XP"|10', '\u0421O "XP"|10', 'CO "XP"|10|11', "hello"]
        for guard in guards:
            with self.subTest(guard):
                raw = f'{guard}|EX "/bin/touch {self.box.root}/ran" "+"|11|'.replace('"', QUOTE.decode()).encode()
                number = self.manager.queue([], raw=raw)
                self.check_in()
                self.assertIsNone(self.made("ran"))
                self.assertEqual("error", self.manager.state(number))
                said = " ".join(self.manager.reports(number)[-1][1])
                self.assertRegex(said, r"agent-1500: .*field [4-6] \(")
                self.assertNotRegex(said, "[\0-\x1f\x7f-\x9f]")

    def test_a_guard_with_blanks_around_it_still_holds(self):
        for guard in (' CO "XP"|10', '\tCO  "XP" | 10 ', 'co "xp"|10'):
            with self.subTest(guard):
                raw = f'{guard}|EX "/bin/touch {self.box.root}/ran" "+"|11|'.replace('"', QUOTE.decode()).encode()
                number = self.manager.queue([], raw=raw)
                self.check_in(FAILED)
                self.assertIsNone(self.made("ran"))
                self.assertIn("os_mismatch", " ".join(self.manager.reports(number)[-1][1]))

    def test_unknown_keys_are_kept_out_of_the_way(self):
        number = self.manager.queue([f'AL "{self.box.root}/list" "line"'], keys=b"&NEWKEY=secret-of-nobody||")
        done = self.check_in()
        self.assertEqual("done", self.manager.state(number))
        with open(self.box.log, encoding="utf-8") as file:
            log = file.read()
        self.assertIn("NEWKEY", log)
        self.assertNotIn("secret-of-nobody", log + done.stderr)

    def test_the_configuration_must_say_that_the_network_is_trusted(self):
        self.configure(trust="required")
        self.expect(self.box.run("check-in", "--once"), REFUSED, "manager.trust")
        self.assertEqual([], self.manager.verbs())

    def test_who_is_no_such_manager_is_told_apart(self):
        class Portal(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"Invalid Command Sent: &V01")

            def log_message(self, *_):
                pass

        portal = http.server.HTTPServer(("127.0.0.1", 0), Portal)
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        self.addCleanup(portal.server_close)
        self.addCleanup(portal.shutdown)
        self.configure(urls=[f"http://127.0.0.1:{portal.server_port}/"])
        self.check_in(TRY_LATER, "manager_malformed_answer")

    def raw_manager(self, answer):
        """A manager that only says these bytes to V01 and V55 and closes, as the public program for this protocol does; what it was asked for."""
        asked, listener = [], socket.create_server(("127.0.0.1", 0))

        def serve():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(10 * FACTOR)
                    request = b""
                    while b"\r\n\r\n" not in request or not request.endswith(b"|"):
                        request += client.recv(65536) or b"\r\n\r\n|"
                    asked.append(request)
                    client.sendall(answer if b"&V02" not in request.split(b"\r\n")[0] else b"&00|no pending updates|&IT=10|&CID=7|QUB=3|QUT=120|CU=0|")

        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(listener.close)
        self.configure(urls=[f"http://127.0.0.1:{listener.getsockname()[1]}/"])
        return asked

    def test_an_answer_without_an_http_head_is_taken(self):
        line = f'CO "SLX"|10|AL "{self.box.root}/list" "line"|11|'.replace('"', QUOTE.decode())
        asked = self.raw_manager(f"&UP0|&SI=1|UR=9|{line}&IT=3600|&CID=7|QUB=3|QUT=120|CU=1|".encode())
        self.check_in()
        self.assertEqual(b"line", self.made("list").strip())
        self.assertIn(b"ST=done", asked[-2] + asked[-1])

    def test_an_answer_without_an_http_head_that_is_cut_does_nothing(self):
        line = f'AL "{self.box.root}/list" "line"|10|EX "/bin/touch {self.box.root}/ran"|1'.replace('"', QUOTE.decode())
        asked = self.raw_manager(f"&UP0|&SI=1|UR=9|{line}".encode())
        self.check_in()
        self.assertEqual((None, None), (self.made("list"), self.made("ran")))
        self.assertTrue(any(b"ST=error" in request and b"was cut off" in request for request in asked), asked)

    def test_confirming_commands_are_settled_before_anything_is_downloaded(self):
        guards = ['CO "XP"', 'CF "/" "900000G"', 'CI ">=99"', 'CP "no such machine"', 'CU "nobody-is-called-so"', 'CR "HKLM\\Software\\X" "y" "z"', 'DF "/etc/passwd"']
        for guard in guards:
            with self.subTest(guard):
                lines = [f'SF "demo/kernel" "{self.box.root}/kernel"', guard]
                number = self.manager.queue(lines, ("127.0.0.1", own_port(), USER, PASSWORD, False))  # nobody is there: asking it would be the error
                self.check_in(FAILED)
                said = " ".join(message for _, messages in self.manager.reports(number) for message in messages)
                self.assertNotRegex(said, "kernel:|winsock|attempts_exhausted")

    def test_a_trigger_brings_the_update_from_the_configured_manager(self):
        port = own_port()
        self.box.configure(manager={"dialect": "hserver", "urls": [self.manager.url], "trust": "network", "interval_s": 3600, "spread_s": 0},
                           listen={"trigger": f"127.0.0.1:{port}"})
        agent = self.box.daemon()
        wait_until(lambda: self.manager.verbs(), 20 * FACTOR, "the first check-in")
        number = self.manager.queue(self.lines(), self.server)
        with socket.create_connection(("127.0.0.1", port), timeout=10 * FACTOR) as client:
            client.sendall(b"&V54&CI=3|MAC=008064aabbcc|IP=127.0.0.1MT=3|HS=192.0.2.66|PO=80|")
            self.assertEqual(b"&00", client.recv(100))
        agent.process.wait(lambda: self.manager.state(number) == "done", 60 * FACTOR, "the update's end")
        self.assertEqual(self.kernel, self.made("boot/kernel"))


if __name__ == "__main__":
    unittest.main()
