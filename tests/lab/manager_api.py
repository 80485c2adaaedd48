# SPDX-License-Identifier: Apache-2.0
"""What the lab asks of a manager (remote server), whichever program plays it.

Four classes implement this: `lab_manager.LabManager` (our own small DDI server), the real Eclipse hawkBit in `hawkbit/`,
`folder_manager.FolderManager` (a signed folder on a web server) and `hserver_manager.HserverManager` (the legacy dialect).
Scenarios use nothing but this.
"""

import abc
import os
import time

KINDS = ("forced", "soft", "downloadonly")
OPEN_STATES = ("pending", "running", "canceling")
FINAL_STATES = ("finished", "error", "canceled")

NO_RULES = "it has no default configuration that could enforce its sequence"

# Names of the entries that history() returns, as hawkBit's management API spells them (lower case).
FINAL_ENTRIES = ("finished", "error", "canceled")


class ManagerError(Exception):
    """The manager did not start, or refused a management call; the text says which and why."""


def artifact_name(path):
    """The artifact name of a package file: `/` is written `~`."""
    if "~" in path:
        raise ManagerError(f"{path}: a package path with '~' cannot become an artifact name; rename the file")
    return path.replace(os.sep, "/").replace("/", "~")


def package_files(package_dir):
    """Every file below `package_dir` as (absolute path, artifact name), sorted by name."""
    found = []
    for folder, _, names in os.walk(package_dir):
        for name in names:
            full = os.path.join(folder, name)
            found.append((full, artifact_name(os.path.relpath(full, package_dir))))
    if not found:
        raise ManagerError(f"{package_dir}: there is no file in it to publish")
    return sorted(found, key=lambda pair: pair[1])


class Manager(abc.ABC):
    """One running manager. Start it first; stop() may be called at any time and more than once."""

    name = ""             # "lab", "hawkbit", "folder" or "hserver": the value of --manager
    dialect = "hawkbit"   # manager.dialect of the agent's configuration
    tenant = "DEFAULT"    # manager.tenant of the agent's configuration
    url = ""              # base address without tenant, "http://127.0.0.1:PORT/"; set by start()
    page_url = ""         # a page for people, "" when the manager has none
    signed = True         # False: the script travels without a signature, and every file by FTP
    known_by = "by token"  # how it tells this device from another
    left_out = ()         # what the demonstration does without, in words
    cannot_play = {}      # scenario: why it has no meaning here

    @abc.abstractmethod
    def start(self):
        """Starts the server on a free loopback port, waits until it answers, returns its url."""

    @abc.abstractmethod
    def stop(self):
        """Stops the server; every process and thread of it is gone afterwards."""

    @abc.abstractmethod
    def ensure_device(self, device_id, token):
        """Makes sure that the device exists and that `token` is its TargetToken."""

    @abc.abstractmethod
    def publish(self, package_dir, only=None):
        """Uploads the files of a package folder as artifacts of one new software module (`/` written `~`).

        `only`: artifact names to upload (the others live in a repository); None uploads every file.
        Sets the module's metadata hagent.kind to the kind of the manifest. Returns an opaque reference for assign().
        """

    @abc.abstractmethod
    def assign(self, device_id, package_ref, *, kind="forced", maintenance_window=None):
        """Gives the package to the device and returns the action id as a string.

        `kind` is one of KINDS. `maintenance_window` is None or {"schedule","duration","timezone"} in
        hawkBit's form: quartz cron text, "HH:mm:ss", "+00:00".
        """

    @abc.abstractmethod
    def cancel(self, device_id, action_id, force=False):
        """Asks for the action to be cancelled; `force` ends it without the device (only after a first cancel)."""

    @abc.abstractmethod
    def history(self, device_id, action_id):
        """The action's status entries, oldest first: [{"status": "running", "messages": [str], "at": unix ms}].

        status is one of retrieved, download, downloaded, running, warning, scheduled, wait_for_confirmation,
        canceling, cancel_rejected, finished, error, canceled.
        """

    @abc.abstractmethod
    def action_state(self, device_id, action_id):
        """"pending" (never fetched), "running", "canceling", "finished", "error" or "canceled"."""

    @abc.abstractmethod
    def attributes(self, device_id):
        """What the device last sent as configData, {} when nothing yet."""

    @abc.abstractmethod
    def is_registered(self, device_id):
        """True once the device itself has polled."""

    def final_reports(self, device_id, action_id):
        """How many final entries (FINAL_ENTRIES) the action's history holds; exactly-once means 1."""
        return sum(1 for entry in self.history(device_id, action_id) if entry["status"] in FINAL_ENTRIES)

    def wait_state(self, device_id, action_id, states, timeout_s):
        """Waits until action_state() is one of `states` and returns it; ManagerError after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while True:
            state = self.action_state(device_id, action_id)
            if state in states:
                return state
            if time.monotonic() > deadline:
                raise ManagerError(f"action {action_id} of {device_id} is still '{state}' after {timeout_s} s; "
                                   f"expected {' or '.join(states)}")
            time.sleep(0.1)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stop()
