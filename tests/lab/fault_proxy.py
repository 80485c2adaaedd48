# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that breaks connections on purpose and counts every byte.

Faults are told by Python calls and apply to the bytes that flow from the server to the client. For FTP
the proxy rewrites the PASV (227) and EPSV (229) answers, so that data connections pass through it too and
can be cut on their own. Bytes are counted as they are given to the sending socket.
"""

import re
import select
import socket
import struct
import threading
import time

BLOCK, SEND_BUFFER = 16384, 65536
PASSIVE = re.compile(rb"227 [^\r\n]*?(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)[^\r\n]*\r\n")
EXTENDED = re.compile(rb"229 [^\r\n]*?\|\|\|(\d+)\|[^\r\n]*\r\n")
RANGE = re.compile(rb"^range:[ \t]*([^\r\n]*)", re.I | re.M)
REQUEST = re.compile(rb"^(?:GET|PUT|POST|HEAD|DELETE) ([^ \r\n]+) HTTP/1\.[01]\r?$", re.M)


class Fault:
    """What happens to the next connections of a kind ("control", "data" or "any").

    cut_after: bytes towards the client before it strikes. how: "rst", "fin", "stall" (keep the connection open,
    pass nothing more to the client) or "blackhole" (accept, and never pass anything either way). times: how many
    connections it strikes, None for all; a connection that ends with fewer bytes does not use it up.
    """

    def __init__(self, cut_after, how, kind="any", times=1, path=b""):
        if how not in ("rst", "fin", "stall", "blackhole"):
            raise ValueError(f"'{how}' is no way to break a connection")
        self.cut_after, self.how, self.kind, self.times, self.path = cut_after, how, kind, times, path
        self.hits = 0

    def takes(self, link):
        return ((self.times is None or self.hits < self.times) and self.kind in ("any", link.kind)
                and (not self.path or self.path in link.path))


class Link:
    """One proxied connection and its counters."""

    def __init__(self, kind, client):
        self.kind, self.client, self.server = kind, client, None
        self.to_client = self.to_server = 0
        self.since_request = 0      # bytes towards the client since the last HTTP request passed
        self.path = b""             # the last HTTP request line's target
        self.by_path = {}           # target -> bytes towards the client
        self.ranges = []            # (target, Range text) of every HTTP request that asked for a part
        self.opened, self.closed, self.fault = time.monotonic(), None, None

    def as_dict(self):
        return {"kind": self.kind, "to_client": self.to_client, "to_server": self.to_server, "ranges": self.ranges,
                "fault": self.fault, "open": self.closed is None}


class FaultProxy:
    """Listens on 127.0.0.1:`port`; passes each connection to 127.0.0.1:`target`, which may change. `ftp` turns the rewriting on."""

    def __init__(self, target, ftp=False):
        self.target, self.ftp = target, ftp
        self.lock = threading.Lock()
        self.links, self.faults = [], []
        self._bytes_per_s, self._refuse = 0, False
        self._stopping = threading.Event()
        self._listeners, self._threads = [], []
        self.port = self._listen("control", None)

    # control ------------------------------------------------------------------------------------------------------
    def cut(self, after, how="rst", kind="any", times=1, path=""):
        """Breaks the next `times` connections of `kind` once `after` bytes went to the client.

        With `path` it only counts the answers to HTTP requests whose target holds that text.
        """
        fault = Fault(after, how, kind, times, path.encode())
        with self.lock:
            self.faults.append(fault)
        return fault

    def black_hole(self, times=None):
        """Accepts connections and answers nothing."""
        return self.cut(0, "blackhole", times=times)

    def slow(self, bytes_per_s):
        """Limits each connection's bytes towards the client; 0 lifts it."""
        self._bytes_per_s = bytes_per_s

    def refuse(self, yes=True):
        """Resets every new connection at once."""
        self._refuse = yes

    def cut_off(self):
        """Nobody gets through any more, on old connections neither; clear() ends that."""
        self.refuse()
        with self.lock:
            clients = [link.client for link in self.links if link.closed is None]
        for client in clients:
            _reset(client)

    def clear(self):
        """No faults from now on."""
        with self.lock:
            self.faults.clear()
        self._bytes_per_s, self._refuse = 0, False

    def bytes_to_client(self, kind=None):
        with self.lock:
            return sum(link.to_client for link in self.links if kind in (None, link.kind))

    def bytes_to_server(self, kind=None):
        with self.lock:
            return sum(link.to_server for link in self.links if kind in (None, link.kind))

    def bytes_of(self, path):
        """Bytes towards the client in answers to HTTP requests whose target holds `path`."""
        with self.lock:
            return sum(count for link in self.links for target, count in link.by_path.items() if path.encode() in target)

    def ranges_of(self, path):
        """The Range fields of HTTP requests whose target holds `path`, in order."""
        with self.lock:
            return [text for link in self.links for target, text in link.ranges if path in target]

    def connections(self):
        with self.lock:
            return [link.as_dict() for link in self.links]

    def stop(self):
        self._stopping.set()
        for listener in self._listeners:
            _close(listener)
        with self.lock:
            sockets = [end for link in self.links for end in (link.client, link.server) if end]
        for end in sockets:
            _shut(end)
        for thread in list(self._threads):
            thread.join(5)

    # accepting ----------------------------------------------------------------------------------------------------
    def _listen(self, kind, target, once=False):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        listener.settimeout(0.2)
        self._listeners.append(listener)
        self._spawn(self._accept, listener, kind, target, once)
        return listener.getsockname()[1]

    def _spawn(self, function, *values):
        thread = threading.Thread(target=function, args=values, daemon=True)
        self._threads = [old for old in self._threads if old.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener, kind, target, once):
        deadline = time.monotonic() + 60
        while not self._stopping.is_set() and not (once and time.monotonic() > deadline):
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                break
            self._spawn(self._serve, client, kind, target)
            if once:
                break
        _close(listener)

    def _serve(self, client, kind, target):
        link = Link(kind, client)
        with self.lock:
            self.links.append(link)
        try:
            if self._refuse:
                link.fault = "refused"
                _reset(client)
                return
            if hole := self._black_hole_for(link):
                self._break(link, hole)
                return
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # counted bytes stay close to received ones
            link.server = socket.create_connection(("127.0.0.1", target or self.target), timeout=10)
            link.server.settimeout(None)
            for end in (client, link.server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._spawn(self._upstream, link)
            self._downstream(link)
        except OSError:
            pass
        finally:
            link.closed = time.monotonic()
            for end in (client, link.server):
                if end:
                    _shut(end)
                    _close(end)

    # moving bytes ---------------------------------------------------------------------------------------------------
    def _upstream(self, link):
        """Client to server: only watched, never broken."""
        try:
            while data := link.client.recv(BLOCK):
                if link.kind == "control" and not self.ftp:
                    self._watch_request(link, data)
                link.server.sendall(data)
                link.to_server += len(data)
            link.server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _watch_request(self, link, data):
        lines = REQUEST.findall(data)
        if lines:
            link.path, link.since_request = lines[-1], 0
            link.ranges += [(lines[-1].decode("latin-1"), text.decode("latin-1")) for text in RANGE.findall(data)]

    def _downstream(self, link):
        buffered = b""
        while data := link.server.recv(BLOCK):
            if self.ftp and link.kind == "control":
                lines, mark, buffered = (buffered + data).rpartition(b"\n")
                data = self._rewrite(lines + mark)
            if not self._pass(link, data):
                return
        if buffered:
            self._pass(link, buffered)

    def _black_hole_for(self, link):
        with self.lock:
            for fault in self.faults:
                if fault.how == "blackhole" and fault.takes(link):
                    fault.hits += 1
                    return fault
        return None

    def _fault_for(self, link, count):
        """The fault that applies within the next `count` bytes and how many of them still go through."""
        with self.lock:
            for fault in self.faults:
                if fault.how != "blackhole" and fault.takes(link):
                    passed = link.since_request if fault.path else link.to_client
                    if passed + count > fault.cut_after:
                        fault.hits += 1
                        return fault, max(fault.cut_after - passed, 0)
        return None, count

    def _pass(self, link, data):
        """Sends `data` to the client; False when the connection was broken on purpose."""
        while data:
            step = min(len(data), max(self._bytes_per_s // 20, 1)) if self._bytes_per_s else len(data)
            fault, allowed = self._fault_for(link, step)
            piece, data = data[:allowed if fault else step], data[step:]
            with self.lock:
                link.to_client += len(piece)
                link.since_request += len(piece)
                link.by_path[link.path] = link.by_path.get(link.path, 0) + len(piece)
            link.client.sendall(piece)
            if fault:
                self._break(link, fault)
                return False
            if self._bytes_per_s:
                self._stopping.wait(step / self._bytes_per_s)
        return True

    def _break(self, link, fault):
        link.fault = fault.how
        if fault.how == "rst":
            _reset(link.client)
        elif fault.how in ("stall", "blackhole"):
            while not self._stopping.is_set() and _still_there(link.client):
                self._stopping.wait(0.1)

    # FTP ----------------------------------------------------------------------------------------------------------
    def _rewrite(self, lines):
        def passive(match):
            port = self._data_port(int(match[5]) * 256 + int(match[6]))
            return b"227 Entering Passive Mode (127,0,0,1,%d,%d).\r\n" % divmod(port, 256)

        def extended(match):
            return b"229 Entering Extended Passive Mode (|||%d|)\r\n" % self._data_port(int(match[1]))
        return EXTENDED.sub(extended, PASSIVE.sub(passive, lines))

    def _data_port(self, target):
        return self._listen("data", target, once=True)


def _still_there(end):
    """False once the peer has closed or reset the connection."""
    poller = select.poll()
    poller.register(end, select.POLLRDHUP)
    return not poller.poll(0)


def _reset(end):
    """Closes with RST instead of FIN; SHUT_RD first wakes a thread that still reads from it and would keep it open."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    _close(end)


def _shut(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _close(end):
    try:
        end.close()
    except OSError:
        pass
