# SPDX-License-Identifier: Apache-2.0
"""Owns the wire side of hawkBit's management API: JSON calls, one streamed upload, one paged read."""

import base64
import hashlib
import http.client
import json
import os
import secrets
import urllib.parse

CALL_TIMEOUT_S = 60
UPLOAD_TIMEOUT_S = 600   # the server hashes a whole artifact three times before it answers
CHUNK_BYTES = 1 << 20
PAGE_SIZE = 100


class CallRefused(Exception):
    """The server answered with an error status; `status` is its number, the text its own words."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class CallFailed(Exception):
    """No usable answer came: connection refused, lost or timed out, or a reply that is no JSON."""


def segment(text):
    """`text` as one segment of a path."""
    return urllib.parse.quote(str(text), safe="")


class ManagementClient:
    """Calls below /rest/v1 of one server; a connection per call, so any thread may use it."""

    def __init__(self, host, port, user, password):
        self._host = host
        self._port = port
        credentials = f"{user}:{password}".encode("utf-8")
        self._authorization = "Basic " + base64.b64encode(credentials).decode("ascii")

    def get(self, path):
        return self._call("GET", path)

    def post(self, path, body):
        return self._call("POST", path, body)

    def put(self, path, body):
        return self._call("PUT", path, body)

    def delete(self, path):
        return self._call("DELETE", path)

    def get_all(self, path):
        """Every entry of a paged list, in the order of their ids."""
        entries = []
        while True:
            page = self.get(f"{path}?offset={len(entries)}&limit={PAGE_SIZE}&sort=id:ASC")
            entries += page["content"]
            if not page["content"] or len(entries) >= page["total"]:
                return entries

    def upload(self, path, file_path, name):
        """Sends a file as the multipart field `file` straight from disk and returns the answer.

        CallFailed too when the server's size or SHA-256 differs from what was read here.
        """
        boundary = "hagent-" + secrets.token_hex(16)
        # The query's filename is the one that counts; the part's own is only there because a file part needs one.
        head = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"upload\"\r\n"
                "Content-Type: application/octet-stream\r\n\r\n").encode("ascii")
        tail = f"\r\n--{boundary}--\r\n".encode("ascii")
        target = f"{path}?filename={segment(name)}"
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        try:
            with open(file_path, "rb") as source:
                size = os.fstat(source.fileno()).st_size
                headers["Content-Length"] = str(len(head) + size + len(tail))
                digest = hashlib.sha256()
                body = _parts(head, source, digest, tail)
                answer = self._exchange("POST", target, body, headers, UPLOAD_TIMEOUT_S)
        except OSError as error:
            raise CallFailed(f"upload of {file_path}: {error}") from error
        stored = (answer["size"], answer["hashes"]["sha256"])
        if stored != (size, digest.hexdigest()):
            raise CallFailed(f"{file_path} arrived changed: sent {size} bytes with SHA-256 {digest.hexdigest()}, "
                             f"the server holds {stored[0]} bytes with {stored[1]}")
        return answer

    def _call(self, method, path, body=None):
        headers = {}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode("utf-8")
        return self._exchange(method, path, data, headers, CALL_TIMEOUT_S)

    def _exchange(self, method, path, body, headers, timeout_s):
        """The parsed answer, or None when the server sent no body."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        headers = {"Authorization": self._authorization, "Accept": "application/json", **headers}
        try:
            connection.request(method, "/rest/v1" + path, body=body, headers=headers)
            reply = connection.getresponse()
            raw = reply.read()
        except (OSError, http.client.HTTPException) as error:
            raise CallFailed(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if reply.status >= 400:
            raise CallRefused(reply.status, f"{method} {path}: {reply.status} {_reason(raw) or reply.reason}")
        try:
            return json.loads(raw) if raw else None
        except ValueError as error:
            raise CallFailed(f"{method} {path}: the answer is no JSON: {raw[:200]!r}") from error


def _parts(head, source, digest, tail):
    yield head
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        yield chunk
    yield tail


def _reason(raw):
    """The server's own sentence, when it sent one."""
    try:
        answer = json.loads(raw)
    except ValueError:
        return ""
    return answer.get("message", "") if isinstance(answer, dict) else ""
