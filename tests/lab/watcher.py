# SPDX-License-Identifier: Apache-2.0
"""Looks at the status listener while a job runs, and remembers what was to be seen there."""

import threading

EVERY_S = 0.05


class Watcher:
    """Polls /v1/status (and now and then the page) until stop()."""

    def __init__(self, agent):
        self.agent = agent
        self.phases, self.step_states, self.progress, self.pages = [], {}, [], []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *unused):
        self._stopping.set()
        self._thread.join(10)

    def _run(self):
        while not self._stopping.wait(EVERY_S):
            session = (self.agent.status_or_none() or {}).get("session")
            if session:
                self._look(session)

    def _look(self, session):
        name = session.get("phase_name")
        if name and name not in self.phases:
            self.phases.append(name)
            try:
                self.pages.append(self.agent.page())
            except OSError:
                pass  # the agent is being restarted
        for step in session.get("steps", []):
            seen = self.step_states.setdefault(f"{step.get('n')} {step.get('op')}", [])
            if step.get("state") not in seen:
                seen.append(step.get("state"))
        progress = session.get("progress") or {}
        if progress.get("bytes") and (not self.progress or self.progress[-1] != progress["bytes"]):
            self.progress.append(progress["bytes"])

    def saw_step_running(self):
        return any("running" in states for states in self.step_states.values())

    def page_showed(self, *texts):
        """True when one page held all these texts."""
        return any(all(text in page for text in texts) for page in self.pages)
