#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves on parts of its own that tests/run builds ahead while it tests, and that nothing of one part stops another."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import threading
import types
import unittest

import lint

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("tests_run", os.path.join(lint.ROOT, "tests", "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("tests_run", loader))
sys.modules["tests_run"] = run
loader.exec_module(run)
DEADLINE_S = 20


class Parts(unittest.TestCase):
    def setUp(self):
        self.saved = dict(vars(run))
        self.addCleanup(lambda: vars(run).update(self.saved))
        folder = tempfile.TemporaryDirectory(prefix="hagent-parts-")
        self.addCleanup(folder.cleanup)
        run.ROOT, self.events, self.built = folder.name, [], {name: threading.Event() for name in ("one", "two")}
        self.parts = [run.Part(name, (5, 5), needs_lab=False) for name in self.built]

    def go(self, make, test, left=lambda: 99, set_up=lambda building: None, labels=frozenset()):
        """Everything that tests/run does with the two parts; (outcomes, what it printed)."""
        def tested(part, tests, outcome):
            self.events.append(f"test {part.name}")
            test(part)
            outcome.passed.extend(name for name, _ in tests)

        class Own(run.Building):
            def set_up(self):
                set_up(self)

            def make(self):
                make(self)
                self.tests = [("t", labels)]

        run.Building, run.run_ctest = Own, tested
        self.builder = builder = run.Builder(self.parts, types.SimpleNamespace(), left)
        outcomes, out = {}, io.StringIO()
        with contextlib.redirect_stdout(out):
            builder.start()
            for building in builder.buildings:
                run.run_part(building, left)
                outcomes[building.part.name] = building.outcome
        builder.stop()
        return outcomes, out.getvalue()

    def test_the_second_is_built_while_the_first_is_tested_and_shows_its_log_in_its_turn(self):
        def make(building):
            building.step(["echo", f"making {building.part.name}"])
            self.built[building.part.name].set()

        def test(part):
            self.assertTrue(self.built["two"].wait(DEADLINE_S), "part two is not built before the tests of part one end")
            print(f"testing {part.name}")

        outcomes, said = self.go(make, test)
        self.assertEqual([["t"], ["t"]], [outcome.passed for outcome in outcomes.values()])
        order = [said.index(text) for text in ("= one =", "making one", "testing one", "= two =", "making two", "testing two")]
        self.assertEqual(sorted(order), order, said)

    def test_it_builds_meekly_what_nobody_waits_for(self):
        seen, waits = {}, threading.Event()

        def make(building):
            if building.part.name == "two":
                waits.set()
            building.step(["sh", "-c", "echo nice $(nice)"])

        def test(part):
            if part.name == "one":
                self.assertTrue(waits.wait(DEADLINE_S))
                wanted = os.path.join(run.ROOT, "build", "two.log")
                for _ in range(DEADLINE_S * 50):
                    with open(wanted, encoding="utf-8") as log:
                        if (text := log.read()).endswith("\n"):
                            break
                    threading.Event().wait(0.02)
                seen["two"] = text.strip()

        _, said = self.go(make, test)
        self.assertEqual("nice 19", seen["two"])
        self.assertIn(f"nice {os.nice(0)}\n", said)

    def test_while_a_test_measures_nothing_is_built_and_afterwards_it_goes_on(self):
        states = []

        def test(part):
            if part.name == "one":
                for _ in range(DEADLINE_S * 50):
                    if (process := self.builder.process) and self.built["two"].is_set() and process.args[-1] == "2 seconds":
                        with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
                            states.append(stat.read().rpartition(")")[2].split()[0])
                        if states[-1] == "T":
                            return
                    threading.Event().wait(0.02)

        def make(building):
            self.built[building.part.name].set()
            building.step(["sh", "-c", "sleep 2" if building.part.name == "two" else "sleep 0.2",
                           "2 seconds" if building.part.name == "two" else "1"])

        outcomes, _ = self.go(make, test, labels={"measured"})
        self.assertEqual("T", states[-1])
        self.assertEqual([["t"], ["t"]], [outcome.passed for outcome in outcomes.values()])

    def test_a_part_that_cannot_be_built_leaves_the_other(self):
        def make(building):
            building.step(["false" if building.part.name == "one" else "true"])

        outcomes, said = self.go(make, lambda part: None)
        self.assertEqual((["`false` ended with 1"], []), (outcomes["one"].failed, outcomes["one"].passed))
        self.assertEqual(["t"], outcomes["two"].passed)
        self.assertEqual(["test two"], self.events)
        self.assertIn("`false` ended with 1", said)

    def test_a_part_that_cannot_be_set_up_leaves_the_other(self):
        outcomes, _ = self.go(lambda building: None, lambda part: None, set_up=lambda building: building.step(["false" if building.part.name == "two" else "true"]))
        self.assertEqual((["t"], ["`false` ended with 1"]), (outcomes["one"].passed, outcomes["two"].failed))

    def test_a_part_that_may_not_end_in_time_is_not_begun_and_said(self):
        outcomes, _ = self.go(lambda building: self.built["one"].set(), lambda part: None, left=lambda: 6 if self.built["one"].is_set() else 12)
        self.assertEqual(["t"], outcomes["one"].passed)
        self.assertEqual([], outcomes["two"].passed)
        self.assertIn("the whole part", outcomes["two"].skipped[0])

    def test_the_slowest_are_shown_over_all_parts(self):
        outcomes = {part: run.Outcome(times=[(seconds, f"{part}{seconds}") for seconds in range(first, 40, 2)]) for part, first in (("a", 0), ("b", 1))}
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertFalse(run.report(outcomes, False))
        lines = out.getvalue().splitlines()
        self.assertEqual([f"{'ba'[n % 2]}{39 - n}" for n in range(run.SLOWEST)], [line.split()[2] for line in lines if " s  " in line])
        self.assertEqual("0 passed, 1 failed", lines[-1])


if __name__ == "__main__":
    unittest.main()
