# SPDX-License-Identifier: Apache-2.0
"""What FTP servers of the field say and do, each kind by a server that does just that: full, talkative, behind a router, impolite."""

import hashlib
import os
import ssl
import subprocess
import sys
import time
import unittest

from certificates import Authority
from ftp_peer import FtpPeer
from kit import DONE, FACTOR, FAILED, TRY_LATER, BoxTest, OwnServers

PUT = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith("hagent_put") else os.environ.get("HAGENT_PUT", "")

CONTENT = os.urandom(70_001)


class FieldTest(BoxTest):
    def setUp(self):
        super().setUp()
        self.box.configure(transfer={"backoff_base_ms": 1, "backoff_cap_ms": 2, "connect_timeout_s": 3, "stall_timeout_s": 4})

    def peer(self, **settings):
        server = FtpPeer(**{name: settings.pop(name) for name in ("certificate", "implicit") if name in settings})
        self.addCleanup(server.close)
        server.files["f.bin"] = CONTENT
        for name, value in settings.items():
            setattr(server, name, value)
        return server

    def fetch(self, *arguments, code=DONE, attempts=1):
        document = self.document(self.expect(self.box.run("fetch", "--json", "--attempts", str(attempts), *arguments, "-o", self.box.path("got")), code))
        if code == DONE:
            with open(self.box.path("got"), "rb") as file:
                self.assertEqual(CONTENT, file.read())
            os.unlink(self.box.path("got"))
        return document

    def error(self, *arguments, code=FAILED, attempts=1):
        return self.fetch(*arguments, code=code, attempts=attempts)["error"]


BUSY = (  # command, login, what real servers say there
    ("PASS", "u:p@", "530 Sorry, the maximum number of clients (3) for this user are already connected."),           # ProFTPD
    ("PASS", "u:p@", "530 Sorry, the maximum number of allowed clients (10) already connected."),
    ("PASS", "u:p@", "530 Sorry, max 10 users -- try again later"),
    ("USER", "u:p@", "530 There are too many connected users, please try later."),                                   # vsftpd's words
    ("PASS", "u:p@", "530 Too many connections from your internet address."),
    ("PASS", "u:p@", "530-User cannot log in.\r\n Win32 error:   No more connections can be made to this remote computer at this time "
                     "because there are already as many connections as the computer can accept.\r\n Error details: An error occurred "
                     "during the authentication process.\r\n530 End"),                                                  # IIS
    ("PASS", "u:p@", "530 10 users (the maximum) are already logged in, sorry"),                                      # Pure-FTPd
    ("PASS", "u:p@", "530 I can't accept more than 2 connections as the same user"),
    ("PASS", "u:p@", "530-\r\n530-  Welcome to ftp.example\r\n530-  The limit of our class was reached.\r\n530 User access denied."),  # wu-ftpd
    ("PASS", "u:p@", "530 Server is busy"),
    ("PASS", "u:p@", "530 Login failed: connection limit exceeded"),
    ("PASS", "max:p@", "530 Site is full, max"),
    ("", "u:p@", "530 Maximum number of clients (5) exceeded."),
    ("PASS", "u:p@", "500 FTP server shut down -- please try again later"),
    ("PASS", "", "530 Login incorrect."),                                                                             # anonymous: no password to be wrong
    ("USER", "", "530 This server does not serve guests."),
    ("PASS", "ftp:me@", "530 User cannot log in."),
)
WRONG = (
    "530 Login incorrect.", "530 Login authentication failed", "530 User cannot log in.", "530 Authentication failed.", "530 Permission denied.",
    "530 User max cannot log in.", "530 Login or password incorrect!", "530 Too many failed login attempts, please try again later.",
    "530 Too many authentication failures", "530 Account locked temporarily: too many wrong passwords", "530 Not logged in.",
    "530-User cannot log in.\r\n Win32 error:   The user name or password is incorrect.\r\n Error details: An error occurred during the "
    "authentication process.\r\n530 End", "530 Non-anonymous sessions must use encryption.", "530 Maximum login attempts. Disconnecting.",
)


class Logins(FieldTest):
    def test_a_full_server_is_waited_for(self):
        for command, login, text in BUSY:
            with self.subTest(text):
                server = self.peer(replies={command: [text, text, GOOD[command]]})
                self.assertEqual(3, self.fetch(server.url(login=login), attempts=3)["attempts"])

    def test_a_server_that_stays_full_is_told_as_full_and_the_next_source_is_asked(self):
        for command, login, text in BUSY:
            with self.subTest(text):
                server, other = self.peer(replies={command: [text]}), self.peer()
                error = self.error(server.url(login=login), code=TRY_LATER, attempts=2)
                self.assertEqual("transient", error["retry"])
                self.assertNotIn("password is wrong", error["text"])
                self.assertEqual(2, server.connections)
                self.fetch(server.url(login=login), other.url())

    def test_a_wrong_password_stops_at_once_whatever_sources_there_are(self):
        for text in WRONG:
            with self.subTest(text):
                server, other = self.peer(replies={"PASS": [text]}), self.peer()
                error = self.error(server.url(login="max:secret-77@"), other.url(), attempts=5)
                self.assertEqual(("ftp", 530, "permanent"), (error["protocol"], error["number"], error["retry"]))
                self.assertEqual((1, 0), (server.connections, other.connections))
                self.assertNotIn("secret-77", str(error))


GOOD = {"": "220 Ready.", "USER": "331 Password?", "PASS": "230 In."}


class Words(FieldTest):
    def test_the_servers_words_stand_in_the_error(self):
        for command, text, said in (
                ("PASS", "500 OOPS: vsftpd: refusing to run with writable root inside chroot()", "refusing to run with writable root inside chroot()"),
                ("RETR", "550-The process cannot access the file because it is being used by another process. \r\n Win32 error:   The process cannot "
                         "access the file because it is being used by another process. \r\n Error details: File system returned an error.\r\n550 End",
                 "being used by another process"),
                ("RETR", "550 f.bin: Permission denied", "Permission denied"),
                ("CWD", "550 quota of folder exceeded", "quota of folder"), ("PASS", "530 Login incorrect.", "Login incorrect."),
                ("", "421 Too many connections (8) from this IP", "Too many connections (8) from this IP"),
                ("TYPE", "504 only ASCII here", "only ASCII here"), ("PASV", "500 no passive mode", "no passive mode"),
                ("USER", "332 account, please", "account, please"), ("RETR", "226 nothing", "nothing"),
                ("RETR", "450 file busy \x1b[31mred\xff", "file busy ?[31mred")):
            with self.subTest(text):
                replies = {command: [text], **({"EPSV": ["500 no"]} if command == "PASV" else {})}
                error = self.error(self.peer(replies=replies).url("d/f.bin", login="u:p@"), code=FAILED if text[0] in "532" else TRY_LATER)
                self.assertIn(said, error["text"])
                self.assertIn('"', error["text"])
                self.assertLess(len(error["text"]), 700)

    def test_many_words_are_cut_and_the_last_line_is_kept(self):
        text = "".join(f"550-this is line {number} of a speech\r\n" for number in range(200)) + "550 volume offline"
        error = self.error(self.peer(replies={"RETR": [text]}).url())
        self.assertIn("volume offline", error["text"])
        self.assertLess(len(error["text"]), 500)

    def test_a_password_that_the_server_repeats_is_not_shown(self):
        done = self.box.run("fetch", "-v", self.peer(replies={"PASS": ["530 bob/hunter22 is unknown"]}).url(login="bob:hunter22@"))
        self.assertIn("is unknown", done.stderr)
        self.assertNotIn("hunter22", done.stdout + done.stderr)

    def test_the_words_after_an_upload_stand_in_its_error(self):
        if not PUT:
            self.skipTest("no hagent_put")
        server = self.peer(replies={"STOR": ["553 Could not create file: disk is being checked."]})
        done = subprocess.run([PUT, "--attempts", "1", self.box.write("source", "x"), server.url("up.bin")], capture_output=True, text=True,
                                  check=False, timeout=30 * FACTOR)
        self.assertIn("disk is being checked", done.stdout)


class DataConnections(FieldTest):
    def test_a_port_that_nobody_opened_is_named(self):
        for passive in ("refused", "silent"):
            with self.subTest(passive):
                server = self.peer(passive=passive)
                error = self.error(server.url(), code=TRY_LATER)
                self.assertIn(f"data connection, port {server.data_port}", error["text"])
                self.assertIn("passive port", error["text"] + error["next"])
                self.assertIn("firewall", error["text"] + error["next"])

    def test_another_address_in_the_reply_is_named(self):
        server = self.peer(passive="refused", claims="10,1,2,3", replies={"EPSV": ["500 no"]})
        self.assertIn("10.1.2.3", self.error(server.url(), code=TRY_LATER)["text"])
        server = self.peer(passive="refused", replies={"EPSV": ["500 no"]})
        self.assertNotIn("named", self.error(server.url(), code=TRY_LATER)["text"])

    def test_another_address_in_the_reply_is_not_gone_to(self):
        self.fetch(self.peer(claims="10,1,2,3", replies={"EPSV": ["500 no"]}).url())

    def test_a_server_that_waits_in_vain_is_quoted_with_the_port(self):
        server = self.peer(replies={"RETR": ["425 Failed to establish connection."]})
        error = self.error(server.url(), code=TRY_LATER)
        self.assertIn("Failed to establish connection.", error["text"])
        self.assertIn(f"port {server.data_port}", error["text"])


class Greetings(FieldTest):
    def test_a_reply_that_announces_another_is_not_the_answer(self):
        for greeting in ("120 Ready in 1 minute.\r\n220 Ready.", "120 Soon.\a220 Ready.", "120-Wait\r\n120 for it.\r\n220-Here\r\n220 I am.",
                         "120 Soon.\r\n120 Sooner.\r\n220 Ready.", "220-Hello\r\n120 users are here\r\n220 Ready.",
                         "220-\r\n530 is our favourite number\r\n 421 too\r\n220 Ready.", "220", "220-a\r\n220"):
            with self.subTest(greeting):
                self.assertEqual(1, self.fetch(self.peer(replies={"": [greeting]}).url())["attempts"])

    def test_a_server_that_stays_away_after_its_announcement_is_asked_later(self):
        server = self.peer(replies={"": ["120 Ready in 5 minutes."]})
        began = time.monotonic()
        error = self.error(server.url(), code=TRY_LATER)
        self.assertEqual(("ftp", 120), (error["protocol"], error["number"]))
        self.assertIn("Ready in 5 minutes.", error["text"])
        self.assertLess(time.monotonic() - began, 20 * FACTOR)
        server = self.peer(replies={"": ["120 Soon.\r\n421 Sorry, no."]})
        self.assertEqual(421, self.error(server.url(), code=TRY_LATER)["number"])


class Addresses(FieldTest):
    def test_a_user_in_the_address_gets_the_password_of_netrc(self):
        netrc = self.box.write("netrc", "machine 127.0.0.1 login other password wrong\nmachine 127.0.0.1 login bob password sesame\n")
        self.box.configure(transfer={"netrc_file": netrc})
        server = self.peer()
        self.fetch(server.url(login="bob@"))
        self.assertEqual(["USER bob", "PASS sesame"], server.commands[:2])
        server = self.peer()
        self.fetch(server.url(login="bob:own@"))
        self.assertEqual(["USER bob", "PASS own"], server.commands[:2])
        server = self.peer()
        self.fetch(server.url(login="carol@"))
        self.assertEqual("USER carol", server.commands[0])
        self.assertFalse({"PASS sesame", "PASS wrong"} & set(server.commands))

    def test_the_type_at_the_end_of_an_address_is_understood(self):
        for suffix in (";type=i", ";type=I", ";TYPE=i"):
            server = self.peer()
            self.fetch(server.url("f.bin" + suffix))
            self.assertIn("RETR f.bin", server.commands)
        for suffix in (";type=a", ";type=A", ";type=d", ";type=D"):
            server = self.peer()
            self.assertEqual("bad_url", self.error(server.url("f.bin" + suffix))["name"])
            self.assertEqual(0, server.connections)
        for name, sent in (("a;b.bin", "a;b.bin"), ("a%3Btype=a", "a;type=a"), ("x;type=a.bin", "x;type=a.bin"), ("d;type=a/f.bin", "f.bin"),
                           ("a;b;type=i", "a;b")):
            server = self.peer()
            server.files.update({"a;b.bin": CONTENT, "a;type=a": CONTENT, "x;type=a.bin": CONTENT, "d;type=a/f.bin": CONTENT, "a;b": CONTENT})
            self.fetch(server.url(name))
            self.assertIn("RETR " + sent, server.commands)


class ImpoliteTls(OwnServers, FieldTest):
    """FTPS servers that end the data connection without close_notify."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ca = Authority(cls.folder, "ours")
        cls.certificate = cls.ca.issue("server")

    def setUp(self):
        super().setUp()
        self.box.configure(manager={"ca_file": self.ca.pem, "urls": ["https://127.0.0.1:1/"]},
                           transfer={"backoff_base_ms": 1, "backoff_cap_ms": 2, "connect_timeout_s": 3, "stall_timeout_s": 4})

    def each(self, **settings):
        return [(scheme, self.peer(certificate=self.certificate, implicit=scheme == "ftps", **settings)) for scheme in ("ftps", "ftpes")]

    def test_the_count_and_the_reply_say_that_it_is_whole(self):
        for polite in (True, False):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                for scheme, server in self.each(polite=polite):
                    server.context.minimum_version = server.context.maximum_version = version
                    self.assertEqual(1, self.fetch(server.url(scheme=scheme))["attempts"])

    def test_without_a_size_the_digest_says_so(self):
        digest = hashlib.sha256(CONTENT).hexdigest()
        for scheme, server in self.each(polite=False, tells=set()):
            self.fetch(server.url(scheme=scheme), "--sha256", digest)
        for scheme, server in self.each(polite=False, tells=set()):
            self.assertEqual("truncated", self.error(server.url(scheme=scheme), code=TRY_LATER)["name"])
        for scheme, server in self.each(polite=True, tells=set()):
            self.fetch(server.url(scheme=scheme))

    def test_a_cut_file_is_never_taken(self):
        for last in ("226 Done.", "426 Cut."):
            for scheme, server in self.each(polite=False, sends=1000, last=last):
                self.assertEqual("transient", self.error(server.url(scheme=scheme), code=TRY_LATER)["retry"])
                server.sends, server.last = None, "226 Done."
                self.assertTrue(self.fetch(server.url(scheme=scheme))["resumed"])

    def test_all_bytes_and_a_refusal_are_no_success(self):
        for scheme, server in self.each(polite=False, last="451 Local error while reading."):
            self.assertIn("Local error while reading.", self.error(server.url(scheme=scheme), code=TRY_LATER)["text"])

    def test_an_empty_file_is_a_file(self):
        for scheme, server in self.each(polite=False, files={"f.bin": b""}):
            self.box.run("fetch", server.url(scheme=scheme), "-o", self.box.path("empty"))
            self.assertEqual(0, os.path.getsize(self.box.path("empty")))
            os.unlink(self.box.path("empty"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
