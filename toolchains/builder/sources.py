# SPDX-License-Identifier: Apache-2.0
"""The sources of the pinned libraries: found wherever they are, kept in the cache, unpacked.

The SHA-256 of the upstream tarball (toolchains/versions) is the only truth. Which of the release's patches come with it
depends on what could be had, and is part of what a build says about itself.
"""
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .archive import Archive, checksums, download, newer, newest_first
from .common import Failure, Miss, cache_root, run, say, sha256

DAY_S = 24 * 3600
LOOK_AGAIN_S = {"bare": 0, "older": DAY_S, "newest": 7 * DAY_S}  # how long what is cached is not compared with the archive


@dataclass
class Source:
    """One library's source in the cache."""
    row: dict
    folder: Path
    tarball: Path
    digest: str           # what the tarball's SHA-256 has to be
    description: object   # path of the .dsc whose patches are put on, or None
    revision: str         # the distribution's revision of these patches; "": none
    newest: str           # the newest revision that an archive was seen to name; "": none was seen

    @property
    def state(self):
        """newest, older or bare: how many of the release's patches are on. What takes headers only needs none."""
        if self.row["kind"] == "headers":
            return "newest"
        return "bare" if not self.revision else "older" if self.lacks else "newest"

    @property
    def lacks(self):
        """The revision whose patches are missing ("unknown" when no archive could be asked), "" when none are."""
        if self.row["kind"] == "headers":
            return ""
        if not self.revision:
            return self.newest or "unknown"
        return self.newest if self.newest and newer(self.newest, self.revision) else ""

    def identity(self):
        """A line that changes whenever the source or what is known to be missing changes: part of the key of what is built."""
        packaging = sha256(self.description) if self.description else "-"
        return f"{self.row['name']} {self.row['version']} {self.digest} {packaging} lacks {self.lacks or '-'}"

    def sentence(self):
        """What people are told about the patches."""
        name = f"{self.row['package']} {self.row['version']}"
        if self.row["kind"] == "headers":
            return f"{name}: header files of the upstream tarball"
        if self.state == "bare":
            return f"{name}: WITHOUT the release's security patches (those of {self.lacks} could not be had)" if self.newest else \
                   f"{name}: WITHOUT the release's security patches (no archive could be asked for them)"
        missing = f"; those of {self.lacks}, which the archive names, could not be had" if self.lacks else ""
        return f"{name}: patches of {self.revision}{missing}"


def stem(row):
    return f"{row['package']}_{row['version']}.orig.tar."


def pins(row):
    """The SHA-256 values of the tarballs that are this library, the distribution's first."""
    return list(dict.fromkeys([row["sha256"]] + ([row["origin"][1]] if row["origin"] else [])))


def tarball_of(folder, row):
    """The upstream tarball by its name, or None."""
    return next((path for path in sorted(folder.glob(stem(row) + "*")) if path.suffix != ".asc"), None)


def revision_of(description, row):
    return description.name[len(row["package"]) + 1:-len(".dsc")]


def cached(row):
    """The best source of a library in the cache, or None."""
    root = cache_root() / "sources"
    try:
        newest = json.loads((root / f"{row['package']}-{row['sha256'][:12]}.json").read_text())["newest"]
    except (OSError, ValueError, KeyError):
        newest = ""
    found = []
    for digest in pins(row):
        for folder in sorted(root.glob(f"{row['package']}-{digest[:12]}*")):
            tarball = tarball_of(folder, row) if folder.is_dir() else None
            if tarball:
                described = sorted(folder.glob(f"{row['package']}_{row['version']}-*.dsc")) if row["kind"] == "patched" else []
                revision = revision_of(described[-1], row) if described else ""
                found.append(Source(row, folder, tarball, digest, described[-1] if described else None, revision, newest))
    patched = newest_first([source for source in found if source.revision], lambda source: source.revision)
    return (patched + found)[0] if found else None


def note(row, newest):
    """Remembers the newest revision that was seen to exist, and when it was looked for."""
    path = cache_root() / "sources" / f"{row['package']}-{row['sha256'][:12]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"newest": newest, "looked": int(time.time())}) + "\n")
    os.replace(fresh, path)


def is_due(source):
    """Whether it is time to see if there are more patches than those of what is cached; a folder is always looked into."""
    if source.row["kind"] == "headers":
        return False
    if any(better(revision_of(path, source.row), source) for path in described_in(named_folder(), source.row)):
        return True
    try:
        path = cache_root() / "sources" / f"{source.row['package']}-{source.row['sha256'][:12]}.json"
        looked = json.loads(path.read_text())["looked"]
    except (OSError, ValueError, KeyError):
        looked = 0
    return not 0 <= time.time() - looked < LOOK_AGAIN_S[source.state]


def sound(row):
    """The best cached source whose tarball is what it should be, or None; what is damaged is removed."""
    while (source := cached(row)) and (actual := sha256(source.tarball)) != source.digest:
        say(f"{row['package']} {row['version']}: {source.tarball} is damaged (SHA-256 {actual}) and was removed from the cache")
        shutil.rmtree(source.folder)
    return source


# where a source may come from -----------------------------------------------------------------------------------------
def named_folder():
    """The folder that HAGENT_SOURCES names, or None."""
    named = os.environ.get("HAGENT_SOURCES")
    return Path(named).absolute() if named else None


def described_in(folder, row):
    found = folder.glob(f"{row['package']}_{row['version']}-*.dsc") if folder else []
    return newest_first(list(found), lambda path: revision_of(path, row))


def take_described(folder, description, row, stage):
    """Copies a whole source package of a folder."""
    files = checksums(description.read_text(errors="replace"))
    for name, digest in files:
        where = f"HAGENT_SOURCES={folder}: {name}"
        if not (folder / name).is_file():
            raise Miss(f"{where} is not there")
        if sha256(folder / name) != digest:
            raise Miss(f"{where} is not what {description.name} says it is")
        if name.startswith(stem(row)) and not name.endswith(".asc") and digest != row["sha256"]:
            raise Miss(f"{where} has the SHA-256 {digest}, not the pinned {row['sha256']}")
    for name in [description.name] + [name for name, _ in files]:
        shutil.copyfile(folder / name, stage / name)


def take_bare(folder, row, stage):
    """Copies the upstream tarball of a folder, whatever its name is there."""
    for path in sorted(folder.glob("*.tar.*")) if folder.is_dir() else []:
        if path.suffix != ".asc" and path.is_file() and sha256(path) in pins(row):
            shutil.copyfile(path, stage / (stem(row) + path.suffix[1:]))
            return
    raise Miss(f"HAGENT_SOURCES={folder}: no tarball there has the pinned SHA-256 {row['sha256']}")


def take_revision(archive, revision, row, stage):
    """Fetches a whole revision; the small files first, because a revision that is gone shows it there."""
    tarball = revision.tarball(stem(row))
    files = sorted(revision.files, key=lambda entry: entry == tarball)
    take_listed(archive, revision, row, stage, files)


def take_tarball(archive, revision, row, stage):
    take_listed(archive, revision, row, stage, [revision.tarball(stem(row))])


def take_listed(archive, revision, row, stage, files):
    place = f"{revision.label} of {revision.suite}"
    tarball = revision.tarball(stem(row))
    if tarball is None or tarball[1] != row["sha256"]:
        raise Miss(f"{place}: its tarball has the SHA-256 {tarball[1] if tarball else '(none)'}, not the pinned {row['sha256']}")
    for name, digest in files:
        if (stage / name).is_file() and sha256(stage / name) == digest:
            continue
        try:
            archive.fetch(revision, name, digest, stage / name)
        except Miss as miss:
            raise Miss(f"{place}: {name}: {miss}") from miss


def take_origin(row, stage, hurry):
    address, digest = row["origin"]
    try:
        download(address, stage / (stem(row) + address.rpartition(".")[2]), digest, hurry)
    except Miss as miss:
        raise Miss(f"{address}: {miss}") from miss


def ways(row, have, archive, stage):
    """What to try, in order, each better than `have`: functions that fill the stage or raise Miss."""
    folder = named_folder()
    if row["kind"] == "patched":
        described = described_in(folder, row)
        if folder and not described and not have:
            yield lambda: missed(f"HAGENT_SOURCES={folder}: no whole source package of it there")
        for description in described:
            if better(revision_of(description, row), have):
                yield lambda: take_described(folder, description, row, stage)
        if not (folder and have and have.revision):  # a folder is named so that nobody asks the network without need
            for revision in archive.revisions(row["package"], row["version"]):
                if better(revision.label, have):
                    yield lambda: take_revision(archive, revision, row, stage)
    if have:
        return
    if folder:
        yield lambda: take_bare(folder, row, stage)
    revisions = archive.revisions(row["package"], row["version"])
    if not revisions:
        yield lambda: missed(f"no index that could be read names a revision of it in {archive.release}")
    for revision in revisions:
        yield lambda: take_tarball(archive, revision, row, stage)
    if row["origin"]:
        yield lambda: take_origin(row, stage, False)


def missed(why):
    raise Miss(why)


def better(revision, have):
    return have is None or not have.revision or newer(revision, have.revision)


# the cache ------------------------------------------------------------------------------------------------------------
def fetch(rows, release):
    """Makes sure that all the named libraries are in the cache, with as many patches as can be had; {name: Source}.

    The caller holds sources.lock. Failure when a library cannot be had at all: it names all of those.
    """
    found = {row["name"]: sound(row) for row in rows}
    wanted = [row for row in rows if found[row["name"]] is None or is_due(found[row["name"]])]
    with Archive(release, hurry=all(found[row["name"]] for row in wanted)) as archive:
        for row in wanted:
            found[row["name"]] = look(row, found[row["name"]], archive)
    absent = [row for row in rows if found[row["name"]] is None]
    if absent:
        raise Failure(nowhere(absent, archive))
    for source in found.values():
        if source.state != "newest" or source.row in wanted:
            say(("WARNING: " if source.state == "bare" else "") + source.sentence())
    return found


def look(row, have, archive):
    """The best source that can be had for one library: what is cached, or what was found now."""
    name = f"{row['package']} {row['version']}"
    say(f"{name}: looking for {'more patches' if have else 'its source'}")
    root = cache_root() / "sources"
    root.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=".fetch-", dir=root))
    try:
        if have and have.digest == row["sha256"]:
            shutil.copyfile(have.tarball, stage / have.tarball.name)
        told = set()
        for way in ways(row, have, archive, stage):
            try:
                way()
                keep(row, stage, root)
                break
            except Miss as miss:
                if str(miss) not in told:  # a wrong tarball is wrong with and without patches
                    say(f"{name}: {miss}")
                told.add(str(miss))
                for path in stage.iterdir():
                    if path != tarball_of(stage, row):
                        path.unlink()
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    seen = [revision.label for revision in archive.revisions(row["package"], row["version"])] if archive.folder else []
    best = cached(row)
    known = [label for label in [*seen, best.newest if best else "", best.revision if best else ""] if label]
    note(row, newest_first(known, str)[0] if known else "")
    return cached(row)


def keep(row, stage, root):
    """Gives a filled stage its place in the cache. A folder there never changes: another build may be reading it."""
    tarball = tarball_of(stage, row)
    digest = sha256(tarball)
    if digest not in pins(row):
        raise Miss(f"{tarball.name} has the SHA-256 {digest}, not the pinned {row['sha256']}")
    described = described_in(stage, row)
    suffix = f"-{revision_of(described[0], row)}" if described else ""
    target = root / f"{row['package']}-{digest[:12]}{suffix}"
    shutil.rmtree(target, ignore_errors=True)
    os.rename(stage, target)


def nowhere(rows, archive):
    """The sentence about libraries that cannot be had: what, where it was looked, what to do."""
    what = " and ".join(f"{row['package']} {row['version']} (SHA-256 {row['sha256']})" for row in rows)
    named = os.environ.get("HAGENT_SOURCES")
    places = [f"the cache {cache_root() / 'sources'}", f"HAGENT_SOURCES={named}" if named else "HAGENT_SOURCES (not set)",
              archive.looked_at or "the archive", "the addresses of the projects in toolchains/versions"]
    return (f"no place has the pinned tarball of {what}; looked in {', '.join(places)}, with the result of each above; "
            "try again later, or put the tarballs into a folder, with the .dsc and .debian files beside them where there are any, "
            "and say HAGENT_SOURCES=FOLDER.")


def unpack(source, target, log):
    """Unpacks a source, with the release's patches that came with it."""
    if sha256(source.tarball) != source.digest:
        raise Failure(f"{source.tarball} has not the SHA-256 {source.digest} any more: remove that folder and run this again.")
    if source.description:
        run(["dpkg-source", "--no-copy", "--require-strong-checksums", "-x", source.description, target], log=log)
        return
    with tarfile.open(source.tarball) as archive:
        top = archive.next().name.split("/")[0]
    target.mkdir(parents=True)
    done = subprocess.run(["tar", "-xf", str(source.tarball), "--strip-components=1", "-C", str(target), top], check=False)
    if done.returncode != 0:
        raise Failure(f"{source.tarball} cannot be unpacked.")
