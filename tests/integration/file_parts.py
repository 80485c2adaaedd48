# SPDX-License-Identifier: Apache-2.0
"""Parts of a file that are read from a real server by hagent_put: what the tests of FTP and of HTTP servers share."""
import json
import subprocess

from kit import FACTOR


class FileParts:
    """Beside a test of one server that has self.big, of BIG bytes, at big.bin."""

    def read_parts(self, program, server, parts, attempts=8, rate="0"):
        """Starts to read parts of the big file; with its end the document that was printed."""
        arguments = [word for first, count in parts for word in ("--read", f"{first}:{count}")]
        return subprocess.Popen([program, self.box.path("parts.bin"), server.url("big.bin"), "--size", str(len(self.big)), *arguments,
                                 "--attempts", str(int(attempts)), "--base-ms", "100", "--ca", server.cert, "--limit-rate", rate],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def end_of_parts(self, process, parts):
        document = json.loads(process.communicate(timeout=60 * FACTOR)[0])
        self.assertIsNone(document["error"], document)
        self.assert_got(b"".join(self.big[first:first + count] for first, count in parts), "parts.bin")
        return document
