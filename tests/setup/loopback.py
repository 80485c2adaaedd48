# SPDX-License-Identifier: Apache-2.0
"""An archive of our own on a loopback port: source and binary packages built here, indices over them, and holes where wanted."""
import gzip
import hashlib
import http.server
import os
import re
import subprocess
import tarfile
import threading
from io import BytesIO
from pathlib import Path

RELEASE = "sample"
SUITES = {RELEASE: "debian", f"{RELEASE}-updates": "debian", f"{RELEASE}-security": "debian-security"}
CONTROL = ("Source: {name}\nMaintainer: Nobody <nobody@example.org>\nStandards-Version: 4.6.2\n\n"
           "Package: {name}\nArchitecture: all\nDescription: sample\n")
CHANGE = "{name} ({version}) sample; urgency=low\n\n  * Sample.\n\n -- Nobody <nobody@example.org>  Mon, 01 Jan 2024 00:00:00 +0000\n"
PATCH = "--- a/value.txt\n+++ b/value.txt\n@@ -1 +1 @@\n-upstream\n+{version}\n"


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def tarball(path, name, text="upstream\n"):
    """A small upstream tarball with one file value.txt, the same bytes for the same text."""
    data = text.encode()
    with gzip.GzipFile(path, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for entry, content in ((name, None), (f"{name}/value.txt", data)):
            info = tarfile.TarInfo(entry)
            info.type, info.mode, info.size = (tarfile.REGTYPE, 0o644, len(content)) if content else (tarfile.DIRTYPE, 0o755, 0)
            archive.addfile(info, BytesIO(content or b""))


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *unused):
        pass


class Loopback:
    """The server and its folder; what was asked for is in `asked`."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *rest: Handler(*rest, directory=str(self.folder)))
        self.server.daemon_threads = True
        self.server.asked = self.asked = []
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def environment(self):
        """What makes the builder use this archive. Its index is unsigned, as that of a private mirror may be."""
        return {"HAGENT_MIRROR": f"{self.address}/debian", "HAGENT_MIRROR_TRUSTED": "yes", "APT_CONFIG": str(self.apt_config())}

    def apt_config(self):
        path = self.folder / "apt.conf"
        path.write_text('Acquire::http::Proxy::127.0.0.1 "DIRECT";\nAcquire::Retries "0";\n')
        return path

    # source packages --------------------------------------------------------------------------------------------------
    def pool(self, suite, name):
        folder = self.folder / SUITES[suite] / "pool" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def add_source(self, suite, name, version, upstream):
        """A revision of a source package, with a patch that writes its version into value.txt; `upstream` is its tarball."""
        pool = self.pool(suite, name)
        bare = version.split(":", 1)[-1]
        orig = pool / f"{name}_{bare.rpartition('-')[0]}.orig.tar.gz"
        orig.write_bytes(Path(upstream).read_bytes())
        tree = pool / "tree"
        tree.mkdir()
        subprocess.run(["tar", "-xf", orig, "--strip-components=1", "-C", tree], check=True)
        for path, text in (("control", CONTROL), ("changelog", CHANGE), ("source/format", "3.0 (quilt)\n"),
                           ("rules", "#!/usr/bin/make -f\n"), ("patches/series", "sample\n"), ("patches/sample", PATCH)):
            (tree / "debian" / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / "debian" / path).write_text(text.format(name=name, version=version))
        subprocess.run(["dpkg-source", "-b", "tree"], cwd=pool, check=True, capture_output=True)
        subprocess.run(["rm", "-r", tree], check=True)
        self.index(suite)

    def index(self, suite):
        """Writes a suite's list of sources, and its Release file."""
        top = self.folder / SUITES[suite]
        entries = []
        for dsc in sorted(top.glob("pool/*/*.dsc")):
            text = re.sub(r"-----BEGIN.*?\n\n", "", dsc.read_text(), flags=re.DOTALL)
            text = text.replace("Source: ", "Package: ", 1).rstrip("\n")
            own = f"\nChecksums-Sha256:\n {sha256(dsc)} {dsc.stat().st_size} {dsc.name}\n"
            entries.append(text.replace("\nChecksums-Sha256:\n", own) + f"\nDirectory: {dsc.parent.relative_to(top)}\n")
        entries.append("Package: x-tinycurl\nVersion: 2.0-9\nDirectory: pool/x\nChecksums-Sha256:\n")
        self.release(suite, "main/source/Sources", "\n".join(entries) + "\n")

    def release(self, suite, index, text, architectures=""):
        """Writes one index and the suite's Release file over all that are there."""
        dists = self.folder / SUITES.get(suite, "debian") / "dists" / suite
        (dists / index).parent.mkdir(parents=True, exist_ok=True)
        (dists / index).write_text(text)
        sums = [f" {sha256(path)} {path.stat().st_size} {path.relative_to(dists)}" for path in sorted(dists.glob("main/*/*"))]
        (dists / "Release").write_text(f"Origin: Sample\nSuite: {suite}\nCodename: {suite}\n"
                                       f"Components: main\nArchitectures: {architectures}\n"
                                       "Date: Mon, 01 Jan 2024 00:00:00 UTC\nSHA256:\n" + "\n".join(sums) + "\n")

    def remove(self, pattern):
        """Makes holes: files that the indices go on to name."""
        found = list(self.folder.glob(pattern))
        assert found, f"nothing in the archive is called {pattern}"
        for path in found:
            path.unlink()

    # binary packages --------------------------------------------------------------------------------------------------
    def add_binary(self, name, version, source, depends="", architecture="all"):
        pool = self.pool(RELEASE, source)
        tree = pool / "tree"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share/sample").mkdir(parents=True)
        (tree / "usr/share/sample" / name).write_text(version + "\n")
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nVersion: {version}\nSource: {source}\nArchitecture: {architecture}\n"
            "Maintainer: Nobody <nobody@example.org>\n" + (f"Depends: {depends}\n" if depends else "") + "Description: sample\n")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, pool / f"{name}_{version}_{architecture}.deb"],
                       check=True, capture_output=True)
        subprocess.run(["rm", "-r", tree], check=True)

    def index_binaries(self, suite, *architectures):
        top = self.folder / "debian"
        entries = []
        for deb in sorted(top.glob("pool/*/*.deb")):
            control = subprocess.run(["dpkg-deb", "-f", deb], check=True, capture_output=True, text=True).stdout
            entries.append(control + f"Filename: {deb.relative_to(top)}\nSize: {deb.stat().st_size}\nSHA256: {sha256(deb)}\n")
        for architecture in architectures:
            self.release(suite, f"main/binary-{architecture}/Packages", "\n".join(entries) + "\n", " ".join(architectures))


def own_architecture():
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


def unfit():
    """Why this machine cannot run these tests; empty when it can."""
    for tool in ("apt-get", "dpkg-deb", "dpkg-source"):
        if not any(os.access(os.path.join(folder, tool), os.X_OK) for folder in os.environ["PATH"].split(os.pathsep)):
            return f"this machine has no {tool}"
    return ""
