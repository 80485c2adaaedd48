# SPDX-License-Identifier: Apache-2.0
"""A manager in this process that speaks enough of hawkBit's device interface for one job at a time and remembers all it was
asked; for tests that want it to misbehave. The lab manager (tests/lab) is the one that behaves."""

import hashlib
import http.server
import json
import os
import socket
import ssl
import threading
import urllib.parse


class OneJobManager:
    """`login` is what stands before the @ in the addresses of files that it gives; `certificate` (PEM, key) makes it https."""

    def __init__(self, certificate=None, login="", query=""):
        self.login, self.query = login, query
        self.requests, self.reports, self.files, self.served = [], [], {}, {}
        self.action, self.open, self.window, self.kind = 0, False, None, "script"
        self._lock = threading.Condition()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = owner.answer(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_POST = do_PUT = do_GET

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                """Clients that do not like our certificate are part of the tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.scheme = "https" if certificate else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def offer(self, folder, window=None, change=lambda files: None):
        """Offers the files of a package folder, after this change, as the next job; its id."""
        with self._lock:
            self.action, self.open, self.window = self.action + 1, True, window
            self.files = {}
            for parent, _, names in os.walk(folder):
                for name in names:
                    path = os.path.join(parent, name)
                    with open(path, "rb") as file:
                        self.files[os.path.relpath(path, folder).replace(os.sep, "~")] = file.read()
            self.served = dict(self.files)
            change(self.served)
            return self.action

    def asked(self, text=""):
        """The requests whose path holds this."""
        with self._lock:
            return [request for request in self.requests if text in request[1]]

    def result(self, action):
        """(success, failure or None, all that was said about it) of a job."""
        with self._lock:
            mine = [report for number, report in self.reports if number == action]
        ends = [report["status"]["result"]["finished"] for report in mine if report["status"]["execution"] == "closed"]
        return (ends[-1] if ends else None), json.dumps(mine)

    def answer(self, method, path, headers, body):
        with self._lock:
            self.requests.append((method, path, headers, body))
            parts = urllib.parse.urlsplit(path).path.strip("/").split("/")
            if parts[0] == "files":
                content = self.served.get(urllib.parse.unquote(parts[-1]))
                return (404, b"") if content is None else (200, content)
            if parts[-1] == "feedback":
                report = json.loads(body)
                self.reports.append((int(parts[-2]), report))
                self.open = self.open and not (report["status"]["execution"] == "closed" and int(parts[-2]) == self.action)
                return 200, b""
            if "deploymentBase" in parts:
                return 200, json.dumps(self._deployment()).encode()
            if method == "GET" and len(parts) == 4 and parts[1] == "controller":
                links = {"deploymentBase": {"href": f"{self.url}{'/'.join(parts)}/deploymentBase/{self.action}"}} if self.open else {}
                return 200, json.dumps({"config": {"polling": {"sleep": "01:00:00"}}, "_links": links}).encode()
            return 200, b""

    def _deployment(self):
        base = f"{self.scheme}://{self.login + '@' if self.login else ''}127.0.0.1:{self.port}/files"
        artifacts = [{"filename": name, "size": len(content),
                      "hashes": {"sha256": hashlib.sha256(content).hexdigest(), "sha1": hashlib.sha1(content).hexdigest()},
                      "_links": {"download-http": {"href": f"{base}/{self.action}/{urllib.parse.quote(name)}{self.query}"}}}
                     for name, content in self.files.items()]
        job = {"download": "forced", "update": "forced",
               "chunks": [{"part": "bApp", "version": "1", "name": "p", "metadata": [{"key": "hagent.kind", "value": self.kind}],
                           "artifacts": artifacts}]}
        return {"id": str(self.action), "deployment": {**job, **({"maintenanceWindow": self.window} if self.window else {})}}


class Trap:
    """A port that only counts who comes; it never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.visits, self.said = self.socket.getsockname()[1], 0, b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
                self.visits += 1
                connection.settimeout(2)
                self.said += connection.recv(4096)
                connection.close()
            except TimeoutError:
                continue
            except OSError:
                return

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
