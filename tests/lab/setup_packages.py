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
