# SPDX-License-Identifier: Apache-2.0
"""What becomes of an action: the rules by which hawkBit answers polls and feedback, without any HTTP.

The tables follow Eclipse hawkBit's DDI v1 as the project's notes record it.
"""

import hashlib
import json
import time

import lab_windows
from lab_store import now_ms

MAX_ENTRIES, MAX_MESSAGES, MAX_TEXT, DEFAULT_WEIGHT = 1000, 50, 512, 1000
EXECUTIONS = ("closed", "proceeding", "canceled", "scheduled", "rejected", "resumed", "download", "downloaded")
FINISHED = ("success", "failure", "none")
ENDED = ("FINISHED", "ERROR", "CANCELED")


class Refused(Exception):
    """A request that the rules turn down: the HTTP status and the reason."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Actions:
    def __init__(self, store):
        self.store = store

    # reading ------------------------------------------------------------------------------------------------------
    def get(self, action_id):
        return self.store.row("SELECT * FROM actions WHERE id=?", action_id)

    def of_device(self, device_id, action_id):
        """The action when it belongs to the device, else Refused(404). `action_id` is the text of the link."""
        action = self.get(int(action_id)) if action_id.isdigit() else None
        if action is None or action["device"] != device_id:
            raise Refused(404, f"device {device_id} has no action {action_id}")
        return action

    def open_of(self, device_id):
        return self.store.rows("SELECT * FROM actions WHERE device=? AND active=1 ORDER BY weight DESC, id", device_id)

    def listed(self):
        return self.store.rows("SELECT * FROM actions ORDER BY id DESC")

    def entries(self, action_id):
        found = self.store.rows("SELECT * FROM entries WHERE action=? ORDER BY id", action_id)
        return [{**entry, "messages": json.loads(entry["messages"])} for entry in found]

    def window_state(self, action):
        """"available", "unavailable" or None (no schedule)."""
        window = lab_windows.from_dict(json.loads(action["window"])) if action["window"] else None
        return None if window is None else "available" if window.is_open(time.time()) else "unavailable"

    def handling(self, action):
        """(download, update) of the deployment: skip, attempt or forced."""
        forced = action["kind"] == "forced" or (action["forced_at"] and action["forced_at"] <= now_ms())
        download = "forced" if forced or action["kind"] == "downloadonly" else "attempt"
        skip = action["kind"] == "downloadonly" or self.window_state(action) == "unavailable"
        return download, "skip" if skip else download

    def link_hash(self, action):
        """The `c` of the link: another value when soft becomes forced or the window opens."""
        seen = repr((action["id"], self.handling(action), self.window_state(action)))
        return int(hashlib.sha1(seen.encode()).hexdigest()[:7], 16)

    # making and ending ----------------------------------------------------------------------------------------------
    def assign(self, device_id, modules, kind, window, weight=DEFAULT_WEIGHT, confirmation=None, forced_at=None):
        device = self.store.device(device_id)
        if device is None:
            raise Refused(404, f"no device {device_id}")
        found = [self.store.module(module) for module in modules]
        if not found or None in found:
            raise Refused(404, "one of the modules does not exist")
        if kind not in ("forced", "soft", "downloadonly", "timeforced"):
            raise Refused(400, f"'{kind}' is no kind of assignment")
        try:
            lab_windows.from_dict(window)
        except (KeyError, ValueError) as error:
            raise Refused(400, str(error)) from error
        with self.store.lock:
            if not self.store.setting("multi_assignment"):
                for old in self.open_of(device_id):
                    self.cancel(old["id"], "a newer assignment replaces this one")
            wanted = self.store.setting("confirmation") if confirmation is None else confirmation
            waits = wanted and not device["auto_confirm"]
            state = "WAIT_FOR_CONFIRMATION" if waits else "RUNNING"
            action_id = self.store.run(
                "INSERT INTO actions(device,name,version,modules,kind,weight,window,forced_at,state,active,confirmed,created)"
                " VALUES(?,?,?,?,?,?,?,?,?,1,?,?)", device_id, found[0]["name"], found[0]["version"], json.dumps(modules), kind,
                weight, json.dumps(window) if window else None, forced_at, state, 0 if waits else 1, now_ms())
            self.note(action_id, state, "the device is asked to confirm" if waits else "assigned")
            return action_id

    def cancel(self, action_id, why="cancelled by the operator", force=False):
        with self.store.lock:
            action = self.get(action_id)
            if action is None:
                raise Refused(404, f"no action {action_id}")
            if not action["active"]:
                raise Refused(405, f"action {action_id} has ended")
            if force:
                if action["state"] != "CANCELING":
                    raise Refused(405, "only an action that is being cancelled can be ended by force")
                self._end(action_id, "CANCELED")
                self.note(action_id, "CANCELED", "ended by force")
            elif action["state"] == "CANCELING":
                raise Refused(405, f"action {action_id} is being cancelled already")
            else:
                self._state(action_id, "CANCELING")
                self.note(action_id, "CANCELING", why)

    def expire(self, device_id):
        """A lapsed maintenance window cancels the action at the next poll."""
        for action in self.open_of(device_id):
            if action["window"] and action["state"] != "CANCELING" \
                    and lab_windows.from_dict(json.loads(action["window"])).lapsed(time.time()):
                self.cancel(action["id"], "the maintenance window is over")

    def retrieved(self, action):
        with self.store.lock:
            if action["active"] and action["state"] == "RUNNING" \
                    and not any(entry["status"] == "RETRIEVED" for entry in self.entries(action["id"])):
                self._state(action["id"], "RETRIEVED")
                self.note(action["id"], "RETRIEVED", "the device has fetched the job")

    def note(self, action_id, status, text):
        """An entry made by the server itself."""
        self._entry(action_id, status, [text] if text else [], None, True)

    # feedback -----------------------------------------------------------------------------------------------------
    def deployment_feedback(self, device_id, action_id, body):
        execution, finished, code, messages = parse_feedback(body)
        with self.store.lock:
            action = self.of_device(device_id, action_id)
            if action["state"] == "WAIT_FOR_CONFIRMATION":
                raise Refused(404, f"action {action_id} waits for its confirmation")
            if not action["active"]:
                raise Refused(410, f"action {action_id} has ended")
            status = deployment_status(execution, finished)
            ends = status in ENDED and execution == "closed" or status == "DOWNLOADED" and action["kind"] == "downloadonly"
            self._quota(action["id"], messages, ends)
            self._entry(action["id"], status, messages, code, False)
            if ends:
                self._end(action["id"], status)
                if status == "FINISHED":
                    stamp = body.get("timestamp") or now_ms()
                    self.store.set_installed(device_id, f"{action['name']}:{action['version']}", action["id"], stamp)
                if status != "ERROR":
                    self.store.want_attributes(device_id)

    def cancel_feedback(self, device_id, action_id, body):
        execution, finished, code, messages = parse_feedback(body)
        with self.store.lock:
            action = self.of_device(device_id, action_id)
            if action["state"] != "CANCELING" or not action["active"]:
                raise Refused(405, f"action {action_id} is not being cancelled")
            ended = execution == "closed" and finished != "failure"
            refused = execution == "rejected" or execution == "closed" and finished == "failure"
            status = "CANCELED" if ended else "CANCEL_REJECTED" if refused else "WARNING" if execution == "canceled" else "RUNNING"
            self._quota(action["id"], messages, ended)
            self._entry(action["id"], status, messages, code, False)
            if ended:
                self._end(action["id"], "CANCELED")
            elif refused:
                self._state(action["id"], "RUNNING")

    def confirmation_feedback(self, device_id, action_id, body):
        if not isinstance(body, dict) or body.get("confirmation") not in ("confirmed", "denied"):
            raise Refused(400, "confirmation must be confirmed or denied")
        messages = clean_messages(body.get("details"))
        with self.store.lock:
            action = self.of_device(device_id, action_id)
            if not action["active"]:
                raise Refused(410, f"action {action_id} has ended")
            waits = action["state"] == "WAIT_FOR_CONFIRMATION"
            if body["confirmation"] == "confirmed":
                if not waits:
                    raise Refused(404, f"action {action_id} waits for no confirmation")
                self.confirm(action["id"], messages)
            else:
                if not waits and not (action["state"] in ("RUNNING", "RETRIEVED") and self.store.setting("confirmation")):
                    raise Refused(404, f"action {action_id} waits for no confirmation")
                self._state(action["id"], "WAIT_FOR_CONFIRMATION")
                self._entry(action["id"], "WAIT_FOR_CONFIRMATION", messages or ["denied"], body.get("code"), False)

    def confirm(self, action_id, messages):
        self.store.run("UPDATE actions SET confirmed=1 WHERE id=?", action_id)
        self._state(action_id, "RUNNING")
        self._entry(action_id, "RUNNING", messages or ["confirmed"], None, False)

    # private ------------------------------------------------------------------------------------------------------
    def _state(self, action_id, state):
        self.store.run("UPDATE actions SET state=? WHERE id=?", state, action_id)

    def _end(self, action_id, state):
        self.store.run("UPDATE actions SET state=?, active=0 WHERE id=?", state, action_id)

    def _entry(self, action_id, status, messages, code, by_server):
        self.store.run("INSERT INTO entries(action,status,messages,code,by_server,at) VALUES(?,?,?,?,?,?)",
                       action_id, status, json.dumps(messages), code, int(by_server), now_ms())

    def _quota(self, action_id, messages, ends):
        if len(messages) > MAX_MESSAGES:
            raise Refused(429, f"{len(messages)} messages in one report; {MAX_MESSAGES} are allowed")
        count = self.store.row("SELECT COUNT(*) AS n FROM entries WHERE action=?", action_id)["n"]
        if count >= MAX_ENTRIES and not ends:
            raise Refused(429, f"action {action_id} has {count} status entries; no more are taken")


def deployment_status(execution, finished):
    if execution == "closed":
        return "ERROR" if finished == "failure" else "FINISHED"
    return {"download": "DOWNLOAD", "downloaded": "DOWNLOADED", "rejected": "WARNING", "canceled": "CANCELED"}.get(
        execution, "RUNNING")


def clean_messages(details):
    """The texts of a report cut into pieces of MAX_TEXT characters; markup is refused."""
    if details is None:
        return []
    if not isinstance(details, list) or not all(isinstance(text, str) for text in details):
        raise Refused(400, "details must be a list of texts")
    if any("<" in text or ">" in text for text in details):
        raise Refused(400, "a text holds markup")
    return [text[at:at + MAX_TEXT] for text in details for at in range(0, max(len(text), 1), MAX_TEXT)]


def parse_feedback(body):
    """(execution, finished, code, messages) of a feedback body; Refused(400) when a mandatory part is missing or odd."""
    status = body.get("status") if isinstance(body, dict) else None
    result = status.get("result") if isinstance(status, dict) else None
    if not isinstance(result, dict):
        raise Refused(400, "status.execution and status.result.finished are mandatory")
    execution, finished, code = status.get("execution"), result.get("finished"), status.get("code")
    if execution not in EXECUTIONS or finished not in FINISHED:
        raise Refused(400, f"execution '{execution}' with result '{finished}' is not known")
    if code is not None and (not isinstance(code, int) or isinstance(code, bool)):
        raise Refused(400, "status.code must be a whole number")
    stamp = body.get("timestamp")
    if stamp is not None and (not isinstance(stamp, int) or isinstance(stamp, bool)):
        raise Refused(400, "timestamp must be a whole number of milliseconds")
    return execution, finished, code, clean_messages(status.get("details"))
