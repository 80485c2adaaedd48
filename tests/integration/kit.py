# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share: the program under test in a folder of its own, as command and as daemon."""

import atexit
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab"))

from services import LabError, Services, become_parent_of_orphans, end_children, own_port, interrupt, wait_until  # noqa: E402,F401

signal.signal(signal.SIGTERM, interrupt)
become_parent_of_orphans()  # a server's sessions outlive it
atexit.register(end_children)

# Sanitizer builds are several times slower and larger: CMake says so here.
SANITIZED = bool(os.environ.get("HAGENT_SANITIZED"))
FACTOR = float(os.environ.get("HAGENT_TIME_FACTOR") or (5 if SANITIZED else 1))
DONE, FAILED, USAGE, REFUSED, NOT_FOUND, TRY_LATER = 0, 1, 2, 3, 4, 75
STATUS_MEMBERS = set("device agent manager session recent slots image upgrade volumes software trust parked reports_queued".split())
KEPT_ENVIRONMENT = re.compile(r"PATH|HOME|LANG|LC_.*|TZ|TMPDIR|.*SAN_OPTIONS|LLVM_PROFILE_FILE")


def binary():
    """The program that HAGENT_BUILD names, by its folder or itself."""
    named = os.environ.get("HAGENT_BUILD", "")
    for path in (named, os.path.join(named, "hagent")):
        if named and os.path.isfile(path):
            return os.path.abspath(path)
    print("HAGENT_BUILD names no folder with hagent in it; nothing is tested")
    sys.exit(77)


def environment(**more):
    """A clean environment: no proxies, no HAGENT_CONFIG of the caller."""
    return {**{key: value for key, value in os.environ.items() if KEPT_ENVIRONMENT.fullmatch(key)}, **more}


class Daemon:
    """A running `hagent run`."""

    def __init__(self, box, process):
        self.box, self.process, self.pid = box, process, process.pid

    def alive(self):
        return self.process.running()

    def proc(self, name):
        with open(f"/proc/{self.pid}/{name}", encoding="utf-8") as file:
            return file.read()

    def memory_kib(self, field="VmRSS"):
        return int(re.search(rf"^{field}:\s+(\d+) kB", self.proc("status"), re.MULTILINE).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def open_things(self):
        """What its descriptors lead to, as the system names it."""
        found, folder = set(), f"/proc/{self.pid}/fd"
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):  # it has closed this one meanwhile
                found.add(os.readlink(os.path.join(folder, name)))
        return found

    def settle(self):
        """Waits for its first check-in, which fails here, and with it for the log file: after that no descriptor comes to stay. Itself."""
        self.process.wait(self.has_failed_to_check_in, 20 * FACTOR, "its first check-in")
        return self

    def has_failed_to_check_in(self):
        try:
            with open(self.box.log, encoding="utf-8") as log:
                return "check-in failed" in log.read()
        except FileNotFoundError:
            return False

    def signal(self, number):
        self.process.popen.send_signal(number)

    def wait(self, timeout_s):
        """The exit status, by then."""
        return self.process.popen.wait(timeout_s * FACTOR)

    def output(self):
        return self.process.output()


class Box:
    """A folder with configuration, state, keys and a device root; everything in it ends with close()."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="hagent-test-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)  # after the services, which register later
        self.services, self.program = Services(), binary()
        self.port = own_port()
        self.state, self.keys, self.root = (self.path(name) for name in ("state", "keys", "root"))
        self.hooks, self.log = self.path("hooks"), self.path("agent.log")
        for folder in (self.state, self.keys, self.root, self.hooks):
            os.mkdir(folder, 0o700)
        self.config = self.path("hagent.json")
        self.configure()

    def close(self):
        self.services.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, relative, content, mode=0o600):
        path = self.path(relative)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)
        return path

    def trusted_key(self):
        """The path of a private key whose public half this device trusts."""
        key = self.path("key.pem")
        for arguments in (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key],
                          ["pkey", "-in", key, "-pubout", "-out", os.path.join(self.keys, "test.pem")]):
            subprocess.run(["openssl", *arguments], check=True, capture_output=True)
        return key

    def script_package(self, name, serial, script, key):
        """The folder of a signed package: this script, and what the folder holds already."""
        self.write(f"{name}/{name}.rsp", script)
        done = self.run("sign", self.path(name), "--key", key, "--kind", "script", "--entry", f"{name}.rsp", "--package", name,
                        "--version", "1.0.0.0", "--serial", str(serial))
        assert done.returncode == DONE, done.stderr
        return self.path(name)

    def settings(self, **sections):
        """The usual configuration; each section given is merged into it."""
        settings = {
            "device": {"id": "test-1", "os_code": "SLX"},
            "manager": {"urls": ["http://127.0.0.1:1/"], "interval_s": 3600, "spread_s": 0},
            "listen": {"status": f"127.0.0.1:{self.port}"},
            "transfer": {"attempts": 3, "backoff_base_ms": 50, "backoff_cap_ms": 200, "connect_timeout_s": 5, "stall_timeout_s": 10},
            "script": {"roots": [self.root], "hooks_dir": self.hooks},
            "trust": {"keys_dir": self.keys},
            "state_dir": self.state,
            "log": {"level": "info", "file": self.log},
        }
        for name, section in sections.items():
            settings[name] = {**settings.get(name, {}), **section} if isinstance(section, dict) else section
        return settings

    def configure(self, **sections):
        return self.write("hagent.json", json.dumps(self.settings(**sections)))

    def command(self, *arguments, config=True):
        return [self.program, *(["--config", self.config] if config else []), *arguments]

    def run(self, *arguments, config=True, timeout=60, cwd=None, **more):
        """Runs one verb to its end; its streams are text."""
        return subprocess.run(self.command(*arguments, config=config), capture_output=True, text=True, errors="backslashreplace",
                              stdin=subprocess.DEVNULL, timeout=timeout * FACTOR, cwd=cwd or self.folder, check=False, env=environment(**more))

    def run_as(self, user, *arguments):
        """The same as another user of this machine, by number."""
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, errors="backslashreplace", stdin=subprocess.DEVNULL,
                              timeout=60 * FACTOR, cwd="/", check=False, env=environment(), user=user, group=user, extra_groups=[])

    def spawn(self, *arguments):
        """Starts one verb; stopped with the box at the latest."""
        return self.services.start("hagent", self.command(*arguments), self.path("output.log"), environment())

    def daemon(self):
        process = self.spawn("run")
        process.wait(lambda: answers(self.port) and self.daemon_pid() == process.pid, 20 * FACTOR, "its listener answers and the verbs find it")
        return Daemon(self, process)

    def daemon_pid(self):
        """Who wrote the file that tells the verbs about the daemon; it comes a moment after the listener."""
        try:
            with open(os.path.join(self.state, "daemon"), encoding="utf-8") as endpoint:
                return json.load(endpoint)["pid"]
        except (OSError, ValueError):
            return None


def part_bytes(file):
    """How much of a download to `file` is on disk so far, while it may be at work; 0 before it begins and after it ended."""
    try:
        return os.path.getsize(os.path.join(file + ".hagent-part", "part"))
    except FileNotFoundError:
        return 0


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class OwnServers:
    """Mixed into a test case: its class has a folder and servers of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.mkdtemp(prefix="hagent-served-")
        atexit.register(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.services = Services()
        cls.addClassCleanup(cls.services.stop)


class BoxTest(unittest.TestCase):
    """A test case with a fresh box for each test."""

    maxDiff = 4000

    def setUp(self):
        self.box = Box()
        self.addCleanup(self.box.close)

    def expect(self, done, code, *words):
        """The verb ended with this code, said these words on either stream, and no sanitizer complained."""
        said = done.stdout + done.stderr
        self.assertEqual(code, done.returncode, said)
        for word in words:
            self.assertIn(word, said)
        self.assert_sane(said)
        return done

    def assert_sane(self, text):
        for sign in ("runtime error:", "Sanitizer", "terminate called", "Assertion"):
            self.assertNotIn(sign, text)

    def document(self, done):
        """Standard output, which must be one JSON document and nothing else."""
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            self.fail(f"standard output is not one JSON document ({error}): {done.stdout[:2000]!r}; stderr {done.stderr[:2000]!r}")
