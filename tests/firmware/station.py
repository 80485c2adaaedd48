# SPDX-License-Identifier: Apache-2.0
"""Everything around one device: the lab manager, vsftpd and nginx on the host's loopback, keys, and the device's disk."""

import json
import os
import random
import secrets
import shutil
import tempfile

import disk
import firmware
import grub
import image_package
import machine
import slot
from demo_package import Key
from fault_proxy import FaultProxy
from lab_manager import LabManager
from servers import Nginx, Vsftpd, open_for_reading
from services import Services

DEVICE_ID = "firmware-1"
HOST = "10.0.2.2"           # of the host's loopback, as the guest sees it
GRUB_ENV = "/grub/grub/grubenv"
CHECK_IN_S = 600            # from power on; it takes 4 to 10 on an idle machine, minutes on a very busy one
TRIES, DEADLINE_S = 2, 60   # of a trial


class Station:
    """Everything below one temporary folder; `with` starts it and leaves nothing behind."""

    def __init__(self, parts, seed=0):
        self.parts, self.random = parts, random.Random(seed)
        self.services = Services()
        self.folder = tempfile.mkdtemp(prefix="hagent-firmware-")
        os.chmod(self.folder, 0o755)
        self.token = secrets.token_hex(16)
        self.machine, self.serial, self._blocks = None, 0, {}

    def __enter__(self):
        self.services.__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        try:
            self.services.__exit__()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        self.manager = LabManager(self.path("manager"), self.services)
        self.manager.start()
        self.manager.ensure_device(DEVICE_ID, self.token)
        self.key = Key(self.path("signing"), "lab")
        self.roots = {name: self.path(f"repository-{name}") for name in ("ftp", "http")}
        for root in self.roots.values():
            os.makedirs(root)
        self.ftp = Vsftpd(self.services, self.path("vsftpd"), self.roots["ftp"])
        self.http = Nginx(self.services, self.path("nginx"), self.roots["http"])
        self.proxies = {"ftp": self.services.add(FaultProxy(self.ftp.start(), ftp=True)),
                        "http": self.services.add(FaultProxy(self.http.start()))}

    def path(self, name):
        return os.path.join(self.folder, name)

    # the device -------------------------------------------------------------------------------------------------------
    def settings(self):
        slots = [{"name": name, "device": part.device} for name, part in disk.SLOTS.items()]
        return {
            "device": {"id": DEVICE_ID, "os_code": "SLX"},
            "manager": {"dialect": "hawkbit", "urls": [self.manager.url.replace("127.0.0.1", HOST)], "tenant": self.manager.tenant,
                        "target_token_file": "/etc/hagent/token", "interval_s": 2, "spread_s": 0, "allow_clear_text": True},
            "transfer": {"attempts": 8, "backoff_base_ms": 200, "backoff_cap_ms": 2000, "stall_timeout_s": 20},
            "image": {"boot": "grub", "grub_env": GRUB_ENV, "slots": slots, "tries": TRIES, "confirm_deadline_s": DEADLINE_S,
                      "confirm_deadline_max_s": 2 * DEADLINE_S, "health": [["/usr/libexec/health"]], "watchdog": "/dev/watchdog"},
            "trust": {"keys_dir": "/etc/hagent/keys"},
            "state_dir": "/data/hagent",
        }

    def data_files(self):
        """{name: (text, mode)} on the data partition."""
        keys = self.path("keys")
        self.key.trust_in(keys)
        with open(os.path.join(keys, "lab.pem"), "rb") as file:
            public = file.read()
        return {"etc/hagent/hagent.json": (json.dumps(self.settings(), indent=1), 0o600), "etc/hagent/token": (self.token, 0o600),
                "etc/hagent/keys/lab.pem": (public, 0o644)}

    def make_disk(self, name="disk.img", images=None, block=None, show=False):
        """A fresh device with the good image of version 1.0 in both slots, or `images` {slot: path}. `show`: GRUB only
        shows what it would start."""
        images = images or dict.fromkeys(disk.SLOTS, self.image("1.0"))
        contents = {disk.BOOT: firmware.boot_image(self.folder, block, show), disk.DATA: firmware.data_image(self.folder, self.data_files()),
                    **{disk.SLOTS[slot_name]: image for slot_name, image in images.items()}}
        return disk.make(self.path(name), grub.first_sectors(self.folder, show), contents)

    def image(self, version, variant="good"):
        path = self.path(f"{variant}-{version}.img")
        return path if os.path.exists(path) else slot.build(self.folder, self.parts, version, variant)

    def other_parts(self, version, variant):
        """What an image has beside its root, for image_package.build()."""
        return {}

    def power_on(self, disk_path, extra=(), network=True, watchdog=True, drive=None):
        options = [*(machine.NETWORK if network else ()), *(machine.WATCHDOG if watchdog else ()), *extra]
        self.machine = machine.Machine(self.services, self.folder, disk_path, options, firmware=self.parts.emulator, drive=drive)
        return self.machine

    # the manager's side ----------------------------------------------------------------------------------------------
    def check_ins(self):
        """How often the device asked the manager so far."""
        with open(self.path("manager/access.log"), encoding="utf-8", errors="replace") as log:
            return sum(1 for line in log if f"/controller/v1/{DEVICE_ID}" in line)

    def wait_check_in(self, before=0):
        """Waits for one check-in more than `before`; seconds since power on."""
        self.machine.wait(lambda: self.check_ins() > before, CHECK_IN_S, "the first check-in")
        return self.machine.seconds()

    def publish_image(self, version, variant="good", via="http", raw=None, **choices):
        """A signed image: the manager has its head, the server of `via` the image itself. (package, reference for assign()).
        `choices` are those of image_package.build()."""
        self.serial += 1
        name = f"image-{self.serial}"
        repository = f"{via}://{HOST}:{self.proxies[via].port}/{name}/"
        package = image_package.build(self.path(name), version, self.serial, raw or self.image(version, variant), self.key, [repository],
                                      **self.other_parts(version, variant), **choices)
        place = os.path.join(self.roots[via], name)
        os.chmod(self.roots[via], 0o755)
        os.makedirs(place)
        for image in package.images:
            shutil.copy(os.path.join(package.folder, image), place)
        open_for_reading(self.roots[via])
        os.chmod(self.roots[via], 0o555)
        return package, self.manager.publish(package.folder, package.head_files)

    def assign(self, reference):
        return self.manager.assign(DEVICE_ID, reference)

    def state(self, action):
        return self.manager.action_state(DEVICE_ID, action)

    def history(self, action):
        return self.manager.history(DEVICE_ID, action)

    def final_reports(self, action):
        return self.manager.final_reports(DEVICE_ID, action)

    # the disk, seen from outside ------------------------------------------------------------------------------------
    def variables(self, path):
        """The environment block of GRUB on the disk as it is now."""
        return grub.variables(disk.read_at(path, self.block_at(path), grub.BLOCK_BYTES))

    def block_at(self, path):
        if path not in self._blocks:
            self._blocks[path] = firmware.block_place(path)
        return self._blocks[path]
