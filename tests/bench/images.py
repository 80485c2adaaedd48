# SPDX-License-Identifier: Apache-2.0
"""A system image written into a blank slot: hagent beside `curl | zstd -d | dd` and its digest, swupdate and rauc, in one run."""

import hashlib
import os
import random
import shlex
import shutil
import subprocess

import image_peers
import measure
from demo_package import Key
from device import Agent
from hook_slots import HookSlots
from servers import Nginx
from services import LabError
from setup_packages import SERVERS, ensure

MIB = 1 << 20
CPU_GOAL, RSS_GOAL_KIB = 1.1, 2560
FILES = ("/usr/lib/x86_64-linux-gnu", "/usr/bin", "/usr/share", "/usr/lib")
PERIOD, ZEROS, NOISE = 16, 2, 4  # MiB: so much of each period is empty, and packed already; the rest are files of this machine
LITTLE = MIB                     # of a slot in which there is nothing to look for
ROOM = 8                         # times the image's size, on the disk
STATE = "device"


def files():
    """The contents of this machine's files, again and again."""
    while True:
        for top in FILES:
            for folder, folders, names in os.walk(top):
                folders.sort()
                for path in (os.path.join(folder, name) for name in sorted(names)):
                    if os.path.isfile(path) and not os.path.islink(path):
                        with open(path, "rb") as file:
                            yield from iter(lambda file=file: file.read(MIB), b"")


def make_raw(path, size):
    """A raw image that packs about as a system does, 2:1; its SHA-256."""
    digest, content, pending = hashlib.sha256(), files(), b""
    with open(path, "wb") as file:
        for number in range(size // MIB):
            at = number % PERIOD
            if at >= PERIOD - ZEROS:
                block = bytes(MIB)
            elif at >= PERIOD - ZEROS - NOISE:
                block = random.Random(number).randbytes(MIB)
            else:
                while len(pending) < MIB:
                    pending += next(content)
                block, pending = pending[:MIB], pending[MIB:]
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Bench:
    """The image, packed for each program, on a web server; the slot that all of them write into."""

    def __init__(self, services, folder, size, programs):
        self.services, self.folder, self.size, self.programs = services, folder, size, programs
        self.raw, self.slot, self.served, self.base = self.path("raw"), self.path("slot"), self.path("served"), ""
        os.mkdir(self.served)
        self.digest, self.peers = make_raw(self.raw, size), None
        self.key = Key(self.path("key"), "bench")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def publish(self):
        """Packs and signs it, and starts the server."""
        program, package = next(iter(self.programs.values())), os.path.join(self.served, "package")
        for words in (["image", "pack", self.raw, "-o", package, "--json"],
                      ["sign", package, "--key", self.key.private, "--kind", "image", "--package", "system", "--version", "2.0", "--serial", "1"]):
            done = subprocess.run([program, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
            if done.returncode:
                raise LabError(f"hagent {words[0]} ended with {done.returncode}: {done.stderr[-500:]}")
        self.peers = image_peers.Peers(self)
        self.base = f"http://127.0.0.1:{Nginx(self.services, self.path('nginx'), self.served).start()}/"

    def packed(self):
        """(bytes of the package's image, bytes of the stream)"""
        return [os.path.getsize(os.path.join(self.served, name)) for name in ("package/root.img.zst", image_peers.STREAM)]

    def blank(self):
        """Zeros all over, on the disk and no longer in memory, as a partition holds them."""
        with open(self.slot, "r+b" if os.path.exists(self.slot) else "wb") as file:
            for _ in range(self.size // MIB):
                file.write(bytes(MIB))
            file.flush()
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def old_system(self):
        """A slot as large as the image in which no chunk of it is to be found, but for the empty ones: the same a little shifted."""
        path = self.path("old")
        if not os.path.exists(path):
            with open(self.raw, "rb") as raw, open(path, "wb") as file:
                file.write(b"old".ljust(1000, b"."))
                shutil.copyfileobj(raw, file, MIB)
                file.truncate(self.size)
        with open(path, "rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path

    def holds_image(self):
        return digest_of(self.slot) == self.digest

    def hagent(self, title, program, running=None):
        """Measures one job up to the switch; `running`: what the slot that runs is, nearly nothing by default."""
        folder = self.path(STATE)
        agent = Agent(self.services, folder, program)
        slots = HookSlots(folder, agent.hooks_dir, LITTLE)
        slots.paths.update(B=self.slot, **({"A": running} if running else {}))
        agent.configure("http://127.0.0.1:1/", "DEFAULT")
        agent.add_settings(image=slots.settings())
        self.key.trust_in(agent.keys_dir)
        command = shlex.join([program, "--config", agent.config_path, "image", "write", f"{self.base}package/", "--json"])
        try:
            return measure.watched(title, command, folder, self.size, lambda said: slots.state()["trial"] == "B" and self.holds_image(), alone=True)
        finally:
            shutil.rmtree(folder)

    def jobs(self):
        """(title, what measures it): hagent first."""
        found = []
        for name, program in self.programs.items():
            found.append((name, lambda title, program=program: self.hagent(title, program)))
            found.append((f"{name}, a system beside", lambda title, program=program: self.hagent(title, program, self.old_system())))
        for title, command, besides in self.peers.commands():
            found.append((title, lambda title, command=command, besides=besides: self.peer(title, command, besides)))
        return found

    def peer(self, title, command, besides):
        place = self.path("place")
        os.mkdir(place)
        try:
            return measure.watched(title, command, place, self.size, lambda said: self.holds_image(), besides=besides)
        finally:
            shutil.rmtree(place)

    def round(self, wanted):
        """Once everything whose title holds one of the wanted texts: [Result]."""
        results = []
        for title, job in self.jobs():
            if any(text in title for text in wanted):
                self.blank()
                results.append(job(title))
        return results


def judge(results):
    """Says what is reached of the goals; the peers of hagent's own architecture count."""
    rows = [row for row in results if row.right]
    own = [row for row in rows if row.title.startswith("hagent")]
    counts, *others = [min((row for row in rows if row.title.startswith(start)), key=lambda row: row.cpu, default=None) for start in image_peers.RIVALS]
    if not own or not counts:
        print("  no verdict: hagent, or what it is measured against, did not run")
        return
    for row in own:
        times = row.cpu / counts.cpu
        print(f"  {row.title}: CPU {times:.2f}x of {counts.title}: {'reached' if times <= CPU_GOAL else 'NOT reached'} (<= {CPU_GOAL:.1f}x)"
              + "".join(f", {row.cpu / other.cpu:.2f}x of {other.title}" for other in others if other)
              + f"; peak RSS {row.rss_kib} KiB: {'reached' if row.rss_kib <= RSS_GOAL_KIB else 'NOT reached'} (<= {RSS_GOAL_KIB} KiB)", flush=True)


def show(services, folder, size, programs, options):
    """The table and its verdict; False when something did not run as it should."""
    ensure({"nginx": SERVERS["nginx"], "openssl": SERVERS["openssl"], "curl": "curl", "zstd": "zstd"})
    bench = Bench(services, folder, size, programs)
    bench.publish()
    stored, stream = bench.packed()
    print(f"\na system image of {size // MIB} MiB over HTTP into a blank slot: {stored / MIB:.0f} MiB in the package, {stream / MIB:.0f} MiB as one stream of zstd")
    print(f"  {measure.HEAD}", flush=True)
    results = []
    for of_one in zip(*(bench.round(options.only or [""]) for _ in range(options.rounds))):
        results.append(measure.best(of_one))
        print(f"  {results[-1].line()}", flush=True)
    for line in bench.peers.absent:
        print(f"  {line}")
    judge(results)
    return bench.peers.has_foreign and all(row.right for row in results)
