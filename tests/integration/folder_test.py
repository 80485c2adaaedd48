# SPDX-License-Identifier: Apache-2.0
"""A manager without a program: a signed jobs.json on a real vsftpd, a real nginx and in a folder of this machine."""

import json
import os
import shutil
import subprocess
import unittest

import http_servers
import kit  # noqa: F401  (puts tests/lab on the path)
from certificates import openssl
from ftp_daemons import PASSWORD, USER, Missing, Vsftpd, make_certificate
from kit import DONE, FAILED, REFUSED, BoxTest, OwnServers

DEVICE = "test-1"
SCRIPT = '[Version]\nNumber=test\nOS=SLX\n[Script]\nSF "<regroot>/data.bin" "{root}/{name}.bin"\nAL "{root}/{name}" "done"\n'


class Site:
    """Where the folder lies: its address, how a file gets there, and what was put there."""

    def __init__(self, url, root, reports, serve, inside):
        self.url, self.root, self.reports, self.serve, self.inside = url, root, reports, serve, inside

    def remove(self, name):
        os.remove(os.path.join(self.root, name))

    def report(self):
        try:
            with open(self.inside(self.reports, DEVICE + ".json"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None


class Folder(OwnServers):
    """Mixed into a test case for each kind of place."""

    def setUp(self):
        super().setUp()
        try:
            self.site = self.open_site(os.path.join(self.folder, self._testMethodName))
        except Missing as reason:
            self.skipTest(str(reason))
        self.key, self.other = self.new_key("site"), self.new_key("stranger", trusted=False)
        netrc = self.box.write("netrc", f"machine 127.0.0.1 login {USER} password {self.password}\n")
        self.box.configure(manager={"dialect": "folder", "urls": [self.site.url], "interval_s": 3600, "spread_s": 0}, transfer={"netrc_file": netrc})

    password = PASSWORD

    def new_key(self, name, trusted=True):
        path = self.box.path(name + ".key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
        if trusted:
            openssl("pkey", "-in", path, "-pubout", "-out", os.path.join(self.box.keys, name + ".pem"))
        return path

    def package(self, name, *more):
        folder = self.box.path("packages", name)
        self.box.write(f"packages/{name}/{name}.rsp", SCRIPT.format(root=self.box.root, name=name))
        self.box.write(f"packages/{name}/data.bin", os.urandom(100_000))
        self.expect(self.box.run("sign", folder, "--key", self.key, "--kind", "script", "--entry", f"{name}.rsp", "--package", name,
                                 "--version", "1.0", "--serial", "1", *more), DONE)
        for file in os.listdir(folder):
            with open(os.path.join(folder, file), "rb") as content:
                self.site.serve(f"{name}/{file}", content.read())
        return folder

    def publish(self, serial, key=None, **sections):
        self.publish_list({"format": 1, "serial": serial, "reports": self.site.reports, **sections}, key)

    def publish_list(self, jobs, key=None):
        """Signed beside the packages, which fills in what binds each job to its package."""
        path = self.box.write("packages/jobs.json", json.dumps(jobs))
        self.expect(self.box.run("sign", path, "--key", key or self.key), DONE, f"serial {jobs['serial']}")
        for name in ("jobs.json", "jobs.sig"):
            self.serve_file(name, self.box.path("packages", name))

    def publish_as_it_is(self, content, name="jobs.json", signature="jobs.sig"):
        """Signed by openssl, which fills in nothing."""
        path = self.box.write("as-it-is", content)
        openssl("dgst", "-sha256", "-sign", self.key, "-out", path + ".sig", path)
        self.serve_file(name, path)
        self.serve_file(signature, path + ".sig")

    def serve_file(self, name, path):
        with open(path, "rb") as file:
            self.site.serve(name, file.read())

    def changed(self, name):
        with open(self.box.path(name), "rb") as file:
            return file.read() + b" "

    def jobs(self, *names):
        return {"jobs": [{"id": "job-" + name, "package": name + "/"} for name in names]}

    def check_in(self, code=DONE, *words):
        return self.expect(self.box.run("check-in", "--once"), code, *words)

    def did(self, name):
        return [os.path.exists(os.path.join(self.box.root, file)) for file in (name, name + ".bin")] == [True, True]

    def states(self):
        return {job["id"]: job["state"] for job in self.site.report()["jobs"]}

    def test_jobs_of_all_of_groups_and_of_the_device_are_done_once_and_reported(self):
        for name in ("one", "two", "three", "four"):
            self.package(name)
        self.publish(7, all=self.jobs("one"), groups={"lobby": self.jobs("two")},
                     devices={DEVICE: {"groups": ["lobby"], **self.jobs("three")}, "test-2": self.jobs("four")})
        self.check_in()
        self.assertEqual([True, True, True, False], [self.did(name) for name in ("one", "two", "three", "four")])
        self.assertEqual({"job-one": "success", "job-two": "success", "job-three": "success"}, self.states())
        report = self.site.report()
        self.assertEqual((1, DEVICE, 7, DEVICE), (report["format"], report["device"], report["serial"], report["attributes"]["device.id"]))
        os.remove(os.path.join(self.box.root, "one"))
        self.publish(8, all=self.jobs("one", "four"))
        self.check_in()
        self.assertFalse(self.did("one"), "a job id is done once")
        self.assertTrue(self.did("four"))
        self.assertEqual({"job-one": "success", "job-four": "success"}, self.states())

    def test_what_must_not_be_believed_is_refused_with_its_own_reason(self):
        self.package("never")
        self.publish(5)
        self.check_in()
        never = self.jobs("never")
        self.publish(4, all=never)
        self.check_in(REFUSED, "package_replayed", "serial 4, accepted before: 5")
        self.publish(6, expires="2026-10-31T00:00:00Z", all=never)
        self.check_in(REFUSED, "package_expired")
        self.publish(6, key=self.other, all=never)
        self.check_in(REFUSED, "signature_invalid")
        self.publish(6, all=never)
        self.site.serve("jobs.json", self.changed("packages/jobs.json"))
        self.check_in(REFUSED, "signature_invalid")
        self.publish(6, all=never)
        self.site.remove("jobs.sig")
        self.check_in(REFUSED, "signature_missing")
        self.publish_as_it_is(os.urandom(500))
        self.check_in(kit.TRY_LATER, "manager_malformed_answer", "jobs.json")
        self.assertFalse(os.listdir(self.box.root))
        self.publish(6, all=never)  # none of these has spoiled anything
        self.check_in()
        self.assertTrue(self.did("never"))

    def test_a_job_runs_the_package_that_was_ordered_and_no_other_of_the_same_signer(self):
        self.package("ordered")
        self.publish(1, all=self.jobs("ordered"))
        other = self.package("other")
        for file in os.listdir(other):
            self.serve_file(f"ordered/{file}", os.path.join(other, file))
        self.box.run("check-in", "--once")
        self.assertFalse(os.listdir(self.box.root), "what runs is what was ordered")
        self.assertIn("digest_mismatch", json.dumps(self.site.report()))
        self.assertFalse(os.path.exists(os.path.join(self.box.state, "serials")), "nothing in it was believed")

    def test_a_list_that_names_folders_only_is_refused_with_what_to_do(self):
        self.package("old")
        for section in ({"all": self.jobs("old")}, {"devices": {"test-2": self.jobs("old")}}):
            self.publish_as_it_is(json.dumps({"format": 1, "serial": 3, "reports": self.site.reports, **section}))
            self.check_in(REFUSED, "package_not_bound", "job-old", "hagent sign jobs.json")
        self.assertFalse(os.listdir(self.box.root))
        self.publish(1, all=self.jobs("old"))  # its serial was not noted
        self.check_in()
        self.assertTrue(self.did("old"))

    def test_signatures_of_different_things_are_not_taken_for_each_other(self):
        self.package("demo")
        roles = os.path.join(self.box.keys, "site.roles")
        for words, code in (("script software image agent", REFUSED), ("jobs", kit.TRY_LATER), ("jobs script", DONE)):
            shutil.rmtree(self.box.state)
            os.mkdir(self.box.state, 0o700)
            self.publish(1, all=self.jobs("demo"))
            with open(roles, "w", encoding="utf-8") as file:
                file.write(words)
            os.chmod(roles, 0o600)
            self.check_in(code, *(["role_not_allowed", "job lists"] if code == REFUSED else []))
            self.assertEqual(code == DONE, self.did("demo"), words)
        for name in ("manifest.json", "manifest.sig"):
            self.serve_file(name.replace("manifest", "jobs"), self.box.path("packages", "demo", name))
        self.check_in(kit.TRY_LATER, "manager_malformed_answer")

    def test_a_package_for_another_device_fails_with_that_reason(self):
        self.package("foreign", "--device", "test-2")
        self.publish(1, all=self.jobs("foreign"))
        self.check_in(FAILED)
        self.assertFalse(os.listdir(self.box.root))
        job = self.site.report()["jobs"][0]
        self.assertEqual(("job-foreign", "failure"), (job["id"], job["state"]))
        self.assertIn("wrong_device", json.dumps(job))

    def test_a_changed_file_of_a_package_is_noticed(self):
        self.package("spoilt")
        self.site.serve("spoilt/data.bin", os.urandom(100_000))
        self.publish(1, all=self.jobs("spoilt"))
        self.check_in(kit.TRY_LATER, "tried_again_later")
        self.assertFalse(os.listdir(self.box.root))
        said = json.dumps(self.site.report())
        self.assertIn("digest_mismatch", said)
        self.assertIn("will be tried again at", said)

    def test_reports_that_are_not_wanted_or_not_taken_keep_no_job_back(self):
        self.package("quiet")
        self.publish(1, all=self.jobs("quiet"))
        jobs = {"format": 1, "serial": 2, "all": self.jobs("quiet")}
        for reports in ({}, {"reports": self.site.refused}):
            self.publish_list({**jobs, **reports})
            self.check_in()
            self.assertTrue(self.did("quiet"))
            for folder in (self.box.state, self.box.root):
                shutil.rmtree(folder)
                os.mkdir(folder, 0o700)
        self.assertIsNone(self.site.report())


class OverFtp(Folder, BoxTest):
    def open_site(self, folder):
        os.makedirs(folder)
        server = Vsftpd(self.services, folder, "clear", make_certificate(folder))
        server.start()

        def serve(name, content):
            os.makedirs(os.path.dirname(os.path.join(server.home, name)), exist_ok=True)
            server.serve(name, content)

        site = Site(f"ftp://127.0.0.1:{server.port}/", server.home, "in/reports/", serve, server.inside)
        closed = os.path.join(server.home, "closed")
        os.mkdir(closed, 0o555)
        site.refused = "closed/"
        return site


class OverHttp(Folder, BoxTest):
    password = http_servers.PASSWORD

    def open_site(self, folder):
        os.makedirs(folder)
        server = http_servers.Nginx(self.services, folder, False, make_certificate(folder))

        def serve(name, content):
            os.makedirs(os.path.dirname(os.path.join(server.root, name)), exist_ok=True)
            server.serve(name, content)

        server.start()
        site = Site(server.url(""), server.root, "in/reports/", serve, server.inside)
        site.refused = "closed/"  # nginx answers PUT with 405 there
        return site


class OnThisMachine(Folder, BoxTest):
    def open_site(self, folder):
        os.makedirs(folder)

        def serve(name, content):
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)

        site = Site("file://" + folder, folder, "reports", serve, lambda *parts: os.path.join(folder, *parts))
        os.symlink("/var", os.path.join(folder, "closed"))
        site.refused = "closed/"  # leads out of the folder
        return site

    def test_jobs_are_signed_and_checked_by_the_command_line_and_by_openssl(self):
        path = self.box.write("jobs.json", '{"format":1,"serial":3,"all":{"jobs":[{"id":"a","package":"../x"}]}}')
        self.expect(self.box.run("sign", path, "--key", self.key), kit.REFUSED, "all.jobs.package")
        self.assertFalse(os.path.exists(self.box.path("jobs.sig")))
        self.box.write("jobs.json", '{"format":1,"serial":3}')
        self.expect(self.box.run("sign", path), kit.USAGE, "--key")
        self.expect(self.box.run("sign", path, "--key", self.key), DONE, "serial 3")
        done = self.expect(self.box.run("verify", path, "--keys", self.box.keys, "--json"), DONE)
        self.assertEqual({"serial": 3, "signer": "site", "error": None}, self.document(done))
        subprocess.run(["openssl", "dgst", "-sha256", "-verify", os.path.join(self.box.keys, "site.pem"), "-signature", self.box.path("jobs.sig"), path],
                       check=True, capture_output=True)
        self.box.write("jobs.json", '{"format":1,"serial":4}')
        self.expect(self.box.run("verify", path, "--keys", self.box.keys), REFUSED, "signature_invalid")


if __name__ == "__main__":
    unittest.main(verbosity=2)  # with the reasons of what is skipped
