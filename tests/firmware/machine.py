# SPDX-License-Identifier: Apache-2.0
"""One emulated machine: qemu with a serial log, events over QMP, and an end as hard as a pulled plug."""

import contextlib
import glob
import json
import os
import socket
import time

from services import LabError, wait_until
from setup_packages import program

START_DEADLINE_S = 60
WATCHDOG = ["-device", "i6300esb", "-action", "watchdog=reset"]
BIOS = ["-machine", "pc", "-m", "64", "-cpu", "pentium3,+rdrand"]
NETWORK = ["-nic", "user,model=virtio-net-pci"]


class Qmp:
    """The monitor: commands, and the events that came so far."""

    def __init__(self, path):
        self.events = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(START_DEADLINE_S)
        self._socket.connect(path)
        self._rest = b""
        self._line()  # its greeting
        self.command("qmp_capabilities")

    def close(self):
        self._socket.close()

    def _line(self):
        while b"\n" not in self._rest:
            data = self._socket.recv(65536)
            if not data:
                raise LabError("the emulator closed its monitor")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def command(self, name, **arguments):
        self._socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = self._line()
            if "event" in answer:
                self.events.append(answer)
            elif "error" in answer:
                raise LabError(f"{name}: {answer['error'].get('desc')}")
            else:
                return answer["return"]

    def look(self):
        """Takes in what has come, without waiting."""
        try:
            self._socket.setblocking(False)
            while data := self._socket.recv(65536):
                self._rest += data
        except (BlockingIOError, ConnectionResetError):
            pass
        finally:
            self._socket.settimeout(START_DEADLINE_S)
        while b"\n" in self._rest:
            self.events.append(self._line())
        return self.events


class Machine:
    """`with Machine(...)` is power on; it ends with the power off. Restarts of the guest are counted from QMP's events."""

    count = 0

    def __init__(self, services, folder, disk, extra=(), firmware="qemu-system-i386", drive=None, board=BIOS):
        Machine.count += 1
        self.log_path = os.path.join(folder, f"serial-{Machine.count}.log")
        monitor = os.path.join(folder, f"qmp-{Machine.count}")
        drive = drive or ["-drive", f"file={disk},format=raw,if=virtio"]
        open(self.log_path, "wb").close()
        self.began = time.monotonic()
        self.process = services.start("qemu", [program(firmware), *board, "-accel", "tcg,tb-size=256", "-smp", "1", "-display", "none", "-serial", f"file:{self.log_path}", "-monitor", "none",
                                               "-no-user-config", "-nodefaults", "-vga", "none", "-qmp", f"unix:{monitor},server=on,wait=off",
                                               *drive, *extra], os.path.join(folder, f"qemu-{Machine.count}.log"))
        self.process.wait(lambda: os.path.exists(monitor), START_DEADLINE_S, "its monitor")
        self.qmp = self.process.wait(lambda: self._connect(monitor), START_DEADLINE_S, "its monitor answers")

    @staticmethod
    def _connect(path):
        try:
            return Qmp(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.cut_power()

    def cut_power(self):
        """SIGKILL of the emulator: what the guest had not sent to its disk is gone."""
        self.process.kill()
        self.qmp.close()

    def seconds(self):
        return time.monotonic() - self.began

    def text(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def events(self, name):
        return [event for event in self.qmp.look() if event["event"] == name]

    def starved_s(self):
        """How long the emulator was kept waiting for a processor so far: the thread that waited longest."""
        waited = [0.0]
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with contextlib.suppress(OSError), open(path, encoding="ascii") as file:
                waited.append(int(file.read().split()[1]) / 1e9)
        return max(waited)

    def wait(self, condition, timeout_s, what):
        """The time for which a busy host keeps the emulator waiting does not count."""
        while True:
            began = self.starved_s()
            try:
                return self.process.wait(condition, timeout_s, what)
            except LabError as error:
                timeout_s = self.starved_s() - began
                if not self.process.running() or timeout_s < 1:
                    raise LabError(f"{error}; the console's last lines:\n{self.text()[-2500:]}") from error

    def wait_text(self, text, timeout_s, times=1):
        self.wait(lambda: self.text().count(text) >= times, timeout_s, f"'{text}' on the console")

    def wait_off(self, timeout_s):
        """With -no-reboot: why the emulator ended, as QMP tells ("guest-reset", "guest-shutdown", ...)."""
        def ended():
            if events := self.events("SHUTDOWN"):
                return events[-1]["data"]["reason"]
            return None if self.process.running() else "unknown"
        return wait_until(ended, timeout_s, "the end of the machine")
