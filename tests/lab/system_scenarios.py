# SPDX-License-Identifier: Apache-2.0
"""Scenarios of system images and of the agent's own upgrade, on a device whose slots are files (slot_device.py)."""

import json
import time

from manager_api import FINAL_STATES
from scenarios import JOB_WORDS, register
from slot_device import SlotDevice

JOB_DEADLINE_S = 180
NUDGE_EVERY_S = 3  # a manager's polling time may be long


def given(lab, findings, device, name, reference, wanted):
    """Gives the package to the device and sees that it ends so, once; what the manager was told."""
    manager, device_id = lab.manager, lab.agent.device_id
    action = manager.assign(device_id, reference)
    asked = [0.0]

    def over():
        if time.monotonic() - asked[0] > NUDGE_EVERY_S:
            asked[0] = time.monotonic()
            lab.agent.check_in()
        state = manager.action_state(device_id, action)
        return state in FINAL_STATES and state
    state = device.until(over, JOB_DEADLINE_S, f"the end of {name}")
    history = manager.history(device_id, action)
    count = manager.final_reports(device_id, action)
    findings.job = JOB_WORDS[state]
    findings.check(f"{name}: {JOB_WORDS[wanted]}, told once", (state, count) == (wanted, 1), f"{state}, {count} final report")
    return " | ".join(text for entry in history for text in entry["messages"])


def runs(findings, device, version, what):
    device.until(lambda: device.version() == version, JOB_DEADLINE_S, f"agent {version} {what}")
    findings.check(f"agent {version} runs {what}", True)


def image(lab, findings):
    """A system image with a newer agent: written beside the one that runs, started, proved, and only then a success."""
    device = SlotDevice(lab)
    register(lab, findings)
    told = given(lab, findings, device, "image 11.1", device.image("11.1", "1.0.0.0"), "finished")
    findings.say(f"       {told[-600:]}")
    state = device.slots.state()
    findings.check("slot B runs and is the one to start", (state["running"], state["chosen"], state["trial"]) == ("B", "B", ""), str(state))
    findings.check("the machine restarted once", device.boots == 1, f"{device.boots} restarts")
    runs(findings, device, "1.0.0.0", "as the image brought it")
    status = lab.agent.status_or_none()
    findings.check("the session is shown as an image", status["recent"][0]["kind"] == "image", status["recent"][0]["kind"])


def upgrade(lab, findings):
    """Releases of the agent: a good one, two that do not live, and a good one again; the preinstalled program stays the same."""
    device = SlotDevice(lab)
    register(lab, findings)
    before = device.digest()
    for version, story in (("1.0.0.0", "good"), ("1.1.0.0", "exits"), ("1.2.0.0", "hangs"), ("1.3.0.0", "good")):
        good = story == "good"
        told = given(lab, findings, device, f"release {version} ({story})", device.release(version, story), "finished" if good else "error")
        if not good:
            findings.check(f"release {version}: the reason is told", "agent_given_up" in told or "given up" in told, told[-300:])
        runs(findings, device, version if good else "1.0.0.0", "afterwards")
        findings.check("the preinstalled program is the same", device.digest() == before)
    status = lab.agent.status_or_none()["upgrade"]
    findings.check("status shows what was staged and decided last",
                   status["last"]["to"] == "1.3.0.0" and {"version": "1.3.0.0", "state": "confirmed"} in status["staged"], json.dumps(status))
    findings.check("the page shows it too", "last upgrade" in lab.agent.page())


def counts(lab, package, state="finished"):
    return sum(1 for name, _, ended, _ in lab.manager.jobs_of(lab.agent.device_id) if (name, ended) == (package, state))


def refusals(lab):
    """Ids of the jobs that the device has refused."""
    return [action for _, _, state, action in lab.manager.jobs_of(lab.agent.device_id) if state == "error"]


def regression(lab, findings):
    """A default configuration that enforces its sequence brings an image with an old agent, the manager upgrades old agents, and so on for
    ever: the device ends it, and says what to change."""
    device = SlotDevice(lab, agents_in_system=True)
    lab.manager.set("rule_retry_s", 2)
    register(lab, findings)
    release = device.release("1.0.0.0")
    lab.manager.default_configuration([device.image("11.1", device.own)], enforce_sequence=True)
    device.until(lambda: counts(lab, "thin"), JOB_DEADLINE_S, "the default configuration")
    lab.manager.upgrade_older_agents(release)
    device.until(lambda: refusals(lab), 2 * JOB_DEADLINE_S, "the end of the circle")
    images, releases = counts(lab, "thin"), counts(lab, "agent")
    findings.check("it ended after three rounds", (images, releases) == (3, 3), f"{images} images, {releases} upgrades")
    first = refusals(lab)[0]
    told = " | ".join(text for entry in lab.manager.history(lab.agent.device_id, first) for text in entry["messages"])
    findings.say(f"       {told}")
    for words in ("image thin 11.1 was done 3 times within 24 h, in a circle with upgrade agent 1.0.0.0",
                  "rebuild the configuration with an image that holds agent 1.0.0.0", "hagent upgrade release"):
        findings.check(f"the result says: {words}", words in told)
    boots = device.boots
    device.until(lambda: len(refusals(lab)) > 2, JOB_DEADLINE_S, "more offers of the same")
    findings.check("nothing is done for more offers of the same", (device.boots, counts(lab, "thin")) == (boots, images))
    runs(findings, device, "1.0.0.0", "meanwhile")
    parked = json.loads(lab.agent.command("upgrade", "status", "--json").stdout)["parked"]
    findings.check("upgrade status shows the job", [(one["package"], one["rounds"]) for one in parked] == [("thin", 3)], json.dumps(parked))
    page = lab.agent.page()
    findings.check("the page shows it, and the way on", "parked" in page and f"hagent upgrade release {parked[0]['job']}" in page)
    lab.agent.command("upgrade", "release", parked[0]["job"])
    device.until(lambda: counts(lab, "thin") > images and counts(lab, "agent") > releases, 2 * JOB_DEADLINE_S, "another round")
    findings.check("released, it goes on", True, f"{counts(lab, 'thin')} images, {counts(lab, 'agent')} upgrades")
    rebuilt(lab, findings, device)


def rebuilt(lab, findings, device):
    """What the result told: the image holds the newest agent."""
    lab.manager.default_configuration([device.image("11.2", "1.0.0.0")], enforce_sequence=True)
    releases = counts(lab, "agent")
    done = device.until(lambda: [job for job in lab.manager.jobs_of(lab.agent.device_id) if job[:3] == ("thin", "11.2", "finished")],
                        JOB_DEADLINE_S, "the rebuilt configuration")
    for _ in range(4):
        before = lab.manager.last_poll(lab.agent.device_id)
        device.until(lambda at=before: lab.manager.last_poll(lab.agent.device_id) != at, JOB_DEADLINE_S, "polls after it")
    findings.check("the rebuilt configuration brings rest", len(done) == 1 and counts(lab, "agent") <= releases + 1 and
                   lab.manager.jobs_of(lab.agent.device_id)[-1][:2] == ("thin", "11.2"), str(lab.manager.jobs_of(lab.agent.device_id)[-3:]))
    findings.job = "success"


SCENARIOS = {"image": image, "upgrade": upgrade, "regression": regression}
