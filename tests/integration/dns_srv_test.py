# SPDX-License-Identifier: Apache-2.0
"""A manager that the name servers name: a real dnsmasq on port 53, in a network of our own that has nothing but loopback."""

import os
import subprocess
import sys
import tempfile
import unittest

from certificates import Authority
from kit import DONE, FACTOR, FAILED, TRY_LATER, BoxTest, Services, own_port, wait_until
from one_job_manager import OneJobManager

from legacy_manager import LegacyManager
from services import LabError, port_answers
from setup_packages import ensure, program

INSIDE = "HAGENT_TEST_NETWORK"
RESOLV_CONF = "search empty.test site.test\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
# $1: what /etc/resolv.conf is. Names come from name servers only, so that nothing of this machine answers.
SETUP = 'set -e; mount --make-rprivate /; mount --bind "$1" "$(readlink -f /etc/resolv.conf)"; ip link set lo up; shift; exec "$@"'


def enter_network():
    """Begins this program again in namespaces for network and mounts; 77 where that is refused."""
    try:
        ensure({"dnsmasq": "dnsmasq-base", "ip": "iproute2"})
    except LabError as reason:
        print(reason)
        sys.exit(77)
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        print(f"a network of our own is refused here: {tried.stderr.strip()}; nothing is tested")
        sys.exit(77)
    with tempfile.NamedTemporaryFile("w", prefix="hagent-resolv-") as conf:
        conf.write(RESOLV_CONF)
        conf.flush()
        done = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", SETUP, "sh", conf.name, sys.executable, "-B", *sys.argv], check=False,
                              env={**os.environ, INSIDE: "1"})
    sys.exit(done.returncode)


class Dnsmasq:
    """Knows the domain test by its own options only, and asks nobody."""

    def __init__(self, services, folder):
        self.services, self.folder, self.process = services, folder, None

    def serve(self, *records):
        if self.process:
            self.process.stop()
        options = ["--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=53", "--listen-address=127.0.0.1", "--bind-interfaces",
                   "--user=root", "--pid-file=", "--log-queries", "--log-facility=-", "--local=/test/"]
        self.process = self.services.start("dnsmasq", [program("dnsmasq"), *options, *records], os.path.join(self.folder, "dnsmasq.log"))
        self.process.wait(lambda: port_answers(53), 10 * FACTOR, "its port answers")

    def asked(self):
        return [line.split("query[SRV] ")[1].split()[0] for line in self.process.output().splitlines() if "query[SRV]" in line]


class DnsSrv(BoxTest):
    def setUp(self):
        super().setUp()
        self.services = Services()
        self.addCleanup(self.services.stop)
        self.names = Dnsmasq(self.services, self.box.folder)
        self.managers = []

    def manager(self):
        manager = LegacyManager()
        self.addCleanup(manager.stop)
        self.managers.append(manager)
        return manager

    def configure(self, **more):
        self.box.configure(manager={"dialect": "hserver", "urls": [], "trust": "network", "allow_clear_text": True, "dns_srv": "_hagent._tcp", "interval_s": 3600,
                                    "spread_s": 0, **more})

    @staticmethod
    def host(name):
        return f"--host-record={name}.site.test,127.0.0.1"

    @staticmethod
    def record(name, port, priority=0, weight=0, service="_hagent._tcp.site.test"):
        return f"--srv-host={service},{name}.site.test,{port},{priority},{weight}"

    def check_in(self, code=DONE, *words):
        return self.expect(self.box.run("check-in", "--once"), code, *words)

    def met(self):
        """Which managers were asked since the last call."""
        heard = [bool(manager.requests) for manager in self.managers]
        for manager in self.managers:
            manager.requests.clear()
            manager.came.clear()
        return heard

    def forget(self):
        """The manager that was met, in both copies of the note."""
        for name in ("manager-met", "manager-met.copy"):
            os.remove(os.path.join(self.box.state, name))

    def test_the_manager_is_found_in_the_search_domain_met_and_kept(self):
        first, second = self.manager(), self.manager()
        self.names.serve(self.host("one"), self.record("one", first.server.server_port))
        number = first.queue([f'AL "{self.box.root}/list" "line"'])
        self.configure()
        self.check_in()
        self.assertEqual("done", first.state(number))
        self.assertEqual(["_hagent._tcp.empty.test", "_hagent._tcp.site.test"], self.names.asked())
        self.met()
        self.names.serve(self.host("two"), self.record("two", second.server.server_port), self.host("one"))
        self.check_in()
        self.assertEqual([True, False], self.met())
        self.assertEqual([], self.names.asked())

    def test_lower_priorities_are_tried_first_and_the_others_when_these_do_not_answer(self):
        backup, best = self.manager(), self.manager()
        self.names.serve(self.host("backup"), self.record("backup", backup.server.server_port, 20), self.host("best"),
                         self.record("best", best.server.server_port, 10))
        self.configure()
        self.check_in()
        self.assertEqual([False, True], self.met())
        self.forget()
        self.names.serve(self.host("backup"), self.record("backup", backup.server.server_port, 20), self.host("best"), self.record("best", own_port(), 10))
        self.check_in()
        self.assertEqual([True, False], self.met())

    def test_weights_share_the_devices_out(self):
        rarely, often = self.manager(), self.manager()
        self.names.serve(self.host("m"), self.record("m", rarely.server.server_port, 5, 1), self.record("m", often.server.server_port, 5, 65000))
        self.configure()
        for _ in range(3):
            self.check_in()
            self.forget()
        self.assertTrue(self.met()[1])  # three times the other one: once in 10^14

    def test_a_whole_name_is_asked_for_as_it_stands(self):
        manager = self.manager()
        self.names.serve(self.host("m"), self.record("m", manager.server.server_port, service="_other._tcp.else.test"))
        self.configure(dns_srv="_other._tcp.else.test")
        self.check_in()
        self.assertEqual([True], self.met())
        self.assertEqual(["_other._tcp.else.test"], self.names.asked())

    def test_dhcp_comes_before_dns_and_the_configuration_before_both(self):
        named, leased, configured = self.manager(), self.manager(), self.manager()
        self.names.serve(self.host("m"), self.record("m", named.server.server_port))
        lease = self.box.write("leases", "lease {\n  option unknown-186 7f:0:0:1;\n  option unknown-192 %x:%x;\n}\n" % divmod(leased.server.server_port, 256))
        self.configure(dhcp_lease_file=lease, urls=[configured.url])
        self.check_in()
        self.assertEqual([False, False, True], self.met())
        self.configure(dhcp_lease_file=lease)
        self.check_in()
        self.assertEqual([False, True, False], self.met())
        self.assertEqual([], self.names.asked())
        self.forget()
        self.configure(dhcp_lease_file=self.box.path("no-leases"))
        self.check_in()
        self.assertEqual([True, False, False], self.met())

    def test_what_nobody_names_is_told_and_nothing_is_asked_unless_configured(self):
        self.names.serve()
        self.configure()
        self.check_in(TRY_LATER, "_hagent._tcp names no manager")
        self.names.serve("--srv-host=_hagent._tcp.site.test")  # "decidedly not here"
        self.check_in(TRY_LATER, "_hagent._tcp names no manager")
        self.names.process.stop()
        self.check_in(TRY_LATER, "resolver-11002", "The name server gave no answer")
        self.names.serve()
        self.expect(self.box.run("status"), DONE, "none configured")
        self.assertEqual([], self.names.asked())

    def test_over_https_the_named_host_has_to_prove_itself(self):
        authority = Authority(self.box.folder, "ours")
        manager = OneJobManager(authority.issue("manager", "DNS:m.site.test"))
        self.addCleanup(manager.close)
        self.configure(dialect="hawkbit", trust="required", allow_clear_text=False, ca_file=authority.pem)
        self.names.serve(self.host("m"), self.host("liar"), self.record("liar", manager.port))
        self.check_in(FAILED, "host_mismatch")
        self.assertEqual([], manager.requests)
        self.assertFalse(os.path.exists(os.path.join(self.box.state, "manager-met")))
        self.names.serve(self.host("m"), self.record("m", manager.port))
        self.check_in()
        with open(os.path.join(self.box.state, "manager-met"), encoding="utf-8") as met:
            self.assertEqual(f"https://m.site.test:{manager.port}/\n", met.readline())

    def test_the_daemon_finds_it_by_itself(self):
        manager = self.manager()
        self.names.serve(self.host("m"), self.record("m", manager.server.server_port))
        number = manager.queue([f'AL "{self.box.root}/list" "line"'])
        self.configure()
        agent = self.box.daemon()
        agent.process.wait(lambda: manager.state(number) == "done", 30 * FACTOR, "the update's end")
        wait_until(lambda: os.path.exists(os.path.join(self.box.state, "manager-met")), 10 * FACTOR, "the note about the manager")
        agent.signal(1)  # the kept one stays
        wait_until(lambda: len([verb for verb in manager.verbs() if verb == "V01"]) > 1, 20 * FACTOR, "the first check-in after reading the configuration again")


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_network()
    unittest.main()
