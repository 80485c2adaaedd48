# SPDX-License-Identifier: Apache-2.0
"""TLS in words: for whom a certificate is and who was asked for, which versions, curves and ciphers meet, and which certificate of a
CA file is of no use."""

import socket
import threading
import unittest

from certificates import Authority, openssl, self_signed
from kit import DONE, FACTOR, FAILED, REFUSED, BoxTest, own_port
from scripted_http import Scripted, answer

TAKEN = "taken are TLS 1.2 and 1.3, ECDHE on x25519, P-256, P-384 or P-521"


class Tls(BoxTest):
    def setUp(self):
        super().setUp()
        self.ca = Authority(self.box.folder, "ours")

    def certificate(self, name, *extensions, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), days=30, ca=None, common_name="server"):
        """Certificate and key with just these extensions."""
        path, ca = self.box.path(name), ca or self.ca
        openssl("req", "-newkey", *key, "-nodes", "-keyout", path + ".key", "-out", path + ".csr", "-subj", f"/CN={common_name}")
        self.box.write(name + ".ext", "[x]\nbasicConstraints=CA:FALSE\n" + "".join(f"{line}\n" for line in extensions))
        openssl("x509", "-req", "-in", path + ".csr", "-CA", ca.pem, "-CAkey", ca.key_file, "-CAcreateserial", "-days", str(days), "-out", path + ".pem",
                "-extfile", path + ".ext", "-extensions", "x", "-sha512" if "P-521" in key[-1] else "-sha256")
        return path + ".pem", path + ".key"

    def fetch(self, url, code, ca=None, **environment):
        self.box.configure(manager={"urls": ["https://127.0.0.1/"], "ca_file": (ca or self.ca).pem}, transfer={"attempts": 1, "connect_timeout_s": 5})
        return self.document(self.expect(self.box.run("fetch", "--json", url, "-o", self.box.path("out"), **environment), code))["error"]

    def served(self, certificate):
        server = Scripted(lambda request, peer: answer("200 OK", b"content"), certificate)
        self.addCleanup(server.close)
        return server

    def refused(self, certificate, name, *words, **more):
        error = self.fetch(self.served(certificate).url("f"), FAILED, **more)
        self.assertEqual((name, "permanent"), (error["name"], error["retry"]), error)
        for word in words:
            self.assertIn(word, error["text"])

    def test_only_subject_alternative_names_count_and_an_address_needs_an_address(self):
        self.refused(self.certificate("cn", common_name="127.0.0.1"), "host_mismatch", "names no host", "asked for was 127.0.0.1")
        self.refused(self.certificate("dns", "subjectAltName=DNS:127.0.0.1"), "host_mismatch", "is for 127.0.0.1", "asked for was 127.0.0.1")
        self.refused(self.certificate("uri", "subjectAltName=URI:https://127.0.0.1/"), "host_mismatch", "names no host")
        self.refused(self.certificate("other", "subjectAltName=DNS:a.example,DNS:*.b.example,IP:192.0.2.1"), "host_mismatch",
                     "is for a.example, *.b.example, 192.0.2.1, asked for was 127.0.0.1")
        self.assertIsNone(self.fetch(self.served(self.certificate("ip", "subjectAltName=IP:127.0.0.1")).url("f"), DONE))
        self.assertIsNone(self.fetch(self.served(self.certificate("name", "subjectAltName=DNS:localhost")).url("f").replace("127.0.0.1", "localhost"), DONE))
        self.refused(self.certificate("cn2", common_name="localhost"), "host_mismatch", "names no host")

    def test_what_is_wrong_with_a_certificate_is_told(self):
        self.refused(self.certificate("late", "subjectAltName=IP:127.0.0.1", days=-1), "certificate_expired", "CN=server is valid from", "UTC")
        self.refused(self_signed(self.box.folder, "alone"), "certificate_untrusted", "CN=alone was issued by CN=alone, which is not trusted here")
        self.refused(self.certificate("client", "subjectAltName=IP:127.0.0.1", "extendedKeyUsage=clientAuth"), "certificate_untrusted", "serverAuth")
        self.refused(self.certificate("key", "subjectAltName=IP:127.0.0.1", "keyUsage=critical,keyEncipherment"), "certificate_untrusted",
                     "digitalSignature")

    def test_certificates_and_authorities_on_larger_curves_are_good(self):
        for curve, digest in (("P-384", "-sha384"), ("P-521", "-sha512")):
            class Larger(Authority):
                def __init__(self, folder, name):
                    self.folder, self.name = folder, name
                    self.pem, self.key_file = self.at(f"{name}.pem"), self.at(f"{name}.key")
                    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-nodes", "-keyout", self.key_file,  # noqa: B023
                            "-out", self.pem, "-subj", f"/CN={name}", "-days", "30", digest)  # noqa: B023

            ca = Larger(self.box.folder, "large-" + curve)
            for key in (("ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"), ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), ("rsa:2048",)):
                pair = self.certificate(f"{curve}-{key[-1][-5:].replace(':', '')}", "subjectAltName=IP:127.0.0.1", key=key, ca=ca)
                self.assertIsNone(self.fetch(self.served(pair).url("f"), DONE, ca=ca), (curve, key))

    def legacy(self, *options):
        port, (pem, key) = own_port(), self.certificate("good", "subjectAltName=IP:127.0.0.1", key=("rsa:2048",))
        process = self.box.services.start("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pem, "-key", key, "-WWW", *options],
                                          self.box.path(f"s_server{port}.log"))
        process.wait(lambda: "ACCEPT" in process.output(), 10 * FACTOR, "it accepts")
        return f"https://127.0.0.1:{port}/f"

    def test_a_handshake_that_fails_tells_what_came_and_what_is_taken(self):
        for words, options in (("alert 70 protocol_version", ("-tls1", "-cipher", "ALL:@SECLEVEL=0")),
                               ("alert 70 protocol_version", ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")),
                               ("alert 40 handshake_failure", ("-tls1_2", "-cipher", "AES128-SHA")),
                               ("alert 40 handshake_failure", ("-tls1_3", "-groups", "X448"))):
            error = self.fetch(self.legacy(*options), FAILED)
            self.assertEqual(("tls_handshake", "permanent"), (error["name"], error["retry"]), error)
            self.assertIn(words, error["text"])
            self.assertIn(TAKEN, error["text"])
        error = self.fetch(f"https://127.0.0.1:{nonsense(self)}/f", FAILED)
        self.assertIn("what the server answered is no TLS", error["text"])

    def test_a_server_that_wants_a_client_certificate_says_so(self):
        for version in ("-tls1_2", "-tls1_3"):
            error = self.fetch(self.legacy(version, "-Verify", "1", "-verify_return_error"), FAILED)
            self.assertEqual("tls_handshake", error["name"], error)
            self.assertIn("alert", error["text"])

    def test_a_ca_file_names_the_certificate_in_it_that_cannot_be_used(self):
        with open(self.ca.pem, encoding="ascii") as file:
            good = file.read()
        openssl("genpkey", "-algorithm", "ED25519", "-out", self.box.path("ed.key"))
        openssl("req", "-x509", "-key", self.box.path("ed.key"), "-subj", "/CN=edwards", "-days", "30", "-out", self.box.path("ed.pem"))
        with open(self.box.path("ed.pem"), encoding="ascii") as file:
            edwards = file.read()
        for name, text, words in (("missing", None, ("ca_file",)), ("empty", "", ("ca_file", "no certificate")), ("other", good + edwards, (
                "ca_file", "certificate 2 (CN=edwards)", "not taken")), ("cut", good[:200], ("ca_file", "certificate 1")),
                                  ("key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", ("ca_file", "no certificate"))):
            path = self.box.path("ca", name)
            if text is not None:
                self.box.write(f"ca/{name}", text)
            self.box.configure(manager={"urls": ["https://127.0.0.1/"], "ca_file": path})
            with self.subTest(name):
                self.expect(self.box.run("run", "--check-config"), REFUSED, *words)
        self.box.configure(manager={"urls": ["https://127.0.0.1:1/"], "ca_file": self.box.path("ca", "other")})
        self.assertIn("certificate 2 (CN=edwards)", self.box.daemon().output())  # and it works with the other one
        self.box.configure(manager={"urls": ["https://127.0.0.1/"], "ca_file": self.ca.pem})
        self.expect(self.box.run("run", "--check-config"), DONE)


def nonsense(case):
    """The port of a server that speaks no TLS and does not wait to be asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    case.addCleanup(listener.close)

    def serve():
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"220 this is an FTP server\r\n" * 5)
            peer.recv(1000)

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


if __name__ == "__main__":
    unittest.main(verbosity=2)
