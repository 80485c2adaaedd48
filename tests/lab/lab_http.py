# SPDX-License-Identifier: Apache-2.0
"""HTTP plumbing of the lab manager: keep-alive, JSON with ETag and 304, byte ranges of files, size limits."""

import hashlib
import http.server
import json
import re
import secrets
import socket
import time
import urllib.parse
from email.utils import formatdate

from lab_actions import Refused

MAX_JSON, BLOCK = 1 << 20, 1 << 16


class Request:
    """One request; `segments` are the decoded parts of the path."""

    def __init__(self, handler):
        split = urllib.parse.urlsplit(handler.path)
        self.method = handler.command
        self.path = split.path
        self.segments = [urllib.parse.unquote(part) for part in split.path.split("/") if part]
        self.query = {key: values[-1] for key, values in urllib.parse.parse_qs(split.query).items()}
        self.headers = handler.headers
        self.peer = handler.client_address[0]
        self.stream = handler.rfile
        self.length = int(self.headers.get("Content-Length", "0"))
        self.consumed = False

    def base(self):
        """Scheme, host and port as the client sees them; links in answers are built from it."""
        host = self.headers.get("Host", "")
        if not re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", host):
            raise Refused(400, "the Host field is missing or odd")
        return f"http://{host}"

    def body(self):
        if self.length > MAX_JSON:
            raise Refused(413, f"a body of {self.length} bytes is too big")
        self.consumed = True
        return self.stream.read(self.length)

    def json(self):
        try:
            return json.loads(self.body())
        except ValueError as error:
            raise Refused(400, f"the body is not JSON: {error}") from error


class Response:
    """Status, fields and a body: bytes, or pieces of a file (path, [(first, last)])."""

    def __init__(self, status=200, body=b"", content_type="application/json", headers=(), file=None):
        self.status, self.body, self.file = status, body, file
        self.headers = {"Content-Type": content_type, **dict(headers)}


def json_response(value, status=200, request=None):
    """A JSON answer; with `request` it carries an ETag and becomes 304 when the client has it already."""
    body = json.dumps(value, separators=(",", ":")).encode()
    if request is None:
        return Response(status, body)
    tag = f'"0{hashlib.md5(body).hexdigest()}"'
    known = [text.strip().removeprefix("W/") for text in request.headers.get("If-None-Match", "").split(",")]
    if tag in known or "*" in known:
        return Response(304, headers={"ETag": tag})
    return Response(status, body, headers={"ETag": tag})


def error_response(status, text):
    names = {400: "malformed", 401: "unauthorized", 404: "entityNotFound", 405: "notAllowed", 409: "conflict", 410: "closed",
             429: "quotaExceeded"}
    fields = {"WWW-Authenticate": "TargetToken"} if status == 401 else {}
    body = json.dumps({"errorCode": f"hawkbit.server.error.{names.get(status, 'other')}", "message": text}).encode()
    return Response(status, body, headers=fields)


def parse_ranges(text, size):
    """The asked byte ranges as [(first, last)], None when the field is to be ignored, [] when none can be given."""
    match = re.fullmatch(r"bytes=(.+)", text.strip())
    if not match:
        return None
    found = []
    for part in match[1].split(","):
        piece = re.fullmatch(r"\s*(\d*)-(\d*)\s*", part)
        if not piece or piece[1] == piece[2] == "":
            return None
        if piece[1] == "":
            first, last = max(size - int(piece[2]), 0), size - 1
        else:
            first, last = int(piece[1]), min(int(piece[2] or size - 1), size - 1)
        if piece[2] and piece[1] and int(piece[2]) < int(piece[1]):
            return None
        if first < size and first <= last:
            found.append((first, last))
    return found


def file_response(request, path, size, etag, modified_ms):
    """The file or the asked part of it; `etag` is sent and compared exactly as given (hawkBit's has no quotes)."""
    modified = formatdate(modified_ms // 1000, usegmt=True)
    fields = {"ETag": etag, "Last-Modified": modified, "Accept-Ranges": "bytes"}
    match = request.headers.get("If-Match")
    if match is not None and match.strip() not in (etag, "*"):
        return Response(412, b"", headers=fields)
    asked = request.headers.get("Range")
    condition = request.headers.get("If-Range")
    ranges = parse_ranges(asked, size) if asked and condition in (None, etag, modified) else None
    kind = "application/octet-stream"
    if ranges is None:
        return Response(200, content_type=kind, headers=fields, file=(path, [(0, size - 1)], None))
    if not ranges:
        return Response(416, headers={**fields, "Content-Range": f"bytes */{size}"})
    if len(ranges) == 1:
        first, last = ranges[0]
        return Response(206, content_type=kind, headers={**fields, "Content-Range": f"bytes {first}-{last}/{size}"},
                        file=(path, ranges, None))
    mark = secrets.token_hex(12)
    heads = [f"\r\n--{mark}\r\nContent-Type: {kind}\r\nContent-Range: bytes {first}-{last}/{size}\r\n\r\n".encode()
             for first, last in ranges] + [f"\r\n--{mark}--\r\n".encode()]
    return Response(206, content_type=f"multipart/byteranges; boundary={mark}", headers=fields, file=(path, ranges, heads))


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands every request to `server.route(request)` and writes what comes back."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lab", ""
    timeout = 60
    disable_nagle_algorithm = True

    def handle_any(self):
        request = Request(self)
        try:
            response = self.server.route(request)
        except Refused as refused:
            response = error_response(refused.status, str(refused))
        if request.length and not request.consumed:
            self._drain(request)
        self._send(response)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = handle_any

    def _drain(self, request):
        """Reads a body that nobody wanted, or gives the connection up when it is long."""
        if request.length > MAX_JSON:
            self.close_connection = True
        else:
            request.stream.read(request.length)

    def _send(self, response):
        length = len(response.body)
        if response.file:
            _, ranges, heads = response.file
            length = sum(last - first + 1 for first, last in ranges) + sum(map(len, heads or []))
        self.send_response(response.status)
        for key, value in response.headers.items():
            if response.status != 304 or key != "Content-Type":
                self.send_header(key, value)
        if response.status != 304:
            self.send_header("Content-Length", str(length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD" or response.status == 304:
            return
        if response.file:
            self._send_file(*response.file)
        else:
            self.wfile.write(response.body)

    def _send_file(self, path, ranges, heads):
        with open(path, "rb") as file:
            for n, (first, last) in enumerate(ranges):
                if heads:
                    self.wfile.write(heads[n])
                file.seek(first)
                left = last - first + 1
                while left > 0:
                    block = file.read(min(BLOCK, left))
                    self.wfile.write(block)
                    left -= len(block)
            if heads:
                self.wfile.write(heads[-1])

    def log_message(self, format, *values):  # noqa: A002 - the name is the base class's
        line = f"{time.strftime('%H:%M:%S')} {self.client_address[1]} {format % values}\n"
        self.server.access_log.write(line)


class Server(http.server.ThreadingHTTPServer):
    """Loopback only. `route` is called from many threads."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port, route, access_log):
        super().__init__(("127.0.0.1", port), Handler)
        self.route, self.access_log = route, access_log

    def handle_error(self, request, client_address):
        """A client that went away is no news; anything else is."""
        import sys
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, socket.timeout, BrokenPipeError)):
            super().handle_error(request, client_address)
