#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the lab itself: what every scenario relies on. `python3 tests/lab/selftest.py` or `python3 -m unittest`."""

import ftplib
import http.client
import io
import os
import shutil
import socket
import sys
import tempfile
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from fault_proxy import FaultProxy  # noqa: E402
from lab_http import parse_ranges  # noqa: E402
from lab_windows import Window  # noqa: E402
from selftest_ddi import DdiTest, ManagementTest  # noqa: E402,F401 - unittest collects them from here
from selftest_rules import RulesTest  # noqa: E402,F401
from servers import Nginx, Vsftpd  # noqa: E402
from services import LabError, Services, lives, port_answers, wait_until  # noqa: E402
from setup_packages import SERVERS, ensure  # noqa: E402

MIB = 1 << 20


class WindowTest(unittest.TestCase):
    NIGHT = Window("0 0 3 * * ?", "01:00:00", "+00:00")
    DAY = 1_900_000_000 // 86400 * 86400

    def test_is_open_from_its_start_until_its_duration_is_over(self):
        self.assertFalse(self.NIGHT.is_open(self.DAY + 3 * 3600 - 1))
        self.assertTrue(self.NIGHT.is_open(self.DAY + 3 * 3600))
        self.assertTrue(self.NIGHT.is_open(self.DAY + 4 * 3600 - 1))
        self.assertFalse(self.NIGHT.is_open(self.DAY + 4 * 3600))

    def test_the_next_start_is_tomorrow_once_today_has_passed(self):
        self.assertEqual(self.NIGHT.next_start(self.DAY + 3 * 3600), self.DAY + 27 * 3600)

    def test_the_time_zone_counts(self):
        self.assertTrue(Window("0 0 3 * * ?", "01:00:00", "+02:00").is_open(self.DAY + 3600))

    def test_a_window_may_reach_over_midnight(self):
        self.assertTrue(Window("0 30 23 * * ?", "01:00:00", "+00:00").is_open(self.DAY + 600))

    def test_weekdays_count_from_sunday_and_have_names(self):
        sunday = 1_900_000_000 // 86400  # find the next Sunday: 1970-01-01 was a Thursday
        sunday += (3 - sunday) % 7
        self.assertTrue(Window("0 0 3 ? * SUN", "01:00:00", "+00:00").is_open(sunday * 86400 + 3 * 3600))
        self.assertFalse(Window("0 0 3 ? * 2", "01:00:00", "+00:00").is_open(sunday * 86400 + 3 * 3600))

    def test_a_schedule_of_a_past_year_has_lapsed(self):
        self.assertTrue(Window("0 0 3 1 1 ? 2020", "01:00:00", "+00:00").lapsed(self.DAY))
        self.assertFalse(self.NIGHT.lapsed(self.DAY))

    def test_nonsense_is_refused(self):
        for schedule, duration, zone in (("0 0 3", "01:00:00", "+00:00"), ("0 0 25 * * ?", "01:00:00", "+00:00"),
                                         ("0 0 3 * * ?", "1h", "+00:00"), ("0 0 3 * * ?", "01:00:00", "UTC")):
            with self.assertRaises(ValueError):
                Window(schedule, duration, zone)


class RangeTest(unittest.TestCase):
    def test_ranges_are_read_as_the_rfc_says(self):
        for text, wanted in (("bytes=0-9", [(0, 9)]), ("bytes=90-", [(90, 99)]), ("bytes=-10", [(90, 99)]),
                             ("bytes=95-200", [(95, 99)]), ("bytes=100-", []), ("bytes=0-0,5-6", [(0, 0), (5, 6)]),
                             ("bytes=9-0", None), ("lines=1-2", None), ("bytes=-", None)):
            self.assertEqual(parse_ranges(text, 100), wanted, text)


class ServicesTest(unittest.TestCase):
    def test_everything_started_is_gone_after_an_exception(self):
        folder = tempfile.mkdtemp(prefix="hagent-lab-")
        self.addCleanup(shutil.rmtree, folder)
        with self.assertRaises(ZeroDivisionError):
            with Services() as services:
                one = services.start("sleeper", ["sh", "-c", "sleep 300 & echo child $!; wait"], os.path.join(folder, "log"))
                child = int(one.wait_line("child", 10).split()[1])
                raise ZeroDivisionError
        self.assertFalse(one.running())
        wait_until(lambda: not lives(child), 5, "the end of the grandchild")

    def test_a_program_that_ends_early_is_told_with_its_output(self):
        with Services() as services:
            folder = tempfile.mkdtemp(prefix="hagent-lab-")
            self.addCleanup(shutil.rmtree, folder)
            one = services.start("failing", ["sh", "-c", "echo no such luck; exit 4"], os.path.join(folder, "log"))
            with self.assertRaisesRegex(LabError, "ended with 4(.|\n)*no such luck"):
                one.wait_line("ready", 10)


class ServersTest(unittest.TestCase):
    """vsftpd and nginx, plainly and through the fault proxy."""

    @classmethod
    def setUpClass(cls):
        ensure(SERVERS)
        cls.folder = tempfile.mkdtemp(prefix="hagent-lab-")
        cls.data = os.urandom(8 * MIB)
        for name in ("ftp", "http"):
            os.makedirs(os.path.join(cls.folder, name))
            with open(os.path.join(cls.folder, name, "big"), "wb") as file:
                file.write(cls.data)
        cls.services = Services(adopt_orphans=True)
        cls.ftp = Vsftpd(cls.services, os.path.join(cls.folder, "vsftpd"), os.path.join(cls.folder, "ftp"))
        cls.http = Nginx(cls.services, os.path.join(cls.folder, "nginx"), os.path.join(cls.folder, "http"))
        cls.ftp.start()
        cls.http.start()

    @classmethod
    def tearDownClass(cls):
        cls.services.stop()
        ports = (cls.ftp.port, cls.http.port)
        shutil.rmtree(cls.folder)
        assert not any(map(port_answers, ports)), "a server was left behind"

    def proxy(self, target, ftp=False):
        proxy = FaultProxy(target, ftp)
        self.addCleanup(proxy.stop)
        return proxy

    def login(self, port, extended):
        session = ftplib.FTP()
        session.connect("127.0.0.1", port, timeout=10)
        session.login()
        if extended:
            session.af = socket.AF_INET6  # makes ftplib ask with EPSV
        self.addCleanup(session.close)
        return session

    def fetch(self, port, first=0, timeout=10):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/big", headers={"Range": f"bytes={first}-"} if first else {})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read()

    def cut_and_resume(self, extended):
        proxy = self.proxy(self.ftp.port, ftp=True)
        fault = proxy.cut(3 * MIB, "rst", kind="data")
        session, got = self.login(proxy.port, extended), io.BytesIO()
        with self.assertRaises((ConnectionError, ftplib.error_temp)):
            session.retrbinary("RETR big", got.write)
        self.assertEqual((len(got.getvalue()), fault.hits), (3 * MIB, 1))
        self.login(proxy.port, extended).retrbinary("RETR big", got.write, rest=len(got.getvalue()))
        self.assertEqual(got.getvalue(), self.data)
        self.assertEqual(proxy.bytes_to_client("data"), len(self.data))
        self.assertEqual([link["kind"] for link in proxy.connections()].count("data"), 2)

    def test_a_passive_ftp_transfer_is_cut_at_the_byte_and_resumed_by_rest(self):
        self.cut_and_resume(extended=False)

    def test_an_extended_passive_ftp_transfer_is_cut_at_the_byte_and_resumed_by_rest(self):
        self.cut_and_resume(extended=True)
        with open(self.ftp.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        self.assertIn("EPSV", text)
        self.assertIn(f"REST {3 * MIB}", text)

    def test_vsftpd_gives_size_and_date_and_refuses_uploads(self):
        session = self.login(self.ftp.port, False)
        session.voidcmd("TYPE I")
        self.assertEqual(session.size("big"), len(self.data))
        self.assertTrue(session.voidcmd("MDTM big").startswith("213 "))
        with self.assertRaises(ftplib.error_perm):
            session.storbinary("STOR new", io.BytesIO(b"x"))

    def test_nginx_gives_ranges_and_the_proxy_counts_them_by_path(self):
        proxy = self.proxy(self.http.port)
        self.assertEqual(self.fetch(proxy.port, len(self.data) - 10), (206, self.data[-10:]))
        self.assertEqual(self.fetch(proxy.port)[1], self.data)
        self.assertEqual(proxy.ranges_of("/big"), [f"bytes={len(self.data) - 10}-"])
        self.assertGreater(proxy.bytes_of("/big"), len(self.data))
        self.assertEqual(proxy.bytes_of("/other"), 0)

    def test_a_fin_in_the_middle_shortens_the_answer(self):
        proxy = self.proxy(self.http.port)
        proxy.cut(MIB, "fin", path="/big")
        with self.assertRaises(http.client.IncompleteRead):
            self.fetch(proxy.port)
        self.assertEqual(self.fetch(proxy.port)[1], self.data)

    def test_a_stall_keeps_the_connection_open_without_a_byte(self):
        proxy = self.proxy(self.http.port)
        proxy.cut(MIB, "stall")
        with self.assertRaises(TimeoutError):
            self.fetch(proxy.port, timeout=0.5)
        self.assertEqual(proxy.bytes_to_client(), MIB)

    def test_a_black_hole_passes_nothing_either_way(self):
        proxy = self.proxy(self.http.port)
        proxy.black_hole()
        with self.assertRaises(TimeoutError):
            self.fetch(proxy.port, timeout=0.3)
        self.assertEqual((proxy.bytes_to_client(), proxy.bytes_to_server()), (0, 0))
        proxy.clear()
        self.assertEqual(self.fetch(proxy.port)[1], self.data)

    def test_refused_connections_are_reset(self):
        proxy = self.proxy(self.http.port)
        proxy.refuse()
        with self.assertRaises(OSError):
            self.fetch(proxy.port)

    def test_a_slow_connection_keeps_its_rate(self):
        proxy = self.proxy(self.http.port)
        proxy.slow(8 * MIB)
        began = time.monotonic()
        self.assertEqual(self.fetch(proxy.port)[1], self.data)
        self.assertGreater(time.monotonic() - began, 0.8)


if __name__ == "__main__":
    unittest.main(verbosity=2)
