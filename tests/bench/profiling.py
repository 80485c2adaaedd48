# SPDX-License-Identifier: Apache-2.0
"""Where the CPU time of a download goes: perf's samples of hagent, sorted into receiving, writing, syncing, digest and the rest."""

import collections
import os
import re
import shutil
import subprocess

import measure
import variants

SIZE = 1 << 30
TOP = 12

# The first rule that fits any frame of a sample's stack decides.
RULES = [
    ("digest", re.compile(r"sha256|Sha256")),
    ("sync (fdatasync, checkpoints)", re.compile(r"sys_(fdatasync|fsync|rename|renameat2?|sync_file_range)\b|_sync_file|ksys_sync")),
    ("recv", re.compile(r"sys_(recvfrom|recvmsg|read|recv|socketcall)\b|tcp_recvmsg")),
    ("write", re.compile(r"sys_(p?write64|write|p?writev|pwrite)\b|vfs_write|ext4_.*write")),
    ("poll", re.compile(r"sys_(poll|ppoll|epoll_wait|select|pselect6)\b")),
]


def stacks(data, folder):
    """Each sample's stack as one text, innermost frame first."""
    done = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym"], capture_output=True, text=True, errors="replace", check=False, cwd=folder)
    return [block for block in done.stdout.split("\n\n") if "hagent" in block.partition("\n")[0]]


def show(root, folder, served, urls):
    if not shutil.which("perf"):
        print("  no profile: perf is not installed (Debian package linux-perf)")
        return
    program = variants.named(root)
    if not program:
        return
    digest = measure.make_file(os.path.join(served, "profiled"), SIZE)
    for protocol, base in urls.items():
        data, out = os.path.join(folder, "perf.data"), os.path.join(folder, "profiled-out")
        subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "-g", "-o", data, program, "fetch", base + "profiled", "-o", out,
                        "--sha256", digest], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=False, cwd=folder)
        samples = stacks(data, folder)
        kinds, tops = collections.Counter(), collections.Counter()
        for stack in samples:
            kinds[next((name for name, rule in RULES if rule.search(stack)), "rest")] += 1
            frames = stack.splitlines()
            tops[frames[1].split(maxsplit=1)[-1] if len(frames) > 1 else "?"] += 1
        total = max(len(samples), 1)
        print(f"\nprofile, {protocol}, 1 GiB, {len(samples)} samples: "
              + ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in kinds.most_common()))
        for name, count in tops.most_common(TOP):
            print(f"  {100 * count / total:5.1f} %  {name}")
        for path in (data, out):
            if os.path.exists(path):
                os.unlink(path)
