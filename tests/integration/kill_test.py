#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill -9 in a row: a download is killed at random offsets, every byte on the wire is counted, and the file is right at the end.

    tests/integration/kill_test.py --kills 100 --mib 256          # the long form; half of the kills by HTTP, half by FTP
    tests/integration/kill_test.py                                # as ctest runs it: 6 kills, 32 MiB

HAGENT_BUILD names the folder with the program. The seed is printed; --seed repeats a run.
"""

import argparse
import hashlib
import json
import os
import random
import re
import sys
import time

import kit
from fault_proxy import FaultProxy  # from tests/lab, which kit puts on the path
from servers import Nginx, Vsftpd
from setup_packages import SERVERS, ensure

INTERVAL = 16 << 20       # a checkpoint at least every so many bytes
IN_FLIGHT = 1 << 20       # written since the checkpoint became due
IN_SOCKETS = 4 << 20      # on the wire and not yet read: all that a kill may cost
NEAR_END = 4 << 20        # so close to its end a fetch may be over before the kill arrives
BLOCK = 1 << 20
SEED = 20261123
RATE = f"{int(48 / kit.FACTOR)}M"
SERVER = {"http": Nginx, "ftp": Vsftpd}


class Failure(Exception):
    """What was promised did not hold."""


def demand(true, text):
    if not true:
        raise Failure(text)


def write_noise(path, size, numbers):
    """Writes `size` bytes that repeat nowhere at block distance; their SHA-256."""
    noise, digest = bytearray(numbers.randbytes(BLOCK)), hashlib.sha256()
    with open(path, "wb") as file:
        for number in range(size // BLOCK):
            noise[:8] = number.to_bytes(8, "little")
            digest.update(noise)
            file.write(noise)
    return digest.hexdigest()


def file_sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Trial:
    """One file by one protocol, fetched by as many processes as it takes."""

    def __init__(self, box, scheme, port, rate):
        self.box, self.rate = box, rate
        self.proxy = box.services.add(FaultProxy(port, ftp=scheme == "ftp"))
        self.url = f"{scheme}://127.0.0.1:{self.proxy.port}/noise"
        self.out = box.path(f"{scheme}.out")
        self.folder = self.out + ".hagent-part"

    def start(self):
        # Without --sha256: what is resumed must be right by the server's validators alone.
        return self.box.spawn("fetch", "--json", self.url, "-o", self.out, "--limit-rate", self.rate)

    def part_bytes(self):
        return kit.part_bytes(self.out)

    def safe_bytes(self):
        """What the checkpoint vouches for."""
        try:
            with open(os.path.join(self.folder, "checkpoint"), encoding="utf-8") as file:
                return int(re.search(r"^bytes (\d+)$", file.read(), re.MULTILINE).group(1))
        except FileNotFoundError:
            return 0

    def kill_at(self, offset):
        """Starts it and kills it once the part has grown to `offset`; True when it was still at work."""
        process = self.start()
        process.wait(lambda: self.part_bytes() >= offset or not process.running(), 300 * kit.FACTOR, f"{offset} bytes of the file")
        process.kill()
        if process.popen.returncode == 0:
            return False
        had, safe = self.part_bytes(), self.safe_bytes()
        demand(had - safe <= INTERVAL + IN_FLIGHT, f"killed at {had} bytes, and only {safe} of them are safe")
        return True

    def finish(self):
        process = self.start()
        code = process.popen.wait(600 * kit.FACTOR)
        said = process.output()
        demand(code == 0, f"the last fetch ended with {code}: {said}")
        return json.loads(said[said.index("{"):].splitlines()[0])


def run_trial(box, scheme, port, size, digest, kills, numbers, rate):
    trial = Trial(box, scheme, port, rate)
    began, killed = time.monotonic(), 0
    for offset in sorted(numbers.randrange(size - NEAR_END) for _ in range(kills)):
        killed += trial.kill_at(offset)
    document = trial.finish()
    demand(document["sha256"] == digest == file_sha256(trial.out), f"wrong digest: {document}")
    demand(killed == kills, f"only {killed} of {kills} kills met it at work")
    demand(document["resumed"] or not kills, "the last fetch began again")
    wire, most = trial.proxy.bytes_to_client(), size + size // 10 + kills * IN_SOCKETS
    print(f"{scheme}: {size >> 20} MiB, {killed} kills, {wire / (1 << 20):.1f} MiB on the wire ({wire / size:.3f} of the file; allowed "
          f"{most / (1 << 20):.0f} MiB), lost per kill {(wire - size) / max(kills, 1) / (1 << 20):.2f} MiB, digest right, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    demand(wire <= most, "more was fetched than promised")


def main():
    parser = argparse.ArgumentParser(description="Kills a download again and again and counts what it costs.")
    parser.add_argument("--kills", type=int, default=6, help="over all protocols together (6)")
    parser.add_argument("--mib", type=int, default=32, help="size of the file (32)")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--rate", default=RATE, help=f"bytes per second, so that a kill meets its offset ({RATE})")
    parser.add_argument("--scheme", action="append", choices=sorted(SERVER), help="only this protocol; may be repeated")
    options = parser.parse_args()
    schemes, numbers = options.scheme or ["http", "ftp"], random.Random(options.seed)
    print(f"seed {options.seed}", flush=True)
    ensure({name: SERVERS[name] for name in ("vsftpd", "nginx")})
    box = kit.Box()
    try:
        served = box.path("served")
        os.mkdir(served)
        digest = write_noise(os.path.join(served, "noise"), options.mib << 20, numbers)
        for scheme in schemes:
            port = SERVER[scheme](box.services, box.path(scheme), served).start()
            run_trial(box, scheme, port, options.mib << 20, digest, options.kills // len(schemes), numbers, options.rate)
    except Failure as failure:
        print(f"FAILED: {failure}")
        return 1
    finally:
        box.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
