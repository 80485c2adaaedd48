# SPDX-License-Identifier: Apache-2.0
"""Every process the lab starts: remembered, logged, waited for, and stopped in reverse order whatever happens."""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import time

STOP_DEADLINE_S = 10
PR_SET_CHILD_SUBREAPER = 36


class LabError(Exception):
    """Something the lab needs did not happen; the text says what, and where to look."""


_own = []  # sockets that hold our ports


def _hold(port):
    holder = socket.socket()
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()
        raise
    return holder


def own_port():
    """A TCP port on 127.0.0.1 that is this process's until it ends. A socket that is bound and does not listen holds it: the
    system gives the port to nobody, neither server nor client, a server that is told of it binds it beside (with SO_REUSEADDR,
    as all of ours do), and as long as none does, or none any more, who connects is refused."""
    _own.append(_hold(0))
    return _own[-1].getsockname()[1]


def own_range(count):
    """The first of `count` neighbouring ports of this kind."""
    while True:
        held = [_hold(0)]
        first = held[0].getsockname()[1]
        try:
            held += [_hold(port) for port in range(first + 1, first + count)]
        except (OSError, OverflowError):
            held[0].close()  # another process is on one of them, or there are not so many ports
            continue
        _own.extend(held)
        return first


def wait_until(condition, timeout_s, what, every_s=0.05):
    """Calls `condition` until it returns something true and returns that; LabError naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout_s} s for {what}")
        time.sleep(every_s)


def port_answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def lives(pid):
    """Whether a process is there and no mere zombie that nobody has collected."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:  # gone, maybe between opening and reading
        return False


class Process:
    """One started program in its own process group; output goes to a log file."""

    def __init__(self, name, command, log_path, environment=None):
        self.name, self.log_path = name, log_path
        os.makedirs(os.path.dirname(log_path), exist_ok=True)
        with open(log_path, "ab") as log:
            self._from = log.tell()
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                          env=environment, start_new_session=True)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def output(self):
        """What this start of the program has written so far."""
        with open(self.log_path, "rb") as log:
            log.seek(self._from)
            return log.read().decode("utf-8", "replace")

    def wait(self, condition, timeout_s, what):
        """Like wait_until, and gives up at once when the program has ended."""
        def alive_and_true():
            value = condition()
            if not value and not self.running():
                raise LabError(f"{self.name} ended with {self.popen.returncode} before {what}; its output:\n{self.output()[-2000:]}")
            return value
        try:
            return wait_until(alive_and_true, timeout_s, what)
        except LabError as error:
            raise LabError(f"{self.name}: {error} (log: {self.log_path})") from error

    def wait_line(self, prefix, timeout_s):
        """The first complete output line that starts with `prefix`."""
        def find():
            lines = self.output().split("\n")[:-1]
            return next((line for line in lines if line.startswith(prefix)), None)
        return self.wait(find, timeout_s, f"a line '{prefix}...'")

    def kill(self):
        """kill -9 of this process alone, as a crash would do it; its children stay."""
        if self.running():
            os.kill(self.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self):
        """SIGTERM, then SIGKILL after a deadline; then whatever is left of the process group."""
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        self.popen.wait()
        return self.popen.returncode


class Services:
    """What was started, in order. Use as a context manager; SIGTERM and Ctrl-C then unwind it too."""

    def __init__(self, adopt_orphans=False):
        """`adopt_orphans`: grandchildren whose parent was killed become ours, and end with stop()."""
        self._started, self._adopts = [], adopt_orphans
        if adopt_orphans:
            become_parent_of_orphans()
        atexit.register(self.stop)

    def start(self, name, command, log_path, environment=None):
        try:
            process = Process(name, command, log_path, environment)
        except OSError as error:
            raise LabError(f"{name}: cannot start {command[0]}: {error}") from error
        self._started.append(process)
        return process

    def add(self, thing):
        """Also stops `thing` (anything with stop()) in its turn."""
        self._started.append(thing)
        return thing

    def stop(self):
        while self._started:
            self._started.pop().stop()
        if self._adopts:
            end_children()

    def __enter__(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, interrupt)
        return self

    def __exit__(self, *unused):
        self.stop()
        atexit.unregister(self.stop)


def become_parent_of_orphans():
    """From now on what outlives its parent is our child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children():
    """Process ids whose parent is this process."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        if parent == os.getpid():
            found.append(int(name))
    return found


def end_children():
    """Kills and reaps every process that is still a child of this one, and theirs when they become ours."""
    while children := _children():
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass


def interrupt(number, frame):
    """A signal handler: ends the way that stops everything. unittest lets no other exception through."""
    raise KeyboardInterrupt
