# SPDX-License-Identifier: Apache-2.0
"""Releases of the agent for tests: the same program under another version, and programs that pass for one until they are started."""

import json
import os
import subprocess


def about(program):
    """(version, target) as the program says them."""
    told = json.loads(subprocess.run([program, "version", "--json"], capture_output=True, text=True, check=True).stdout)
    return told["version"], told["target"]


def of_version(program, own, version):
    """The bytes of a program of version `own` with another version: the text has one place in it, and the new one the same length."""
    assert len(version) == len(own) and program.count(own.encode() + b"\0") == 1
    return program.replace(own.encode() + b"\0", version.encode() + b"\0")


def script(version, run):
    """An agent that passes its self-test, whatever comes then."""
    return f'#!/bin/sh\nif [ "$1" = self-test ]; then echo \'{{"version":"{version}"}}\'; exit 0; fi\n{run}\n'.encode()


def write_program(path, content):
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755)
