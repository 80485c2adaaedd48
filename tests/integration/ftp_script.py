# SPDX-License-Identifier: Apache-2.0
"""The scriptable FTP server of curl's test suite as a tool: taken from the source package that the toolchain pins, built once
into the cache, nothing of it kept in this repository."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "toolchains"))

from builder import sources  # noqa: E402
from builder.common import Versions, cache_root, locked, run, say  # noqa: E402

PLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ftp_play.pl")
OFF = ("BUILD_CURL_EXE", "BUILD_SHARED_LIBS", "CURL_ENABLE_SSL", "CURL_USE_LIBPSL", "USE_LIBIDN2", "CURL_ZLIB", "CURL_BROTLI", "CURL_ZSTD",
       "USE_NGHTTP2", "CURL_USE_LIBSSH2", "BUILD_LIBCURL_DOCS", "BUILD_MISC_DOCS", "ENABLE_CURL_MANUAL")
ON = ("BUILD_STATIC_LIBS", "BUILD_TESTING", "CURL_DISABLE_LDAP", "CURL_DISABLE_LDAPS")


def tool():
    """The folder with ftpserver.pl, its modules and server/sockfilt; fetched and built at the first call on a machine."""
    versions = Versions()
    row = versions["curl"]
    folder = cache_root() / "lab" / f"curl-ftpserver-{row['sha256'][:12]}"
    with locked(folder.with_suffix(".lock")):
        if not (folder / "server" / "sockfilt").is_file():
            with locked(cache_root() / "sources.lock"):
                source = sources.fetch([row], versions.release)["curl"]
            work = Path(tempfile.mkdtemp(prefix="hagent-ftpserver-"))
            try:
                build(source, work, folder)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return str(folder)


def build(source, work, folder):
    say("building the FTP server of curl's test suite, once for this machine")
    log = work / "log"
    sources.unpack(source, work / "source", log)
    switches = [f"-D{name}=OFF" for name in OFF] + [f"-D{name}=ON" for name in ON]
    run(["cmake", "-S", work / "source", "-B", work / "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", *switches], log=log)
    run(["cmake", "--build", work / "build", "--target", "sockfilt", "--parallel", "2"], log=log)
    staging = Path(tempfile.mkdtemp(prefix=".ftpserver-", dir=folder.parent))
    (staging / "server").mkdir()
    shutil.copy2(work / "build" / "tests" / "server" / "sockfilt", staging / "server")
    for path in (work / "source" / "tests").glob("*.p[lm]"):
        shutil.copy2(path, staging)
    shutil.rmtree(folder, ignore_errors=True)
    os.rename(staging, folder)


class ScriptedFtp:
    """One running ftpserver.pl. It reads its instructions anew for every control connection."""

    def __init__(self, services, folder, number=1):
        self.folder, self.log = folder, os.path.join(folder, "log")
        os.makedirs(os.path.join(self.log, "lock"))
        self.keys = 0
        self.instruct("-", 0, 0)
        program = tool()
        port_file = os.path.join(folder, "port")
        self.process = services.start("ftpserver.pl", [
            "env", "-C", program, "perl", "ftpserver.pl", "--srcdir", program, "--id", str(number), "--ipv4", "--port", "0", "--pidfile", os.path.join(folder, "ftp.pid"),
            "--portfile", port_file, "--logdir", self.log, "--logfile", os.path.join(self.log, "ftp.log")], os.path.join(folder, "output.log"),
            {**os.environ, "LC_ALL": "C"})
        self.process.wait(lambda: os.path.exists(os.path.join(folder, "ftp.pid")), 30, "its pid file")
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())

    def instruct(self, stage, code, times, size=4000, raw=()):
        """From the next connection on: `code` at `stage`, in the first `times` connections (0: in all). `raw` are further
        lines of the server's own language (REPLY, PASVBADIP, RETRSIZE ...)."""
        self.keys += 1
        text = f"REPLY HAGENT @{{[ $main::cell = [qw({stage} {code} {times} {self.keys} {size})] ]}}\n"
        text += f'REPLY HAGENT @{{[ (eval do {{ local (@ARGV, $/) = "{PLAY}"; <> }}) // die $@ ]}}\n'
        path = os.path.join(self.log, "server.cmd")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text + "".join(line + "\n" for line in raw))
        os.rename(path + ".new", path)

    def conversation(self):
        """The commands so far."""
        path = next((entry.path for entry in os.scandir(self.log) if entry.name.endswith(".input")), None)
        if path is None:
            return []
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    def stop(self):
        self.process.stop()


def content(size=4000):
    """What the server serves under any name."""
    return b"".join(b"%07d\n" % number for number in range(size // 8))
