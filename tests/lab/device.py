# SPDX-License-Identifier: Apache-2.0
"""The agent under test: its private configuration, its process, and its status listener as Python calls."""

import json
import os
import re
import secrets
import subprocess
import urllib.error
import urllib.request

import demo_package
from services import LabError, own_port, wait_until

DEVICE_ID, OS_CODE = "lab-1", "SLX"
START_DEADLINE_S = 20
FINAL_PHASES = {"SW_COMPLETED_PHASE", "SW_ABORTED_PHASE", "SW_SESSION_COMPLETED_PHASE"}
# What the agent may see of the caller's environment: sanitizer builds need their options, Windows builds their loader.
KEPT_ENVIRONMENT = re.compile(r"PATH|HOME|LANG|LC_.*|TZ|TMPDIR|.*SAN_OPTIONS|WINE.*|LLVM_PROFILE_FILE")


class Agent:
    """One device below `folder`: root/ plays its disk, state/ holds its journal."""

    def __init__(self, services, folder, binary, runner=()):
        self.services, self.folder, self.binary, self.runner = services, folder, binary, list(runner)
        self.device_id, self.token = DEVICE_ID, secrets.token_hex(16)
        self.root, self.state = os.path.join(folder, "root"), os.path.join(folder, "state")
        self.keys_dir, self.hooks_dir = os.path.join(folder, "keys"), os.path.join(folder, "hooks")
        self.config_path, self.log_path = os.path.join(folder, "hagent.json"), os.path.join(folder, "agent.log")
        self.reboots = os.path.join(folder, "reboots")
        self.port, self.process, self.settings = own_port(), None, {}
        for path in (self.root, self.state, self.keys_dir, self.hooks_dir):
            os.makedirs(path, mode=0o755, exist_ok=True)
        os.chmod(self.state, 0o700)
        demo_package.make_device_root(self.root)
        self._write("hooks/reboot", f'#!/bin/sh\necho "$@" >> {self.reboots}\n', 0o755)
        self._write("token", self.token, 0o600)

    def _write(self, relative, text, mode):
        path = os.path.join(self.folder, relative)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def configure(self, manager_url, tenant, dialect="hawkbit", signed=True):
        """Writes the configuration file; it takes effect with the next start()."""
        trust = {} if signed else {"trust": "network"}
        settings = {
            "device": {"id": self.device_id, "os_code": OS_CODE, "labels": {"Custom1": "lab"}},
            "manager": {"dialect": dialect, "urls": [manager_url], "tenant": tenant,
                        "target_token_file": os.path.join(self.folder, "token"), "interval_s": 2, "spread_s": 0, **trust},
            "listen": {"status": f"127.0.0.1:{self.port}"},
            "transfer": {"attempts": 8, "backoff_base_ms": 200, "backoff_cap_ms": 2000, "stall_timeout_s": 10},
            "script": {"roots": [self.root], "hooks_dir": self.hooks_dir},
            "trust": {"keys_dir": self.keys_dir},
            "state_dir": self.state,
            "log": {"level": "info", "file": self.log_path},
        }
        self.add_settings(**settings)

    def add_settings(self, **sections):
        """Puts these sections into the configuration, which takes effect with the next start()."""
        self.settings.update(sections)
        self._write("hagent.json", json.dumps(self.settings, indent=1), 0o600)

    # the process --------------------------------------------------------------------------------------------------
    def start(self):
        self.launch()
        self.process.wait(self.status_or_none, START_DEADLINE_S, "its status listener answers")

    def launch(self):
        """As start(), for an agent that may not live long."""
        kept = {key: value for key, value in os.environ.items() if KEPT_ENVIRONMENT.fullmatch(key)}
        self.process = self.services.start("hagent", [*self.runner, self.binary, "--config", self.config_path, "run"],
                                           os.path.join(self.folder, "output.log"), kept)

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process:
            self.process.stop()

    def command(self, *arguments, check=True, timeout=600):
        """Runs one `hagent` verb and returns the finished process."""
        done = subprocess.run([*self.runner, self.binary, "--config", self.config_path, *arguments], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False, timeout=timeout)
        if check and done.returncode:
            raise LabError(f"hagent {' '.join(arguments)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-1500:]}")
        return done

    def sign(self, folder, arguments):
        self.command("sign", folder, *arguments)

    def signs_file_sources(self):
        """True when `hagent sign` can give one file a URL of its own."""
        return "--file-source" in self.command("sign", "--help", check=False).stdout

    # the listener ---------------------------------------------------------------------------------------------------
    @property
    def page_url(self):
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path):
        """A GET of the status listener, parsed; None when the agent does not answer or knows no such thing."""
        try:
            with urllib.request.urlopen(self.page_url + path, timeout=5) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def status_or_none(self):
        return self.get("v1/status")

    def page(self):
        with urllib.request.urlopen(self.page_url, timeout=5) as answer:
            return answer.read().decode("utf-8", "replace")

    def check_in(self):
        """The trigger: asks for an early check-in. Rate limiting (429) is fine, the agent polls by itself too."""
        request = urllib.request.Request(f"{self.page_url}v1/check-in", data=b"", method="POST")
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 429:
                raise LabError(f"POST /v1/check-in was answered with {error.code}") from error
        except OSError:
            pass  # the agent is being restarted by the scenario

    def session_of(self, action_id):
        """The whole session of one action, None until there is one."""
        listed = self.get("v1/sessions")
        sessions = listed.get("sessions", []) if isinstance(listed, dict) else listed or []
        current = (self.status_or_none() or {}).get("session")
        for session in ([current] if current else []) + sessions:
            if str((session.get("job") or {}).get("id")) == str(action_id):
                return self.get(f"v1/sessions/{session['id']}") or session
        return None

    def wait_session(self, action_id, condition, timeout_s, what):
        """The session once `condition(session)` holds."""
        def holds():
            session = self.session_of(action_id)
            return session if session and condition(session) else None
        return self.process.wait(holds, timeout_s, what)

    def device_files(self):
        return demo_package.snapshot(self.root)

    def recorded_reboots(self):
        if not os.path.exists(self.reboots):
            return []
        with open(self.reboots, encoding="utf-8") as file:
            return file.read().splitlines()

    def wait_reboot(self, timeout_s=20):
        return wait_until(self.recorded_reboots, timeout_s, "the recorded reboot request")
