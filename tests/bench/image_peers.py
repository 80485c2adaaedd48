# SPDX-License-Identifier: Apache-2.0
"""What writes the same system image beside hagent: `curl | zstd -d | dd` with a digest, swupdate, rauc. Debian's i386 programs, as hagent is
one and devices run such systems, and this machine's own."""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess

import foreign
import swupdate_package
from services import LabError
from setup_packages import ensure, program

OWN = platform.machine()
KINDS = (foreign.ARCHITECTURE, OWN)  # the first are those that count
UNCHECKED = "the same, zstd --no-check"
RIVALS = [f"{KINDS[0]}: curl", f"{KINDS[0]}: {UNCHECKED}", f"{OWN}: curl"]  # what hagent is compared with; the first counts
STREAM, SWU, BUNDLE = "stream.zst", "update.swu", "update.raucb"
LEVEL = "-9"                         # as `hagent image pack` has it
PACKAGES = ("curl", "zstd", "coreutils", "openssl", "swupdate")
PROGRAMS = {"cpio": "cpio", "swupdate": "swupdate"}
RAUC_PROGRAMS = {"rauc": "rauc", "mksquashfs": "squashfs-tools", "dbus-run-session": "dbus-daemon", "dbus-send": "dbus-bin"}
RAUC_SETTINGS = """[system]
compatible=bench
bootloader=noop
mountprefix={folder}/mnt
statusfile={folder}/status
bundle-formats=plain

[keyring]
path={folder}/cert.pem

[slot.rootfs.0]
device={folder}/running
type=raw
bootname=A

[slot.rootfs.1]
device={slot}
type=raw
bootname=B
"""
# A bus of its own, on which its service and then its client meet.
RAUC_RUN = """export DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS
rauc --conf={folder}/system.conf --override-boot-slot=A service > {folder}/service.log 2>&1 & service=$!
tries=0
until dbus-send --session --print-reply --dest=de.pengutronix.rauc / org.freedesktop.DBus.Peer.Ping > ping 2>&1; do
  tries=$((tries + 1)); [ $tries -lt 100 ] || exit 9
  sleep 0.1
done
rauc install bundle; end=$?
kill $service; wait $service
exit $end
"""
LARGEST_PLAIN = (1 << 31) - 1  # that a 32-bit program opens as a plain file when it does not ask for more
BUS_PROGRAMS = ("dbus-daemon", "dbus-run-session", "dbus-send", "sleep")


def run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise LabError(f"{command[0]} ended with {done.returncode}: {(done.stderr or done.stdout)[-500:]}")


class Peers:
    """The image of a Bench, packed for each of them; what cannot be had here is in `absent`, with the reason."""

    def __init__(self, bench):
        self.bench, self.absent, self.trees = bench, [], {}
        self.folder = bench.path("peers")
        os.mkdir(self.folder)
        run("zstd", "-q", "-f", LEVEL, bench.raw, "-o", os.path.join(bench.served, STREAM))
        self.has_swupdate, self.has_rauc = self.without(self.pack_swupdate, "swupdate"), self.without(self.pack_rauc, "rauc")
        self.has_foreign = self.without(lambda: self.trees.update({KINDS[0]: foreign.tree(PACKAGES)}), f"Debian's {KINDS[0]} programs")

    def without(self, step, what):
        """Whether the step went well."""
        try:
            step()
            return True
        except (LabError, OSError, subprocess.CalledProcessError) as error:
            self.absent.append(f"{what}: not here: {error}")
            return False

    def pack_swupdate(self):
        ensure(PROGRAMS)
        stream = os.path.join(self.bench.served, STREAM)
        with open(stream, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        image = (f'filename = "{STREAM}"; device = "{self.bench.slot}"; type = "raw"; installed-directly = true; compressed = "zstd"; '
                 f'sha256 = "{digest}";')
        swupdate_package.describe(self.folder, f'software = {{ version = "1.0"; hardware-compatibility: [ "1.0" ]; images: ( {{ {image} }} ); }}\n'.encode())
        swupdate_package.settings(self.folder)
        os.symlink(stream, os.path.join(self.folder, STREAM))
        swupdate_package.write(os.path.join(self.bench.served, SWU), self.folder, [STREAM])

    def pack_rauc(self):
        ensure(RAUC_PROGRAMS)
        folder = os.path.join(self.folder, "rauc")
        content = os.path.join(folder, "content")
        os.makedirs(content)
        swupdate_package.openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=lab", "-days", "2")
        os.link(self.bench.raw, os.path.join(content, "rootfs.img"))
        with open(os.path.join(content, "manifest.raucm"), "w", encoding="ascii") as file:
            file.write("[update]\ncompatible=bench\nversion=2.0\n\n[image.rootfs]\nfilename=rootfs.img\n")
        run("rauc", "--cert", "cert.pem", "--key", "key.pem", f"--mksquashfs-args=-comp zstd -Xcompression-level {LEVEL[1:]}", "bundle", content,
            os.path.join(self.bench.served, BUNDLE), cwd=folder)
        shutil.rmtree(content)
        with open(os.path.join(folder, "running"), "wb") as file:
            file.truncate(1 << 20)
        for name, text in (("system.conf", RAUC_SETTINGS), ("run.sh", RAUC_RUN)):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text.format(folder=folder, slot=self.bench.slot))
        if not os.path.exists("/dev/nbd0"):
            self.absent.append("rauc, streaming: not here: it reads bundles over HTTP through a network block device (nbd), which this kernel has not")

    def words(self, kind, name):
        """The shell words that run a program of this kind."""
        return foreign.command(self.trees[kind], name) if kind in self.trees else shlex.quote(program(name))

    def pipelines(self, kind):
        """(title, shell line) of curl, zstd and dd; each digest is made of what was written."""
        curl, zstd, dd, openssl = (self.words(kind, name) for name in ("curl", "zstd", "dd", "openssl"))
        slot = shlex.quote(self.bench.slot)

        def write(*more):
            return (f"{curl} -sf {self.bench.base}{STREAM} | {' '.join((zstd, '-dcq', *more))} | "
                    f"{dd} of={slot} bs=64K iflag=fullblock conv=notrunc,fsync status=none")
        digest = f"{openssl} dgst -sha256 {slot}"
        forget = f"{dd} of={slot} oflag=nocache conv=notrunc,fdatasync count=0 status=none"
        return [(f"{kind}: curl | zstd -d | dd, sha256sum", f"{write()} && {self.words(kind, 'sha256sum')} {slot}"),
                (f"{kind}: curl | zstd -d | dd, openssl", f"{write()} && {digest}"),
                (f"{kind}: {UNCHECKED}", f"{write('--no-check')} && {digest}"),
                (f"{kind}: that, read back from the disk", f"{write('--no-check')} && {forget} && {digest}")]

    def is_too_large(self, kind):
        """Whether swupdate of this kind refuses the slot, which is a plain file here; with a device it would not."""
        too_large = kind == KINDS[0] and self.bench.size > LARGEST_PLAIN
        line = f"{kind}: swupdate: not here: it opens no plain file of 2 GiB or more; --image-size 2047 shows it"
        if too_large and line not in self.absent:
            self.absent.append(line)
        return too_large

    def commands(self):
        """(title, shell line, programs whose memory does not count)"""
        found = []
        for kind in KINDS if self.has_foreign else (OWN,):
            found += [(*line, ()) for line in self.pipelines(kind)]
            if self.has_swupdate and not self.is_too_large(kind):
                settings = os.path.join(self.folder, "swupdate.cfg")
                found.append((f"{kind}: swupdate, raw, streamed",
                              f"TMPDIR=$PWD {self.words(kind, 'swupdate')} -f {settings} -H lab:1.0 -d '-u {self.bench.base}{SWU}'", ()))
        if self.has_rauc:
            script = os.path.join(self.folder, "rauc", "run.sh")
            found.append((f"{OWN}: curl, then rauc install", f"curl -sf -o bundle {self.bench.base}{BUNDLE} && dbus-run-session -- sh {script}", BUS_PROGRAMS))
        return found
