# SPDX-License-Identifier: Apache-2.0
"""Debian packages that the lab needs: looked for by their programs, installed when missing, always said aloud."""

import os
import shutil
import sys

from services import LabError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "toolchains"))

from builder import packages  # noqa: E402  (the builder's: packages are installed in one place)
from builder.common import Failure  # noqa: E402

# program -> package that brings it
SERVERS = {"vsftpd": "vsftpd", "nginx": "nginx-light", "openssl": "openssl", "dpkg-deb": "dpkg"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def program(name):
    """The full path of an installed program, None when it is missing."""
    return shutil.which(name, path=PATH)


def say(text):
    print(text, file=sys.stderr, flush=True)


def ensure(programs):
    """Installs the packages of those `programs` ({program: package}) that are not there; returns what it installed."""
    missing = sorted({package for name, package in programs.items() if not program(name)})
    if not missing:
        return []
    try:
        packages.install(missing, say)
    except Failure as failure:
        raise LabError(str(failure)) from failure
    still = [name for name in programs if not program(name)]
    if still:
        raise LabError(f"installed {' '.join(missing)}, but these programs are still missing: {' '.join(still)}")
    return missing


def update(options=()):
    """Brings package lists up to date as far as possible; `options` are apt-get's, for lists other than the machine's."""
    packages.update(say, options)


def download(names, folder, options=()):
    """Fetches the .deb files of packages into a folder."""
    try:
        packages.download(names, folder, options, say)
    except Failure as failure:
        raise LabError(str(failure)) from failure


def download_with_dependencies(names, options):
    """Fetches the .deb files of packages and of all that they need, as for a machine that has nothing; `options` are private_options(),
    whose cache they come into."""
    try:
        packages.take(["--no-install-recommends", "--download-only", "install", *names], names, options, say)
    except Failure as failure:
        raise LabError(str(failure)) from failure


def private_options(folder, architecture):
    """Options of apt-get for lists of another architecture, kept in a folder: the machine's own stay as they are."""
    lists, cache = os.path.join(folder, "lists"), os.path.join(folder, "apt-cache")
    for path in (os.path.join(lists, "partial"), os.path.join(cache, "archives", "partial")):
        os.makedirs(path, exist_ok=True)
    status = os.path.join(folder, "status")
    open(status, "a", encoding="ascii").close()
    values = {"APT::Architecture": architecture, "APT::Architectures::": architecture, "Dir::State::Lists": lists,
              "Dir::State::status": status, "Dir::Cache": cache, "Acquire::Languages": "none", "APT::Sandbox::User": "root"}
    return [part for key, value in values.items() for part in ("-o", f"{key}={value}")]
