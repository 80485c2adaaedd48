# SPDX-License-Identifier: Apache-2.0
"""The lab's scenarios: each drives one running laboratory and records what it saw as findings."""

import os
import time

import demo_package
from demo_package import BIG, CONFIG, CONFIG_LINE, GO_FILE, OLD, SMALL, STARTS_FILE, digest
from findings import human
from manager_api import FINAL_STATES
from services import LabError, wait_until
from watcher import Watcher

JOB_DEADLINE_S = 420
SLOW_BYTES_PER_S = 10 << 20     # while a scenario wants to strike in the middle of the big file
WIRE_LIMIT = 1.1
JOB_WORDS = {"finished": "success", "error": "failure", "canceled": "cancelled"}


class Job:
    """One package given to the device, watched until its end."""

    def __init__(self, lab, findings, package, reference):
        self.lab, self.findings, self.package = lab, findings, package
        self.agent, self.manager = lab.agent, lab.manager
        self.action = self.manager.assign(self.agent.device_id, reference)
        self.agent.check_in()

    def nudge_until(self, condition, timeout_s, what):
        """Waits for `condition` and triggers a check-in every few seconds, since a manager's polling time may be long."""
        last = [time.monotonic()]

        def nudged():
            if time.monotonic() - last[0] > 3:
                last[0] = time.monotonic()
                self.agent.check_in()
            return condition()
        return self.agent.process.wait(nudged, timeout_s, what)

    def state(self):
        return self.manager.action_state(self.agent.device_id, self.action)

    def wait_end(self):
        state = self.nudge_until(lambda: self.state() in FINAL_STATES and self.state(), JOB_DEADLINE_S, f"the end of job {self.action}")
        self.findings.job = JOB_WORDS[state]
        return state

    def wait_refusal(self):
        """Waits until it has failed, or rests: True when it is to be tried again, because its manager does not vouch for the bytes."""
        self.nudge_until(lambda: self.state() in FINAL_STATES or self.rests(), JOB_DEADLINE_S, f"the refusal of job {self.action}")
        if self.state() not in FINAL_STATES:
            return True
        self.wait_end()
        return False

    def rests(self):
        return bool((self.agent.session_of(self.action) or {}).get("try_again"))

    def session(self):
        session = self.agent.session_of(self.action)
        if session is None:
            raise LabError(f"the agent shows no session for job {self.action}")
        return session

    def wait_file_bytes(self, share):
        """Waits until this share of the big file went over the wire."""
        size = self.big_size()
        self.nudge_until(lambda: self.wire() > share * size, JOB_DEADLINE_S, f"{share:.0%} of {BIG} on the wire")

    def big_size(self):
        return next(item["bytes"] for item in self.package.files if item["path"] == BIG)

    def wire(self):
        proxy, kind = self.lab.data_proxy()
        return proxy.bytes_to_client(kind) if kind else proxy.bytes_of("linux-image.deb")

    # checks that several scenarios share --------------------------------------------------------------------------
    def check_reported_once(self, wanted):
        state, count = self.state(), self.manager.final_reports(self.agent.device_id, self.action)
        history = self.manager.history(self.agent.device_id, self.action)
        self.findings.fact("history", history)
        final = next((entry for entry in history if entry["status"] == wanted), {"messages": []})
        closed = {"finished": "closed/success", "error": "closed/failure", "canceled": "the cancellation"}[wanted]
        self.findings.check(f"the {self.manager.name} manager acknowledged {closed} exactly once", state == wanted and count == 1,
                            f"state {state}, {count} final report; {' | '.join(final['messages'])[:300]}")

    def check_wire(self):
        size, wire = self.package.wire_bytes, self.wire()
        self.findings.fact("wire", {"file_bytes": size, "wire_bytes": wire, "ratio": round(wire / size, 4)})
        self.findings.check("downloaded bytes were not fetched again", wire <= WIRE_LIMIT * size,
                            f"{wire} bytes on the wire for {size}, {wire / size:.3f}x")

    def check_resumed(self, session):
        transfers = session.get("transfers", [])
        self.findings.fact("transfers", transfers)
        offsets = [at for item in transfers if "linux-image.deb" in str(item.get("file", "")) for at in item.get("resumed_at", [])]
        self.findings.check("the transfer resumed at an offset above 0", any(at > 0 for at in offsets), f"offsets {offsets}")
        proxy, kind = self.lab.data_proxy()
        if kind is None:
            ranges = proxy.ranges_of("linux-image.deb")
            self.findings.check("the server was asked for the rest only", any(text != "bytes=0-" for text in ranges), f"Range: {ranges}")
        else:
            with open(self.lab.ftp.log, encoding="utf-8", errors="replace") as log:
                rests = [line.rpartition('"REST ')[2].rstrip('"\n') for line in log if '"REST ' in line]
            self.findings.check("vsftpd saw REST with that offset", any(str(at) in rests for at in offsets if at), f"REST {rests}")

    def check_digests(self, paths=None):
        """The files on the device are the signed ones."""
        files = [item for item in self.package.files if item["path"] != self.package.entry and (not paths or item["path"] in paths)]
        wrong = [item["path"] for item in files
                 if not os.path.exists(os.path.join(self.agent.root, item["path"]))
                 or digest(os.path.join(self.agent.root, item["path"])) != item["sha256"]]
        self.findings.check("all digests verified", files and not wrong,
                            f"{len(files)} files, {human(sum(item['bytes'] for item in files))}" if not wrong else f"wrong: {wrong[:5]}")

    def check_line_added(self):
        with open(os.path.join(self.agent.root, CONFIG), encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.findings.check("the configuration line is there once", lines.count(CONFIG_LINE) == 1, str(lines))


def register(lab, findings):
    """Starts the agent and waits until the manager knows it with its attributes."""
    agent, manager = lab.agent, lab.manager
    agent.start()
    agent.process.wait(lambda: manager.is_registered(agent.device_id) and manager.attributes(agent.device_id), 60,
                       "its registration and attributes at the manager")
    attributes = manager.attributes(agent.device_id)
    findings.check("registered", True, f"device {agent.device_id} {manager.known_by}, {len(attributes)} attributes")
    findings.fact("attributes", attributes)
    findings.fact("status_page", agent.page_url)
    findings.fact("manager_page", manager.page_url)
    findings.fact("left_out", list(manager.left_out))
    findings.say(f"       status page {agent.page_url}   {'manager page ' + manager.page_url if manager.page_url else ''}")
    for what in manager.left_out:
        findings.say(f"       left out with the {manager.name} manager: {what}")


def check_analysis(job, session):
    """Prints the plan of the job with its sizes and disk impact."""
    analysis = session.get("analysis") or {}
    plan, disk = analysis.get("plan", []), analysis.get("disk", [])
    total = sum(item.get("bytes", 0) for item in analysis.get("downloads", []))
    job.findings.fact("analysis", analysis)
    job.findings.check("job analysed", plan and disk and total,
                       f"{len(plan)} steps, {len(analysis.get('downloads', []))} files, {human(total)}, {analysis.get('reboots', 0)} reboot")
    for step in plan:
        job.findings.say(f"       plan {step.get('step')}: {step.get('op')} - {step.get('effect')}")
    for volume in disk:
        job.findings.say(f"       disk {volume.get('volume')}: {human(volume.get('before_bytes', 0))} free now, "
                         f"{human(volume.get('after_bytes', 0))} after")


def check_watched(findings, watcher):
    findings.fact("phases", watcher.phases)
    findings.check("status showed phases, steps and progress during the run",
                   len(watcher.phases) >= 2 and watcher.saw_step_running() and len(watcher.progress) >= 2,
                   f"{len(watcher.phases)} phases, {len(watcher.step_states)} steps, {len(watcher.progress)} progress values")
    findings.check("the status page showed them too", watcher.page_showed("SF", "EX", "%") or watcher.page_showed("SF", "EX", "<progress"),
                   f"{len(watcher.pages)} pages looked at")


def demo(lab, findings):
    """The main job, end to end, with one break in the middle of the big file."""
    register(lab, findings)
    package, reference = lab.package("demo", "demo")
    findings.check("real files of 64 MiB at least", package.total >= 64 << 20, f"{len(package.files)} files, {human(package.total)}")
    proxy, _ = lab.data_proxy()
    proxy.slow(SLOW_BYTES_PER_S)
    cut_at = next(item["bytes"] for item in package.files if item["path"] == BIG) * 2 // 5
    own = lab.own_servers
    cut = proxy.cut(cut_at, "rst", kind="data") if own else None
    with Watcher(lab.agent) as watcher:
        job = Job(lab, findings, package, reference)
        if own:
            job.nudge_until(lambda: cut.hits, JOB_DEADLINE_S, "the cut of the FTP data connection")
            findings.check("FTP data connection cut", True, f"reset after {cut_at} bytes")
            proxy.slow(0)
        else:
            job.wait_file_bytes(0.4)
            lab.agent.kill()
            findings.check("agent killed in the middle of the largest artifact", True, f"kill -9 after {job.wire()} bytes")
            lab.agent.start()
        state = job.wait_end()
    session = job.session()
    check_analysis(job, session)
    check_watched(findings, watcher)
    job.check_resumed(session)
    job.check_wire()
    findings.steps(session)
    findings.check("every step done", session.get("steps") and all(step.get("state") == "done" for step in session["steps"]))
    if state == "finished":
        job.check_digests()
        job.check_line_added()
        findings.check("the old file is gone", not os.path.exists(os.path.join(lab.agent.root, OLD)))
        findings.check("reboot recorded, not done", lab.agent.recorded_reboots(), str(lab.agent.recorded_reboots()))
    job.check_reported_once("finished")
    if not own:
        proxy.clear()
        cancel_part(lab, findings)
        findings.job = JOB_WORDS[state]


def failing_step(lab, findings):
    """A script whose second half fails: steps before it stay, steps after it do not run."""
    register(lab, findings)
    before = lab.agent.device_files()
    job = Job(lab, findings, *lab.package("failing", "failing"))
    job.wait_end()
    session = job.session()
    findings.steps(session)
    failed = [step for step in session.get("steps", []) if step.get("state") == "failed"]
    texts = [result for step in failed for result in step.get("results", [])]
    findings.check("one step failed, and it is the program", [step.get("op") for step in failed] == ["EX"])
    findings.check("its code, cause and next step are told", any(item.get("code") and item.get("text") and item.get("next") for item in texts))
    findings.check("the program's exit status is named", any(str(demo_package.FAIL_CODE) in str(item.get("text")) for item in texts))
    job.check_digests([SMALL])
    after = lab.agent.device_files()
    findings.check("nothing after the failed step was done", {key: value for key, value in after.items() if key != SMALL} == before)
    job.check_reported_once("error")


def refused(lab, findings, name, **choices):
    """A package that must be turned down with nothing changed."""
    before = lab.agent.device_files()
    findings.say(f"  {name}")
    job = Job(lab, findings, *lab.package("failing", name, **choices))
    rests = job.wait_refusal()
    session = job.session()
    findings.steps(session)
    done = [step.get("op") for step in session.get("steps", []) if step.get("state") in ("done", "failed") and step.get("op") == "EX"]
    findings.check(f"{name}: nothing ran", not done, str(done or ""))
    findings.check(f"{name}: nothing was downloaded into place", lab.agent.device_files() == before)
    results = session.get("results", []) + [result for step in session.get("steps", []) for result in step.get("results", [])]
    findings.check(f"{name}: the reason is told", any(item.get("text") and item.get("next") for item in results))
    findings.check(f"{name}: refused before execution", "EXECUT" not in str(session.get("phase_name")), str(session.get("phase_name")))
    if rests:
        findings.check(f"{name}: it is told that it is tried again", "will be tried again at" in str(job.manager.history(lab.agent.device_id, job.action)))
        findings.job = JOB_WORDS["error"]
    else:
        job.check_reported_once("error")


def tampered(lab, findings):
    """One byte changed after signing: in the manifest, in the script, in a file."""
    register(lab, findings)
    refused(lab, findings, "manifest-byte", spoil="manifest.json")
    refused(lab, findings, "script-byte", spoil="script-byte.rsp")
    refused(lab, findings, "file-byte", spoil=SMALL)


def unknown_key(lab, findings):
    """Signed properly, by somebody the device does not trust."""
    register(lab, findings)
    refused(lab, findings, "stranger", key=lab.stranger)


def killed(lab, findings, in_download, in_exec):
    """kill -9 of the agent at the worst moments; the job goes on and is reported once."""
    register(lab, findings)
    package, reference = lab.package("waiting", "waiting")
    proxy, _ = lab.data_proxy()
    if in_download:
        proxy.slow(SLOW_BYTES_PER_S)
    job = Job(lab, findings, package, reference)
    starts = os.path.join(lab.agent.root, STARTS_FILE)
    if in_download:
        job.wait_file_bytes(0.5)
        lab.agent.kill()
        findings.check("agent killed in the middle of the download", True, f"kill -9 after {job.wire()} bytes")
        lab.agent.start()
    if in_exec:
        job.nudge_until(lambda: os.path.exists(starts), JOB_DEADLINE_S, "the start of the program")
        lab.agent.kill()
        findings.check("agent killed in the middle of EX", True, f"kill -9, {job.wire()} bytes so far")
        wire = job.wire()
        lab.agent.start()
    with open(os.path.join(lab.agent.root, GO_FILE), "w", encoding="ascii"):
        pass
    state = job.wait_end()
    session = job.session()
    findings.steps(session)
    with open(starts, encoding="ascii") as file:
        findings.fact("program_starts", len(file.readlines()))
    if in_exec:
        findings.check("nothing was downloaded after the second start", job.wire() == wire, f"{job.wire() - wire} bytes")
    if in_download:
        job.check_resumed(session)
    job.check_wire()
    job.check_digests([BIG])
    if state == "finished":
        job.check_line_added()
    findings.check("the job went on and succeeded", state == "finished", state)
    job.check_reported_once("finished")


def cancel_part(lab, findings):
    """Cancelled by the manager in the middle of the download."""
    package, reference = lab.package("download", "download")
    proxy, _ = lab.data_proxy()
    proxy.slow(SLOW_BYTES_PER_S // 4)
    before = lab.agent.device_files()
    job = Job(lab, findings, package, reference)
    seen = job.wire()
    job.nudge_until(lambda: job.wire() > seen + job.big_size() // 10, JOB_DEADLINE_S, "a tenth of the file")
    lab.manager.cancel(lab.agent.device_id, job.action)
    asked = time.monotonic()
    lab.agent.check_in()
    job.wait_end()
    findings.check("cancel honoured", job.state() == "canceled", f"{time.monotonic() - asked:.1f} s after the manager asked")
    findings.check("nothing is in place", lab.agent.device_files() == before)
    wait_until(lambda: not (lab.agent.status_or_none() or {"session": True}).get("session"), 20, "the end of the session")
    job.check_reported_once("canceled")


def cancel(lab, findings):
    register(lab, findings)
    cancel_part(lab, findings)


SCENARIOS = {
    "demo": demo,
    "failing-step": failing_step,
    "tampered": tampered,
    "unknown-key": unknown_key,
    "kill-download": lambda lab, findings: killed(lab, findings, True, False),
    "kill-exec": lambda lab, findings: killed(lab, findings, False, True),
    "kill-twice": lambda lab, findings: killed(lab, findings, True, True),
    "cancel": cancel,
}
