# SPDX-License-Identifier: Apache-2.0
"""Downloads one file the plain way and prints its SHA-256: by the standard library, or by the least that any program must do.

python_peer.py http|ftp|floor-http|floor-ftp URL FILE
"""

import ftplib
import hashlib
import socket
import sys
import urllib.parse
import urllib.request

BLOCK = 256 << 10


def by_urllib(url, file, digest):
    with urllib.request.urlopen(url) as reply:
        while block := reply.read(BLOCK):
            digest.update(block)
            file.write(block)


def by_ftplib(url, file, digest):
    parts = urllib.parse.urlsplit(url)

    def take(block):
        digest.update(block)
        file.write(block)
    with ftplib.FTP() as ftp:
        ftp.connect(parts.hostname, parts.port)
        ftp.login()
        ftp.retrbinary(f"RETR {parts.path.lstrip('/')}", take, BLOCK)


def copy(connection, first, file, digest):
    """recv, digest, write, with one buffer and nothing else."""
    digest.update(first)
    file.write(first)
    buffer = memoryview(bytearray(BLOCK))
    while count := connection.recv_into(buffer):
        digest.update(buffer[:count])
        file.write(buffer[:count])


def floor_http(url, file, digest):
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"GET {parts.path} HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        copy(connection, head.partition(b"\r\n\r\n")[2], file, digest)


def floor_ftp(url, file, digest):
    parts = urllib.parse.urlsplit(url)
    with ftplib.FTP() as ftp:
        ftp.connect(parts.hostname, parts.port)
        ftp.login()
        ftp.voidcmd("TYPE I")
        with ftp.transfercmd(f"RETR {parts.path.lstrip('/')}") as connection:
            copy(connection, b"", file, digest)
        ftp.voidresp()


WAYS = {"http": by_urllib, "ftp": by_ftplib, "floor-http": floor_http, "floor-ftp": floor_ftp}


def main():
    way, url, path = sys.argv[1:]
    digest = hashlib.sha256()
    with open(path, "wb", buffering=0) as file:
        WAYS[way](url, file, digest)
    print(digest.hexdigest())


if __name__ == "__main__":
    main()
