# SPDX-License-Identifier: Apache-2.0
"""The distribution's archive of source packages, seen through a source list and package lists of our own.

The machine's settings stay as they are; its mirror, proxy and way of transport are used. Nothing here is an end: what
cannot be reached is said in one line, and the archive then has fewer revisions to offer.
"""
import functools
import os
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from . import packages
from .common import Miss, output_of, say, sha256

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_HELPER = "/usr/lib/apt/apt-helper"
TIMEOUT_S = 60  # for the plain downloader of machines without apt


@dataclass
class Revision:
    """One revision of a source package in one suite."""
    label: str      # its version without the epoch, as the names of its files have it
    suite: str
    folder: str     # address of the folder that holds its files
    files: list     # (name, SHA-256)

    def tarball(self, stem):
        """(name, SHA-256) of the upstream tarball, or None."""
        return next((entry for entry in self.files if entry[0].startswith(stem) and not entry[0].endswith(".asc")), None)


def checksums(text):
    """[(name, SHA-256)] of the files that a source package's description or index entry lists."""
    block = re.search(r"^Checksums-Sha256:[ \t]*\n((?:[ \t].*\n?)+)", text, re.MULTILINE)
    return [(name, digest) for digest, _, name in (line.split() for line in block[1].splitlines())] if block else []


def newer(one, other):
    """Whether a version of the distribution is newer than another."""
    return one != other and subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0


def newest_first(things, label):
    """The things sorted by their label, a version; equal ones stay in their order."""
    def compare(one, other):
        return -1 if newer(label(one), label(other)) else 1 if newer(label(other), label(one)) else 0
    return sorted(things, key=functools.cmp_to_key(compare))


def download(address, path, digest, hurry=False):
    """Fetches one file and sees that it is the right one; Miss with the reason otherwise. apt's own downloader is preferred:
    it knows the machine's proxy."""
    if os.path.exists(APT_HELPER):
        options = ["-o", "APT::Sandbox::User=", *(packages.HURRY if hurry else [])]
        done = subprocess.run([APT_HELPER, *options, "-q", "download-file", address, str(path), f"SHA256:{digest}"], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if done.returncode != 0:
            Path(f"{path}.FAILED").unlink(missing_ok=True)
            Path(path).unlink(missing_ok=True)
            raise Miss(packages.reason(done.stdout, address=""))
    else:
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer, open(path, "wb") as file:
                shutil.copyfileobj(answer, file)
        except (urllib.error.URLError, OSError) as error:
            raise Miss(str(getattr(error, "reason", error))) from error
    actual = sha256(path)
    if actual != digest:
        Path(path).unlink()
        raise Miss(f"has the SHA-256 {actual}, not {digest}")


def security_of(address):
    """Where a mirror keeps the security suite: beside /debian in /debian-security, else with the rest."""
    return re.sub(r"/debian/?$", "/debian-security", address)


def mirrors():
    """(address of the release, address of its security suite) as the machine knows them, or as HAGENT_MIRROR says."""
    named = os.environ.get("HAGENT_MIRROR")
    if named:
        return named, security_of(named)
    if shutil.which("apt-get") is None:
        raise Miss("this machine has no apt-get and HAGENT_MIRROR is not set, so that no archive is known")
    wanted = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Origin: Debian", "Component: main"]
    found = output_of(wanted)
    if "Debian " not in found and os.geteuid() == 0:
        packages.update()
        found = output_of(wanted)
    addresses = dict(reversed([line.split(" ", 1) for line in found.splitlines()]))
    if "Debian" not in addresses:
        raise Miss("no archive of the distribution is configured on this machine (apt-get indextargets names none)")
    return addresses["Debian"], addresses.get("Debian-Security", security_of(addresses["Debian"]))


class Archive:
    """The release, its updates and its security suite. Nothing is fetched before somebody asks; `with` removes the lists."""

    def __init__(self, release, hurry=False):
        """`hurry`: do without what does not answer soon, because there is something already."""
        self.release, self.hurry = release, hurry
        self.folder, self.suites = None, []
        self.looked_at = ""  # for people: where, once it was looked at

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def revisions(self, package, version):
        """The revisions of an upstream version, newest first."""
        if self.folder is None:
            self._open()
        found, known = [], set()
        for suite, address, index in self.suites:
            for stanza in index:
                if f"\nPackage: {package}\n" not in f"\n{stanza}\n":
                    continue
                fields = dict(re.findall(r"^(Version|Directory): (.*)$", stanza, re.MULTILINE))
                label = fields["Version"].split(":", 1)[-1]
                folder = f"{address.rstrip('/')}/{fields['Directory']}"
                if label.rpartition("-")[0] == version and (label, folder) not in known:
                    known.add((label, folder))
                    found.append(Revision(label, suite, folder, checksums(stanza)))
        return newest_first(found, lambda revision: revision.label)

    def fetch(self, revision, name, digest, path):
        download(f"{revision.folder}/{quote(name, safe='+~:')}", path, digest, self.hurry)

    def _open(self):
        self.folder = Path(tempfile.mkdtemp(prefix="hagent-sources-"))
        try:
            main, security = mirrors()
        except Miss as miss:
            self.looked_at = f"no archive ({miss})"
            say(str(miss))
            return
        places = [(self.release, main), (f"{self.release}-updates", main), (f"{self.release}-security", security)]
        self.looked_at = f"the archive at {main} ({', '.join(suite for suite, _ in places)})"
        options = self._options(places)
        done = packages.apt(*options, "update", private=True)
        listing = output_of(["apt-get", *options, "indextargets", "--format", "$(RELEASE) $(FILENAME)", "Created-By: Sources"])
        arrived = dict(line.split(" ", 1) for line in listing.splitlines())
        for suite, address in places:
            if suite in arrived:
                text = output_of([APT_HELPER, *options, "cat-file", arrived[suite]])
                self.suites.append((suite, address, text.split("\n\n")))
            else:
                say(f"{suite} at {address}: no index ({packages.reason(done.stdout, f'{suite}(?=[ /])', '')})")

    def _options(self, places):
        for part in ("lists/partial", "archives/partial"):
            (self.folder / part).mkdir(parents=True)
        own = os.environ.get("HAGENT_MIRROR") and os.environ.get("HAGENT_MIRROR_TRUSTED") == "yes"
        trust = "Trusted: yes" if own else f"Signed-By: {KEYRING}"
        (self.folder / "list.sources").write_text("".join(
            f"Types: deb-src\nURIs: {address}\nSuites: {suite}\nComponents: main\n{trust}\n\n" for suite, address in places))
        options = {
            "Dir::Etc::sourcelist": self.folder / "list.sources", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::State::lists": self.folder / "lists", "Dir::Cache::archives": self.folder / "archives",
            "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "", "Acquire::Languages": "none",
            "APT::Update::Post-Invoke-Success::": ""}
        return [part for key, value in options.items() for part in ("-o", f"{key}={value}")] + (packages.HURRY if self.hurry else [])
