# SPDX-License-Identifier: Apache-2.0
"""The files that the configuration names: who else can change them, and what is in them, is found before it does harm."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from certificates import Authority
from kit import DONE, FAILED, REFUSED, BoxTest
from other_users_test import HEAD, NOBODY, as_nobody

FILES = {"manager.target_token_file": "secret", "manager.ca_file": "ca", "listen.operators_file": "", "transfer.netrc_file": "machine x login y password z\n",
         "manager.client_cert_file": "cert", "manager.client_key_file": "key", "listen.tls_cert_file": "cert", "listen.tls_key_file": "key",
         "listen.client_ca_file": "ca", "log.file": "line\n", "manager.dhcp_lease_file": "lease\n"}


class Places(BoxTest):
    def named(self, setting, path):
        """The configuration with this file named, and what it cannot be without."""
        settings = self.box.settings()
        section, key = setting.split(".")
        more = {"client_cert_file": ("client_key_file",), "client_key_file": ("client_cert_file",), "tls_cert_file": ("tls_key_file",),
                "tls_key_file": ("tls_cert_file",), "client_ca_file": ("tls_cert_file", "tls_key_file")}
        for other in more.get(key, ()):
            settings[section][other] = self.box.write(f"other/{other}", self.material(section + "." + other))
        settings[section][key] = path
        self.box.write("hagent.json", json.dumps(settings))

    def material(self, setting):
        kind = FILES[setting]
        if kind not in ("ca", "cert", "key"):
            return kind
        if not hasattr(self, "authority"):
            folder = self.box.path("authority")
            os.mkdir(folder, 0o700)
            self.authority = Authority(folder, "ours")
            self.pair = self.authority.issue("host")
        with open(self.authority.pem if kind == "ca" else self.pair[0 if kind == "cert" else 1], "rb") as file:
            return file.read()

    # who can change them -------------------------------------------------------------------------------------------------
    def test_a_file_that_others_can_change_or_replace_is_refused_with_its_setting(self):
        for setting in FILES:
            path = self.box.write("own/below/file", self.material(setting))
            self.named(setting, path)
            self.expect(self.box.run("run", "--check-config"), DONE)
            for loose, mode in ((path, 0o602), (self.box.path("own/below"), 0o707), (self.box.path("own"), 0o702)):
                before = os.stat(loose).st_mode & 0o7777
                os.chmod(loose, mode)
                for verb in (("run", "--check-config"), ("run",), ("fetch", "http://127.0.0.1:1/x")):
                    self.expect(self.box.run(*verb, timeout=20), REFUSED, f"{loose}: ({setting}) ", "chmod")
                os.chmod(loose, before)

    def test_the_configuration_and_the_program_are_looked_at_up_to_the_root(self):
        outer = self.box.path("outer")
        os.makedirs(os.path.join(outer, "inner"), 0o700)
        shutil.copy(self.box.program, os.path.join(outer, "inner", "hagent"))
        shutil.copy(self.box.config, os.path.join(outer, "inner", "hagent.json"))
        os.chmod(outer, 0o777)
        self.addCleanup(os.chmod, outer, 0o700)
        for program, config in ((os.path.join(outer, "inner", "hagent"), self.box.config), (self.box.program, os.path.join(outer, "inner", "hagent.json"))):
            for verb in (("run", "--check-config"), ("status",), ("sessions",)):
                done = subprocess.run([program, "--config", config, *verb], capture_output=True, text=True, check=False)
                self.assertEqual(REFUSED, done.returncode, done.stdout + done.stderr)
                self.assertIn(outer + ": ", done.stderr)
        done = subprocess.run([self.box.program, "status"], capture_output=True, text=True, check=False,
                              env={**os.environ, "HAGENT_CONFIG": os.path.join(outer, "inner", "hagent.json")})
        self.assertEqual(REFUSED, done.returncode)

    def test_a_hook_that_others_can_change_by_now_is_not_run(self):
        hook = self.box.write("hooks/lock", f"#!/bin/sh\ntouch {self.box.path('ran')}\n", 0o700)
        for loose in (hook, self.box.hooks, self.box.folder):
            script = self.box.write("s.rsp", HEAD + f'EX "/bin/chmod o+w {loose}" "+"\nLU "wait" "1"\n')
            self.expect(self.box.run("script", "run", script), FAILED, "config_insecure_permissions", loose + " can be changed")
            self.assertFalse(os.path.exists(self.box.path("ran")), loose)
            os.chmod(loose, 0o700)
        self.expect(self.box.run("script", "run", self.box.write("t.rsp", HEAD + 'LU "wait" "1"\n')), DONE)
        self.assertTrue(os.path.exists(self.box.path("ran")))

    @unittest.skipUnless(os.geteuid() == 0, "only root has other users at hand")
    def test_a_key_of_another_user_signs_nothing_and_the_others_still_do(self):
        shared = tempfile.mkdtemp(prefix="hagent-shared-")
        self.addCleanup(shutil.rmtree, shared, ignore_errors=True)
        os.chmod(shared, 0o777)
        ours = self.box.trusted_key()
        theirs = self.box.path("theirs.key")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", theirs], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", theirs, "-pubout"], check=True, capture_output=True, text=True).stdout
        with open(os.path.join(shared, "k.pem"), "w", encoding="ascii") as file:
            file.write(public)
        os.symlink(os.path.join(shared, "k.pem"), os.path.join(self.box.keys, "vendor.pem"))
        text = HEAD + f'AL "{self.box.root}/line" "x"\n'
        self.box.script_package("good", 1, text, ours)
        self.box.script_package("bad", 1, text, theirs)
        for package, code in (("good", DONE), ("bad", REFUSED)):
            self.expect(self.box.run("verify", self.box.path(package)), code, shared)
        self.expect(self.box.run("run", "--check-config"), REFUSED, shared)
        as_nobody("true")
        os.lchown(shared, NOBODY, NOBODY)
        os.chmod(shared, 0o755)
        self.expect(self.box.run("verify", self.box.path("bad")), REFUSED, "user 65534")

    # what is in them -----------------------------------------------------------------------------------------------------
    def broken(self):
        """A configuration in which nearly everything is wrong; what each complaint must say."""
        self.box.trusted_key()
        self.box.write("keys/bad.pem", "no key\n")
        self.material("manager.ca_file")
        other = self.authority.issue("other")
        self.box.configure(
            manager={"target_token_file": self.box.write("token", "\n"), "ca_file": self.box.path("no-ca.pem"), "client_cert_file": self.pair[0], "client_key_file": other[1]},
            listen={"operators_file": self.box.write("operators", "somebody once\n"), "tls_cert_file": self.box.write("cert", "none"),
                    "tls_key_file": self.pair[1]},
            transfer={"netrc_file": self.box.path("no-netrc")}, log={"file": self.box.path("no-folder/agent.log")})
        return {"manager.target_token_file": "token", "manager.ca_file": "no-ca.pem", "manager.client_cert_file": "host", "listen.operators_file": "operators",
                "listen.tls_cert_file": "cert", "transfer.netrc_file": "no-netrc", "log.file": "no-folder/agent.log", "trust.keys_dir": "bad.pem"}

    def test_check_config_opens_and_reads_everything_and_tells_all_of_it(self):
        expected = self.broken()
        said = self.expect(self.box.run("run", "--check-config"), REFUSED).stderr
        for setting, file in expected.items():
            self.assertRegex(said, rf"(?m)^.*{setting}.*{file}|^.*{file}: \({setting}\)")
        document = self.document(self.box.run("run", "--check-config", "--json"))
        self.assertEqual(said.count("\n") - 1, len(document["complaints"]), said)
        self.assertFalse(os.path.exists(self.box.path("no-folder")))
        self.box.configure(log={"file": self.box.path("new.log")})
        os.unlink(self.box.path("keys/bad.pem"))
        self.expect(self.box.run("run", "--check-config"), DONE)
        self.assertFalse(os.path.exists(self.box.path("new.log")), "a look leaves nothing behind")

    def test_what_it_can_do_without_does_not_keep_the_agent_from_running(self):
        self.box.write("keys/bad.pem", "no key\n")
        self.box.configure(manager={"ca_file": self.box.path("no-ca.pem")}, transfer={"netrc_file": self.box.path("no-netrc")},
                           log={"file": self.box.path("no-folder/agent.log")})
        agent = self.box.daemon()
        said = agent.output()
        for word in ("bad.pem", "no-ca.pem", "no-netrc", "no-folder/agent.log"):
            self.assertIn(word, said)
        self.assertIn("0 keys, 1 unusable", self.box.run("status").stdout)
        agent.signal(signal.SIGTERM)
        self.assertEqual(DONE, agent.wait(10))


if __name__ == "__main__":
    unittest.main(verbosity=2)  # with the reasons of what is skipped
