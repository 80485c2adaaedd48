# SPDX-License-Identifier: Apache-2.0
"""One command measured: seconds, CPU of its whole process tree, peak memory, and whether it printed the right digest."""

import dataclasses
import hashlib
import os
import platform
import re
import resource
import shutil
import subprocess
import threading
import time

BLOCK, GIB = 1 << 20, 1 << 30
SAMPLE_S = 0.02
SHELLS = ("sh", "dash", "bash")
HEAD = f"{'program':46} {'wall s':>8} {'user s':>7} {'sys s':>7} {'CPU s/GiB':>10} {'peak RSS KiB':>13} {'peak Pss KiB':>13}  digest"


def make_file(path, size, sparse=False):
    """A file of noise that repeats nowhere at block distance (or of holes); its SHA-256."""
    digest, noise = hashlib.sha256(), bytearray(os.urandom(BLOCK))
    with open(path, "wb") as file:
        if sparse:
            file.truncate(size)
        for number in range(size // BLOCK):
            if sparse:
                digest.update(bytes(BLOCK))
                continue
            noise[:8] = number.to_bytes(8, "little")
            digest.update(noise)
            file.write(noise)
    os.chmod(path, 0o644)
    return digest.hexdigest()


def machine():
    """One line about what this runs on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        text = file.read()
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return (f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} CPUs, {'with' if has_sha_extensions() else 'without'} SHA extensions, load {os.getloadavg()[0]:.1f}, "
            f"Linux {platform.release()}")


def has_sha_extensions():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return re.search(r"\bsha_ni\b", file.read()) is not None


def tree(pid):
    """The process and its children's children, as far as they can be seen."""
    found = [pid]
    for each in found:
        try:
            with open(f"/proc/{each}/task/{each}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        except OSError:
            continue  # it ended meanwhile
    return found


def field_kib(pid, name, field):
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
            found = re.search(rf"^{field}:\s+(\d+) kB", file.read(), re.MULTILINE)
            return int(found.group(1)) if found else 0
    except OSError:
        return 0


class Peaks(threading.Thread):
    """Looks at the memory of a process tree until told to stop. Shells that only wait do not count, nor does what is named in `besides`;
    `alone`: only the first process counts that is left, not its helpers."""

    def __init__(self, pid, besides=(), alone=False):
        super().__init__(daemon=True)
        self.pid, self.besides, self.most = pid, (*SHELLS, *besides), 1 if alone else None
        self.rss_kib, self.pss_kib, self.done = 0, 0, threading.Event()

    def run(self):
        while True:
            pids = [pid for pid in tree(self.pid) if name_of(pid) not in self.besides][:self.most]
            self.rss_kib = max(self.rss_kib, sum(field_kib(pid, "status", "VmHWM") for pid in pids))
            self.pss_kib = max(self.pss_kib, sum(field_kib(pid, "smaps_rollup", "Pss") for pid in pids))
            if self.done.wait(SAMPLE_S):
                return


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


@dataclasses.dataclass
class Result:
    title: str
    wall: float
    user: float
    system: float
    cpu: float          # seconds for each GiB
    rss_kib: int
    pss_kib: int
    right: bool

    def line(self):
        return (f"{self.title:46} {self.wall:8.2f} {self.user:7.2f} {self.system:7.2f} {self.cpu:10.2f} {self.rss_kib:13} {self.pss_kib:13}  "
                f"{'ok' if self.right else 'WRONG'}")


def run(title, command, folder, size, digest, environment=None):
    """Runs a shell command in a fresh folder; it writes `out` and prints the digest somewhere in its output."""
    place = os.path.join(folder, "got")
    out = os.path.join(place, "out")
    os.mkdir(place, 0o700)
    try:
        return watched(title, command, place, size, lambda said: digest in said and os.path.exists(out) and os.path.getsize(out) == size, environment)
    finally:
        shutil.rmtree(place)


def watched(title, command, place, size, is_right, environment=None, **counts):
    """Runs a shell command in a folder. `is_right` is given its output when it ended well; `counts`: whose memory does (Peaks)."""
    os.sync()  # what the last one left to be written is not for this one's account
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    with subprocess.Popen(["sh", "-c", command], cwd=place, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={"PATH": os.environ["PATH"], "HOME": place, "LC_ALL": "C", **(environment or {})}) as process:
        peaks = Peaks(process.pid, **counts)
        peaks.start()
        output = process.communicate()[0].decode("utf-8", "replace")
        peaks.done.set()
        peaks.join()
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    right = process.returncode == 0 and is_right(output)
    if not right:
        print(f"    {title} said: {output[-400:].strip()}", flush=True)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Result(title, wall, user, system, (user + system) * GIB / size, peaks.rss_kib, peaks.pss_kib, right)


def best(rounds):
    """What several runs of one program come to: that with the least CPU, as others on the machine only ever add to it; the highest peaks;
    right when all were."""
    return dataclasses.replace(min(rounds, key=lambda result: result.cpu), rss_kib=max(result.rss_kib for result in rounds),
                               pss_kib=max(result.pss_kib for result in rounds), right=all(result.right for result in rounds))
