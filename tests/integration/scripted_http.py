# SPDX-License-Identifier: Apache-2.0
"""An HTTP peer (server or proxy) that does to each request whatever a test says, and remembers what it was asked and how much it sent."""

import contextlib
import socket
import ssl
import threading

PIECE = b"x" * 65536


class Scripted:
    """`act(request, peer)` is called for each request; what it returns, if anything, is sent. Then the connection goes on, or ends when
    it returned None. `certificate` (PEM, key) makes it speak TLS."""

    def __init__(self, act, certificate=None):
        self.act, self.requests, self.sent_bytes, self.ending = act, [], 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def place(self):
        return f"127.0.0.1:{self.port}"

    def url(self, path=""):
        return f"http{'s' if self.context else ''}://{self.place}/{path}"

    def close(self):
        self.ending.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()  # accept() sees it
        self.listener.close()

    def asked(self, text=""):
        return [request for request in self.requests if text in request["target"]]

    def _accept(self):
        while not self.ending.is_set():
            with contextlib.suppress(OSError):
                peer, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with contextlib.suppress(OSError, ValueError), peer:
            peer.settimeout(60)
            if self.context:
                with self.context.wrap_socket(peer, server_side=True) as encrypted:
                    return self._talk(encrypted)
            self._talk(peer)

    def _talk(self, peer):
        with peer.makefile("rb") as file:
            while line := file.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                fields = {}
                while (line := file.readline()) not in (b"\r\n", b"\n", b""):
                    name, _, value = line.decode("latin-1").partition(":")
                    fields[name.strip().lower()] = value.strip()
                body = file.read(int(fields.get("content-length", 0)))
                request = {"method": method, "target": target, "fields": fields, "body": body}
                self.requests.append(request)
                answer = self.act(request, peer)
                if answer is None:
                    return
                self.send(peer, answer)

    def send(self, peer, data):
        peer.sendall(data)
        self.sent_bytes += len(data)

    def endless(self, peer, head, piece=PIECE, wait_s=0.0):
        """Sends the head and then pieces for as long as the client takes them."""
        with contextlib.suppress(OSError):
            self.send(peer, head)
            while not self.ending.wait(wait_s) if wait_s else not self.ending.is_set():
                self.send(peer, piece)


def answer(status, body=b"", kind="text/plain", *fields):
    lines = "".join(field + "\r\n" for field in fields)
    return (f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{lines}\r\n").encode() + body


def end(peer):
    """The client sees the end at once, whatever is not read yet."""
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_RDWR)
