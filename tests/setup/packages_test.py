# SPDX-License-Identifier: Apache-2.0
"""Packages from an archive of our own, installed by the real apt-get and dpkg into a folder that is the system's root for them."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import loopback  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
OWN = loopback.own_architecture() if not loopback.unfit() else ""
FOREIGN = "armhf" if OWN != "armhf" else "arm64"
PROGRAM = """import sys
sys.path.insert(0, sys.argv[1])
from builder import packages, common
try:
    print("NEW", *packages.install(sys.argv[2:]))
except common.Failure as failure:
    sys.exit(f"FAILURE {failure}")
"""
APT = """Dir "{root}/"; Dir::State::status "{root}/var/lib/dpkg/status"; Dir::Log "{root}/log"; APT::Sandbox::User "root";
APT::Architecture "{own}"; APT::Architectures {{ {architectures} }};
Acquire::http::Proxy::127.0.0.1 "DIRECT"; Acquire::Retries "0"; Acquire::Languages "none";
DPkg::Options {{ "--root={root}"; "--log={root}/dpkg.log"; "--force-script-chrootless"; }};
"""


class PackagesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hagent-setup-")
        self.addCleanup(folder.cleanup)
        self.root, self.conf = Path(folder.name) / "root", Path(folder.name) / "apt.conf"
        for path in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d",
                     "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "log"):
            (self.root / path).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "var/lib/dpkg/arch").write_text(f"{OWN}\n{FOREIGN}\n")
        self.archive = loopback.Loopback(Path(folder.name) / "archive")
        self.addCleanup(self.archive.stop)
        self.configure([OWN], [loopback.RELEASE])

    def configure(self, architectures, suites):
        self.conf.write_text(APT.format(root=self.root, own=OWN, architectures=" ".join(f'"{name}";' for name in architectures)))
        (self.root / "etc/apt/sources.list").write_text(
            "".join(f"deb [trusted=yes] {self.archive.address}/debian {suite} main\n" for suite in suites))

    def two_revisions(self, *architectures):
        """tiny-tool in two revisions, each of which needs the very same revision of tiny-lib, from the same source."""
        for version in ("1.0-1", "1.0-1+deb13u1"):
            self.archive.add_binary("tiny-lib", version, "tiny")
            self.archive.add_binary("tiny-tool", version, "tiny", depends=f"tiny-lib (= {version})")
        self.archive.index_binaries(loopback.RELEASE, *(architectures or [OWN]))

    def install(self, *names):
        done = subprocess.run([sys.executable, "-B", "-c", PROGRAM, str(ROOT / "toolchains"), *names],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=300,
                              env={**os.environ, "APT_CONFIG": str(self.conf), "DPKG_ADMINDIR": str(self.root / "var/lib/dpkg"),
                                   "TMPDIR": str(self.conf.parent)})
        self.assertNotIn("Traceback", done.stdout)
        return done

    def installed(self, name):
        """The version of a package that lies in the root, or None."""
        path = self.root / "usr/share/sample" / name
        return path.read_text().strip() if path.exists() else None

    def works(self, version, *names):
        done = self.install(*names or ["tiny-tool"])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual((self.installed("tiny-tool"), self.installed("tiny-lib")), (version, version), done.stdout)
        return done.stdout

    def fails(self, *parts):
        done = self.install("tiny-tool")
        self.assertEqual(done.returncode, 1, done.stdout)
        told = done.stdout.splitlines()[-1]
        for part in ("FAILURE tiny-tool cannot be had: ", "looked in ", "try again later", *parts):
            self.assertIn(part, told)
        self.assertIsNone(self.installed("tiny-tool"))
        return done.stdout

    def test_the_newest_revision_is_installed_and_then_nothing_is_asked(self):
        self.two_revisions()
        self.works("1.0-1+deb13u1")
        asked = len(self.archive.asked)
        self.assertEqual(self.works("1.0-1+deb13u1").strip(), "NEW")
        self.assertEqual(len(self.archive.asked), asked)

    def test_a_revision_that_is_gone_leads_to_the_next_one_of_all_its_source(self):
        self.two_revisions()
        self.archive.remove("debian/pool/tiny/tiny-lib_1.0-1+deb13u1_all.deb")
        output = self.works("1.0-1")
        self.assertIn("tiny 1.0-1+deb13u1: the lists name it and the pool does not have it (404 File not found); "
                      "taking the next revision", output)

    def test_a_revision_that_is_damaged_leads_to_the_next_one(self):
        self.two_revisions()
        (self.archive.folder / "debian/pool/tiny/tiny-tool_1.0-1+deb13u1_all.deb").write_bytes(b"damaged")
        self.works("1.0-1")

    def test_the_machines_own_preferences_go_on_to_count(self):
        self.archive.add_binary("tiny-tool", "2.0-1", "tiny")
        self.two_revisions()
        (self.root / "etc/apt/preferences").write_text("Package: tiny-tool\nPin: version 2.*\nPin-Priority: -1")
        self.archive.remove("debian/pool/tiny/tiny-lib_1.0-1+deb13u1_all.deb")
        self.works("1.0-1")

    def test_all_revisions_are_gone(self):
        self.two_revisions()
        self.archive.remove("debian/pool/tiny/*.deb")
        self.fails(self.archive.address, "gone from there: tiny 1.0-1+deb13u1 (404 File not found), tiny 1.0-1 (404 File not found)")

    def test_no_archive_answers(self):
        self.two_revisions()
        self.archive.stop()
        self.fails("no archive at all", "the lists are not up to date: ")

    def test_lists_from_an_earlier_time_and_no_network(self):
        self.two_revisions()
        self.archive.add_binary("other", "1", "other")
        self.archive.index_binaries(loopback.RELEASE, OWN)
        self.assertEqual(self.install("other").returncode, 0)
        self.archive.stop()
        output = self.fails(self.archive.address, "connect to")
        self.assertNotIn("taking the next revision", output)

    def test_another_suite_that_fails_is_no_end(self):
        self.two_revisions()
        self.configure([OWN], [loopback.RELEASE, "absent"])
        output = self.works("1.0-1+deb13u1")
        self.assertIn("not all package lists could be brought up to date (", output)
        self.assertIn("dists/absent", output)

    def test_a_foreign_architecture_out_of_step_is_no_end(self):
        self.two_revisions(OWN, FOREIGN)
        self.configure([OWN, FOREIGN], [loopback.RELEASE])
        (self.archive.folder / f"debian/dists/{loopback.RELEASE}/main/binary-{FOREIGN}/Packages").write_text("out of step\n")
        output = self.works("1.0-1+deb13u1")
        self.assertIn("not all package lists could be brought up to date", output)


if __name__ == "__main__":
    if reason := loopback.unfit() or ("" if os.geteuid() == 0 else "installing packages needs root"):
        print(reason)
        sys.exit(77)
    unittest.main()
