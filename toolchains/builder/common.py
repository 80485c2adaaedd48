# SPDX-License-Identifier: Apache-2.0
"""Words shared by the builder: folders, messages, running commands, the pinned versions."""
import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

TOOLCHAINS = Path(__file__).resolve().parent.parent
ROOT = TOOLCHAINS.parent


class Failure(Exception):
    """Something that the person at the keyboard has to know: cause, then what to do next."""


class Miss(Exception):
    """One place does not have what was looked for there: where and why, in one line. The next place is asked."""


def say(text):
    print(f"toolchains/build: {text}", file=sys.stderr, flush=True)


def cache_root():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "hagent"


def jobs():
    return os.environ.get("HAGENT_JOBS") or str(os.cpu_count() or 1)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def run(command, log=None, env=None, cwd=None):
    """Runs a command; its output goes to the log file, whose end is shown when the command fails."""
    command = [str(part) for part in command]
    full_env = dict(os.environ, **(env or {}))
    if log is None:
        done = subprocess.run(command, env=full_env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    else:
        with open(log, "ab") as out:
            out.write(("+ " + " ".join(command) + "\n").encode())
            out.flush()
            done = subprocess.run(command, env=full_env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    if done.returncode != 0:
        tail = ""
        if log is not None:
            lines = Path(log).read_text(errors="replace").splitlines()
            tail = "\n" + "\n".join(lines[-30:]) + f"\nThe whole output is in {log}."
        raise Failure(f"`{' '.join(command)}` failed with exit code {done.returncode}.{tail}")


def output_of(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
    return done.stdout if done.returncode == 0 else ""


@contextlib.contextmanager
def locked(path):
    """Holds an advisory lock on the file, so that two builders at the same time do the work once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another run that holds {path.name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Versions:
    """The table in toolchains/versions: the release, and a row for each library. A row's `origin` is the project's own
    release as (address, SHA-256 of what lies there), None where no such line is."""

    def __init__(self):
        self.release = ""
        self.rows = {}
        for line in (TOOLCHAINS / "versions").read_text().splitlines():
            fields = line.split("#")[0].split()
            if not fields:
                continue
            if fields[0] == "release":
                self.release = fields[1]
            elif fields[0] == "origin":
                _, name, digest, address = fields
                self.rows[name]["origin"] = (address, self.rows[name]["sha256"] if digest == "same" else digest)
            else:
                kind, name, package, version, digest = fields
                self.rows[name] = {"kind": kind, "name": name, "package": package, "version": version, "sha256": digest, "origin": None}

    def __getitem__(self, name):
        return self.rows[name]
