# SPDX-License-Identifier: Apache-2.0
"""Certificate authorities, certificates and pins for the tests, made by openssl."""

import base64
import hashlib
import os
import subprocess


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise AssertionError(f"openssl {' '.join(arguments)}: {done.stderr}")
    return done.stdout


class Authority:
    """A private certificate authority in a folder, and the certificates it gives."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.pem, self.key_file = self.at(f"{name}.pem"), self.at(f"{name}.key")
        openssl("req", "-x509", *self.new_key(self.key_file), "-out", self.pem, "-subj", f"/CN={name}", "-days", "30")

    def at(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def new_key(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def issue(self, name, subject="IP:127.0.0.1,DNS:localhost", days=30, common_name="server"):
        """Certificate and key files for a server (or client) of this subject."""
        key, request, pem = self.at(f"{name}.key"), self.at(f"{name}.csr"), self.at(f"{name}.pem")
        openssl("req", *self.new_key(key), "-out", request, "-subj", f"/CN={common_name}", "-addext", f"subjectAltName={subject}")
        openssl("x509", "-req", "-in", request, "-CA", self.pem, "-CAkey", self.key_file, "-CAcreateserial", "-copy_extensions", "copy",
                "-days", str(days), "-out", pem)
        return pem, key


def self_signed(folder, name):
    key, pem = os.path.join(folder, f"{name}.key"), os.path.join(folder, f"{name}.pem")
    openssl("req", "-x509", *Authority.new_key(key), "-out", pem, "-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30")
    return pem, key


def pin(pem):
    """The pin of a certificate's public key, as openssl computes it."""
    public = openssl("x509", "-in", pem, "-noout", "-pubkey")
    body = base64.b64decode("".join(public.splitlines()[1:-1]))
    return "sha256//" + base64.b64encode(hashlib.sha256(body).digest()).decode()
