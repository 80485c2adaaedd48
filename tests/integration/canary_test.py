# SPDX-License-Identifier: Apache-2.0
"""The hunt for secrets that leaked: canaries wherever one can be given, a life with successes and failures, then a look at all that
was written and said."""

import base64
import hashlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import unittest

import kit
from certificates import Authority
from kit import DONE, FACTOR, FAILED, USAGE, BoxTest, own_port
from one_job_manager import OneJobManager

TOKEN, URL_PASSWORD, NETRC_PASSWORD = "canary-token-81c4", "canary-password-90de", "canary-netrc-27ab"
OPERATOR, WRONG, REPLY_PASSWORD, TICKET = "canary-operator-63ff", "canary-wrong-11e9", "canary-reply-5d1f", "canary-ticket-a07c"
ENVIRONMENT = "canary-environment-40b3"


class Hunt(BoxTest):
    def setUp(self):
        super().setUp()
        self.said = []  # (what, text)

    def said_by(self, *arguments, **more):
        done = self.box.run(*arguments, **more)
        self.said.append((" ".join(arguments[:2]), done.stdout + done.stderr))
        return done

    def hunt(self, canaries, given, exempt=()):
        """Looks for every canary, plain and in the forms that protocols give it, in all files but those given, and in all that was said.
        `exempt` are (end of a path, canary) that are known and meant."""
        forms = {}
        for canary in canaries:
            plain = canary if isinstance(canary, bytes) else canary.encode()
            encoded = [base64.b64encode(before + plain).rstrip(b"=")[:-1] for before in (b"", b"user:", b"TargetToken ", b"Bearer ")]
            forms[canary] = [plain, plain.hex().encode(), plain.hex().upper().encode(), *encoded]
        places = [(what, text.encode("utf-8", "replace")) for what, text in self.said]
        for folder, _, names in os.walk(self.box.folder):
            for name in names:
                path = os.path.join(folder, name)
                if path not in given and os.path.isfile(path):
                    with open(path, "rb") as file:
                        places.append((path, file.read()))
        self.assertGreater(len(places), len(self.said))
        for place, data in places:
            for canary, looks in forms.items():
                if not any(place.endswith(end) and canary == meant for end, meant in exempt):
                    for look in looks:
                        at = data.find(look)
                        self.assertEqual(-1, at, f"{canary!r} in {place}: {data[max(at - 200, 0):at + 100]!r}")
        print(f"{len(forms)} canaries in {sum(map(len, forms.values()))} forms: in none of {len(places)} places", flush=True)


def key_bytes(path):
    """What must not be seen of a private key: its number and the lines of its file."""
    with open(path, encoding="ascii") as file:
        lines = [line for line in file.read().splitlines() if "-----" not in line]
    der = base64.b64decode("".join(lines))
    number = der[der.index(b"\x04\x20") + 2:][:32]
    return [number, lines[0][8:56].encode(), lines[1][:48].encode()]


class WholeLife(Hunt):
    """A daemon behind TLS with a certificate of its own, a manager behind TLS that asks for it, jobs that succeed and fail in every way."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.box.path("ca"), 0o700)
        self.ca = Authority(self.box.path("ca"), "ours")
        self.server, self.own, self.device = (self.ca.issue(name) for name in ("server", "own", "device"))
        self.release = self.box.path("ca", "release.key")
        for arguments in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.release],
                          ["pkey", "-in", self.release, "-pubout", "-out", os.path.join(self.box.keys, "release.pem")]):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        self.manager = OneJobManager(certificate=self.server, login=f"user:{REPLY_PASSWORD}", query=f"?ticket={TICKET}")
        self.addCleanup(self.manager.close)
        token = self.box.write("token", TOKEN + "\n")
        netrc = self.box.write("netrc", f"machine 127.0.0.1 login user password {NETRC_PASSWORD}\n")
        operators = self.box.write("operators", f"operator admin {hashlib.sha256(OPERATOR.encode()).hexdigest()}\n")
        self.box.configure(
            manager={"urls": [f"https://user:{URL_PASSWORD}@127.0.0.1:{self.manager.port}/"], "target_token_file": token, "ca_file": self.ca.pem,
                     "client_cert_file": self.device[0], "client_key_file": self.device[1]},
            listen={"tls_cert_file": self.own[0], "tls_key_file": self.own[1], "operators_file": operators}, log={"level": "debug"},
            transfer={"attempts": 2, "netrc_file": netrc})
        self.given = {self.box.config, token, netrc, *(self.box.path("ca", name) for name in os.listdir(self.box.path("ca")))}

    def package(self, serial, *steps):
        folder = self.box.path("package")
        shutil.rmtree(folder, ignore_errors=True)
        lines = "\n".join(steps).replace("{root}", self.box.root)
        self.box.write("package/p.rsp", f"[Version]\nNumber=p\nOS=SLX\n[Script]\n{lines}\n")
        self.box.write("package/file", os.urandom(5000))
        self.expect(self.said_by("sign", folder, "--key", self.release, "--kind", "script", "--entry", "p.rsp", "--package", "p", "--version", "1",
                                 "--serial", str(serial)), DONE)
        return folder

    def ask(self, method, path, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR, context=ssl.create_default_context(cafile=self.ca.pem))
        connection.request(method, path, headers={key.replace("_", "-"): value for key, value in headers.items()})
        answer = connection.getresponse()
        self.said.append((f"{method} {path}", f"{answer.headers}\n{answer.read().decode()}"))
        connection.close()
        return answer.status

    def job(self, agent, wanted, folder, change=lambda files: None):
        """Offers a package and asks the agent to look; waits for the result."""
        action = self.manager.offer(folder, change=change)
        kit.wait_until(lambda: self.said_by("check-in").returncode == DONE, 20 * FACTOR, "the wish is heard")
        agent.process.wait(lambda: self.manager.result(action)[0], 60 * FACTOR, "the job's end")
        self.assertEqual(wanted, self.manager.result(action)[0], self.manager.result(action)[1])
        return action

    def bad_answer(self, agent, folder, change):
        """Offers files that are not as the manager says, until the device says that it will try again."""
        action = self.manager.offer(folder, change=change)
        kit.wait_until(lambda: self.said_by("check-in").returncode == DONE, 20 * FACTOR, "the wish is heard")
        agent.process.wait(lambda: "tried again" in str(self.manager.result(action)[1]), 60 * FACTOR, "the first try's end")

    def test_a_life_with_successes_and_failures_shows_no_secret(self):
        process = self.box.services.start("hagent", self.box.command("run"), self.box.path("output.log"), {**os.environ, "SECRET": ENVIRONMENT})
        agent = self.daemon_of(process)
        agent.process.wait(lambda: self.manager.asked("/controller/"), 30 * FACTOR, "the first check-in")
        self.assertIn(f"TargetToken {TOKEN}", [request[2].get("Authorization") for request in self.manager.requests])
        steps = ['SF "<regroot>/file" "{root}/file"', 'EX "/usr/bin/env" "+"', 'AL "{root}/list" "x"']
        self.job(agent, "success", self.package(1, *steps))
        self.job(agent, "failure", self.package(2, *steps, 'EX "/bin/false" "+"'))
        for serial, change in ((3, {"file": b"other" * 1000}), (4, {"manifest.sig": b"x" * 70})):
            self.bad_answer(agent, self.package(serial, *steps), lambda files, change=change: files.update(change))
        self.bad_answer(agent, self.package(5, *steps), dict.clear)
        self.job(agent, "failure", self.package(1, *steps))  # a replay
        self.assertTrue(self.manager.asked(TICKET))
        for path in ("/", "/v1/status", "/v1/status.txt", "/v1/log", "/v1/log.txt", "/v1/sessions", "/v1/sessions/000001", "/v1/sessions/000003", "/v1/results",
                     "/nowhere", f"/v1/explain/{WRONG}", f"/{WRONG}?token={WRONG}"):
            self.ask("GET", path, Authorization=f"Bearer {OPERATOR}")
        self.assertEqual(404, self.ask("POST", "/v1/sessions/nosuch/cancel", Authorization=f"Bearer {OPERATOR}", X_Note=OPERATOR))
        self.assertEqual(401, self.ask("POST", "/v1/sessions/nosuch/cancel", Authorization=f"Bearer {WRONG}"))
        for words in (["status"], ["status", "--json"], ["log"], ["log", "--json"], ["sessions"], ["sessions", "000001", "--json"], ["sessions", "000005"]):
            self.said_by(*words)
        limits = agent.proc("limits")
        self.assertRegex(limits, r"Max core file size +0 +0 ")  # the memory with all its secrets never becomes a file
        self.said.append(("arguments", agent.proc("cmdline")))
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(20), agent.output())
        for words in (["status", "--json"], ["sessions", "--json"], ["sessions", "000002"], ["log"], ["check-in", "--once"]):
            self.said_by(*words)
        self.expect(self.said_by("enrol", "--json"), DONE)
        self.said += [("reports", json.dumps(self.manager.reports)), ("attributes", json.dumps([str(r[3]) for r in self.manager.asked("configData")]))]
        keys = [piece for key in (self.server[1], self.own[1], self.device[1], self.release) for piece in key_bytes(key)]
        # with the job's addresses: an interrupted session goes on without its manager
        in_journals = [(name, TICKET) for name in ("/journal", "/journal.copy")]
        self.hunt([TOKEN, URL_PASSWORD, NETRC_PASSWORD, OPERATOR, WRONG, REPLY_PASSWORD, TICKET, ENVIRONMENT, *keys], self.given, in_journals)
        everywhere = [os.path.join(folder, name) for folder, _, names in os.walk(self.box.state) for name in names]
        self.assertEqual([], [path for path in everywhere if os.stat(path).st_mode & 0o077])

    def daemon_of(self, process):
        process.wait(lambda: kit.answers(self.box.port) and self.box.daemon_pid() == process.pid, 20 * FACTOR, "its listener answers")
        return kit.Daemon(self.box, process)


class Manager(http.server.BaseHTTPRequestHandler):
    """Answers every request with 401 and remembers who came with what."""

    seen: list = []

    def do_GET(self):  # pylint: disable=invalid-name
        self.seen.append((self.path, self.headers.get("Authorization")))
        body = f"no entry, {self.headers.get('Authorization')}".encode()  # a server that repeats what it was told
        self.send_response(401, "no entry")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def log_message(self, *unused):
        pass


class Refused(Hunt):
    """A manager that refuses everything and repeats what it was told."""

    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Manager)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        Manager.seen.clear()

    def test_no_secret_is_written_or_said(self):
        port = self.server.server_address[1]
        token = self.box.write("token", TOKEN + "\n")
        netrc = self.box.write("netrc", f"machine 127.0.0.1 login user password {NETRC_PASSWORD}\n")
        operators = self.box.write("operators", f"operator admin {hashlib.sha256(OPERATOR.encode()).hexdigest()}\n")
        self.box.configure(manager={"urls": [f"http://user:{URL_PASSWORD}@127.0.0.1:{port}/"], "target_token_file": token}, log={"level": "debug"},
                           transfer={"netrc_file": netrc}, listen={"operators_file": operators})
        agent = self.box.daemon()
        agent.process.wait(lambda: Manager.seen, 20 * FACTOR, "the first check-in")
        agent.process.wait(lambda: "check-in failed" in agent.output(), 20 * FACTOR, "its failure")
        self.assertIn(f"TargetToken {TOKEN}", [authorization for _, authorization in Manager.seen])
        request = (f"POST /v1/sessions/1/cancel HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {OPERATOR}\r\nConnection: close\r\n"
                   f"X-Note: {OPERATOR}\r\nContent-Length: 0\r\n\r\n")
        self.said.append(("cancel", self.raw(request)))
        self.said.append(("bad request", self.raw(request.replace("HTTP/1.1", "HTTP/9.9"))))
        for path in ("/", "/v1/status", "/v1/log", "/v1/log.txt", "/v1/sessions", "/v1/results"):
            self.said.append((path, self.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")))
        for words in (["status"], ["status", "--json"], ["log"], ["log", "--json"]):
            self.expect(self.said_by(*words), DONE)

        for url in (f"http://user:{URL_PASSWORD}@127.0.0.1:{port}/a.bin", f"ftp://user:{URL_PASSWORD}@127.0.0.1:{own_port()}/a.bin",
                    f"http://127.0.0.1:{port}/b.bin"):
            for more in (["--json", "-v"], ["-v"]):
                self.assertNotEqual(DONE, self.said_by("fetch", url, *more).returncode)
        sent = {base64.b64decode(text.partition(" ")[2]).decode() for _, text in Manager.seen if text and text.startswith("Basic ")}
        self.assertIn(f"user:{URL_PASSWORD}", sent)  # or the hunt would prove nothing
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(10))

        self.box.write("demo.rsp", "[Version]\nNumber=p\nOS=SLX\n[Script]\n")
        for verb in ("check", "run"):
            refused = self.said_by("script", verb, "demo.rsp", "--source", f"http://user:{URL_PASSWORD}@127.0.0.1:{port}/package/", "--json")
            self.expect(refused, USAGE, "netrc_file")
            Manager.seen.clear()
            self.expect(self.said_by("script", verb, "demo.rsp", "--source", f"http://127.0.0.1:{port}/package/", "--json"), FAILED)
            self.assertIn("Basic " + base64.b64encode(f"user:{NETRC_PASSWORD}".encode()).decode(), [text for _, text in Manager.seen])
        for words in (["sessions"], ["sessions", "--json"], ["sessions", "000001", "--json"], ["status", "--json"], ["log"]):
            self.said_by(*words)
        self.assertTrue(os.path.exists(self.box.log))
        self.hunt([TOKEN, URL_PASSWORD, NETRC_PASSWORD, OPERATOR], {self.box.config, token, netrc})

    def raw(self, text):
        with socket.create_connection(("127.0.0.1", self.box.port), 10 * FACTOR) as connection:
            connection.sendall(text.encode())
            received = b""
            while piece := connection.recv(65536):
                received += piece
        return received.decode("utf-8", "replace")


if __name__ == "__main__":
    unittest.main(verbosity=2)
