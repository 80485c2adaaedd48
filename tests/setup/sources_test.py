# SPDX-License-Identifier: Apache-2.0
"""The set-up of the lab, by its real entry, with the archive in each of its states: it works, or says in one sentence why not."""
import json
import os
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import loopback  # noqa: E402
from sample_tree import SampleTree  # noqa: E402

FIRST, SECOND, THIRD = "2.0-1", "2.0-1+deb13u1", "2.0-1+deb13u2"
LOUD = "WARNING: tinycurl 2.0: WITHOUT the release's security patches"


class SetUpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="hagent-setup-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name

    def setUp(self):
        self.sample = SampleTree(os.path.join(self.folder, self._testMethodName))
        self.addCleanup(self.sample.close)

    def works(self, revision, lacks, **environment):
        """The set-up goes through, and everything that tells about patches tells the same."""
        done = self.sample.set_up(**environment)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.sample.agent().rpartition(":")[2], revision or "upstream", done.stdout)
        bill = self.sample.bill()["curl"]
        self.assertEqual((bill["hagent:patches"], bill["hagent:patches-missing"]), (revision or "none", lacks or "none"))
        _, patches, missing, patched, line = self.sample.rows()["curl"]
        self.assertEqual((patches, missing, patched, bool(line)), (revision, lacks, "true" if revision else "false", bool(lacks)))
        self.assertEqual(self.sample.rows()["json"][1:], ("", "", "true", ""))
        self.assertEqual(LOUD in done.stdout, not revision, done.stdout)
        return done.stdout

    def fails(self, *parts, **environment):
        """tests/lab/run itself ends with 3; its reason is one line that has these parts."""
        done = self.sample.run("tests/lab/run", **environment)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertNotIn("Traceback", done.stdout)
        told = [line for line in done.stdout.splitlines() if "FAIL the lab started: ./toolchains/build release ended with 1: " in line]
        self.assertEqual(len(told), 1, done.stdout)
        for part in ("no place has the pinned tarball of", "looked in the cache", "HAGENT_SOURCES", "try again later", *parts):
            self.assertIn(part, told[0])
        return done.stdout

    def one_line(self, output, *parts):
        found = [line for line in output.splitlines() if all(part in line for part in parts)]
        self.assertEqual(len(found), 1, f"{parts} in:\n{output}")

    def forget_when_it_looked(self, seconds):
        for path in (self.sample.cache / "hagent/sources").glob("tinycurl-*.json"):
            path.write_text(json.dumps({**json.loads(path.read_text()), "looked": int(time.time()) - seconds}))

    def test_a_whole_archive_gives_the_newest_revision(self):
        self.sample.fill()
        output = self.works(THIRD, "")
        self.one_line(output, f"tinycurl 2.0: patches of {THIRD}")

    def test_what_is_in_the_cache_needs_no_network(self):
        self.sample.fill()
        self.works(THIRD, "")
        self.sample.archive.stop()
        asked = len(self.sample.archive.asked)
        output = self.works(THIRD, "", HAGENT_SOURCES="/nonexistent")
        self.assertNotIn("looking for", output)
        self.assertEqual(len(self.sample.archive.asked), asked)

    def test_a_revision_that_is_gone_leads_to_the_next_one(self):
        self.sample.fill()
        self.sample.archive.remove(f"debian-security/pool/tinycurl/*{THIRD}.dsc")
        self.sample.archive.remove(f"debian/pool/tinycurl/*{SECOND}.debian.tar.xz")
        output = self.works(FIRST, THIRD)
        self.one_line(output, f"{THIRD} of sample-security", "404")
        self.one_line(output, f"{SECOND} of sample", "404")

    def test_the_next_runs_take_the_better_revision_when_it_is_there(self):
        self.sample.fill()
        self.sample.archive.remove(f"debian-security/pool/tinycurl/*{THIRD}.debian.tar.xz")
        self.works(SECOND, THIRD)
        first = self.sample.run("toolchains/build", "--print-prefix", "release").stdout
        self.sample.archive.add_source("sample-security", "tinycurl", f"1:{THIRD}", self.sample.curl)
        self.works(SECOND, THIRD)  # not asked again on the same day
        self.forget_when_it_looked(25 * 3600)
        self.works(THIRD, "")
        self.assertNotEqual(self.sample.run("toolchains/build", "--print-prefix", "release").stdout, first)
        self.forget_when_it_looked(8 * 24 * 3600)
        self.sample.archive.stop()
        self.works(THIRD, "")

    def test_only_the_tarball_is_there(self):
        self.sample.fill()
        self.sample.archive.remove("*/pool/tinycurl/*.dsc")
        output = self.works("", THIRD)
        self.one_line(output, LOUD, f"those of {THIRD} could not be had")
        self.sample.archive.stop()
        self.works("", THIRD)  # offline, from the cache, as loud as before

    def test_no_build_stays_without_patches_once_they_can_be_had(self):
        self.sample.fill()
        self.sample.archive.remove("*/pool/tinycurl/*.dsc")
        self.works("", THIRD)
        self.sample.archive.add_source("sample-updates", "tinycurl", "1:2.0-1+deb13u1", self.sample.curl)
        self.works(SECOND, THIRD)

    def test_a_headers_library_needs_the_tarball_alone(self):
        self.sample.fill()
        self.sample.archive.remove("debian/pool/tinyjson/*.dsc")
        output = self.works(THIRD, "")
        self.assertNotIn("tinyjson 3.0: WITHOUT", output)

    def test_a_tarball_with_another_hash_is_not_used(self):
        self.sample.fill()
        other = self.sample.folder / "other.tar.gz"
        loopback.tarball(other, "tinycurl-2.0", "tampered\n")
        self.sample.curl.write_bytes(other.read_bytes())
        pinned = loopback.sha256(self.sample.curl)
        self.sample.pin()  # now the archive is the one that has another tarball, and its index says so
        output = self.fails(f"tinycurl 2.0 (SHA-256 {pinned})",
                            f"the archive at {self.sample.archive.address}/debian (sample, sample-updates, sample-security)")
        self.assertIn(f"not the pinned {pinned}", output)

    def test_a_tarball_that_is_not_what_the_index_says(self):
        self.sample.fill()
        for path in self.sample.archive.folder.glob("*/pool/tinycurl/*.orig.tar.gz"):
            loopback.tarball(path, "tinycurl-2.0", "tampered\n")
        self.assertRegex(self.fails("tinycurl 2.0 "), "(?i)hash sum mismatch|unexpected size")

    def test_nothing_at_all(self):
        self.sample.fill()
        self.sample.archive.remove("*/pool/*/*.*")
        output = self.fails("tinycurl 2.0 (SHA-256", "and tinyjson 3.0 (SHA-256")
        self.one_line(output, f"{THIRD} of sample-security: tinycurl_{THIRD}.dsc: 404")

    def test_no_index(self):
        output = self.fails("tinycurl 2.0 (SHA-256")
        self.one_line(output, "sample-security at", "no index")

    def test_no_archive_answers(self):
        self.sample.archive.stop()
        output = self.fails("tinycurl 2.0 (SHA-256", self.sample.archive.address)
        self.one_line(output, "sample-updates at", "no index", "connect to")

    def test_one_suite_out_of_step_leaves_the_others(self):
        self.sample.fill()
        self.sample.archive.remove("debian-security/dists/sample-security/main/source/Sources")
        output = self.works(SECOND, "")
        self.one_line(output, "sample-security at", "no index")

    def test_a_folder_with_some_libraries_is_asked_first_and_the_archive_for_the_rest(self):
        self.sample.fill()
        folder = self.sample.folder / "mine"
        folder.mkdir()
        for path in (self.sample.archive.folder / "debian/pool/tinycurl").iterdir():
            if SECOND in path.name or ".orig." in path.name:
                (folder / path.name).write_bytes(path.read_bytes())
        output = self.works(SECOND, "", HAGENT_SOURCES=str(folder))
        self.one_line(output, f"HAGENT_SOURCES={folder}: no tarball", "tinyjson 3.0")
        asked = len(self.sample.archive.asked)
        for path in (self.sample.archive.folder / "debian-security/pool/tinycurl").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        self.works(THIRD, "", HAGENT_SOURCES=str(folder))  # a better one in the folder is seen at once, without the network
        self.assertEqual(len(self.sample.archive.asked), asked)

    def test_a_bare_tarball_in_a_folder_comes_after_what_the_archive_has_patched(self):
        self.sample.fill()
        (self.sample.folder / "mine").mkdir()
        (self.sample.folder / "mine/curl-2.0.tar.gz").write_bytes(self.sample.curl.read_bytes())
        output = self.works(THIRD, "", HAGENT_SOURCES=str(self.sample.folder / "mine"))
        self.one_line(output, f"HAGENT_SOURCES={self.sample.folder / 'mine'}: no whole source package", "tinycurl 2.0")

    def test_the_tarballs_alone_in_a_folder_do_without_any_archive(self):
        self.sample.archive.stop()
        self.works("", "unknown", HAGENT_SOURCES=str(self.sample.folder))

    def test_the_projects_own_address_comes_last(self):
        repacked = self.sample.archive.folder / "release-2.0.tar.gz"
        loopback.tarball(repacked, "other-top-2.0")
        (self.sample.archive.folder / "json.tar.gz").write_bytes(self.sample.json.read_bytes())
        self.sample.pin(f"{loopback.sha256(repacked)} {self.sample.archive.address}/release-2.0.tar.gz",
                        f"same {self.sample.archive.address}/json.tar.gz")
        self.works("", "unknown")
        self.assertEqual(self.sample.bill()["curl"]["hashes"][0]["content"], loopback.sha256(repacked))
        self.sample.fill()
        self.works(THIRD, "")

    def test_a_damaged_cache_is_mended(self):
        self.sample.fill()
        self.works(THIRD, "")
        tarball, = (self.sample.cache / "hagent/sources").glob("tinycurl-*/*.orig.tar.gz")
        tarball.write_bytes(b"damaged")
        self.one_line(self.works(THIRD, ""), "is damaged")


if __name__ == "__main__":
    if reason := loopback.unfit():
        print(reason)
        sys.exit(77)
    unittest.main()
