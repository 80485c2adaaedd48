# SPDX-License-Identifier: Apache-2.0
"""Fetches the pinned source packages into the cache and unpacks them."""
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .common import Failure, cache_root, output_of, run, say, sha256

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def upstream_tarball(folder, row):
    """The one upstream tarball of the pinned version in a folder, or None."""
    stem = f"{row['package']}_{row['version']}.orig.tar."
    found = [p for p in sorted(folder.glob(stem + "*")) if not p.name.endswith(".asc")]
    return found[0] if found else None


def description(folder, row):
    """The source package's description (.dsc) of the pinned upstream version, or None."""
    found = sorted(folder.glob(f"{row['package']}_{row['version']}-*.dsc"))
    return found[-1] if found else None


def is_complete(folder, row):
    if not folder.is_dir() or upstream_tarball(folder, row) is None:
        return False
    return row["kind"] == "headers" or description(folder, row) is not None


def folder_of(row):
    """Where the files of one source package are, or None when they have to be fetched first."""
    named = os.environ.get("HAGENT_SOURCES")
    if named:
        if not is_complete(Path(named), row):
            raise Failure(f"HAGENT_SOURCES={named} lacks the source package {row['package']} {row['version']}. "
                          "Put its .dsc, .orig and .debian files there, or unset HAGENT_SOURCES.")
        return Path(named)
    folder = cache_root() / "sources" / f"{row['package']}-{row['sha256'][:12]}"
    return folder if is_complete(folder, row) else None


def identity(row):
    """A line that changes whenever the source changes: part of the key of what is built from it."""
    folder = folder_of(row)
    if folder is None:
        return None
    packaging = description(folder, row) if row["kind"] == "patched" else None
    return f"{row['name']} {row['version']} {row['sha256']} {sha256(packaging) if packaging else '-'}"


def mirror():
    """The address of the distribution's archive, as the machine's own package manager knows it."""
    wanted = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian", "Component: main"]
    for attempt in ("as it is", "after an update"):
        if attempt != "as it is":
            run(["apt-get", "update", "-q"])
        addresses = output_of(wanted).split()
        if addresses:
            return addresses[0]
    raise Failure("no archive of the distribution is configured on this machine, so the source packages cannot be fetched. "
                  "Name a folder that holds them with HAGENT_SOURCES=dir.")


def apt_options(folder, release):
    """Options that make apt-get use a source list and folders of our own; the machine's settings stay as they are."""
    (folder / "lists" / "partial").mkdir(parents=True)
    (folder / "archives" / "partial").mkdir(parents=True)
    (folder / "list.sources").write_text(
        f"Types: deb-src\nURIs: {mirror()}\nSuites: {release}\nComponents: main\nSigned-By: {KEYRING}\n")
    options = {
        "Dir::Etc::sourcelist": folder / "list.sources", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists", "Dir::Cache::archives": folder / "archives",
        "Dir::Cache::pkgcache": "", "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "", "Acquire::Languages": "none",
        "APT::Update::Post-Invoke-Success::": "", "Acquire::Retries": "3"}
    return [part for key, value in options.items() for part in ("-o", f"{key}={value}")]


def fetch(rows, release):
    """Makes sure that all the named source packages are in the cache."""
    missing = [row for row in rows if folder_of(row) is None]
    if not missing:
        return
    say("fetching source packages: " + ", ".join(f"{row['package']} {row['version']}" for row in missing))
    work = Path(tempfile.mkdtemp(prefix="hagent-sources-"))
    try:
        options = apt_options(work, release)
        log = work / "log"
        run(["apt-get", *options, "-q", "update"], log=log)
        for row in missing:
            fetch_one(row, options, work, log)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def fetch_one(row, options, work, log):
    target = cache_root() / "sources" / f"{row['package']}-{row['sha256'][:12]}"
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".fetch-", dir=target.parent))
    try:
        only = "--tar-only" if row["kind"] == "headers" else "--download-only"
        run(["apt-get", *options, "-q", "source", "--download-only", only, row["package"]], log=log, cwd=staging)
        if not is_complete(staging, row):
            got = ", ".join(sorted(p.name for p in staging.iterdir()))
            raise Failure(f"the archive no longer offers {row['package']} {row['version']} (it sent: {got}). Name a folder that "
                          "holds the pinned version with HAGENT_SOURCES=dir, or move toolchains/versions to the new one.")
        verify(upstream_tarball(staging, row), row)
        if is_complete(target, row):
            return
        shutil.rmtree(target, ignore_errors=True)
        os.rename(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def verify(tarball, row):
    actual = sha256(tarball)
    if actual != row["sha256"]:
        raise Failure(f"{tarball.name} has the SHA-256 {actual}, but toolchains/versions expects {row['sha256']}. "
                      "Do not use it: find out why it changed first.")


def unpack(row, target, log):
    """Unpacks a source package, with the release's patches for kind "patched"."""
    folder = folder_of(row)
    tarball = upstream_tarball(folder, row)
    verify(tarball, row)
    if row["kind"] == "patched":
        run(["dpkg-source", "--no-copy", "--require-strong-checksums", "-x", description(folder, row), target], log=log)
        return
    with tarfile.open(tarball) as archive:
        top = archive.getmembers()[0].name.split("/")[0]
    target.mkdir(parents=True)
    done = subprocess.run(["tar", "-xf", str(tarball), "--strip-components=1", "-C", str(target), top], check=False)
    if done.returncode != 0:
        raise Failure(f"{tarball} cannot be unpacked.")
