# SPDX-License-Identifier: Apache-2.0
"""The lab manager's memory: devices, software modules, artifacts and settings in one SQLite file."""

import hashlib
import json
import os
import sqlite3
import threading
import time

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS devices(id TEXT PRIMARY KEY, token TEXT NOT NULL, created INTEGER NOT NULL, last_poll INTEGER,
  address TEXT, attributes TEXT NOT NULL DEFAULT '{}', want_attributes INTEGER NOT NULL DEFAULT 1, auto_confirm TEXT,
  installed TEXT, installed_action INTEGER, installed_at INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS modules(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version TEXT NOT NULL,
  part TEXT NOT NULL, metadata TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS artifacts(module INTEGER NOT NULL, filename TEXT NOT NULL, size INTEGER NOT NULL, md5 TEXT NOT NULL,
  sha1 TEXT NOT NULL, sha256 TEXT NOT NULL, stored INTEGER NOT NULL, PRIMARY KEY(module, filename));
CREATE TABLE IF NOT EXISTS actions(id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, name TEXT NOT NULL,
  version TEXT NOT NULL, modules TEXT NOT NULL, kind TEXT NOT NULL, weight INTEGER NOT NULL, window TEXT, forced_at INTEGER,
  state TEXT NOT NULL, active INTEGER NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entries(id INTEGER PRIMARY KEY AUTOINCREMENT, action INTEGER NOT NULL, status TEXT NOT NULL,
  messages TEXT NOT NULL, code INTEGER, by_server INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_action ON entries(action);
"""
DEFAULTS = {"polling": "00:05:00", "target_token": True, "gateway_token": "", "confirmation": False, "multi_assignment": False,
            "agent_release": None, "default_configuration": None, "rule_retry_s": 60}
CHUNK = 1 << 18
MAX_ARTIFACTS = 50  # of one module, as in hawkBit


def now_ms():
    return int(time.time() * 1000)


class Store:
    """Thread-safe: one connection, one lock. `with store.lock:` keeps other threads out between several calls."""

    def __init__(self, folder):
        self.folder = folder
        self.blobs = os.path.join(folder, "artifacts")
        os.makedirs(self.blobs, exist_ok=True)
        self.lock = threading.RLock()
        self.db = sqlite3.connect(os.path.join(folder, "lab.sqlite"), check_same_thread=False, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.executescript(SCHEMA)

    def close(self):
        with self.lock:
            self.db.close()

    def rows(self, sql, *values):
        with self.lock:
            return [dict(row) for row in self.db.execute(sql, values)]

    def row(self, sql, *values):
        found = self.rows(sql, *values)
        return found[0] if found else None

    def run(self, sql, *values):
        with self.lock:
            return self.db.execute(sql, values).lastrowid

    # settings -----------------------------------------------------------------------------------------------------
    def setting(self, key):
        row = self.row("SELECT value FROM settings WHERE key=?", key)
        return json.loads(row["value"]) if row else DEFAULTS[key]

    def set_setting(self, key, value):
        if key not in DEFAULTS:
            raise ValueError(f"'{key}' is no setting; known: {', '.join(DEFAULTS)}")
        self.run("INSERT OR REPLACE INTO settings VALUES(?,?)", key, json.dumps(value))

    # devices ------------------------------------------------------------------------------------------------------
    def device(self, device_id):
        return self.row("SELECT * FROM devices WHERE id=?", device_id)

    def devices(self):
        return self.rows("SELECT * FROM devices ORDER BY id")

    def ensure_device(self, device_id, token):
        with self.lock:
            if self.device(device_id):
                self.run("UPDATE devices SET token=? WHERE id=?", token, device_id)
            else:
                self.run("INSERT INTO devices(id, token, created) VALUES(?,?,?)", device_id, token, now_ms())

    def polled(self, device_id, address):
        self.run("UPDATE devices SET last_poll=?, address=? WHERE id=?", now_ms(), address, device_id)

    def set_attributes(self, device_id, attributes):
        self.run("UPDATE devices SET attributes=?, want_attributes=0 WHERE id=?", json.dumps(attributes), device_id)

    def want_attributes(self, device_id):
        self.run("UPDATE devices SET want_attributes=1 WHERE id=?", device_id)

    def set_auto_confirm(self, device_id, value):
        self.run("UPDATE devices SET auto_confirm=? WHERE id=?", json.dumps(value) if value else None, device_id)

    def set_installed(self, device_id, name_version, action, at):
        """Keeps the newest installation only: an older `at` changes nothing, as in hawkBit. True when it was stored."""
        with self.lock:
            if at < self.device(device_id)["installed_at"]:
                return False
            self.run("UPDATE devices SET installed=?, installed_action=?, installed_at=? WHERE id=?",
                     name_version, action, at, device_id)
            return True

    # software -----------------------------------------------------------------------------------------------------
    def add_module(self, name, version, part, metadata):
        return self.run("INSERT INTO modules(name, version, part, metadata) VALUES(?,?,?,?)",
                        name, version, part, json.dumps(metadata))

    def module(self, module_id):
        return self.row("SELECT * FROM modules WHERE id=?", module_id)

    def modules(self):
        return self.rows("SELECT * FROM modules ORDER BY id")

    def artifacts(self, module_id):
        return self.rows("SELECT * FROM artifacts WHERE module=? ORDER BY filename", module_id)

    def artifact(self, module_id, filename):
        return self.row("SELECT * FROM artifacts WHERE module=? AND filename=?", module_id, filename)

    def blob(self, artifact):
        return os.path.join(self.blobs, artifact["sha256"])

    def add_artifact(self, module_id, filename, stream, length):
        """Stores `length` bytes of `stream` and returns the artifact; ValueError when the stream ends early or the module is full."""
        if len(self.artifacts(module_id)) >= MAX_ARTIFACTS:
            raise ValueError(f"module {module_id} holds {MAX_ARTIFACTS} artifacts already; no more are taken")
        digests = {name: hashlib.new(name) for name in ("md5", "sha1", "sha256")}
        part = os.path.join(self.blobs, f"upload-{module_id}-{threading.get_ident()}")
        left = length
        with open(part, "wb") as out:
            while left:
                block = stream.read(min(CHUNK, left))
                if not block:
                    raise ValueError(f"{filename}: the upload ended {left} bytes early")
                for digest in digests.values():
                    digest.update(block)
                out.write(block)
                left -= len(block)
        os.replace(part, os.path.join(self.blobs, digests["sha256"].hexdigest()))
        self.run("INSERT OR REPLACE INTO artifacts VALUES(?,?,?,?,?,?,?)", module_id, filename, length,
                 digests["md5"].hexdigest(), digests["sha1"].hexdigest(), digests["sha256"].hexdigest(), now_ms())
        return self.artifact(module_id, filename)
