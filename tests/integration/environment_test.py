# SPDX-License-Identifier: Apache-2.0
"""What the world around a download does to it: dead names and peers, full and locked disks. One table each: the row of the
catalogue that comes out, its exit code, and by when. Loopback only; mounts live in a namespace of their own."""

import contextlib
import dataclasses
import hashlib
import http.server
import json
import os
import resource
import shutil
import socket
import subprocess
import threading
import unittest

import kit
from fault_proxy import FaultProxy
from kit import FACTOR, FAILED, REFUSED, TRY_LATER, BoxTest, OwnServers, own_port
from servers import Nginx, Vsftpd  # from tests/lab, which kit puts on the path
from setup_packages import SERVERS, ensure

SIZE = 3 << 20
CONNECT_S, STALL_S = 2, 1
STALL_SEEN_S = STALL_S + 6  # the library looks at the speed of the last five seconds
SLACK_S = 3


@dataclasses.dataclass
class Trouble:
    """`url` of a test makes the address; what must come out, and after how many seconds at most."""
    what: str
    address: str                # name of a method of Network
    row: tuple                  # protocol, number
    code: int = TRY_LATER
    within_s: float = SLACK_S
    kept: bool = False          # something has arrived and is kept for the next time
    schemes: tuple = ("http", "ftp")


NETWORK = [
    Trouble("a name that does not exist", "unknown_name", ("resolver", 11001), FAILED),
    Trouble("a name server that is silent", "silent_name_server", ("resolver", 11002), within_s=10),
    Trouble("nobody listens", "nobody", ("winsock", 10061)),
    Trouble("the way is full: no connection comes about", "full_backlog", ("agent", 1312), within_s=CONNECT_S + SLACK_S),
    Trouble("a black hole: connected, and never a word", "black_hole", ("agent", 1311), within_s=STALL_SEEN_S + SLACK_S),
    Trouble("half-open: the peer is gone without a goodbye", "half_open", ("agent", 1311), within_s=STALL_SEEN_S + SLACK_S, kept=True),
    Trouble("reset at once", "reset_at_once", ("winsock", 10054)),
    Trouble("reset in the middle", "reset_in_the_middle", ("winsock", 10054), kept=True, schemes=("http",)),
    Trouble("closed at once", "closed_at_once", ("agent", 1319), schemes=("http",)),
    Trouble("closed in the middle", "closed_in_the_middle", ("agent", 1320), kept=True, schemes=("http",)),
]


class Served(OwnServers, BoxTest):
    @classmethod
    def setUpClass(cls):
        ensure({name: SERVERS[name] for name in ("vsftpd", "nginx")})
        super().setUpClass()
        served = os.path.join(cls.folder, "served")
        os.mkdir(served)
        cls.content = os.urandom(SIZE)
        with open(os.path.join(served, "f"), "wb") as file:
            file.write(cls.content)
        cls.ports = {"http": Nginx(cls.services, os.path.join(cls.folder, "nginx"), served).start(),
                     "ftp": Vsftpd(cls.services, os.path.join(cls.folder, "vsftpd"), served).start()}

    def setUp(self):
        super().setUp()
        self.settings = dict(attempts=1, connect_timeout_s=CONNECT_S, stall_timeout_s=STALL_S)
        self.box.configure(transfer=self.settings)

    def url(self, scheme, port=None):
        return f"{scheme}://127.0.0.1:{port or self.ports[scheme]}/f"

    def fetch(self, url, *more, place=None, prefix=(), **popen):
        """(document, exit code, seconds) of one fetch."""
        command = [*prefix, *self.box.command("fetch", "--json", url, "-o", place or self.box.path("out"), *more)]
        began = os.times().elapsed
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60 * FACTOR, check=False,
                              env=kit.environment(), cwd=self.box.folder, **popen)
        seconds = os.times().elapsed - began
        self.assert_sane(done.stdout + done.stderr)
        self.assertGreaterEqual(done.returncode, 0, "it died of a signal")
        return self.document(done), done.returncode, seconds

    def assert_row(self, document, row):
        """The error is this row, with the very texts that `explain` has for it."""
        error = document["error"]
        self.assertIsNotNone(error, document)
        self.assertEqual(row, (error["protocol"], error["number"]), error)
        known = json.loads(self.box.run("explain", "--json", error["id"]).stdout)[0]
        self.assertTrue(known["cause"] and known["next"])
        self.assertIn(known["cause"], error["text"])
        self.assertEqual(known["next"], error["next"])

    def assert_arrives(self, url, place=None):
        document, code, _ = self.fetch(url, place=place)
        self.assertEqual(0, code, document)
        with open(place or self.box.path("out"), "rb") as file:
            self.assertEqual(hashlib.sha256(self.content).digest(), hashlib.sha256(file.read()).digest())
        return document


class Network(Served):
    """One address for each trouble; each method returns it with what must stay alive (and be closed) meanwhile."""

    def unknown_name(self, scheme, _):
        return f"{scheme}://{'a' * 64}.example/f", ()  # a label may have 63 bytes: no name server is asked

    def silent_name_server(self, scheme, keep):
        """An own resolv.conf, in a mount namespace of its own, that names a socket which never answers."""
        server = keep.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        try:
            server.bind(("127.77.0.53", 53))
        except OSError as error:
            self.skipTest(f"no name server can be faked here: {error}")
        path = self.box.write("resolv.conf", "nameserver 127.77.0.53\noptions timeout:1 attempts:2\n", 0o644)
        return f"{scheme}://silent.invalid/f", namespace(f"mount --bind {path} /etc/resolv.conf")

    def nobody(self, scheme, _):
        return self.url(scheme, own_port()), ()

    def full_backlog(self, scheme, keep):
        listener = keep.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):  # once the queue is full the kernel drops every SYN
            waiting = keep.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        return self.url(scheme, listener.getsockname()[1]), ()

    def black_hole(self, scheme, keep):
        listener = keep.enter_context(socket.create_server(("127.0.0.1", 0)))  # the kernel accepts, nobody reads
        return self.url(scheme, listener.getsockname()[1]), ()

    def proxied(self, scheme, keep, after, how):
        proxy = keep.enter_context(contextlib.closing(_Stoppable(self.ports[scheme], scheme == "ftp")))
        proxy.proxy.cut(after, how, kind="data" if scheme == "ftp" else "any", times=None)
        return self.url(scheme, proxy.proxy.port), ()

    def half_open(self, scheme, keep):
        return self.proxied(scheme, keep, 1 << 20, "stall")

    def reset_in_the_middle(self, scheme, keep):
        return self.proxied(scheme, keep, 1 << 20, "rst")

    def closed_in_the_middle(self, scheme, keep):
        return self.proxied(scheme, keep, 1 << 20, "fin")

    def closed_at_once(self, scheme, keep):
        return self.proxied(scheme, keep, 0, "fin")

    def reset_at_once(self, scheme, keep):
        proxy = keep.enter_context(contextlib.closing(_Stoppable(self.ports[scheme], scheme == "ftp")))
        proxy.proxy.refuse()
        return self.url(scheme, proxy.proxy.port), ()

    def test_every_trouble_of_the_network_has_its_row_in_time(self):
        for trouble in NETWORK:
            for scheme in trouble.schemes:
                with self.subTest(trouble.what, scheme=scheme), contextlib.ExitStack() as keep:
                    url, prefix = getattr(self, trouble.address)(scheme, keep)
                    place = self.box.path(f"{trouble.address}-{scheme}")
                    document, code, seconds = self.fetch(url, place=place, prefix=prefix)
                    self.assert_row(document, trouble.row)
                    self.assertEqual(trouble.code, code)
                    self.assertLess(seconds, trouble.within_s * FACTOR)
                    self.assertEqual(trouble.kept, document["decisions"][-1]["at_bytes"] > 0)
                    self.assertFalse(os.path.exists(place))
                    print(f"{trouble.what} ({scheme}): {document['error']['id']} after {seconds:.1f} s", flush=True)

    def test_every_passing_trouble_is_survived(self):
        """The same breaks once: with a second try the right bytes arrive, resumed where something had come."""
        self.box.configure(transfer={**self.settings, "attempts": 3})
        for how, after in (("stall", 1 << 20), ("rst", 1 << 20), ("fin", 1 << 20), ("rst", 0), ("fin", 0), ("blackhole", 0)):
            for scheme in ("http", "ftp"):
                with self.subTest(how=how, after=after, scheme=scheme):
                    proxy = self.services.add(FaultProxy(self.ports[scheme], ftp=scheme == "ftp"))
                    proxy.cut(after, how, kind="data" if scheme == "ftp" else "any")
                    document = self.assert_arrives(self.url(scheme, proxy.port), self.box.path(f"{how}-{after}-{scheme}"))
                    self.assertEqual(2, document["attempts"])
                    self.assertEqual(bool(after), document["resumed"])
                    self.assertLess(proxy.bytes_to_client(), SIZE + (256 << 10))


class _Stoppable:
    def __init__(self, target, ftp):
        self.proxy = FaultProxy(target, ftp=ftp)
        self.close = self.proxy.stop


def namespace(*commands):
    """The start of a command line that first runs these as root of a mount namespace of its own; SkipTest where that is forbidden."""
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    tried = subprocess.run([*prefix, " && ".join(commands)], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise unittest.SkipTest(f"no mounts here: {tried.stderr.strip()}")
    return [*prefix, " && ".join([*commands, 'exec "$@"']), "sh"]


class Chunks(http.server.BaseHTTPRequestHandler):
    """Sends the file in chunks, so that nobody knows its size before its end."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            for at in range(0, len(self.server.content), 65536):
                piece = self.server.content[at:at + 65536]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *unused):
        pass


class ChunkServer(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that goes away is what this is for."""


def removed_under_way(folder):
    """Removes a folder into which the agent may be writing: once more, until nothing new has come in."""
    def gone():
        shutil.rmtree(folder, ignore_errors=True)
        return not os.path.exists(folder)
    kit.wait_until(gone, 10 * FACTOR, f"{folder} to be gone")


@contextlib.contextmanager
def chunk_server(content):
    server = ChunkServer(("127.0.0.1", 0), Chunks)
    server.content = content
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/f"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class Disk(Served):
    @contextlib.contextmanager
    def small_volume(self, options="size=1m"):
        """A volume of a megabyte, mounted for all to see, unmounted whatever happens."""
        place = self.box.path("volume")
        os.mkdir(place)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "hagent-test", place], capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest(f"no mounts here: {done.stderr.strip()}")
        try:
            yield place
        finally:
            subprocess.run(["umount", "-l", place], check=True)

    @staticmethod
    def used(place):
        space = os.statvfs(place)
        return space.f_blocks - space.f_bfree

    def test_a_full_volume_is_told_before_the_first_byte_when_the_size_is_known(self):
        with self.small_volume() as place:
            for scheme in self.ports:
                before = self.used(place)
                document, code, seconds = self.fetch(self.url(scheme), place=os.path.join(place, "out"))
                self.assert_row(document, ("agent", 1205))
                self.assertEqual(FAILED, code)
                self.assertLess(seconds, SLACK_S * FACTOR)
                self.assertEqual(before, self.used(place))

    def test_a_volume_that_fills_up_is_left_as_it_was(self):
        with self.small_volume() as place, chunk_server(self.content) as url:
            before = self.used(place)
            document, code, _ = self.fetch(url, place=os.path.join(place, "out"))
            self.assert_row(document, ("agent", 1205))
            self.assertEqual(FAILED, code)
            self.assertEqual(before, self.used(place))
            self.assertFalse(os.path.exists(os.path.join(place, "out")))

    def test_a_limit_on_file_sizes_is_an_error_of_the_file(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # noqa: E731
        document, code, _ = self.fetch(self.url("http"), preexec_fn=limit)
        self.assert_row(document, ("agent", 1212))
        self.assertEqual(FAILED, code)

    def test_a_volume_that_cannot_be_written_is_told(self):
        with self.small_volume() as place:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            for scheme in self.ports:
                document, code, _ = self.fetch(self.url(scheme), place=os.path.join(place, "out"))
                self.assert_row(document, ("agent", 1207))
                self.assertEqual(FAILED, code)

    def test_a_folder_that_only_others_may_write_is_told(self):
        """As a user without rights: root may write everywhere."""
        if os.geteuid() != 0:
            self.skipTest("only root can become somebody else")
        place = self.box.path("locked")
        os.mkdir(place, 0o755)
        os.chmod(self.box.folder, 0o711)
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        os.chmod(self.box.config, 0o644)
        document, code, _ = self.fetch(self.url("http"), place=os.path.join(place, "out"), prefix=as_nobody)
        self.assert_row(document, ("agent", 1201))
        self.assertEqual(REFUSED, code)
        self.assertEqual([], os.listdir(place))

    def interrupted(self, place, act):
        """Starts a slow fetch to `place`, acts once something has come, and returns its document."""
        process = self.box.spawn("fetch", "--json", self.url("http"), "-o", os.path.join(place, "out"), "--limit-rate", "1M")
        process.wait(lambda: kit.part_bytes(os.path.join(place, "out")) > 500_000, 30 * FACTOR, "half a megabyte")
        act()
        process.popen.wait(30 * FACTOR)
        said = process.output()
        self.assert_sane(said)
        return json.loads(said[said.index("{"):].splitlines()[0])

    def test_a_folder_that_is_removed_meanwhile_is_told_and_the_next_fetch_succeeds(self):
        for depth in ("out.hagent-part", ""):
            with self.subTest(depth or "the folder above too"):
                place = self.box.path("place")
                os.mkdir(place)
                document = self.interrupted(place, lambda: removed_under_way(os.path.join(place, depth)))
                self.assertIsNotNone(document["error"])
                self.assertIn((document["error"]["protocol"], document["error"]["number"]), [("agent", 1200), ("agent", 1322)])
                self.assertFalse(os.path.exists(os.path.join(place, "out")))
                self.assert_arrives(self.url("http"), os.path.join(place, "out"))
                shutil.rmtree(place)

    def test_what_stands_in_the_way_is_told_and_stays(self):
        os.mkdir(self.box.path("out"))
        document, code, _ = self.fetch(self.url("http"))
        self.assertEqual(("agent", FAILED), (document["error"]["protocol"], code))
        self.assertTrue(os.path.isdir(self.box.path("out")))
        self.box.write("file", "x")
        document, code, _ = self.fetch(self.url("http"), place=self.box.path("file", "out"))
        self.assertEqual(("agent", FAILED), (document["error"]["protocol"], code))

    @unittest.skipIf(kit.SANITIZED, "the sanitizers need descriptors of their own")
    def test_too_few_descriptors_are_told(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (6, 6))  # noqa: E731
        document, code, _ = self.fetch(self.url("http"), preexec_fn=few)
        self.assertIn((document["error"]["protocol"], document["error"]["number"]), [("agent", 1209), ("winsock", 10024)], document["error"])
        self.assertIn(code, (FAILED, TRY_LATER))


if __name__ == "__main__":
    unittest.main(verbosity=2)
