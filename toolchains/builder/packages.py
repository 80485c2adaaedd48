# SPDX-License-Identifier: Apache-2.0
"""Packages of the distribution: the one place that installs them, whatever state the archive's lists are in.

Lists that cannot all be brought up to date are no end: what arrived may be enough. A revision that the lists name and the
pool does not have is ruled out, with all that was built from the same source, and the next one is taken.
"""
import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote

from .common import Failure, locked, output_of, say

# For what is nice to have: one try, and a short wait for it.
HURRY = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"]
# What a pool answers that has not (any more) what the lists name; without a network the answers are others.
GONE = re.compile(r"^(?:40[34]|410)\b|Hash Sum mismatch|unexpected size|Size mismatch", re.IGNORECASE)
POLICY = Path("/usr/sbin/policy-rc.d")


def available():
    """Whether this machine has this package manager at all."""
    return bool(shutil.which("apt-get") and shutil.which("dpkg-query"))


def missing(names):
    listing = output_of(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"])
    installed = {line.split()[0] for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def lock(what):
    """Two of us at once would fail: apt-get itself gives up when another one reads the lists."""
    return locked(Path(tempfile.gettempdir()) / f"hagent-{what}-{os.geteuid()}.lock")


def apt(*arguments, cwd=None, private=False):
    """Runs apt-get without questions; the finished process, with what it said in `stdout`. `private`: it does not touch the
    machine's lists and packages, and need not wait for those who do."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with contextlib.nullcontext() if private else lock("apt-get"):
        return subprocess.run(["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", *map(str, arguments)], cwd=cwd,
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)


def plain(answer):
    """What a server answered, as one line without addresses of machines."""
    return re.sub(r"\s+", " ", re.sub(r"\s*\[IP: [^]]*\]", "", answer)).strip()


def reason(output, about="", address=r"\1: "):
    """Why apt-get failed, in one line: its first error (or else warning) in which `about`, a pattern, occurs. `address`: what
    is written in place of the address of a file that could not be fetched."""
    for kind in "EW":
        for line in re.findall(rf"^{kind}: (.*)$", output, re.MULTILINE):
            if re.search(about, line):
                return plain(re.sub(r"^Failed to fetch (\S+)\s+", address, line))
    return "no reason was given"


def update(tell=say, options=()):
    """Brings the lists up to date as far as possible; what did not work is told in one line and returned ("": all did)."""
    done = apt(*options, "update")
    if done.returncode == 0 and not re.search(r"^[EW]: .*failed to (?:fetch|download)", done.stdout, re.MULTILINE | re.IGNORECASE):
        return ""
    why = reason(done.stdout)
    tell(f"not all package lists could be brought up to date ({why}); going on with those that are there")
    if len(output_of(["apt-config", *options, "dump", "--format", "%v%n", "APT::Architectures"]).split()) > 1:
        # One foreign list out of step keeps its whole suite as it was: ask for this machine's own architecture alone.
        architecture = output_of(["apt-config", *options, "dump", "--format", "%v", "APT::Architecture"]).strip()
        with tempfile.NamedTemporaryFile("w", prefix="hagent-apt-", suffix=".conf") as own:
            own.write(f'#clear APT::Architectures;\nAPT::Architectures {{ "{architecture}"; }};\n')
            own.flush()
            apt("-c", own.name, *options, "-o", "APT::Get::List-Cleanup=0", "update")
    return why


def install(names, tell=say):
    """Installs those packages that are not there and returns their names; asks the package manager nothing when all are.

    Freshly installed servers are kept from starting. Failure says what cannot be had, where it was looked for, what to do.
    """
    if not available():
        raise Failure(f"this machine has no apt-get: make sure by its own means that it has {' '.join(names)}, then run this again.")
    with lock("packages"):
        absent = missing(names)
        if not absent:
            return []
        if os.geteuid() != 0:
            raise Failure(f"these packages are missing: {' '.join(absent)}. Install them as root with apt-get, then run this again.")
        tell("installing packages: " + " ".join(absent))
        why = update(tell)
        with services_down():
            take(["--no-install-recommends", "install", *absent], absent, (), tell, why)
        still = missing(absent)
    if still:
        raise Failure(f"apt-get ended without an error, yet {' '.join(still)} is not installed: see what dpkg --audit says.")
    return absent


def download(names, folder, options=(), tell=say):
    """Fetches the .deb files of packages into a folder and installs nothing; Failure as above."""
    take(["-o", "APT::Sandbox::User=root", "download", *names], names, options, tell, cwd=folder)


def take(arguments, names, options, tell, why="", cwd=None):
    """Runs apt-get, and again without those revisions that turn out to be gone, until it has what was asked for."""
    gone = {}  # (source package, version) -> what the pool answered
    with tempfile.TemporaryDirectory(prefix="hagent-apt-") as work:
        while True:
            done = apt(*options, *without(gone, Path(work), options), *arguments, cwd=cwd)
            if done.returncode == 0:
                return
            fresh = {key: answer for key, answer in failed(done.stdout, options).items() if key not in gone}
            if not fresh:
                raise Failure(explain(names, done.stdout, gone, options, why))
            for (source, version), answer in fresh.items():
                tell(f"{source} {version}: the lists name it and the pool does not have it ({answer}); taking the next revision")
            gone.update(fresh)


def failed(output, options):
    """{(source, version): answer} of the packages whose files the pool does not have."""
    found = {}
    for address, answer in re.findall(r"^E: Failed to fetch (\S+)\s+(.*)$", output, re.MULTILINE):
        answer = plain(answer)
        name = unquote(unquote(address.rpartition("/")[2]))
        if not GONE.search(answer):
            continue
        for stanza in output_of(["apt-cache", *options, "show", name.split("_")[0]]).split("\n\n"):
            fields = dict(re.findall(r"^(Package|Version|Source|Filename): (\S+)", stanza, re.MULTILINE))
            if fields.get("Filename", "").rpartition("/")[2] == name:
                found[(fields.get("Source", fields["Package"]), fields["Version"])] = answer
    return found


def without(gone, work, options):
    """Options that rule revisions out, beside what the machine's own preferences say."""
    if not gone:
        return []
    named = output_of(["apt-config", *options, "shell", "path", "Dir::Etc::preferences/f"]).partition("=")[2].strip().strip("'")
    machine = Path(named or "/etc/apt/preferences")
    text = (machine.read_text(errors="replace").rstrip("\n") + "\n\n") if machine.is_file() else ""
    text += "".join(f"Package: src:{source}\nPin: version {version}\nPin-Priority: -1\n\n" for source, version in gone)
    (work / "preferences").write_text(text)
    return ["-o", f"Dir::Etc::preferences={work / 'preferences'}"]


def explain(names, output, gone, options, why):
    """The sentence for people: what, where it was looked, what to do."""
    listing = output_of(["apt-get", *options, "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"])
    places = ", ".join(dict.fromkeys(listing.splitlines())) or "no archive at all: no package list is there"
    tried = "".join(f", {source} {version} ({answer})" for (source, version), answer in gone.items())
    with tempfile.NamedTemporaryFile("w", prefix="hagent-apt-", suffix=".log", delete=False) as log:
        log.write(output)
    return (f"{' '.join(names)} cannot be had: {reason(output)}; looked in {places}"
            + (f"; gone from there: {tried[2:]}" if tried else "") + (f"; the lists are not up to date: {why}" if why else "")
            + f"; try again later, give apt another mirror, or install by hand what is named here. The whole output is in {log.name}.")


@contextlib.contextmanager
def services_down():
    """While this lasts, a policy keeps freshly installed servers from starting by themselves."""
    if POLICY.exists() or not POLICY.parent.is_dir():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
