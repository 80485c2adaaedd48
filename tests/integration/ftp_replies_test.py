# SPDX-License-Identifier: Apache-2.0
"""Every reply code at every stage of an FTP conversation, played by the server of curl's test suite, against ftp_rules.py.

The table goes to ftp-replies.html in the folder that HAGENT_BUILD names. HAGENT_FTP_MATRIX=full plays every cell in every
mode (each code always, once, twice, and once with a second source); otherwise the modes after the first are sampled."""

import html
import json
import os
import queue
import shutil
import sys
import threading
import time
import unittest

import kit
from ftp_rules import CODES, SEED, STAGES, UPLOAD_STAGES, expected, matches, rule
from ftp_script import ScriptedFtp, content

WORKERS = 4
MODES = {"always": (0, 2), "once": (1, 2), "twice": (2, 3), "other": (1, 2)}  # name: (times, attempts)
FULL = os.environ.get("HAGENT_FTP_MATRIX") == "full"
SAMPLE = 7  # of the cells in the modes after the first, one in so many
PUT = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1].endswith("hagent_put") else os.environ.get("HAGENT_PUT", "")


def cells():
    for at, (stage, code) in enumerate((stage, code) for stage in STAGES for code in CODES):
        for shift, mode in enumerate(MODES):
            if mode == "other" and stage in UPLOAD_STAGES:
                continue
            if FULL or mode == "always" or (at + 2 * shift) % SAMPLE == 0:
                yield stage, code, mode


class Worker(threading.Thread):
    """One server and one folder; plays cells until there are none left."""

    def __init__(self, number, waiting, done):
        super().__init__()
        self.waiting, self.done, self.failure = waiting, done, None
        self.box = kit.Box()
        self.box.configure(transfer={"backoff_base_ms": 1, "backoff_cap_ms": 2, "stall_timeout_s": 20})
        self.server = ScriptedFtp(self.box.services, self.box.path("ftp"), number + 1)
        self.file = self.box.path("file.bin")
        self.url = f"ftp://127.0.0.1:{self.server.port}/folder/file.bin"
        self.source = self.box.write("source.bin", content())

    def run(self):
        try:
            self.prepare()
            while True:
                cell = self.waiting.get_nowait()
                self.done[cell] = self.play(*cell)
        except queue.Empty:
            pass
        except Exception as error:  # shown by the test, which has more to tell than this thread
            self.failure = error

    def prepare(self):
        """Half a file at hand, as the cells about REST begin."""
        self.server.instruct("data", 426, 0)
        self.box.run("fetch", "--json", "--attempts", "1", self.url)
        os.rename(self.file + ".hagent-part", self.box.path("half"))

    def play(self, stage, code, mode):
        times, attempts = MODES[mode]
        self.clean()
        if stage == "REST":
            shutil.copytree(self.box.path("half"), self.file + ".hagent-part")
        self.server.instruct(stage, code, times)
        if stage in UPLOAD_STAGES:
            command = [PUT, "--attempts", str(attempts), "--base-ms", "1", "--stall-s", "20", self.source, self.url]
            return json.loads(kit.subprocess.run(command, capture_output=True, text=True, timeout=60 * kit.FACTOR, check=False).stdout)
        sources = [self.url, self.url.replace("/folder/", "/other/")] if mode == "other" else [self.url]
        document = json.loads(self.box.run("fetch", "--json", "--attempts", str(attempts), *sources).stdout)
        if document["error"] is None:
            with open(self.file, "rb") as file:
                document["right"] = file.read() == content()
        return document

    def clean(self):
        shutil.rmtree(self.file + ".hagent-part", ignore_errors=True)
        if os.path.exists(self.file):
            os.unlink(self.file)


def differences(stage, code, mode, document):
    """What is not as the rules say; empty when all is well."""
    decisions, error = expected(code, stage, mode, MODES[mode][1])
    found = []
    got = [entry["decision"] for entry in document["decisions"]]
    if got != [decision for decision, _ in decisions]:
        found.append(f"decisions {got} instead of {[decision for decision, _ in decisions]}")
    found += [f"waits {entry['wait_ms']} ms before {entry['decision']}" for entry, (_, waits) in zip(document["decisions"], decisions)
              if entry["wait_ms"] and not waits]
    if error is None:
        if document["error"] is not None:
            found.append(f"ends with {document['error']['text']}")
        elif not document.get("right", True):
            found.append("brings the wrong bytes")
    elif document["error"] is None:
        found.append(f"succeeds instead of {error}")
    else:
        shown = document["error"]
        if (shown["protocol"], shown["number"], shown["retry"]) != error[:3]:
            found.append(f"error {shown['protocol']} {shown['number']} {shown['retry']} instead of {error[:3]}")
        if not matches(shown, error[3]):
            found.append(f"text {shown['text']!r} has nothing of {error[3]!r}")
        if not shown["next"]:
            found.append("nothing is said about what to do")
    return found


def cell_text(stage, code, played):
    kind, why = rule(code, stage)
    lines = []
    for mode in MODES:
        document = played.get((stage, code, mode))
        if document is not None:
            wrong = differences(stage, code, mode, document)
            got = ", ".join(entry["decision"] for entry in document["decisions"])
            message = document["error"]["text"].split(" [")[0] + " " + document["error"]["next"] if document["error"] else ""
            lines.append(f"<p class={'wrong' if wrong else 'right'}>{mode}: {html.escape(got)}"
                         + (f"<br><i>{html.escape(message)}</i>" if message else "") + "".join(f"<br><b>{html.escape(w)}</b>" for w in wrong) + "</p>")
    return f"<td><b>{html.escape(kind)}</b><br><small>{html.escape(why)}</small>{''.join(lines)}</td>"


def write_table(played, seconds):
    named = os.environ["HAGENT_BUILD"]
    path = os.path.join(named if os.path.isdir(named) else os.path.dirname(named), "ftp-replies.html")
    with open(path, "w", encoding="utf-8") as file:
        file.write("<!doctype html><meta charset=utf-8><title>FTP replies</title><style>td,th{border:1px solid #999;vertical-align:top;"
                   "font:11px sans-serif;min-width:11em}p{margin:2px 0}.right{background:#efe}.wrong{background:#fcc}</style>"
                   f"<p>{len(played)} cells played in {seconds:.0f} s. Bold: the class by the rules; below it what the agent decided.<table>")
        file.write("<tr><th>code" + "".join(f"<th>{stage}" for stage in STAGES) + "\n")
        for code in CODES:
            file.write(f"<tr><th>{code}" + "".join(cell_text(stage, code, played) for stage in STAGES) + "\n")
        file.write("</table>\n")
    print(f"table: {path}", flush=True)


class Replies(unittest.TestCase):
    def test_the_rules_leave_no_cell_empty(self):
        self.assertEqual(39, len(SEED))
        for stage in STAGES:
            for code in CODES:
                kind, why = rule(code, stage)
                self.assertTrue(kind and why)
                for mode, (_, attempts) in MODES.items():
                    decisions, error = expected(code, stage, mode, attempts)
                    self.assertTrue(decisions)
                    self.assertEqual(error is None, decisions[-1][0] == "accept")
                    self.assertNotIn("None", error[3] if error else "", (stage, code))

    def test_every_reply_at_every_stage(self):
        waiting, played, began = queue.Queue(), {}, time.monotonic()
        for cell in cells():
            waiting.put(cell)
        total = waiting.qsize()
        workers = [Worker(number, waiting, played) for number in range(WORKERS)]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        finally:
            for worker in workers:
                worker.box.close()
        write_table(played, time.monotonic() - began)
        for worker in workers:
            if worker.failure:
                raise worker.failure
        self.assertEqual(total, len(played))
        wrong = [f"{code} at {stage}, {mode}: {'; '.join(found)}" for (stage, code, mode), document in sorted(played.items(), key=str)
                 if (found := differences(stage, code, mode, document))]
        self.assertFalse(wrong, f"{len(wrong)} of {total} cells:\n" + "\n".join(wrong))


if __name__ == "__main__":
    if not PUT:
        print("name the program hagent_put: as first argument or in HAGENT_PUT")
        sys.exit(77)
    unittest.main(verbosity=2)
