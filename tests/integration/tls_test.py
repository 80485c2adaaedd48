# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end: certificates good and bad, pins old and new, TLS versions and downgrades, against nginx and openssl s_server."""

import hashlib
import os
import subprocess
import unittest
import zlib

from certificates import Authority, pin, self_signed
from kit import DONE, FACTOR, FAILED, BoxTest, OwnServers, answers, own_port
from setup_packages import SERVERS, ensure, program

CONTENT = os.urandom(100_003)
DIGEST = hashlib.sha256(CONTENT).hexdigest()

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log combined;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
{servers}
}}
"""
TLS_SERVER = """  server {{ listen 127.0.0.1:{port} ssl; root {root}; ssl_certificate {pem}; ssl_certificate_key {key};
    ssl_protocols {protocols};{more} }}"""


class TlsTest(OwnServers, BoxTest):
    """One nginx with a port for each kind of certificate; openssl s_server for what nginx will not do any more."""

    @classmethod
    def setUpClass(cls):
        ensure({name: SERVERS[name] for name in ("nginx", "openssl")})
        super().setUpClass()
        os.chmod(cls.folder, 0o755)
        cls.root = os.path.join(cls.folder, "served")
        os.mkdir(cls.root)
        with open(os.path.join(cls.root, "f.bin"), "wb") as file:
            file.write(CONTENT)
        cls.ca, stranger = Authority(cls.folder, "ours"), Authority(cls.folder, "theirs")
        cls.certificates = {
            "good": cls.ca.issue("good"), "second": cls.ca.issue("second"), "wrong_host": cls.ca.issue("wrong_host", "DNS:elsewhere.example"),
            "expired": cls.ca.issue("expired", days=-1), "stranger": stranger.issue("stranger"), "alone": self_signed(cls.folder, "alone")}
        cls.clear, cls.ports, servers = own_port(), {}, []
        for name, (pem, key) in cls.certificates.items():
            cls.ports[name] = own_port()
            more = f" location /down/ {{ return 302 http://127.0.0.1:{cls.clear}/f.bin; }}" if name == "good" else ""
            servers.append(TLS_SERVER.format(port=cls.ports[name], root=cls.root, pem=pem, key=key, protocols="TLSv1.2 TLSv1.3", more=more))
        for version in ("TLSv1.2", "TLSv1.3"):
            cls.ports[version] = own_port()
            servers.append(TLS_SERVER.format(port=cls.ports[version], root=cls.root, pem=cls.certificates["good"][0],
                                             key=cls.certificates["good"][1], protocols=version, more=""))
        servers.append(f"  server {{ listen 127.0.0.1:{cls.clear}; root {cls.root};\n"
                       f"    location /up/ {{ return 302 https://127.0.0.1:{cls.ports['good']}/f.bin; }} }}")
        path = os.path.join(cls.folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=cls.folder, user="user www-data;" if os.geteuid() == 0 else "", servers="\n".join(servers)))
        process = cls.services.start("nginx", [program("nginx"), "-c", path, "-e", os.path.join(cls.folder, "start.log")],
                                     os.path.join(cls.folder, "output.log"))
        process.wait(lambda: answers(cls.ports["TLSv1.3"]), 15 * FACTOR, "its port answers")

    def fetch(self, url, code=DONE, **manager):
        self.box.configure(manager={"urls": [url.rsplit("/", 1)[0] + "/"], "allow_clear_text": True, **manager})
        path = self.box.path("f.bin")
        if os.path.exists(path):
            os.unlink(path)
        document = self.document(self.expect(self.box.run("fetch", "--json", url), code))
        if code == DONE:
            self.assertEqual(DIGEST, document["sha256"])
        else:
            self.assertFalse(os.path.exists(path))
        return document

    def good(self, server, **manager):
        self.fetch(f"https://127.0.0.1:{self.ports[server]}/f.bin", **manager)

    def refused(self, server, name, **manager):
        """Refused for this reason at the first attempt: trying again cannot help."""
        document = self.fetch(f"https://127.0.0.1:{self.ports[server]}/f.bin", FAILED, **manager)
        self.assertEqual((name, "permanent"), (document["error"]["name"], document["error"]["retry"]), document["error"])
        self.assertEqual(1, document["attempts"])

    def legacy_server(self, *options):
        """openssl s_server with the good certificate and these options; its port."""
        port = own_port()
        pem, key = self.certificates["good"]
        process = self.box.services.start("s_server", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pem, "-key", key, "-WWW",
                                                       *options], self.box.path("s_server.log"))
        process.wait(lambda: "ACCEPT" in process.output(), 10 * FACTOR, "it accepts")
        return port

    def test_an_authority_that_is_trusted_is_enough(self):
        for server in ("good", "second", "TLSv1.2", "TLSv1.3"):
            with self.subTest(server):
                self.good(server, ca_file=self.ca.pem)

    def test_each_bad_certificate_has_its_own_reason(self):
        for server, name in (("wrong_host", "host_mismatch"), ("expired", "certificate_expired"), ("stranger", "certificate_untrusted"),
                             ("alone", "certificate_untrusted")):
            with self.subTest(server):
                self.refused(server, name, ca_file=self.ca.pem)

    def test_dates_are_judged_by_the_newest_time_that_was_trusted_where_the_clock_is_earlier(self):
        for seen, code in (("now", DONE), ("now + 40 days", FAILED)):
            millis = int(subprocess.run(["date", "-u", "-d", seen, "+%s"], check=True, capture_output=True, text=True).stdout) * 1000
            body = f"hagent-time 1\n{millis}\n"
            for name in ("trusted-time", "trusted-time.copy"):
                self.box.write(os.path.join(self.box.state, name), body + f"crc {zlib.crc32(body.encode())}\n")
            if code == DONE:
                self.good("good", ca_file=self.ca.pem)
            else:
                self.refused("good", "certificate_expired", ca_file=self.ca.pem)

    def test_the_systems_authorities_do_not_know_a_private_one(self):
        self.refused("good", "certificate_untrusted")

    def test_a_pinned_key_is_enough_and_a_new_one_can_be_announced(self):
        old, new = pin(self.certificates["alone"][0]), pin(self.certificates["good"][0])
        for server in ("alone", "good"):  # before and after the server changed its key
            with self.subTest(server):
                self.good(server, pins=[old, new])

    def test_a_key_whose_pin_was_removed_is_refused(self):
        pins = [pin(self.certificates[name][0]) for name in ("good", "second")]
        self.good("second", pins=pins)
        self.refused("second", "pin_mismatch", pins=[pins[0], pin(self.certificates["stranger"][0])])

    def test_authority_and_pin_must_both_hold_when_both_are_given(self):
        pins = [pin(self.certificates["good"][0]), pin(self.certificates["alone"][0])]
        self.good("good", ca_file=self.ca.pem, pins=pins)
        self.refused("second", "pin_mismatch", ca_file=self.ca.pem, pins=pins)
        self.refused("alone", "certificate_untrusted", ca_file=self.ca.pem, pins=pins)

    def test_a_single_pin_leaves_no_way_out_and_is_refused_by_the_configuration(self):
        self.box.configure(manager={"urls": ["https://127.0.0.1/"], "pins": [pin(self.certificates["good"][0])]})
        self.expect(self.box.run("run", "--check-config"), 3, "manager.pins")

    def test_tls_1_0_and_1_1_are_refused(self):
        for version in ("-tls1", "-tls1_1"):
            with self.subTest(version):
                port = self.legacy_server(version, "-cipher", "ALL:@SECLEVEL=0")
                document = self.fetch(f"https://127.0.0.1:{port}/f.bin", FAILED, ca_file=self.ca.pem)
                self.assertEqual(("tls_handshake", "permanent"), (document["error"]["name"], document["error"]["retry"]), document["error"])

    def test_a_clear_text_server_on_the_port_is_a_handshake_fault(self):
        document = self.fetch(f"https://127.0.0.1:{self.clear}/f.bin", FAILED, ca_file=self.ca.pem)
        self.assertEqual("tls_handshake", document["error"]["name"], document["error"])

    def test_a_redirect_never_leads_from_https_to_http(self):
        document = self.fetch(f"https://127.0.0.1:{self.ports['good']}/down/f.bin", FAILED, ca_file=self.ca.pem)
        self.assertEqual(("redirect_downgrade", "permanent"), (document["error"]["name"], document["error"]["retry"]))

    def test_a_redirect_from_http_to_https_is_followed_and_checked(self):
        url = f"http://127.0.0.1:{self.clear}/up/f.bin"
        self.fetch(url, ca_file=self.ca.pem)
        self.assertEqual("certificate_untrusted", self.fetch(url, FAILED)["error"]["name"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
