# SPDX-License-Identifier: Apache-2.0
"""A thousand slow clients at once (slowhttptest: headers, bodies, reads): the listener serves the others in time."""

import http.client
import time
import unittest

from kit import FACTOR, BoxTest, wait_until
from setup_packages import ensure, program

CLIENTS, SECONDS = 1000, 12
ANSWER_LIMIT_S = 0.1
MEMORY_LIMIT_KIB = 8 << 10
MODES = {
    "headers": ("-H", "-i", "2", "-x", "8"),
    "bodies": ("-B", "-i", "2", "-s", "4096", "-x", "8"),
    "reads": ("-X", "-w", "1", "-y", "2", "-n", "2", "-z", "1", "-k", "3"),
}


class SlowClients(BoxTest):
    def setUp(self):
        super().setUp()
        ensure({"slowhttptest": "slowhttptest"})

    def answer_time(self):
        """Seconds until a well-behaved client has its answer over a new connection."""
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.box.port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(200, answer.status)
        finally:
            connection.close()
        return time.monotonic() - began

    def crowd(self, daemon, mode, options):
        """The times of the answers while a crowd is at the door, and the most memory that it took."""
        path = "v1/check-in" if mode == "bodies" else ""
        process = self.box.services.start("slowhttptest", [program("slowhttptest"), "-c", str(CLIENTS), "-r", "500", "-l", str(SECONDS), "-p", "2",
                                                           "-u", f"http://127.0.0.1:{self.box.port}/{path}", *options],
                                          self.box.path(f"crowd-{mode}.log"))
        handles = daemon.descriptors()
        if mode != "bodies":  # which no path wants: each client has its answer at once, and the crowd never stands
            wait_until(lambda: daemon.descriptors() > handles + 100 or not process.running(), 10 * FACTOR, "the crowd arrives")
        times, memory = [], 0
        while process.running():
            times.append(self.answer_time())
            memory = max(memory, daemon.memory_kib())
            time.sleep(0.05)  # the pace of the good client
        return sorted(times), memory

    def test_a_thousand_slow_clients_hold_nobody_up(self):
        self.box.configure(log={"level": "warning"})
        daemon = self.box.daemon().settle()
        self.answer_time()
        handles, before = daemon.descriptors(), daemon.memory_kib()
        for mode, options in MODES.items():
            with self.subTest(mode):
                times, memory = self.crowd(daemon, mode, options)
                self.assertGreater(len(times), 5 if mode == "bodies" else 20)
                print(f"{mode}: {len(times)} answers, median {1000 * times[len(times) // 2]:.1f} ms, 99th {1000 * times[len(times) * 99 // 100]:.1f} ms, "
                      f"worst {1000 * times[-1]:.1f} ms; memory {before} -> {memory} KiB")
                self.assertLess(times[len(times) * 99 // 100], ANSWER_LIMIT_S * FACTOR)
                self.assertLess(memory - before, MEMORY_LIMIT_KIB * FACTOR)
                wait_until(lambda: daemon.descriptors() <= handles, 30 * FACTOR, "the listener lets them go")
        self.assert_sane(daemon.output())


if __name__ == "__main__":
    unittest.main(verbosity=2)
