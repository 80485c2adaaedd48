# SPDX-License-Identifier: Apache-2.0
"""Packages that Debian's swupdate takes: a description, signed as it wants it, and files behind it in a cpio archive."""

import os
import subprocess

from setup_packages import program

SIGNER, DESCRIPTION, SIGNATURE = "signer.pem", "sw-description", "sw-description.sig"


def openssl(folder, *arguments):
    subprocess.run([program("openssl"), *arguments], check=True, capture_output=True, cwd=folder)


def describe(folder, description):
    """Writes the description and its signature into a folder, and the certificate of the key that was made for it."""
    with open(os.path.join(folder, DESCRIPTION), "wb") as file:
        file.write(description)
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", SIGNER, "-subj", "/CN=lab",
            "-days", "2", "-addext", "extendedKeyUsage=emailProtection", "-addext", "keyUsage=digitalSignature")
    openssl(folder, "cms", "-sign", "-in", DESCRIPTION, "-out", SIGNATURE, "-signer", SIGNER, "-inkey", "key.pem",
            "-outform", "DER", "-nosmimecap", "-binary")


def settings(folder):
    """Writes swupdate's own configuration; its path."""
    path = os.path.join(folder, "swupdate.cfg")
    with open(path, "w", encoding="ascii") as file:
        file.write(f'globals: {{ loglevel = 4; public-key-file = "{os.path.join(folder, SIGNER)}"; }};\n'
                   'identify: ( { name = "board"; value = "lab"; } );\n')
    return path


def write(path, folder, names):
    """The archive, "070702" (with checksums): description and signature first, then these files of the folder."""
    with open(path, "wb") as file:
        subprocess.run([program("cpio"), "-o", "-L", "-H", "crc", "--quiet"], input="".join(f"{name}\n" for name in (DESCRIPTION, SIGNATURE, *names)),
                       text=True, stdout=file, check=True, cwd=folder)
