# SPDX-License-Identifier: Apache-2.0
"""One running lab: manager, FTP and HTTP server with a fault proxy before each, signing keys, one agent."""

import os
import shutil
import subprocess
import sys
import tempfile

import demo_package
from device import Agent
from fault_proxy import FaultProxy
from folder_manager import FolderManager
from hserver_manager import HserverManager
from lab_manager import LabManager
from manager_api import NO_RULES
from servers import Nginx, Vsftpd
from services import LabError, Services
from setup_packages import SERVERS, ensure, say

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.dirname(os.path.dirname(HERE))
PRESET = "release"
BUILDER_SAYS = "toolchains/build: "  # how its lines start
MANAGERS = ("lab", "hawkbit", "folder", "hserver")
LIMITED = {**{manager.name: manager.cannot_play for manager in (FolderManager, HserverManager)}, "hawkbit": {"regression": NO_RULES}}


def agent_binary():
    """The agent to test: HAGENT_BUILD names a built tree (or the program itself); else the release preset is built."""
    named = os.environ.get("HAGENT_BUILD")
    if named:
        for path in (named, os.path.join(named, "hagent"), os.path.join(named, "hagent.exe")):
            if os.path.isfile(path):
                return os.path.abspath(path)
        raise LabError(f"HAGENT_BUILD={named}: there is no hagent in it")
    say(f"lab: building the agent (./toolchains/build {PRESET})")
    build = subprocess.Popen([os.path.join(PROJECT, "toolchains", "build"), PRESET], stdin=subprocess.DEVNULL, stdout=sys.stderr,
                             stderr=subprocess.PIPE, text=True, errors="replace")
    said = ""
    for line in build.stderr:  # its last word, which may have several lines, is the reason
        sys.stderr.write(line)
        sys.stderr.flush()
        said = line[len(BUILDER_SAYS):] if line.startswith(BUILDER_SAYS) else said + line
    if build.wait():
        raise LabError(f"./toolchains/build {PRESET} ended with {build.returncode}: {said.strip()}")
    return os.path.join(PROJECT, "build", PRESET, "hagent")


def set_up():
    """Installs, fetches and builds what a lab with our own manager needs, and starts nothing; the agent's path."""
    ensure(SERVERS)
    return agent_binary()


class Laboratory:
    """Everything below one temporary folder; `with` starts it and leaves nothing behind."""

    def __init__(self, manager="lab", binary=None, runner=()):
        self.manager_name, self.binary, self.runner = manager, binary, runner
        self.services = Services(adopt_orphans=True)
        self.folder = tempfile.mkdtemp(prefix="hagent-lab-")
        os.chmod(self.folder, 0o755)

    def __enter__(self):
        self.services.__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        try:
            self.services.__exit__()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        ensure(SERVERS)
        self.binary = self.binary or agent_binary()
        self.manager = self._manager()
        self.services.add(self.manager)
        self.manager.start()
        self.manager_proxy = self.services.add(FaultProxy(int(self.manager.url.rstrip("/").rpartition(":")[2])))
        self.agent = Agent(self.services, self.path("device"), self.binary, self.runner)
        self.agent.configure(f"http://127.0.0.1:{self.manager_proxy.port}/", self.manager.tenant, self.manager.dialect, self.manager.signed)
        self.manager.ensure_device(self.agent.device_id, self.agent.token)
        self.key = demo_package.Key(self.path("signing"), "lab")
        self.key.trust_in(self.agent.keys_dir)
        if self.manager.name == "folder":
            self.manager.sign_with(self.key)
        self.stranger = demo_package.Key(self.path("signing"), "stranger")
        self.ftp_root, self.http_root = self.path("repository-ftp"), self.path("repository-http")
        for root in (self.ftp_root, self.http_root):
            os.makedirs(root)
        self.ftp = self.http = None
        self.own_servers = self.manager.name != "hawkbit"
        if self.own_servers:
            self.ftp = Vsftpd(self.services, self.path("vsftpd"), self.ftp_root)
            self.http = Nginx(self.services, self.path("nginx"), self.http_root)
            self.ftp_proxy = self.services.add(FaultProxy(self.ftp.start(), ftp=True))
            self.http_proxy = self.services.add(FaultProxy(self.http.start()))
        if not self.manager.signed:
            self.manager.serve_from(self.ftp_proxy.port)
        self.builder = demo_package.Builder(self.path("packages"), self.agent.root, self.agent.sign)

    def _manager(self):
        if self.manager_name == "lab":
            return LabManager(self.path("manager"), self.services)
        if self.manager_name == "hawkbit":
            from hawkbit.hawkbit_manager import HawkbitManager
            return HawkbitManager(lambda text: say(f"lab: {text}"))
        if self.manager_name == "folder":
            return FolderManager(self.path("folder"), self.services)
        if self.manager_name == "hserver":
            return HserverManager()
        raise LabError(f"'{self.manager_name}' is no manager; known: {', '.join(MANAGERS)}")

    def path(self, name):
        return os.path.join(self.folder, name)

    # packages -----------------------------------------------------------------------------------------------------
    def package(self, kind, name, key=None, spoil=None):
        """Builds, signs, optionally damages, and publishes a package; (package, reference for assign()).

        The payload lies on the FTP and HTTP servers; a real hawkBit holds all files itself. Without signatures the FTP server
        has everything. `spoil` names a file whose middle byte changes after signing.
        """
        if not self.manager.signed:
            return self._unsigned_package(kind, name)
        sources, repositories = {}, []
        if self.own_servers:
            ftp = f"ftp://127.0.0.1:{self.ftp_proxy.port}/{name}/"
            repositories = [f"http://127.0.0.1:{self.http_proxy.port}/{name}/"]
            if kind != "failing" and self.agent.signs_file_sources():
                sources = {demo_package.BIG: ftp + demo_package.BIG}
            elif kind != "failing":
                repositories.append(ftp)  # the HTTP server has no such file (404): the next source is asked
        package = self.builder.build(kind, name, key or self.key, sources=sources, repositories=repositories)
        package.files = package.manifest()["files"]
        package.wire_bytes = sum(item["bytes"] for item in package.files if item["path"] == demo_package.BIG)
        if spoil:
            package.change_one_byte(spoil)
        if not self.own_servers:
            return package, self.manager.publish(package.folder)
        for relative, root in ((demo_package.BIG, self.ftp_root), (demo_package.TREE, self.http_root), ("small", self.http_root)):
            if os.path.exists(package.path(relative)):
                package.deploy(relative, root)
                _readable(root)
        return package, self.manager.publish(package.folder, package.head_files())

    def _unsigned_package(self, kind, name):
        package = self.builder.build(kind, name)
        reference = self.manager.publish(package.folder)
        package.files = [item for item in package.listed() if item["path"] != package.entry]
        package.wire_bytes = package.total
        for item in package.files:
            package.deploy(item["path"], self.ftp_root)
        _readable(self.ftp_root)
        return package, reference

    def data_proxy(self):
        """(proxy, kind of connection) through which the big file travels."""
        return (self.ftp_proxy, "data") if self.own_servers else (self.manager_proxy, None)


def _readable(root):
    for folder, _, names in os.walk(root):
        if folder != root:
            os.chmod(folder, 0o755)
        for name in names:
            os.chmod(os.path.join(folder, name), 0o644)
