#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small legacy manager: hserver.dll of the VXC family, as far as public sources describe it, for demonstrations and tests.

As a module:   LegacyManager; queue() gives a device an update, reports() is what it said about one.
As a program:  python3 legacy_manager.py --port 0 --ftp HOST:PORT --user U --password P --script FILE.rsp
               prints "ready http://127.0.0.1:PORT/" and gives that script to every device that checks in.
"""

import argparse
import http.server
import re
import sys
import threading
import time

QUOTE, BLANK = b"\x0f", b"\xfc"
IDLE_INTERVAL_S = 10
BODY_LIMIT = 1 << 20


def wire_command(line, step):
    """One line of a script, with "arguments" in quotes, in wire form with its step number."""
    text = line.strip().encode("utf-8")
    if text[:2].upper() == b"EX":
        text = re.sub(rb'"[^"]*"', lambda quoted: quoted.group().replace(b" ", BLANK), text)
    return text.replace(b'"', QUOTE) + b"|%d|" % step


def wire_script(lines, first=10):
    return b"".join(wire_command(line, first + number) for number, line in enumerate(lines))


def fields_of(body):
    """(verb, [(key, value)]) of what a device sends."""
    parts = body.decode("utf-8", "replace").split("|")
    return parts[0].lstrip("&"), [tuple(part.split("=", 1)) for part in parts[1:] if "=" in part]


class Update:
    def __init__(self, commands, server, master, keys):
        self.commands, self.server, self.master, self.keys, self.finished = commands, server, master, keys, False

    def reply(self, number):
        text = b"&UP0|&SI=1|UR=%d|" % number + self.commands
        for prefix, place in (("", self.server), ("M_", self.master)):
            if place:
                host, port, user, password, secure = place
                text += (f"{prefix}FTPS={host}|{prefix}FTPU={user}|{prefix}FTPP={password}|{prefix}FTPPortNumber={port}|{prefix}FTPSecure={int(secure)}|"
                         f"{prefix}FTPBw=0|{prefix}FTPST=200|").encode()
        return text + self.keys + b"&DP=1|&IT=3600|&CID=42|QUB=3|QUT=120|CU=1|"


class LegacyManager:
    """One running manager on a free loopback port. `requests` is every (verb, MAC, fields) so far, `came` the time of each (Unix, s)."""

    def __init__(self, port=0):
        self.requests, self.came, self.updates, self.lock = [], [], {}, threading.Lock()
        manager = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(min(length, BODY_LIMIT))
                found = re.fullmatch(r"(?:/[^?]*)?/hserver\.dll\?&(V\d\d)", self.path)
                reply = manager.answer(body) if found and body.startswith(b"&" + found.group(1).encode()) else None
                self.send_response(200 if reply is not None else 404)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(reply or b"")))
                self.end_headers()
                self.wfile.write(reply or b"")

            do_PUT = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def queue(self, lines, server=None, master=None, keys=b"", raw=None):
        """Gives the next device an update; its number. `server`, `master`: (host, port, user, password, secure)."""
        with self.lock:
            number = len(self.updates) + 1
            self.updates[number] = Update(wire_script(lines) if raw is None else raw, server, master, keys)
            return number

    def answer(self, body):
        verb, fields = fields_of(body)
        with self.lock:
            self.requests.append((verb, dict(fields).get("MAC", ""), fields))
            self.came.append(time.time())
            if verb == "V02":
                self.take_report(dict(fields))
            waiting = next((number for number, update in self.updates.items() if not update.finished), None)
            if verb in ("V01", "V55") and waiting:
                return self.updates[waiting].reply(waiting)
        return b"&00|no pending updates|&IT=%d|&CID=42|QUB=3|QUT=120|CU=0|" % IDLE_INTERVAL_S

    def take_report(self, fields):
        number = int(fields.get("UR") or 0)
        if number in self.updates and fields.get("ST") in ("done", "error", "cancelled"):
            self.updates[number].finished = True

    def verbs(self):
        with self.lock:
            return [verb for verb, _, _ in self.requests]

    def reports(self, number):
        """[(state, [message])] in order."""
        return [(state, messages) for state, messages, _ in self.timed_reports(number)]

    def timed_reports(self, number):
        """[(state, [message], time)] in order."""
        with self.lock:
            return [(dict(fields).get("ST"), [value for key, value in fields if key == "MSG"], at)
                    for (verb, _, fields), at in zip(self.requests, self.came) if verb == "V02" and dict(fields).get("UR") == str(number)]

    def state(self, number):
        reports = self.reports(number)
        return reports[-1][0] if reports else None


def main():
    parser = argparse.ArgumentParser(description="A small manager of the legacy VXC kind, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--ftp", default="", help="HOST:PORT of the file server")
    parser.add_argument("--user", default="rapport")
    parser.add_argument("--password", default="")
    parser.add_argument("--script", help="an RSP file whose [Script] every device is given")
    options = parser.parse_args()
    manager = LegacyManager(options.port)
    if options.script:
        with open(options.script, encoding="utf-8") as file:
            lines = file.read().partition("[Script]")[2].splitlines()
        host, _, port = options.ftp.partition(":")
        server = (host, port or 21, options.user, options.password, False) if host else None
        manager.queue([line for line in lines if line.strip() and not line.lstrip().startswith(";")], server)
    print(f"ready {manager.url}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        manager.stop()


if __name__ == "__main__":
    sys.exit(main())
