# SPDX-License-Identifier: Apache-2.0
"""Debian packages that the lab needs: looked for by their programs, installed when missing, always said aloud."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

from services import LabError

# program -> package that brings it
SERVERS = {"vsftpd": "vsftpd", "nginx": "nginx-light", "openssl": "openssl", "dpkg-deb": "dpkg"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def program(name):
    """The full path of an installed program, None when it is missing."""
    return shutil.which(name, path=PATH)


def say(text):
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def one_at_a_time(what):
    """Waits until no other test of this user does the same: apt-get itself gives up when another one reads the lists."""
    with open(os.path.join(tempfile.gettempdir(), f"hagent-{what}-{os.geteuid()}.lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def apt(*arguments, cwd=None):
    """Runs apt-get without questions; LabError with its last lines when it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with one_at_a_time("apt-get"):
        done = subprocess.run(["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", *arguments], cwd=cwd, env=environment,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-8:])
        raise LabError(f"apt-get {' '.join(arguments)} failed:\n{tail}")
    return done.stdout


def keep_services_down():
    """A policy that forbids freshly installed servers to start by themselves; returns what undoes it."""
    policy = "/usr/sbin/policy-rc.d"
    if os.path.exists(policy):
        return lambda: None
    with open(policy, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 101\n")
    os.chmod(policy, 0o755)
    return lambda: os.path.exists(policy) and os.remove(policy)


def ensure(programs):
    """Installs the packages of those `programs` ({program: package}) that are not there; returns what it installed."""
    with one_at_a_time("packages"):
        return install_missing(programs)


def install_missing(programs):
    missing = sorted({package for name, package in programs.items() if not program(name)})
    if not missing:
        return []
    if os.geteuid() != 0:
        raise LabError(f"these Debian packages are missing: {' '.join(missing)}; install them, or run this as root")
    say(f"installing Debian packages: {' '.join(missing)}")
    undo = keep_services_down()
    try:
        apt("update")
        apt("install", "--no-install-recommends", *missing)
    finally:
        undo()
    still = [name for name in programs if not program(name)]
    if still:
        raise LabError(f"installed {' '.join(missing)}, but these programs are still missing: {' '.join(still)}")
    return missing
