# SPDX-License-Identifier: Apache-2.0
"""Who the device is: made once, from a card of its own, and kept. In a network of our own, so that cards come and go."""

import os
import signal
import subprocess
import sys
import unittest

from kit import DONE, FACTOR, BoxTest, Daemon, LabError, wait_until
from setup_packages import ensure, program

INSIDE = "HAGENT_TEST_NETWORK"
SETUP = 'set -e; mount --make-rprivate /; mount -t sysfs sysfs /sys; hostname "$1"; shift; ip link set lo up; exec "$@"'
UNSHARE = ["unshare", "--net", "--mount", "--uts"]


def enter_network():
    """Begins this program again where there is nothing but loopback; 77 where that is refused."""
    try:
        ensure({"ip": "iproute2"})
    except LabError as reason:
        print(reason)
        sys.exit(77)
    tried = subprocess.run([*UNSHARE, "sh", "-c", "mount -t sysfs sysfs /sys"], capture_output=True, text=True, check=False)
    if tried.returncode:
        print(f"a network of our own is refused here: {tried.stderr.strip()}; nothing is tested")
        sys.exit(77)
    sys.exit(subprocess.run([*UNSHARE, "sh", "-c", SETUP, "sh", "localhost", sys.executable, "-B", *sys.argv], check=False,
                            env={**os.environ, INSIDE: "1"}).returncode)


class IdentityTest(BoxTest):
    def setUp(self):
        super().setUp()
        self.configure("<mac>")

    def configure(self, pattern):
        self.box.configure(device={"id": pattern})

    def ip(self, *arguments):
        subprocess.run([program("ip"), *arguments], check=True)

    def card(self, mac, name="card0"):
        """A virtual one, as no others can be made: it is taken when no real one has come after 10 s."""
        self.ip("link", "add", name, "address", mac, "type", "bridge")
        self.addCleanup(subprocess.run, [program("ip"), "link", "del", name], check=False, stderr=subprocess.DEVNULL)

    def start(self):
        return Daemon(self.box, self.box.spawn("run"))

    def device(self):
        return self.document(self.expect(self.box.run("status", "--json"), DONE))["device"]

    def stop(self, agent):
        agent.signal(signal.SIGTERM)
        self.assertEqual(0, agent.wait(10), agent.output())

    def ready(self, agent):
        agent.process.wait(agent.has_failed_to_check_in, 30 * FACTOR, "its first check-in")

    def test_without_a_card_it_waits_for_one_and_says_so(self):
        agent = self.start()
        wait_until(lambda: "does not know yet who it is" in agent.output(), 10 * FACTOR, "it says what it waits for")
        self.assertIn("no mac", agent.output())
        self.assertEqual("unknown", self.device()["id"])
        self.card("00:80:64:11:22:33")
        self.ready(agent)
        device = self.device()
        self.assertEqual(("008064112233", "card0"), (device["id"], device["id_from"]))
        self.stop(agent)

    def test_it_stays_when_the_card_is_gone_or_another_comes(self):
        self.card("00:80:64:11:22:33")
        agent = self.start()
        self.ready(agent)
        self.stop(agent)
        self.assertEqual(("008064112233", "kept"), (self.device()["id"], self.device()["id_from"]))
        self.ip("link", "del", "card0")
        self.card("00:80:64:99:99:99", "card1")
        self.assertEqual(("008064112233", "kept; this machine would now be 008064999999"), (self.device()["id"], self.device()["id_from"]))
        os.remove(self.box.log)
        agent = self.start()
        self.ready(agent)
        self.assertEqual("008064112233", self.device()["id"])
        self.ip("link", "del", "card1")
        self.stop(agent)
        self.assertEqual(("008064112233", "kept; what it was made of is not there now"), (self.device()["id"], self.device()["id_from"]))
        self.configure("fixed")
        self.assertEqual(("fixed", "configured"), (self.device()["id"], self.device()["id_from"]))

    def test_a_damaged_note_is_told_and_one_byte_costs_nothing(self):
        self.card("00:80:64:11:22:33")
        agent = self.start()
        self.ready(agent)
        self.stop(agent)
        self.ip("link", "del", "card0")
        note = os.path.join(self.box.state, "device-id")
        with open(note, "rb") as file:
            whole = file.read()
        for at in range(len(whole)):
            with open(note, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            device = self.device()
            self.assertEqual("008064112233", device["id"], at)
            self.assertIn("damaged", device["id_from"])
        agent = self.start()
        wait_until(lambda: "the note of the device's id is damaged" in agent.output(), 10 * FACTOR, "it is told")
        self.stop(agent)
        with open(note, "rb") as file:
            self.assertEqual(whole, file.read())

    def test_localhost_is_no_name(self):
        self.configure("tc-<hostname>")
        agent = self.start()
        wait_until(lambda: "no hostname" in agent.output(), 10 * FACTOR, "it says what it waits for")
        subprocess.run(["hostname", "front-desk"], check=True)
        self.addCleanup(subprocess.run, ["hostname", "localhost"], check=True)
        self.ready(agent)
        self.assertEqual(("tc-front-desk", "the hostname"), (self.device()["id"], self.device()["id_from"]))
        self.stop(agent)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_network()
    unittest.main(verbosity=2)
