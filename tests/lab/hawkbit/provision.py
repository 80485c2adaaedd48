# SPDX-License-Identifier: Apache-2.0
"""Owns what must be on the machine before hawkBit can start: a JDK, Maven, the libraries, the compiled main class.

Everything lands in one cache folder named by a hash of its inputs, so that a change of the pom or of the main class
makes a new folder and an unchanged tree needs neither network nor time.
"""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "toolchains"))

from builder import packages  # noqa: E402  (packages are installed in one place)
from builder.common import Failure  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
POM = os.path.join(HERE, "server", "pom.xml")
MAIN_SOURCE = os.path.join(HERE, "server", "src", "main", "java", "hagent", "lab", "HawkbitServer.java")
MAIN_CLASS = "hagent.lab.HawkbitServer"
RECIPE = b"1"  # raise it when the steps below change what they produce

JDK_PACKAGE = "openjdk-17-jdk-headless"
MAVEN_PACKAGE = "maven"
JDK_PATTERN = "/usr/lib/jvm/java-17-openjdk-*"
# One library whose presence shows that the copy really brought hawkBit.
PROOF = "hawkbit-ddi-resource-*.jar"


class ProvisionError(Exception):
    """A needed piece could not be installed or built; the text says which and what to do."""


class Installation:
    """A ready server on disk: which java runs it and with which class path."""

    def __init__(self, java, folder):
        self.java = java
        self.folder = folder

    def class_path(self):
        jars = sorted(glob.glob(os.path.join(self.folder, "lib", "*.jar")))
        return os.pathsep.join([os.path.join(self.folder, "classes")] + jars)


def ensure(say=lambda text: None):
    """Installs and builds what is missing and returns the Installation; instant and offline when nothing is."""
    jdk = _jdk_home()
    folder = _cache_folder()
    if jdk and os.path.isdir(folder):
        return Installation(_java(jdk), folder)
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with _locked(os.path.join(os.path.dirname(folder), "hawkbit.lock"), say):
        complete = os.path.isdir(folder)
        jdk = _ensure_packages(say, with_maven=not complete)
        if not complete:
            _build(jdk, folder, say)
    return Installation(_java(jdk), folder)


def _java(jdk):
    return os.path.join(jdk, "bin", "java")


def _jdk_home():
    """A Java 17 with its compiler, or None. Other versions do not count: hawkBit 0.3 was tried with 17 only."""
    for home in sorted(glob.glob(JDK_PATTERN)):
        if all(os.access(os.path.join(home, "bin", tool), os.X_OK) for tool in ("java", "javac")):
            return home
    return None


def _cache_folder():
    digest = hashlib.sha256(RECIPE)
    for path in (POM, MAIN_SOURCE):
        with open(path, "rb") as source:
            digest.update(source.read())
    root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(root, "hagent", "hawkbit-" + digest.hexdigest()[:16])


@contextlib.contextmanager
def _locked(path, say):
    """Holds a lock that the system frees when this process ends, however it ends."""
    with open(path, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process prepares hawkBit already; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure_packages(say, with_maven):
    """Installs the Debian packages that are missing and returns the home of Java 17."""
    missing = []
    if not _jdk_home():
        missing.append(JDK_PACKAGE)
    if with_maven and not shutil.which("mvn"):
        missing.append(MAVEN_PACKAGE)
    if missing:
        _apt_install(missing, say)
    jdk = _jdk_home()
    if not jdk or (with_maven and not shutil.which("mvn")):
        raise ProvisionError(f"{' and '.join(missing)} installed without an error, yet Java 17 ({JDK_PATTERN}) "
                             "or mvn is not to be found; look at the output of dpkg -L for these packages")
    return jdk


def _apt_install(names, say):
    try:
        packages.install(names, say)
    except Failure as failure:
        raise ProvisionError(f"hawkBit needs a Java 17 development kit and Maven: {failure}") from failure


def _build(jdk, folder, say):
    """Fills a temporary folder and gives it its final name only when it is complete."""
    for stale in glob.glob(glob.escape(folder) + ".new-*"):
        shutil.rmtree(stale, ignore_errors=True)
    fresh = f"{folder}.new-{os.getpid()}"
    try:
        _copy_libraries(jdk, fresh, say)
        say("compiling the server's main class")
        classes = os.path.join(fresh, "classes")
        _run([os.path.join(jdk, "bin", "javac"), "--release", "8", "-Xlint:-options", "-d", classes,
              "-cp", os.path.join(fresh, "lib", "*"), MAIN_SOURCE], None, "the main class did not compile")
        os.rename(fresh, folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _copy_libraries(jdk, fresh, say):
    say("fetching hawkBit's libraries with Maven (about 50 MB, once)")
    library = os.path.join(fresh, "lib")
    os.makedirs(library)
    # Maven writes a `target` folder beside the pom in some versions; a copy keeps the source tree clean.
    shutil.copy(POM, fresh)
    _run(["mvn", "--quiet", "--batch-mode", "--strict-checksums", "--file", os.path.join(fresh, "pom.xml"),
          "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={library}"],
         dict(os.environ, JAVA_HOME=jdk),
         "Maven could not bring hawkBit's libraries; what it has is kept, so see that its package registry can be "
         "reached and run this again")
    if not glob.glob(os.path.join(glob.escape(library), PROOF)):
        raise ProvisionError(f"Maven ended without an error but did not bring {PROOF}")


def _run(command, environment, complaint):
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8", errors="replace", check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-20:])
        raise ProvisionError(f"{complaint} ({command[0]} ended with {done.returncode}):\n{tail}")
