# SPDX-License-Identifier: Apache-2.0
"""Five real FTP daemons on loopback, each unpacked beside the system and run with users and disks of its own: in a mount
namespace where /etc/passwd knows one more user and the folder `full` is a disk of 1 MiB."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

import kit  # noqa: F401  (puts tests/lab on the path)
import ftp_script  # noqa: F401  (puts toolchains on the path)
from servers import PASSIVE_PORTS, START_DEADLINE_S, VSFTPD
from services import own_port, own_range, port_answers, wait_until
from setup_packages import SERVERS, download, ensure, program, say, update

from builder.common import cache_root, locked

USER, PASSWORD, UID = "tester", "right-pw-77d0", 21777
PACKAGES = {
    "proftpd": ("proftpd-core", "proftpd-mod-crypto", "libhiredis0.14", "libmemcached11", "libmemcachedutil2", "libhashkit2", "libpcre2-posix3", "libidn2-0",
                "libsasl2-2", "libevent-2.1-7"),
    "pure-ftpd": ("pure-ftpd", "pure-ftpd-common", "libsodium23"),
    "inetutils-ftpd": ("inetutils-ftpd", "libwrap0"),
}
PYTHON_PACKAGES = ("pyftpdlib==2.2.0", "pyOpenSSL==26.4.0")
PAM = "auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\npassword required pam_deny.so\n"

# What the namespace does before the daemon starts. $1: the folder with passwd, shadow, pam.d; $2: the disk; $3: its size.
INSIDE = ('set -e; mount --make-rprivate /; for f in passwd group shadow pam.d; do mount --bind "$1/$f" "/etc/$f"; done; '
          'mount -t tmpfs -o "size=$3,mode=777" tmpfs "$2"; shift 3; exec "$@"')


class Missing(Exception):
    """Why a daemon cannot be tested on this machine."""


def unpacked(name, packages=()):
    """The folder that the packages of a daemon were unpacked into, fetched at the first call on a machine."""
    packages = packages or PACKAGES[name]
    folder = cache_root() / "lab" / f"ftpd-{name}"
    with locked(folder.with_suffix(".lock")):
        if not folder.is_dir():
            if os.geteuid() != 0:
                raise Missing(f"unpacking {name} needs root")
            say(f"fetching {name} and unpacking it beside the system")
            with tempfile.TemporaryDirectory() as work:
                update()
                download(packages, work)
                staging = tempfile.mkdtemp(prefix=".ftpd-", dir=folder.parent)
                for package in glob.glob(os.path.join(work, "*.deb")):
                    subprocess.run(["dpkg", "-x", package, staging], check=True)
                os.chmod(staging, 0o755)
                os.rename(staging, folder)
    return str(folder)


def python_packages():
    """A Python that has pyftpdlib."""
    folder = cache_root() / "lab" / ("venv-" + "-".join(PYTHON_PACKAGES).replace("==", "-").lower())
    with locked(folder.with_suffix(".lock")):
        if not (folder / "ready").exists():
            say("installing the Python packages " + " ".join(PYTHON_PACKAGES))
            shutil.rmtree(folder, ignore_errors=True)
            done = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                done = subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", "--only-binary=cryptography,cffi", *PYTHON_PACKAGES],
                                      capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Missing(f"no pyftpdlib: {(done.stdout + done.stderr).strip()[-300:]}")
            (folder / "ready").touch()
    return str(folder / "bin" / "python")


def namespaces():
    """Why daemons cannot have a mount namespace here; empty when they can."""
    done = subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and os.geteuid() == 0 else f"mount namespaces are not permitted: {done.stderr.strip() or 'not root'}"


def make_system(folder):
    """The files that the namespace shows below /etc."""
    os.makedirs(os.path.join(folder, "pam.d"))
    hashed = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
    for name, line in (("passwd", f"{USER}:x:{UID}:{UID}:tester:{folder}/home:/bin/sh"), ("group", f"{USER}:x:{UID}:"), ("shadow", f"{USER}:{hashed}:19000::::::")):
        with open(os.path.join("/etc", name), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text + line + "\n")
        os.chmod(os.path.join(folder, name), 0o640 if name == "shadow" else 0o644)
    for name in ("vsftpd", "ftp", "ftpd", "pure-ftpd", "proftpd", "other"):
        with open(os.path.join(folder, "pam.d", name), "w", encoding="ascii") as file:
            file.write(PAM)


def make_certificate(folder):
    """A certificate for 127.0.0.1 that is its own authority: (certificate, key, both in one file)."""
    ensure({"openssl": SERVERS["openssl"]})
    cert, key, both = (os.path.join(folder, name) for name in ("cert.pem", "key.pem", "both.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    with open(both, "w", encoding="ascii") as out:
        for path in (key, cert):
            with open(path, encoding="ascii") as file:
                out.write(file.read())
    return cert, key, both


class FtpDaemon:
    """One daemon in one mode: clear, explicit (AUTH TLS) or implicit."""
    name, modes = "", ("clear",)
    silent_when_full = False  # says nothing at all about a full disk, and leaves the connection open

    def __init__(self, services, folder, mode, certificate):
        self.services, self.folder, self.mode = services, folder, mode
        self.cert, self.key, self.both = certificate
        self.port, self.first = own_port(), own_range(PASSIVE_PORTS)
        self.last = self.first + PASSIVE_PORTS - 1
        self.system, self.home = os.path.join(folder, "system"), os.path.join(folder, "system", "home")
        self.log, self.process = os.path.join(folder, "output.log"), None
        if reason := namespaces():
            raise Missing(reason)
        self.setup()
        make_system(self.system)
        os.makedirs(os.path.join(self.home, "full"))
        os.makedirs(os.path.join(self.home, "in"))
        path = folder
        while path != "/":
            if os.stat(path).st_mode & 0o055 != 0o055 and path != "/tmp":
                os.chmod(path, os.stat(path).st_mode | 0o055)
            path = os.path.dirname(path)
        for path in (self.home, os.path.join(self.home, "in")):
            os.chmod(path, 0o755)
            os.chown(path, UID, UID)

    def setup(self):
        """Gets the program; Missing when that cannot be."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {**os.environ, "LC_ALL": "C"}

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, 0o644)
        return path

    def serve(self, name, content):
        path = os.path.join(self.home, name)
        with open(path, "wb") as file:
            file.write(content)
        os.chown(path, UID, UID)
        os.chmod(path, 0o644)
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def start(self):
        inside = ["unshare", "-m", "sh", "-c", INSIDE, "sh", self.system, os.path.join(self.home, "full"), "1m", *self.command()]
        self.process = self.services.start(self.name, inside, self.log, self.environment())
        self.process.wait(lambda: port_answers(self.port), START_DEADLINE_S * kit.FACTOR, "its port answers")

    def kill(self):
        """The crash of the whole daemon: kill -9 of all its processes, also of those that it begins meanwhile: they hold its port."""
        mine = self.namespace()

        def all_gone():
            pids = self.processes(mine)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pids
        wait_until(all_gone, START_DEADLINE_S * kit.FACTOR, "all its processes are gone")
        self.process.popen.wait()

    def namespace(self):
        """Of mounts, this daemon's own."""
        return os.readlink(f"/proc/{self.process.pid}/ns/mnt")

    @staticmethod
    def processes(mine):
        """Ids of all processes in a mount namespace that have not ended."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{name}/ns/mnt") == mine:
                    found.append(int(name))
            except OSError:
                continue  # it ended meanwhile
        return found

    def inside(self, *parts):
        """A path below the home folder as the daemon sees it, the small disk included."""
        return os.path.join(f"/proc/{self.process.pid}/root{self.home}", *parts)

    def url(self, path, password=PASSWORD):
        scheme = {"clear": "ftp", "explicit": "ftpes", "implicit": "ftps"}[self.mode]
        return f"{scheme}://{USER}:{password}@127.0.0.1:{self.port}/{path}"


class Vsftpd(FtpDaemon):
    name, modes = "vsftpd", ("clear", "explicit", "implicit")

    def setup(self):
        ensure({"vsftpd": SERVERS["vsftpd"]})

    def command(self):
        empty = os.path.join(self.folder, "empty")
        os.makedirs(empty, exist_ok=True)
        text = VSFTPD.format(port=self.port, root=self.home, empty=empty, first=self.first, last=self.last,
                             log=os.path.join(self.folder, "vsftpd.log"), local="YES").replace("anonymous_enable=YES", "anonymous_enable=NO")
        text += "pam_service_name=vsftpd\nlocal_umask=022\n"
        if self.mode != "clear":
            text += (f"ssl_enable=YES\nrsa_cert_file={self.cert}\nrsa_private_key_file={self.key}\nforce_local_data_ssl=YES\n"
                     f"force_local_logins_ssl=YES\nssl_tlsv1=YES\nimplicit_ssl={'YES' if self.mode == 'implicit' else 'NO'}\n")
        return [program("vsftpd"), self.write("vsftpd.conf", text.lstrip())]


class Unpacked(FtpDaemon):
    def setup(self):
        self.root = unpacked(self.name)

    def environment(self):
        libraries = glob.glob(self.root + "/usr/lib/*-linux-gnu") + glob.glob(self.root + "/lib/*-linux-gnu")
        return {**super().environment(), "LD_LIBRARY_PATH": ":".join(libraries)}


class Proftpd(Unpacked):
    name, modes = "proftpd", ("clear", "explicit", "implicit")

    def command(self):
        text = f"""
ModulePath {self.root}/usr/lib/proftpd
ServerName test
ServerType standalone
DefaultServer on
DefaultAddress 127.0.0.1
SocketBindTight on
UseIPv6 off
Port {self.port}
PassivePorts {self.first} {self.last}
User nobody
Group nogroup
AuthOrder mod_auth_unix.c
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
UseReverseDNS off
WtmpLog off
TransferLog none
PidFile {self.folder}/proftpd.pid
ScoreboardFile {self.folder}/scoreboard
DelayTable none
DelayEngine off
<Limit ALL>
  AllowAll
</Limit>
"""
        if self.mode != "clear":
            text = text.replace("ServerName", "LoadModule mod_tls.c\nServerName") + (
                f"TLSEngine on\nTLSRequired on\nTLSRSACertificateFile {self.cert}\nTLSRSACertificateKeyFile {self.key}\n"
                f"TLSLog {self.folder}/tls.log\nTLSVerifyClient off\nTLSRenegotiate none\n" + ("TLSOptions UseImplicitSSL\n" if self.mode == "implicit" else ""))
        return [self.root + "/usr/sbin/proftpd", "-n", "-c", self.write("proftpd.conf", text.lstrip())]


class PureFtpd(Unpacked):
    name, modes = "pure-ftpd", ("clear", "explicit")

    def command(self):
        tls = [] if self.mode == "clear" else ["-Y", "3", "-2", self.both]
        return [self.root + "/usr/sbin/pure-ftpd", "-4", "-S", f"127.0.0.1,{self.port}", "-l", "unix", "-p", f"{self.first}:{self.last}", "-E", "-H", "-A",
                "-u", "100", "-g", os.path.join(self.folder, "pure.pid"), *tls]


class Inetutils(Unpacked):
    """Started for each connection, as inetd does it."""
    name = "inetutils-ftpd"

    def command(self):
        return [sys.executable, "-B", os.path.abspath(__file__), "inetd", str(self.port), self.root + "/usr/sbin/ftpd"]


class Pyftpdlib(FtpDaemon):
    name, modes = "pyftpdlib", ("clear", "explicit")

    @property
    def silent_when_full(self):
        return self.mode != "clear"

    def setup(self):
        self.python = python_packages()

    def command(self):
        text = f"""
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer
authorizer = DummyAuthorizer()
authorizer.add_user({USER!r}, {PASSWORD!r}, {self.home!r}, perm="elradfmwMT")
handler = TLS_FTPHandler if {self.mode != "clear"} else FTPHandler
handler.authorizer = authorizer
handler.passive_ports = range({self.first}, {self.last})
if {self.mode != "clear"}:
    handler.certfile, handler.tls_control_required, handler.tls_data_required = {self.both!r}, True, True
FTPServer(("127.0.0.1", {self.port}), handler).serve_forever()
"""
        return [self.python, "-B", self.write("serve.py", text)]


DAEMONS = (Vsftpd, Proftpd, PureFtpd, Inetutils, Pyftpdlib)


def inetd(port, command):
    """Accepts connections for ever and gives each to a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                subprocess.Popen(command, stdin=connection, stdout=connection, stderr=subprocess.DEVNULL)


if __name__ == "__main__" and sys.argv[1:2] == ["inetd"]:
    inetd(int(sys.argv[2]), sys.argv[3:])
