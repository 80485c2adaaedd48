# SPDX-License-Identifier: Apache-2.0
"""Owns the one Java process: its settings, its folder, its readiness, its end."""

import os
import secrets
import shutil
import subprocess
import tempfile
import time

from hawkbit import management, provision

HOST = "127.0.0.1"
READY_TIMEOUT_S = 180     # about 10 s on an idle machine; test machines are seldom idle
TERMINATE_TIMEOUT_S = 15
POLL_S = 0.1

JVM_OPTIONS = (
    # Small and quick to start: a lab server lives for minutes and serves a handful of devices.
    "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
    # Its libraries are older than Java 17 and reach into these packages by reflection.
    "--add-opens", "java.base/java.lang=ALL-UNNAMED", "--add-opens", "java.base/java.util=ALL-UNNAMED",
    "--add-opens", "java.base/java.lang.reflect=ALL-UNNAMED", "--add-opens", "java.base/java.net=ALL-UNNAMED",
)

PROPERTIES = """\
server.address={host}
server.port=0
spring.main.banner-mode=off
spring.main.allow-bean-definition-overriding=true
spring.jmx.enabled=false
spring.security.user.name={user}
spring.security.user.password={{noop}}{password}
spring.jpa.database=H2
spring.datasource.url=jdbc:h2:file:{folder}/database;MODE=MySQL;DB_CLOSE_ON_EXIT=FALSE;WRITE_DELAY=0
spring.servlet.multipart.max-file-size=1024MB
spring.servlet.multipart.max-request-size=-1
hawkbit.server.ddi.security.authentication.targettoken.enabled=true
hawkbit.artifact.url.protocols.download-http.rel=download-http
hawkbit.artifact.url.protocols.download-http.protocol=http
hawkbit.artifact.url.protocols.download-http.supports=DMF,DDI
org.eclipse.hawkbit.repository.file.path={folder}/artifacts
"""


class ServerError(Exception):
    """The server did not start or ended early; the text holds the end of its log."""


class ServerProcess:
    """A running hawkBit in a temporary folder of its own. stop() may be called at any time and more than once."""

    def __init__(self):
        self.port = 0
        self.user = "admin"
        self.password = secrets.token_urlsafe(16)
        self._folder = ""
        self._process = None

    @property
    def pid(self):
        """The process id, 0 when nothing runs."""
        return self._process.pid if self._process else 0

    def start(self, installation):
        """Returns once the management API answers; leaves nothing behind when it does not."""
        self._folder = tempfile.mkdtemp(prefix="hagent-hawkbit-")
        for folder in ("tmp", "artifacts"):
            os.mkdir(self._path(folder))
        with open(self._path("application.properties"), "w", encoding="ascii") as settings:
            settings.write(PROPERTIES.format(host=HOST, user=self.user, password=self.password, folder=self._folder))
        self._run(installation)

    def crash(self):
        """kill -9. What was written stays for start_again()."""
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process, self.port = None, 0
        os.remove(self._path("port"))

    def start_again(self, installation):
        """After crash(): the same database, artifacts and password, another port."""
        self._run(installation)

    def stop(self):
        if self._process:
            self._process.stdin.close()
            self._process.terminate()
            try:
                self._process.wait(TERMINATE_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""
        self.port = 0

    def log_tail(self, lines=15):
        """The last lines that the server logged."""
        try:
            with open(self._path("log"), encoding="utf-8", errors="replace") as log:
                return "".join(log.readlines()[-lines:])
        except OSError:
            return ""

    def client(self):
        return management.ManagementClient(HOST, self.port, self.user, self.password)

    def _path(self, name):
        return os.path.join(self._folder, name)

    def _run(self, installation):
        try:
            self._launch(installation)
            self._wait_ready(time.monotonic() + READY_TIMEOUT_S)
        except BaseException:
            self.stop()
            raise

    def _launch(self, installation):
        command = [installation.java, *JVM_OPTIONS, "-Djava.io.tmpdir=" + self._path("tmp"),
                   "-cp", installation.class_path(), provision.MAIN_CLASS,
                   "--spring.config.location=file:" + self._path("application.properties")]
        with open(self._path("log"), "ab") as log:
            # The server ends when its standard input does, so it cannot outlive this process.
            self._process = subprocess.Popen(command, cwd=self._folder, stdin=subprocess.PIPE, stdout=log,
                                             stderr=subprocess.STDOUT)

    def _wait_ready(self, deadline):
        while not self._answers():
            if self._process.poll() is not None:
                raise ServerError(f"hawkBit ended with {self._process.returncode} while it started:\n"
                                  + self.log_tail())
            if time.monotonic() > deadline:
                raise ServerError(f"hawkBit did not answer within {READY_TIMEOUT_S} s; the end of its log:\n"
                                  + self.log_tail())
            time.sleep(POLL_S)

    def _answers(self):
        """True when the port is known and the management API takes a call."""
        try:
            with open(self._path("port"), encoding="ascii") as written:
                self.port = int(written.read() or 0)
        except FileNotFoundError:
            return False
        if not self.port:
            return False
        try:
            self.client().get("/targets?limit=1")
        except (management.CallFailed, management.CallRefused):
            return False
        return True
