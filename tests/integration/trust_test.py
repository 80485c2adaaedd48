# SPDX-License-Identifier: Apache-2.0
"""Signed packages by command line, with openssl as the second opinion."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import unittest

from kit import DONE, REFUSED, USAGE, BoxTest


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


class TrustTest(BoxTest):
    ALGORITHMS = {"ec": ("EC", "ec_paramgen_curve:P-256"), "rsa": ("RSA", "rsa_keygen_bits:2048")}

    def setUp(self):
        super().setUp()
        if not shutil.which("openssl"):
            self.skipTest("openssl is not installed")
        os.mkdir(self.box.path("private"), 0o700)
        self.package = self.box.path("package")
        for path, content in (("demo.rsp", '[Version]\nNumber=demo\n[Script]\nCO "SLX"\n'), ("fw/kernel", os.urandom(70000)), ("fw/empty", b"")):
            self.box.write(f"package/{path}", content)

    def key(self, name, kind="ec", trusted=True):
        private = self.box.path("private", f"{name}.pem")
        self.assertEqual(0, openssl("genpkey", "-algorithm", self.ALGORITHMS[kind][0], "-pkeyopt", self.ALGORITHMS[kind][1], "-out", private).returncode)
        os.chmod(private, 0o600)
        public = self.box.path("private", f"{name}-public.pem")
        self.assertEqual(0, openssl("pkey", "-in", private, "-pubout", "-out", public).returncode)
        if trusted:
            shutil.copyfile(public, os.path.join(self.box.keys, f"{name}.pem"))
        return private, public

    def sign(self, private, *more, kind="script", entry="demo.rsp", code=DONE):
        return self.expect(self.box.run("sign", self.package, "--key", private, "--kind", kind, *(["--entry", entry] if entry else []), "--package", "demo",
                                        "--version", "1.2.0.0", "--serial", "7", "--json", *more), code)

    def verify(self, code=DONE, *words):
        return self.expect(self.box.run("verify", self.package, "--keys", self.box.keys, "--json"), code, *words)

    def manifest(self):
        with open(self.box.path("package", "manifest.json"), encoding="utf-8") as file:
            return json.load(file)

    def refused(self, name):
        """The package is refused by the error of this name."""
        error = self.document(self.verify(REFUSED))["error"]
        self.assertEqual(name, error["name"], error)
        self.assertGreater(len(error["text"]) + len(error["next"]), 30)


class Sign(TrustTest):
    def test_what_is_signed_is_good_and_openssl_agrees(self):
        for kind in self.ALGORITHMS:
            private, public = self.key(kind, kind)
            signed = self.document(self.sign(private, "--os", "SLX", "--device", "tc-7", "--repository", "http://127.0.0.1/demo/", "--expires", "2099-01-01T00:00:00Z"))
            self.assertEqual(("demo", "1.2.0.0", 7), tuple(signed[key] for key in ("package", "version", "serial")))
            self.assertEqual(kind, self.document(self.verify())["signer"])
            done = openssl("dgst", "-sha256", "-verify", public, "-signature", self.package + "/manifest.sig", self.package + "/manifest.json")
            self.assertIn("Verified OK", done.stdout, done.stderr)
            manifest = self.manifest()
            self.assertEqual((1, "script", "demo.rsp", {"os": ["SLX"], "platforms": [], "devices": ["tc-7"]}, ["http://127.0.0.1/demo/"]),
                             tuple(manifest[key] for key in ("format", "kind", "entry", "targets", "repositories")))
            listed = {item["path"]: (item["bytes"], item["sha256"]) for item in manifest["files"]}
            self.assertEqual({"demo.rsp", "fw/kernel", "fw/empty"}, set(listed))
            for path, described in listed.items():
                with open(self.box.path("package", path), "rb") as file:
                    content = file.read()
                self.assertEqual((len(content), hashlib.sha256(content).hexdigest()), described)

    def test_what_openssl_signed_is_good(self):
        self.sign(self.key("first")[0])
        for kind in self.ALGORITHMS:
            private, _ = self.key("by-openssl-" + kind, kind)
            made = openssl("dgst", "-sha256", "-sign", private, "-out", self.package + "/manifest.sig", self.package + "/manifest.json")
            self.assertEqual(0, made.returncode, made.stderr)
            if kind == "rsa":  # RSA is taken with PSS only
                openssl("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sign", private, "-out", self.package + "/manifest.sig",
                        self.package + "/manifest.json")
            self.assertEqual("by-openssl-" + kind, self.document(self.verify())["signer"])

    def test_every_change_is_found(self):
        self.sign(self.key("k")[0])
        self.verify()

        def flipped(path, at):
            with open(self.box.path("package", path), "r+b") as file:
                file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 1]))

        for path, at, name in (("manifest.json", 20, None), ("manifest.json", -2, None), ("manifest.sig", 10, None), ("manifest.sig", -1, None),
                               ("fw/kernel", 0, "digest_mismatch"), ("fw/kernel", 35000, "digest_mismatch"), ("fw/kernel", -1, "digest_mismatch"),
                               ("demo.rsp", 3, "digest_mismatch")):
            with self.subTest(path=path, at=at):
                flipped(path, at)
                error = self.document(self.verify(REFUSED))["error"]
                self.assertIn(error["name"], [name] if name else ["signature_invalid", "unknown_key", "manifest_malformed"])
                flipped(path, at)
                self.verify()

    def test_every_other_fault_is_named(self):
        private, _ = self.key("k")
        self.refused("manifest_missing")
        self.sign(private)
        os.rename(self.package + "/manifest.sig", self.package + "/kept")
        self.refused("signature_missing")
        self.box.write("package/manifest.sig", b"")
        self.assertIn(self.document(self.verify(REFUSED))["error"]["name"], ("signature_invalid", "unknown_key"))
        self.box.write("package/manifest.sig", b"\0" * 100000)
        self.verify(REFUSED)
        os.rename(self.package + "/kept", self.package + "/manifest.sig")
        self.verify()
        self.box.write("package/fw/kernel", b"short")
        self.assertIn(self.document(self.verify(REFUSED))["error"]["name"], ("size_mismatch", "digest_mismatch"))
        os.unlink(self.package + "/fw/kernel")
        self.verify(REFUSED, "fw/kernel")

    def test_a_stranger_and_a_wrong_role_are_refused(self):
        self.sign(self.key("stranger", trusted=False)[0])
        self.refused("unknown_key")
        self.key("friend")
        self.assertIn(self.document(self.verify(REFUSED))["error"]["name"], ("unknown_key", "signature_invalid"))
        private, _ = self.key("images-only")
        self.box.write("keys/images-only.roles", "image agent\n")
        self.sign(private)
        self.refused("role_not_allowed")
        self.box.write("keys/images-only.roles", "image script\n")
        self.verify()

    def test_a_key_folder_that_others_may_change_is_refused(self):
        self.sign(self.key("k")[0])
        for path, mode, good in ((self.box.keys, 0o777, 0o700), (os.path.join(self.box.keys, "k.pem"), 0o666, 0o600)):
            os.chmod(path, mode)
            self.verify(REFUSED)
            os.chmod(path, good)
        self.verify()

    def test_keys_that_are_none_are_clear_errors(self):
        small = self.box.path("private", "small.pem")
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", small)
        edwards = self.box.path("private", "ed.pem")
        openssl("genpkey", "-algorithm", "ED25519", "-out", edwards)
        for key in (self.box.write("private/rubbish.pem", os.urandom(500)), self.box.write("private/empty.pem", b""), self.key("k")[1], edwards):
            done = self.box.run("sign", self.package, "--key", key, "--kind", "script", "--entry", "demo.rsp", "--package", "demo", "--version", "1",
                                "--serial", "1", "--json")
            self.assertEqual(REFUSED, done.returncode, done.stderr)
            self.assertIn("error", self.document(done))
            self.assertFalse(os.path.exists(self.package + "/manifest.sig"))

    def test_wrong_requests_are_usage_errors(self):
        private, _ = self.key("k")
        for more in (["--kind", "song"], ["--expires", "tomorrow"], ["--file-source", "no-equals"]):
            self.sign(private, *more, code=2)
        self.expect(self.box.run("sign", self.package, "--key", self.box.path("nosuch.pem"), "--kind", "script", "--entry", "demo.rsp", "--package", "p",
                                 "--version", "1", "--serial", "1"), 4, "nosuch.pem")
        done = self.box.run("sign", self.package, "--key", private, "--kind", "script", "--entry", "nosuch.rsp", "--package", "p", "--version", "1",
                            "--serial", "1")
        self.assertNotEqual(DONE, done.returncode)

    def test_an_unlisted_file_is_mentioned(self):
        self.sign(self.key("k")[0])
        self.box.write("package/extra", b"x")
        self.assertIn("extra", self.verify().stderr)

    def test_paths_that_leave_the_package_are_refused(self):
        private, _ = self.key("k")
        self.sign(private)
        for path in ("../outside", "/etc/passwd", "fw/../../x", "", "a//b", "fw\\..\\x", "a\x00b"):
            with self.subTest(path):
                manifest = self.manifest()
                manifest["files"].append({"path": path, "bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()})
                self.box.write("package/manifest.json", json.dumps(manifest))
                openssl("dgst", "-sha256", "-sign", private, "-out", self.package + "/manifest.sig", self.package + "/manifest.json")
                self.refused("manifest_malformed")
                self.sign(private)


class EnrolTest(BoxTest):
    """A device makes its own key; openssl reads what the authority gets."""

    def enrol(self, *more, code=DONE):
        return self.document(self.expect(self.box.run("enrol", "--json", *more), code))

    def public_key_digest(self, path, *kind):
        der = subprocess.run(["openssl", *kind, "-in", path, "-pubout" if kind[0] == "pkey" else "-pubkey", *(() if kind[0] == "pkey" else ("-noout",))],
                             capture_output=True, check=True).stdout
        return hashlib.sha256(base64.b64decode(b"".join(der.splitlines()[1:-1]))).hexdigest()

    def test_the_key_stays_and_the_request_names_the_device(self):
        self.box.configure(device={"id": "thin-client+7@lobby"})
        document = self.enrol()
        self.assertEqual(self.box.state + "/device.key", document["key_file"])
        self.assertEqual(0o600, os.stat(document["key_file"]).st_mode & 0o777)
        checked = openssl("req", "-in", document["request_file"], "-verify", "-noout", "-subject", "-nameopt", "utf8,sep_comma_plus_space")
        self.assertEqual(0, checked.returncode, checked.stderr)
        self.assertIn("CN=thin-client+7@lobby", checked.stdout.replace(" ", "").replace("\\", ""))
        for path, kind in ((document["key_file"], ("pkey",)), (document["request_file"], ("req",))):
            self.assertEqual(document["fingerprint"], self.public_key_digest(path, *kind))
        with open(document["request_file"], encoding="ascii") as file:
            self.assertEqual(document["request"], file.read())
        self.assertNotIn("PRIVATE", document["request"])

    def test_again_is_the_same_key_and_replacing_keeps_the_old_one(self):
        first = self.enrol()
        self.assertEqual(first["fingerprint"], self.enrol()["fingerprint"])
        second = self.enrol("--replace")
        self.assertNotEqual(first["fingerprint"], second["fingerprint"])
        self.assertEqual(first["fingerprint"], self.public_key_digest(first["key_file"] + ".previous", "pkey"))
        self.assertEqual(0o600, os.stat(first["key_file"] + ".previous").st_mode & 0o777)
        self.expect(self.box.run("enrol"), DONE, second["fingerprint"], "manager.client_key_file")

    def test_the_configured_key_file_is_used(self):
        path = self.box.path("private-device.key")
        self.box.configure(manager={"client_key_file": path, "client_cert_file": self.box.path("device.pem")})
        self.assertEqual(path, self.enrol()["key_file"])
        self.assertTrue(os.path.exists(path))

    def test_what_cannot_be_enrolled_is_a_clear_error(self):
        key = self.box.write("rubbish.key", "rubbish")
        self.assertEqual("key_unreadable", self.enrol("--key", key, code=REFUSED)["error"]["name"])
        with open(key, encoding="ascii") as file:
            self.assertEqual("rubbish", file.read())
        os.chmod(self.box.write("open.key", "x"), 0o644)
        self.assertEqual("config_insecure_permissions", self.enrol("--key", self.box.path("open.key"), code=REFUSED)["error"]["name"])
        self.assertEqual("file_not_found", self.enrol("--key", self.box.path("no", "such", "k"), code=4)["error"]["name"])
        self.box.configure(device={"id": "x" * 65})
        self.assertEqual("config_bad_value", self.enrol(code=REFUSED)["error"]["name"])
        self.expect(self.box.run("enrol", "extra"), USAGE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
