# SPDX-License-Identifier: Apache-2.0
"""A device that EFI firmware starts (32-bit OVMF): an image by BootNext to its end, and images that do not come up."""

import os
import shutil

import disk
import efi_disk
import efi_store
import firmware
import machine
import slot
from grub import ARGUMENTS
from station import CHECK_IN_S, Station
from story import Bad, Story, check_bad, check_good

PACKAGES = ["ovmf-ia32", "mtools"]
CODE, VARIABLES = "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd"
BOARD = ["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-m", "128", "-cpu", "qemu32,+rdrand"]
NUMBERS = {"A": 0x00A0, "B": 0x00B0}    # of the entries of the slots
KERNEL, INITRD = "vmlinuz.efi", "initrd.img"

BAD = [
    Bad("panics", "EFI: its init ends: the kernel panics", r"starts are used up", full=False),
    Bad("no-kernel", "EFI: it has no kernel: the firmware takes the other slot", r"starts are used up"),
    Bad("no-agent", "EFI: it has no agent: the watchdog", r"starts are used up"),
    Bad("unhealthy", "EFI: its health program fails", r"health program .*display does not answer"),
]


def device_of(partition):
    return f"/dev/vda{partition.number}"


def entry(name):
    """What a factory writes for a slot."""
    parts = efi_disk.SLOTS[name]
    options = f"initrd=\\{INITRD} root={device_of(parts['root'])} {ARGUMENTS} hagent.slot={name}"
    return efi_store.load_option(f"hagent {name}", parts["boot"], f"\\{KERNEL}", options)


class EfiStation(Station):
    """The same device with other firmware: no boot loader, no boot partition, slots of two parts."""

    def settings(self):
        settings = super().settings()
        settings["image"].update(boot="efi", slots=[{"name": name, "parts": {part: device_of(place) for part, place in parts.items()}}
                                                    for name, parts in efi_disk.SLOTS.items()])
        del settings["image"]["grub_env"]
        return settings

    def make_disk(self, name="efi.img", images=None, block=None, show=False):
        data = firmware.data_image(self.folder, self.data_files())
        root, boot = self.image("1.0"), self.other_parts("1.0", "good")["others"]["boot"]
        contents = {efi_disk.DATA: data}
        for parts in efi_disk.SLOTS.values():
            contents.update({parts["root"]: root, parts["boot"]: boot})
        with open(VARIABLES, "rb") as file:
            store = file.read()
        variables = {"BootOrder": efi_store.order(*NUMBERS.values()),
                     **{efi_store.entry_name(number): entry(slot_name) for slot_name, number in NUMBERS.items()}}
        with open(self.store_path, "wb") as file:
            file.write(efi_store.with_variables(store, variables))
        return efi_disk.make(self.path(name), contents)

    @property
    def store_path(self):
        return self.path("variables.fd")

    def image(self, version, variant="good"):
        """The root; its kernel is moved to the other part."""
        path = self.path(f"{variant}-{version}.img")
        if os.path.exists(path):
            return path
        mounts = f"mount -t ext4 {device_of(efi_disk.DATA)} /data || echo 'init: no data partition'"
        tree = slot.tree(self.folder, self.parts, version, variant, mounts=mounts)
        files = {}
        for target, source in ((KERNEL, "vmlinuz"), (INITRD, "initrd.img")):
            place = os.path.join(tree, "boot", source)
            if os.path.exists(place):
                with open(place, "rb") as file:
                    files[target] = file.read()
                os.unlink(place)
        efi_disk.fat(path + ".boot", efi_disk.SLOTS["A"]["boot"].bytes, files)
        disk.file_system(path, "ext2", efi_disk.SLOTS["A"]["root"].bytes, tree, "slot")
        shutil.rmtree(tree)
        return path

    def other_parts(self, version, variant):
        return {"others": {"boot": self.image(version, variant) + ".boot"}}

    def power_on(self, disk_path, extra=(), network=True, watchdog=True, drive=None):
        flash = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={CODE}", "-drive", f"if=pflash,unit=1,format=raw,file={self.store_path}"]
        self.machine = machine.Machine(self.services, self.folder, disk_path, [*machine.NETWORK, *machine.WATCHDOG, *flash, *extra],
                                       firmware=self.parts.emulator, drive=drive, board=BOARD)
        return self.machine

    def variables(self, path):
        """What the firmware would start, in the words of the other boot loader's block."""
        with open(self.store_path, "rb") as file:
            found = efi_store.variables(file.read())
        names = {number: name for name, number in NUMBERS.items()}
        ours = [names[number] for number in efi_store.numbers(found["BootOrder"]) if number in names]
        following = [names.get(number, "?") for number in efi_store.numbers(found.get("BootNext", b""))]
        unfit = [name for name, number in NUMBERS.items() if not efi_store.is_active(found[efi_store.entry_name(number)])]
        return {"hagent_slot": ours[0], "hagent_trial": "".join(following), "unfit": unfit, "order": efi_store.numbers(found["BootOrder"])}


def set_up():
    """What this part needs beside the others; Unavailable when it cannot be had."""
    firmware.install(PACKAGES)


STATION = EfiStation


def play(station, findings, full=True):
    path = station.make_disk()
    with station.power_on(path) as device:
        station.wait_check_in()
        findings.check("EFI: the device started and checked in", True, f"{device.seconds():.1f} s from power on")
        check_good(findings, Story(station, path, "2.0"))
        for number, bad in enumerate(BAD):
            if full or not bad.full:
                check_bad(findings, Story(station, path, f"4.{number}", bad.variant), bad)
        checked = station.check_ins()
        device.wait(lambda: station.check_ins() > checked, CHECK_IN_S, "a check-in after all this")
