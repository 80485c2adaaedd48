# SPDX-License-Identifier: Apache-2.0
"""Owns hawkBit as a lab Manager: what the lab asks for, said in the words of hawkBit's management API."""

import collections
import functools
import json
import os

from hawkbit import management, provision, server_process
from hawkbit.management import segment
from manager_api import KINDS, Manager, ManagerError, package_files

VENDOR = "hagent"
MODULE_TYPE = "os"
OWN_TYPES = ("image", "agent")  # kinds whose modules and distributions have a type of their own, named like them
# Entry that ends an action, and the state the action then has; "downloaded" ends a download-only action.
END_STATES = {"finished": "finished", "error": "error", "canceled": "canceled", "downloaded": "finished"}

Publication = collections.namedtuple("Publication", "name version type module_id set_id")


def _plain_errors(method):
    """Turns what the parts raise into the one error type that the lab knows."""
    @functools.wraps(method)
    def wrapped(self, *arguments, **named):
        try:
            return method(self, *arguments, **named)
        except (management.CallRefused, management.CallFailed, server_process.ServerError,
                provision.ProvisionError) as error:
            raise ManagerError(str(error)) from error
    return wrapped


class HawkbitManager(Manager):
    """A real Eclipse hawkBit with an empty database of its own for each start()."""

    name = "hawkbit"
    # 0.3.0M7 comes without its web UI, so page_url stays "".

    def __init__(self, say=lambda text: None):
        self._say = say
        self._server = server_process.ServerProcess()
        self._api = None
        self._used_versions = collections.Counter()
        self._types = set()

    @property
    def pid(self):
        """Process id of the server, 0 when it does not run."""
        return self._server.pid

    @property
    def user(self):
        return self._server.user

    @property
    def password(self):
        return self._server.password

    @_plain_errors
    def start(self):
        self._server.start(provision.ensure(self._say))
        return self._reached()

    def crash(self):
        """kill -9 of the server, as a power cut would end it."""
        self._server.crash()
        self._api = None

    @_plain_errors
    def start_again(self):
        """After crash(): with everything that it knew, at another port. Returns its url."""
        self._server.start_again(provision.ensure(self._say))
        return self._reached()

    def _reached(self):
        self._api = self._server.client()
        self.url = f"http://{server_process.HOST}:{self._server.port}/"
        return self.url

    def stop(self):
        self._server.stop()
        self._api = None
        self._used_versions.clear()
        self._types.clear()

    @_plain_errors
    def ensure_device(self, device_id, token):
        try:
            self._api.post("/targets", [{"controllerId": device_id, "name": device_id, "securityToken": token}])
        except management.CallRefused as refused:
            if refused.status != 409:
                raise
            self._api.put(f"/targets/{segment(device_id)}", {"securityToken": token})

    @_plain_errors
    def publish(self, package_dir, only=None):
        files = package_files(package_dir)
        if only is not None:
            unknown = set(only) - {name for _, name in files}
            if unknown:
                raise ManagerError(f"{package_dir} does not hold {', '.join(sorted(unknown))}")
            files = [pair for pair in files if pair[1] in only]
        name, wanted, kind = _describe(package_dir)
        version, its_type = self._unused(name, wanted), self._type_for(kind)
        module = self._api.post("/softwaremodules", [{"vendor": VENDOR, "name": name, "type": its_type,
                                                      "version": version}])[0]["id"]
        for path, artifact in files:
            self._api.upload(f"/softwaremodules/{module}/artifacts", path, artifact)
        self._api.post(f"/softwaremodules/{module}/metadata",
                       [{"key": "hagent.kind", "value": kind, "targetVisible": True}])
        return Publication(name, wanted, its_type, module, self._new_set(name, version, its_type, module))

    @_plain_errors
    def assign(self, device_id, package_ref, *, kind="forced", maintenance_window=None, weight=None):
        """As promised by Manager. hawkBit asks the device to cancel an action that is still open, unless let_jobs_queue() was
        called: then every assignment needs a `weight` from 0 to 1000, and the heaviest job comes first.
        """
        if kind not in KINDS:
            raise ManagerError(f"'{kind}' is no kind of assignment; it is one of {', '.join(KINDS)}")
        wish = {"id": device_id, "type": kind}
        if maintenance_window:
            wish["maintenanceWindow"] = maintenance_window
        if weight is not None:
            wish["weight"] = weight
        answer = self._assign(package_ref.set_id, wish)
        if answer["alreadyAssigned"]:
            # hawkBit ignores a set that the device has already; another set of the same module is a new action.
            again = self._unused(package_ref.name, package_ref.version)
            answer = self._assign(self._new_set(package_ref.name, again, package_ref.type, package_ref.module_id), wish)
        if not answer["assignedActions"]:
            raise ManagerError(f"hawkBit assigned nothing to {device_id}: is this device known to it?")
        return str(answer["assignedActions"][0]["id"])

    @_plain_errors
    def cancel(self, device_id, action_id, force=False):
        self._api.delete(_action(device_id, action_id) + ("?force=true" if force else ""))

    @_plain_errors
    def history(self, device_id, action_id):
        entries = self._api.get_all(_action(device_id, action_id) + "/status")
        # hawkBit's first entry, made by the assignment itself, carries a null for a message.
        return [{"status": entry["type"].lower(), "at": entry["reportedAt"],
                 "messages": [text for text in entry["messages"] if text is not None]} for entry in entries]

    @_plain_errors
    def action_state(self, device_id, action_id):
        action = self._api.get(_action(device_id, action_id))
        if action["status"] != "finished":
            if action["type"] == "cancel":
                return "canceling"
            # The assignment makes the first entry; a second one shows that the device has been there.
            return "running" if len(self.history(device_id, action_id)) > 1 else "pending"
        for entry in reversed(self.history(device_id, action_id)):
            if entry["status"] in END_STATES:
                return END_STATES[entry["status"]]
        raise ManagerError(f"action {action_id} of {device_id} is closed without an entry that closes it")

    @_plain_errors
    def attributes(self, device_id):
        return self._api.get(f"/targets/{segment(device_id)}/attributes") or {}

    @_plain_errors
    def is_registered(self, device_id):
        try:
            target = self._api.get(f"/targets/{segment(device_id)}")
        except management.CallRefused as refused:
            if refused.status == 404:
                return False
            raise
        return target.get("lastControllerRequestAt") is not None

    @_plain_errors
    def request_attributes(self, device_id):
        """Asks the device to send its attributes again at its next poll."""
        self._api.put(f"/targets/{segment(device_id)}", {"requestAttributes": True})

    @_plain_errors
    def attributes_requested(self, device_id):
        """True until the device has sent them."""
        return self._api.get(f"/targets/{segment(device_id)}")["requestAttributes"]

    @_plain_errors
    def set_polling_interval(self, seconds):
        """How long devices are told to wait between polls; hawkBit takes 30 s to 23:59:59."""
        text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        self._configure("pollingTime", text)

    @_plain_errors
    def set_gateway_token(self, token):
        """Lets any device in that shows this token, unknown ones included; "" closes that door again."""
        if token:
            self._configure("authentication.gatewaytoken.key", token)
        self._configure("authentication.gatewaytoken.enabled", bool(token))

    @_plain_errors
    def let_jobs_queue(self):
        """From now on a new job leaves those of its device that are open alone. hawkBit offers no way back."""
        self._configure("multi.assignments.enabled", True)

    def _configure(self, key, value):
        self._api.put(f"/system/configs/{key}", {"value": value})

    def _assign(self, set_id, wish):
        return self._api.post(f"/distributionsets/{set_id}/assignedTargets", [wish])

    def _type_for(self, kind):
        """The key of the types of modules and sets of this kind; made when they are first needed."""
        if kind not in OWN_TYPES:
            return MODULE_TYPE
        if kind not in self._types:
            module = self._api.post("/softwaremoduletypes", [{"key": kind, "name": kind, "maxAssignments": 1}])[0]["id"]
            self._api.post("/distributionsettypes", [{"key": kind, "name": kind, "mandatorymodules": [{"id": module}]}])
            self._types.add(kind)
        return kind

    def _new_set(self, name, version, its_type, module_id):
        return self._api.post("/distributionsets", [{"name": name, "version": version, "type": its_type,
                                                     "modules": [{"id": module_id}]}])[0]["id"]

    def _unused(self, name, version):
        """`version` at its first use, then `version (2)` and so on: hawkBit wants name and version unique."""
        self._used_versions[name, version] += 1
        count = self._used_versions[name, version]
        return version if count == 1 else f"{version} ({count})"


def _action(device_id, action_id):
    return f"/targets/{segment(device_id)}/actions/{segment(action_id)}"


def _describe(package_dir):
    """Name, version and kind from the package's manifest, as far as it has a readable one.

    A damaged manifest is the device's to refuse, so it must still be possible to publish it.
    """
    found = {}
    try:
        with open(os.path.join(package_dir, "manifest.json"), encoding="utf-8") as source:
            found = json.load(source)
    except (OSError, ValueError):
        pass
    if not isinstance(found, dict):
        found = {}
    fallback = os.path.basename(os.path.abspath(package_dir))
    return tuple(str(found.get(key) or value)
                 for key, value in (("package", fallback), ("version", "1"), ("kind", "script")))
