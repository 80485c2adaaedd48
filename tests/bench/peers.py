# SPDX-License-Identifier: Apache-2.0
"""What is compared: for each program the shell line that downloads to `out` and prints the SHA-256 of what came."""

import os
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def lines(protocol, url, digest):
    """(title, shell line) of the peers; those that are not installed are left out. The title says how the digest is made."""
    python = f"{shlex.quote(sys.executable)} -I {shlex.quote(os.path.join(HERE, 'python_peer.py'))}"
    found = [
        ("curl, then sha256sum", "curl", f"curl -sf -o out {url} && sha256sum out"),
        ("curl, then openssl dgst", "curl", f"curl -sf -o out {url} && openssl dgst -sha256 out"),
        ("curl | tee out | openssl dgst", "curl", f"curl -sf {url} | tee out | openssl dgst -sha256"),
        ("wget, then sha256sum", "wget", f"wget -q -O out {url} && sha256sum out"),
        ("wget, then openssl dgst", "wget", f"wget -q -O out {url} && openssl dgst -sha256 out"),
        ("aria2c, its own check", "aria2c", f"aria2c -q --checksum=sha-256={digest} -o out {url} && echo {digest}"),
        ("lftp, then sha256sum", "lftp", f"lftp -c 'get {url} -o out' && sha256sum out"),
        (f"Python {'urllib' if protocol == 'http' else 'ftplib'} + hashlib, streaming", "python3", f"{python} {protocol} {url} out"),
        ("floor: recv, write, SHA-256 (Python, OpenSSL)", "python3", f"{python} floor-{protocol} {url} out"),
    ]
    return [(title, line) for title, program, line in found if any(os.access(os.path.join(folder, program), os.X_OK)
                                                                   for folder in os.environ["PATH"].split(os.pathsep))]


def commands(hagents, protocol, url, digest, wanted):
    """Every (title, shell line) whose title holds one of the wanted texts: hagent first."""
    own = [(name, f"{shlex.quote(path)} fetch --json {url} -o out --sha256 {digest}") for name, path in hagents.items()]
    return [(title, line) for title, line in own + lines(protocol, url, digest) if any(text in title for text in wanted)]
