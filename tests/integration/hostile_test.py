# SPDX-License-Identifier: Apache-2.0
"""A storm of hostile input from every side: nothing of it is run, nothing that was there before is lost, nothing leaks."""

import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import unittest

from canary_test import Hunt
from kit import DONE, FACTOR, REFUSED, wait_until
from one_job_manager import OneJobManager, Trap

CORPORA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fuzz")
TOKEN, OPERATOR = "canary-token-c3a9", "canary-operator-f0d1"
REASONS = ("signature_invalid", "unknown_key", "size_mismatch", "digest_mismatch", "limit_exceeded", "file_too_large")
SEED = 20090710  # the same storm in every run


def read(path):
    with open(path, "rb") as file:
        return file.read()


def corpus(name):
    folder = os.path.join(CORPORA, name, "corpus")
    return [read(os.path.join(folder, file_name)) for file_name in sorted(os.listdir(folder))]


def mutated(text, rng):
    """A few of the things that can happen to bytes."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at + rng.randint(1, 20)] = b""
        elif kind == 2:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
        elif kind == 3:
            data[at:at] = rng.choice((b"../" * 40, b"\0", b"%n%s", b"\r\n", b"9" * 40, b"[" * 300, b"\xff\xfe", b'"', b"$(id)", b"://"))
        else:
            data[at:at] = data[at:at + 50]
    return bytes(data)


class Storm(Hunt):
    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        self.key = self.make_key("release", trusted=True)
        self.manager = OneJobManager()
        self.addCleanup(self.manager.close)
        self.box.write("hooks/reboot", f"#!/bin/sh\n: > {self.box.path('rebooted')}\n", 0o700)
        self.trap = Trap()
        self.addCleanup(self.trap.close)
        token = self.box.write("token", TOKEN)
        self.given = {token, self.key, self.box.config}
        self.configure()

    def configure(self, **more):
        self.box.configure(manager={"urls": [self.manager.url], "target_token_file": self.box.path("token")}, log={"level": "debug"},
                           transfer={"attempts": 1}, **more)

    def make_key(self, name, trusted=False):
        private = self.box.path(f"{name}.key")
        for arguments in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", private],
                          *([["pkey", "-in", private, "-pubout", "-out", os.path.join(self.box.keys, f"{name}.pem")]] if trusted else [])):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        return private

    def package(self, name, serial, key=None):
        folder = self.box.path("packages", name)
        script = f'[Version]\nNumber=p\nOS=SLX\n[Script]\nSF "<regroot>/file" "{self.box.root}/{name}"\nRB "0"\n'
        self.box.write(f"packages/{name}/p.rsp", script.replace('RB "0"\n', "") if key is None else script)
        self.box.write(f"packages/{name}/file", "content")
        self.expect(self.box.run("sign", folder, "--key", key or self.key, "--kind", "script", "--entry", "p.rsp", "--package", "p", "--version", "1",
                                 "--serial", str(serial)), DONE)
        return folder

    def check_in(self):
        done = self.said_by("check-in", "--once", timeout=60)
        self.assertIn(done.returncode, (0, 1, 3, 4, 75), done.stderr)
        self.assert_sane(done.stdout + done.stderr)
        return done.returncode

    def nothing_happened(self, made=()):
        self.assertEqual(sorted(made), sorted(os.listdir(self.box.root)))
        self.assertFalse(os.path.exists(self.box.path("rebooted")))
        self.assertEqual(["release.pem"], os.listdir(self.box.keys))
        self.assertEqual(0, self.trap.visits)
        self.hunt([TOKEN, OPERATOR], self.given)

    def good_job_is_done(self, serial, made=()):
        action = self.manager.offer(self.package(f"good{serial}", serial))
        self.assertEqual(DONE, self.check_in())
        self.assertEqual("success", self.manager.result(action)[0])
        self.nothing_happened([*made, f"good{serial}"])

    def test_a_manager_that_answers_anything(self):
        self.good_job_is_done(1)
        there = f"http://127.0.0.1:{self.trap.port}/"
        polls = [b"", b"{}", b"null", b"[" * 100000, b"{" * 1000, b"\0" * 5000, b"<html>login</html>", b'{"config":1,"_links":"x"}',
                 b'{"_links":{"deploymentBase":{"href":5}}}',
                 b'{"_links":{"deploymentBase":{"href":"file:///etc/passwd"}}}', b'{"_links":{"deploymentBase":{"href":"../../../deploymentBase/../1"}}}',
                 json.dumps({"_links": {"deploymentBase": {"href": there.replace("http", "ftp") + "deploymentBase/1"}}}).encode(),
                 json.dumps({"_links": {"configData": {"href": "gopher" + there[4:]}}}).encode(),
                 b'{"config":{"polling":{"sleep":"99:99:99"}}}' + b" " * (2 << 20),
                 *corpus("ddi_json")]
        stranger = self.package("evil", 9, self.make_key("stranger"))
        self.given.add(self.box.path("stranger.key"))
        self.manager.offer(stranger)
        whole, deployment = self.manager.answer, json.dumps(self.manager._deployment()).encode()  # pylint: disable=protected-access
        polls += [mutated(json.dumps({"config": {"polling": {"sleep": "01:00:00"}}, "_links": {
            "deploymentBase": {"href": self.manager.url + "DEFAULT/controller/v1/test-1/deploymentBase/1"}}}).encode(), self.rng) for _ in range(30)]
        answers = [("controller/v1/test-1", text) for text in polls] + [("deploymentBase", mutated(deployment, self.rng)) for _ in range(40)]
        for where, text in answers:
            self.manager.answer = lambda method, path, headers, body: (  # noqa: E731
                (200, text) if method == "GET" and where in path.split("?")[0] and (where == "deploymentBase") == ("deploymentBase" in path)  # noqa: B023
                else whole(method, path, headers, body))
            self.manager.open = True
            self.check_in()
        self.manager.answer = whole
        self.check_in()
        self.assertEqual("failure", self.manager.result(self.manager.action)[0])  # what the stranger signed, told at last as it is
        self.nothing_happened(["good1"])
        self.good_job_is_done(2, ["good1"])

    def test_clients_that_send_anything(self):
        action = self.manager.offer(self.package("good1", 1), window="unavailable")
        operators = self.box.write("operators", "viewer nobody " + "0" * 64 + "\n")
        self.configure(listen={"operators_file": operators})
        agent = self.box.daemon()
        wait_until(lambda: "downloaded" in self.manager.result(action)[1], 30 * FACTOR, "the job waits for its window")
        good = (f"POST /v1/sessions/000001/cancel HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {OPERATOR}\r\nContent-Type: application/json\r\n"
                "Content-Length: 2\r\n\r\n{}").encode()
        sent = [*corpus("http_request"), *corpus("ddi_json"), *corpus("script_wire"), *corpus("config"), *(mutated(good, self.rng) for _ in range(250))]
        for data in sent:
            with self.socket_to_listener() as stream:
                try:
                    stream.sendall(data)
                    stream.shutdown(1)
                    while piece := stream.recv(65536):
                        self.said.append(("answer", piece.decode("latin-1")))
                        self.assertNotIn(b"HTTP/1.1 202 Accepted\r\n", piece if b"cancel" in data else b"")
                except OSError:
                    pass  # it has answered and closed
        self.assertTrue(agent.alive())
        connection = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10 * FACTOR)
        connection.request("GET", "/v1/sessions/000001")
        self.assertIsNone(json.loads(connection.getresponse().read())["ended"])
        connection.close()
        agent.signal(15)
        self.assertEqual(0, agent.wait(20), agent.output())
        self.assert_sane(agent.output())
        self.said.append(("output", agent.output()))
        self.nothing_happened()
        self.manager.window = None
        self.assertEqual(DONE, self.check_in())
        self.assertEqual("success", self.manager.result(action)[0])

    def socket_to_listener(self):
        return socket.create_connection(("127.0.0.1", self.box.port), 10 * FACTOR)

    def test_packages_with_any_byte_changed(self):
        folder = self.package("good1", 1)
        parts = {name: read(os.path.join(folder, name)) for name in ("manifest.json", "manifest.sig", "p.rsp", "file")}
        for number in range(80):
            name = self.rng.choice(sorted(parts))
            changed = mutated(parts[name], self.rng)
            if changed == parts[name]:
                continue
            self.box.write(f"packages/good1/{name}", changed)
            done = self.said_by("verify", folder, "--keys", self.box.keys, "--json")
            self.assertEqual(REFUSED, done.returncode, f"{number}: {name}: {done.stdout}")
            self.assertIn(self.document(done)["error"]["name"], REASONS)
            if number % 10 == 0:
                action = self.manager.offer(folder)
                self.check_in()
                self.assertEqual("failure", self.manager.result(action)[0])
            self.box.write(f"packages/good1/{name}", parts[name])
        self.nothing_happened()
        self.good_job_is_done(2)

    def test_configurations_and_scripts_of_anybody(self):
        for text in [*corpus("config"), *(mutated(read(self.box.config), self.rng) for _ in range(60))]:
            done = self.box.run("--config", self.box.write("other.json", text), "run", "--check-config", config=False)
            self.assertIn(done.returncode, (DONE, REFUSED), done.stderr)
            self.assert_sane(done.stderr)
        broken = [mutated(sample, self.rng) for sample in corpus("script_text") for _ in range(6)]
        for text in [*corpus("script_text"), *corpus("script_wire"), *corpus("manifest"), *broken]:
            done = self.said_by("script", "check", self.box.write("any.rsp", text))
            self.assertIn(done.returncode, (0, 1), done.stderr)
            self.assert_sane(done.stdout + done.stderr)
        shutil.rmtree(self.box.path("packages"), ignore_errors=True)
        os.unlink(self.box.path("other.json"))  # it may be a damaged copy of what was given
        self.nothing_happened()


if __name__ == "__main__":
    unittest.main(verbosity=2)
