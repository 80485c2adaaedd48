# SPDX-License-Identifier: Apache-2.0
"""Ports that others take: the agent works without them, a reload lets go of none, and the verbs find the agent by a door that nobody
else can take."""

import contextlib
import json
import os
import signal
import socket
import socketserver
import stat
import threading
import time
import unittest

from kit import DONE, FACTOR, REFUSED, BoxTest, Daemon, answers, own_port, wait_until

NOBODY = 65534
AGAIN_S = 15  # it tries again after 10 s at most


class Stranger(socketserver.ThreadingTCPServer):
    """Has taken a port; keeps what it is told, and answers like an agent."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, port):
        self.heard = []
        stranger = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                stranger.heard.append(self.request.recv(65536))
                body = b'{"agent":{"pid":666},"device":{"id":"stranger"}}'
                self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

        super().__init__(("127.0.0.1", port), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class DoorTest(BoxTest):
    def start(self):
        """A daemon that need not have a page."""
        process = self.box.spawn("run")
        process.wait(lambda: self.box.daemon_pid() == process.pid, 20 * FACTOR, "the verbs find it")
        return Daemon(self.box, process)

    def taken(self, port):
        stranger = Stranger(port)
        self.addCleanup(stranger.server_close)
        self.addCleanup(stranger.shutdown)
        return stranger

    def endpoint(self):
        with open(os.path.join(self.box.state, "daemon"), encoding="utf-8") as file:
            return json.load(file)

    def door(self):
        return int(self.endpoint()["door"].rpartition(":")[2])

    def status(self):
        return self.document(self.expect(self.box.run("status", "--json"), DONE))

    def log_text(self):
        with open(self.box.log, encoding="utf-8") as log:
            return log.read()

    def ends(self, agent):
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(20), agent.output())
        self.assertFalse(os.path.exists(os.path.join(self.box.state, "daemon")))
        self.assert_sane(agent.output())

    def test_a_port_that_another_has_does_not_keep_the_agent_from_its_work(self):
        trigger = own_port()
        self.box.configure(listen={"trigger": f"127.0.0.1:{trigger}"})
        strangers = [self.taken(port) for port in (self.box.port, trigger)]
        agent = self.start().settle()  # its first check-in was tried
        status = self.status()
        self.assertEqual(agent.pid, status["agent"]["pid"])
        self.assertEqual("", status["agent"]["listener"])
        for text in (status["agent"]["listener_trouble"], self.log_text(), self.box.run("status").stdout):
            self.assertIn(f"port {self.box.port}", text)
        self.expect(self.box.run("check-in"), DONE)
        self.expect(self.box.run("sessions", "--json"), DONE)
        self.expect(self.box.run("log"), DONE, "listen.status", "listen.trigger", "winsock-10048")
        for stranger in strangers:
            self.assertEqual([], stranger.heard)
            stranger.shutdown()
            stranger.server_close()
        wait_until(lambda: "listener_trouble" not in self.status()["agent"], AGAIN_S * FACTOR, "both ports are its own")
        self.assertNotEqual("", self.status()["agent"]["listener"])
        self.assertTrue(answers(trigger))
        self.assertEqual(1, self.log_text().count("cannot be listened on; it is tried again setting=listen.status"), self.log_text())
        self.ends(agent)

    def test_an_address_that_the_device_does_not_have_yet_is_waited_for(self):
        self.box.configure(listen={"trigger": "192.0.2.77:8420"})
        agent = self.start().settle()
        self.assertIn("192.0.2.77", self.status()["agent"]["listener_trouble"])
        self.ends(agent)

    def test_a_reload_lets_go_of_no_port(self):
        trigger = own_port()
        self.box.configure(listen={"trigger": f"127.0.0.1:{trigger}"})
        agent = self.box.daemon().settle()
        ports, taken, over = (self.box.port, trigger, self.door()), [], threading.Event()

        def grab(port):
            while not over.is_set():
                with socket.socket() as greedy, contextlib.suppress(OSError):
                    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    greedy.bind(("127.0.0.1", port))
                    greedy.listen()
                    taken.append(port)
                    over.wait(60)

        crowd = [threading.Thread(target=grab, args=(port,), daemon=True) for port in ports]
        for thread in crowd:
            thread.start()
        try:
            for count in range(1, 6):
                agent.signal(signal.SIGHUP)
                wait_until(lambda: self.log_text().count(" agent: ready") > count, 20 * FACTOR, "the next life")
                self.assertEqual(agent.pid, self.status()["agent"]["pid"])  # no moment in which the verbs find nobody
        finally:
            over.set()
            for thread in crowd:
                thread.join()
        self.assertEqual([], taken)
        self.assertTrue(all(answers(port) for port in ports))
        self.ends(agent)

    def test_a_reload_to_a_port_that_another_has_does_not_end_the_agent(self):
        agent = self.box.daemon().settle()
        before = self.box.port
        port = own_port()
        self.taken(port)
        for listen in ({"status": f"127.0.0.1:{port}"}, {"status": f"127.0.0.1:{before}", "trigger": f"127.0.0.1:{port}"}):
            self.box.configure(listen=listen)
            ready = self.log_text().count(" agent: ready")
            agent.signal(signal.SIGHUP)
            wait_until(lambda: self.log_text().count(" agent: ready") > ready, 20 * FACTOR, "the next life")
            status = self.status()
            self.assertEqual(agent.pid, status["agent"]["pid"])
            self.assertIn(f"port {port}", status["agent"]["listener_trouble"])
        self.assertTrue(answers(before))
        self.ends(agent)

    def test_what_a_reload_cannot_use_does_not_end_the_agent(self):
        agent = self.box.daemon().settle()
        token = self.box.write("token", "secret")
        self.box.configure(manager={"target_token_file": token, "urls": ["https://127.0.0.1:1/"]})
        os.remove(token)
        agent.signal(signal.SIGHUP)
        wait_until(lambda: "token" in agent.output(), 20 * FACTOR, "it says what is missing")
        time.sleep(0.5)
        self.assertTrue(agent.alive(), agent.output())
        self.box.configure()
        agent.signal(signal.SIGHUP)
        wait_until(lambda: answers(self.box.port) and self.box.run("status", "--json").returncode == DONE, 20 * FACTOR, "it is back")
        self.ends(agent)

    def test_requests_between_two_lives_are_heard(self):
        agent = self.box.daemon().settle()
        for _ in range(30):
            agent.signal(signal.SIGHUP)
            time.sleep(0.01)
        self.assertTrue(agent.alive())
        agent.signal(signal.SIGHUP)
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(20), agent.output())

    def test_verbs_find_an_agent_that_has_no_page(self):
        self.box.configure(listen={"status": ""})
        agent = self.start().settle()
        self.assertEqual(agent.pid, self.status()["agent"]["pid"])
        self.expect(self.box.run("status"), DONE, f"pid {agent.pid}")
        self.expect(self.box.run("log"), DONE, "ready")
        self.expect(self.box.run("check-in"), DONE, "The running agent checks in now")
        self.ends(agent)

    def killed(self):
        """What a killed daemon leaves: the endpoint file, and a port that anybody may take."""
        agent = self.box.daemon().settle()
        file = os.path.join(self.box.state, "daemon")
        endpoint = self.endpoint()
        agent.signal(signal.SIGKILL)
        agent.wait(10)
        endpoint["pid"] = os.getpid()  # a number that lives
        with open(file, "w", encoding="utf-8") as again:
            json.dump(endpoint, again)
        port = int((endpoint.get("door") or endpoint["listener"]).rpartition(":")[2])
        return self.taken(port)

    def test_a_stranger_at_the_door_of_a_killed_agent_is_not_asked(self):
        stranger = self.killed()
        self.assertEqual(0, self.status()["agent"]["pid"])
        self.expect(self.box.run("sessions", "--json"), DONE)
        self.expect(self.box.run("status"), DONE, "not running")
        self.box.run("log")
        self.box.run("check-in")  # by itself
        self.assertEqual([], stranger.heard)

    def test_nor_while_another_verb_works_on_the_state(self):
        stranger = self.killed()
        pipe = self.box.path("pipe")
        os.mkfifo(pipe)
        self.box.write("wait.rsp", f'[Version]\nNumber=1\n[Script]\nEX "/bin/cat {pipe}"\n')
        script = self.box.spawn("script", "run", self.box.path("wait.rsp"))
        with open(pipe, "wb"):  # opened when the script has come so far
            self.assertEqual(0, self.status()["agent"]["pid"])
        self.assertEqual([], stranger.heard)
        script.popen.wait(20 * FACTOR)

    def test_the_door_is_for_those_who_may_read_its_file(self):
        agent = self.box.daemon()
        mode = os.stat(os.path.join(self.box.state, "daemon")).st_mode
        self.assertEqual(0o600, stat.S_IMODE(mode))
        for method, path in (("GET", "/"), ("GET", "/v1/status"), ("GET", "/v1/log"), ("POST", "/v1/check-in"), ("POST", "/v1/sessions/000001/cancel")):
            for more in ("", "Authorization: Bearer 0\r\n", f"Authorization: Bearer {self.endpoint().get('secret')}\r\n"):
                with socket.create_connection(("127.0.0.1", self.door()), 10 * FACTOR) as client:
                    client.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{more}\r\n".encode())
                    self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 401 "), path)
        self.ends(agent)

    @unittest.skipIf(os.geteuid(), "only root can be another user")
    def test_another_user_is_told_what_is_missing_and_gets_nothing(self):
        agent = self.box.daemon()
        os.chmod(self.box.folder, 0o755)
        os.chmod(self.box.config, 0o644)
        for verb in (["status"], ["status", "--json"], ["sessions"], ["sessions", "--json"], ["log"], ["check-in"]):
            done = self.box.run_as(NOBODY, *verb)
            self.expect(done, REFUSED, "run this as root")
            self.assertNotIn("not running", done.stdout + done.stderr)
        self.ends(agent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
