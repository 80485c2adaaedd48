# SPDX-License-Identifier: Apache-2.0
"""What a scenario saw: printed line by line for people, or one JSON document at the end."""

import json
import sys
import time


class Findings:
    """Named checks with their evidence, and the facts behind them."""

    def __init__(self, scenario, manager, quiet):
        self.scenario, self.manager, self.quiet = scenario, manager, quiet
        self.checks, self.facts, self.job = [], {}, "none"
        self.began = time.monotonic()

    def say(self, text):
        print(text, file=sys.stderr if self.quiet else sys.stdout, flush=True)

    def check(self, name, good, text=""):
        """Records one expectation; returns whether it held."""
        self.checks.append({"name": name, "ok": bool(good), "text": text})
        self.say(f"  {'ok  ' if good else 'FAIL'} {name}{': ' + text if text else ''}")
        return bool(good)

    def fact(self, name, value):
        self.facts[name] = value

    @property
    def ok(self):
        return bool(self.checks) and all(item["ok"] for item in self.checks)

    def steps(self, session):
        """Prints and keeps every step with its results."""
        self.fact("steps", session.get("steps", []))
        for step in session.get("steps", []):
            self.say(f"       step {step.get('n')} {step.get('op')}: {step.get('state')}")
            self.results(step.get("results", []), "         ")
        self.fact("results", session.get("results", []))
        self.results(session.get("results", []), "       ")

    def results(self, results, indent):
        for result in results:
            self.say(f"{indent}{result.get('status_name', '')} {result.get('code')} {result.get('name', '')}: {result.get('text', '')}")
            if result.get("next"):
                self.say(f"{indent}  next: {result['next']}")

    def summary(self):
        return {"scenario": self.scenario, "manager": self.manager, "ok": self.ok, "job": self.job,
                "seconds": round(time.monotonic() - self.began, 1), "checks": self.checks, **self.facts}

    def finish(self, as_json):
        if as_json:
            print(json.dumps(self.summary(), indent=1), flush=True)
        failed = [item["name"] for item in self.checks if not item["ok"]]
        verdict = f"FAILED: {', '.join(failed)}" if failed else "as expected"
        job = "" if self.job == "none" else f"job {self.job}, "
        self.say(f"{self.scenario} with the {self.manager} manager: {job}{verdict}, "
                 f"{time.monotonic() - self.began:.1f} s")


def human(count):
    """12345678 -> "11.8 MiB"."""
    return f"{count / 1048576:.1f} MiB" if count >= 1048576 else f"{count / 1024:.1f} KiB" if count >= 1024 else f"{count} B"
