# SPDX-License-Identifier: Apache-2.0
"""Name servers that are silent: whoever waits for one stops at once when told to, and says in the log what he waits for."""

import os
import signal
import socket
import time
import unittest

from environment_test import namespace
from kit import FACTOR, BoxTest, Daemon, wait_until

STOP_S = 2  # the query itself would go on for 20 s


class NameServersTest(BoxTest):
    def setUp(self):
        super().setUp()
        place = f"127.78.{os.getpid() % 250}.{os.getpid() // 250 % 250 + 1}"
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.server.close)
        try:
            self.server.bind((place, 53))
        except OSError as error:
            self.skipTest(f"no name server can be faked here: {error}")
        self.server.settimeout(20 * FACTOR)
        conf = self.box.write("resolv.conf", f"nameserver {place}\noptions timeout:10 attempts:2\n", 0o644)
        self.prefix = namespace(f"mount --bind {conf} /etc/resolv.conf")

    def start(self, *arguments):
        process = self.box.services.start("hagent", [*self.prefix, *self.box.command(*arguments)], self.box.path("output.log"), os.environ)
        self.server.recv(4096)  # it asks
        return Daemon(self.box, process)

    def assert_stops(self, agent, *codes):
        time.sleep(0.2)
        began = time.monotonic()
        agent.signal(signal.SIGTERM)
        self.assertIn(agent.wait(30), codes, agent.output())
        self.assertLess(time.monotonic() - began, STOP_S * FACTOR)
        self.assert_sane(agent.output())

    def test_the_agent_stops_while_it_asks_where_its_manager_is(self):
        self.box.configure(manager={"urls": [], "dialect": "hserver", "trust": "network", "allow_clear_text": True, "dns_srv": "_hagent._tcp.silent.test"})
        self.assert_stops(self.start("run"), 0)

    def test_the_agent_stops_while_it_asks_for_its_managers_address(self):
        self.box.configure(manager={"urls": ["https://silent.test/"]})
        self.assert_stops(self.start("run"), 0)

    def test_a_reload_does_not_wait_for_the_answer_either(self):
        self.box.configure(manager={"urls": ["https://silent.test/"]})
        agent = self.start("run")
        began = time.monotonic()
        agent.signal(signal.SIGHUP)
        wait_until(lambda: agent.output().count(" agent: ready") == 2, 30 * FACTOR, "the next life")
        self.assertLess(time.monotonic() - began, STOP_S * FACTOR)
        self.assert_stops(agent, 0)

    def test_a_download_stops_too(self):
        self.assert_stops(self.start("fetch", "http://silent.test/f", "-o", self.box.path("f")), 75, 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
