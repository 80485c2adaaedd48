# SPDX-License-Identifier: Apache-2.0
"""What other users of the machine lay in the agent's way: links, folders, files and rights. Laid by `nobody`, looked at as root."""

import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

from kit import DONE, FAILED, REFUSED, BoxTest

NOBODY = 65534
HEAD = "[Version]\nNumber=users\nOS=SLX\n[Script]\n"


def as_nobody(*command):
    subprocess.run(command, check=True, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")


def given_away(path):
    os.lchown(path, NOBODY, NOBODY)
    return path


@unittest.skipUnless(os.geteuid() == 0, "only root has other users at hand")
class OtherUsers(BoxTest):
    def setUp(self):
        super().setUp()
        self.shared = tempfile.mkdtemp(prefix="hagent-shared-")
        self.addCleanup(shutil.rmtree, self.shared, ignore_errors=True)
        os.chmod(self.shared, 0o1777)
        self.victim = self.box.write("victim/file", "whole", 0o600)

    def tearDown(self):
        with open(self.victim, encoding="ascii") as file:
            self.assertEqual("whole", file.read())
        self.assertEqual(["file"], os.listdir(os.path.dirname(self.victim)))
        self.assertEqual(0o600, os.stat(self.victim).st_mode & 0o777)

    def here(self, *parts):
        return os.path.join(self.shared, *parts)

    def script(self, *lines, code=DONE, verb="run", more=()):
        text = HEAD + "\n".join(lines).replace("{shared}", self.shared).replace("{root}", self.box.root).replace("{box}", self.box.folder) + "\n"
        return self.expect(self.box.run("script", verb, self.box.write("local.rsp", text), *more), code)

    # state ---------------------------------------------------------------------------------------------------------------
    VERBS = (("status",), ("sessions",), ("log",), ("check-in", "--once"), ("fetch", "http://127.0.0.1:1/x"), ("enrol",), ("run",))

    def test_every_verb_refuses_a_state_directory_that_others_own_or_may_change(self):
        rsp = self.box.write("s.rsp", HEAD + f'AL "{self.box.root}/line" "x"\n')
        theirs, open_one, below = self.here("theirs"), self.here("open"), self.here("loose", "state")
        as_nobody("mkdir", theirs)
        for folder, mode in ((open_one, 0o777), (os.path.dirname(below), 0o777), (below, 0o700)):
            os.mkdir(folder)
            os.chmod(folder, mode)
        os.symlink(theirs, self.here("link"))
        given_away(self.here("link"))
        for state, blamed in ((theirs, theirs), (open_one, open_one), (below, os.path.dirname(below)), (self.here("link"), self.here("link"))):
            for verb in (*self.VERBS, ("script", "run", rsp), ("script", "check", rsp)):
                done = self.box.run("--state", state, *verb, timeout=20)
                self.assertEqual(REFUSED, done.returncode, (verb, state, done.stdout + done.stderr))
                self.assertIn(blamed, done.stderr, verb)
            self.assertEqual([], os.listdir(state))
        self.assertFalse(os.path.exists(os.path.join(self.box.root, "line")))

    def test_nothing_in_the_state_is_opened_through_a_link_or_taken_from_others(self):
        rsp = self.box.write("s.rsp", HEAD + f'AL "{self.box.root}/line" "x"\n')
        for name in ("sessions", "downloads", "lock", "serials"):
            for lay in (lambda path: os.symlink(os.path.dirname(self.victim), path), lambda path: given_away(self.made(path))):
                shutil.rmtree(self.box.state)
                os.mkdir(self.box.state, 0o700)
                lay(os.path.join(self.box.state, name))
                done = self.box.run("script", "run", rsp)
                if name != "serials":  # which a local script does not read
                    self.assertEqual(REFUSED, done.returncode, (name, done.stdout + done.stderr))
                    self.assertIn(os.path.join(self.box.state, name), done.stderr)

    def made(self, path):
        if path.endswith(("lock", "serials")):
            open(path, "wb").close()
        else:
            os.mkdir(path)
        return path

    # fetch ---------------------------------------------------------------------------------------------------------------
    def test_fetch_takes_no_part_that_another_user_laid(self):
        content = os.urandom(200_000)
        url = self.serve(content)
        target = self.here("got")
        part = target + ".hagent-part"
        traps = {
            "a link to a folder": lambda: as_nobody("ln", "-s", os.path.dirname(self.victim), part),
            "a link to a file": lambda: as_nobody("ln", "-s", self.victim, part),
            "a link that leads nowhere": lambda: as_nobody("ln", "-s", "/nowhere/at/all", part),
            "a folder": lambda: as_nobody("mkdir", part),
            "a folder with a link": lambda: as_nobody("sh", "-c", f"mkdir {part} && ln -s {self.victim} {part}/part"),
            "a folder with a file": lambda: as_nobody("sh", "-c", f"mkdir {part} && echo x > {part}/part"),
            "a file": lambda: as_nobody("touch", part),
            "another name of a file": lambda: os.link(self.victim, part),
            "a folder of ours that all may write to": lambda: (os.mkdir(part), os.chmod(part, 0o777)),
        }
        for name, lay in traps.items():
            lay()
            done = self.box.run("fetch", url, "-o", target, "--sha256", hashlib.sha256(content).hexdigest())
            self.assertEqual(REFUSED, done.returncode, (name, done.stdout + done.stderr))
            self.assertIn(part, done.stderr, name)
            if os.lstat(part).st_uid == NOBODY:
                self.assertIn("user 65534", done.stderr, name)
            self.assertFalse(os.path.exists(target), name)
            subprocess.run(["rm", "-rf", part], check=True)
        as_nobody("ln", "-s", os.path.dirname(self.victim), self.here("way"))
        self.expect(self.box.run("fetch", url, "-o", self.here("way", "got")), FAILED, self.here("way"), "user 65534")
        self.expect(self.box.run("fetch", url, "-o", target), DONE)
        self.assertEqual(0o644, os.stat(target).st_mode & 0o777)

    def serve(self, content, first=None):
        """The address of these bytes; the first answer breaks off after `first` of them."""
        state = {"first": first}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                start = int(found.group(1)) if found else 0
                cut, state["first"] = state["first"], None
                self.send_response(206 if found else 200)
                self.send_header("ETag", '"one"')
                self.send_header("Content-Length", str(len(content) - start))
                if found:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                self.end_headers()
                self.wfile.write(content[start:cut])
                self.close_connection = True

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/f"

    def test_fetch_tells_the_digest_of_the_bytes_that_it_hands_over(self):
        content = os.urandom(600_000)
        url, target = self.serve(content, 300_000), self.here("got")
        self.box.configure(transfer={"attempts": 1})
        self.assertNotEqual(DONE, self.box.run("fetch", url, "-o", target).returncode)
        with open(target + ".hagent-part/part", "r+b") as part:
            part.seek(1000)
            part.write(b"changed meanwhile")
        done = self.box.run("fetch", url, "-o", target, "--json")
        self.expect(done, DONE)
        with open(target, "rb") as file:
            got = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(got, self.document(done)["sha256"])
        self.assertEqual(hashlib.sha256(content).hexdigest(), got)

    def test_an_ordinary_user_fetches_with_the_configuration_of_root(self):
        settings = self.box.settings(trust={"keys_dir": self.here("keys")}, script={"hooks_dir": self.here("hooks")}, log={"file": self.here("log")})
        settings["state_dir"] = self.here("state")
        for name in ("keys", "hooks", "state"):
            os.mkdir(self.here(name), 0o700)
        with open(self.here("c.json"), "w", encoding="ascii") as file:
            json.dump(settings, file)
        os.chmod(self.here("c.json"), 0o644)
        program = shutil.copy(self.box.program, self.here("hagent"))
        done = subprocess.run([program, "--config", self.here("c.json"), "fetch", self.serve(b"x" * 1000), "-o", self.here("got")], capture_output=True,
                              text=True, check=False, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
        self.expect(done, DONE)
        self.assertEqual(NOBODY, os.stat(self.here("got")).st_uid)

    # links ---------------------------------------------------------------------------------------------------------------
    def test_no_script_command_follows_a_link_of_another_user_to_what_is_not_theirs(self):
        self.box.configure(script={"roots": [self.shared, self.box.folder]})
        self.box.write("f", "payload")
        self.box.write("tree/f", "payload")
        folder = os.path.dirname(self.victim)
        as_nobody("ln", "-s", folder, self.here("to-folder"))
        as_nobody("ln", "-s", self.victim, self.here("to-file"))
        as_nobody("ln", "-s", os.path.join(folder, "new"), self.here("to-nothing"))
        as_nobody("ln", "-s", "to-folder", self.here("to-link"))
        as_nobody("sh", "-c", f"mkdir {self.shared}/theirs && ln -s ../../{folder} {self.shared}/theirs/up")
        commands = ('SF "<regroot>/f" "{}/file"', 'SF "<regroot>/f" "{}/new"', 'SF "<regroot>/f" "{}/"', 'SF "<regroot>/f" "{}"', 'XC "<regroot>/tree" "{}"',
                    'AL "{}/file" "x"', 'AL "{}/new" "x"', 'DL "{}/file" "whole"', 'GF "{}/file" "got"', 'DF "{}/file"', 'DT "{}/x"', 'RF "{}/file" "{}/other"',
                    'RF "{root}/own" "{}/other"')
        self.box.write("root/own", "own")
        for link in ("to-folder", "to-link", "theirs/up"):
            lines = [command.replace("{}", "{shared}/" + link) for command in commands]
            said = self.script(*lines, code=FAILED, verb="check").stdout
            for number, line in enumerate(lines, 5):
                blamed = self.here("to-folder" if link == "to-link" else link)
                self.assertRegex(said, rf"local\.rsp:{number}:\d+: \w\w: \S+ leads through the link {blamed} of user 65534", line)
            for line in (*lines[:3], lines[5]):
                self.script(line, code=FAILED)
        for command in ('AL "{shared}/to-file" "x"', 'GF "{shared}/to-file" "got"', 'AL "{shared}/to-nothing" "x"', 'DL "{shared}/to-file" "whole"'):
            self.assertIn("user 65534", self.script(command, code=FAILED).stdout, command)
        self.assertFalse(os.path.exists(self.box.path("got")))
        program = self.box.write("root/program", f"#!/bin/sh\ntouch {self.box.path('ran')}\n", 0o700)
        as_nobody("ln", "-s", program, self.here("program"))
        self.assertIn("user 65534", self.script('EX "{shared}/program" "+"', code=FAILED).stdout)
        self.assertFalse(os.path.exists(self.box.path("ran")))

    def test_an_edited_file_stays_whose_it_was(self):
        self.box.configure(script={"roots": [self.shared]})
        as_nobody("sh", "-c", f"umask 077; echo a > {self.shared}/theirs")
        self.script('AL "{shared}/theirs" "b"')
        found = os.stat(self.here("theirs"))
        self.assertEqual((NOBODY, 0o600), (found.st_uid, found.st_mode & 0o777))

    def test_links_of_root_and_links_of_a_user_to_his_own_files_are_followed(self):
        self.box.configure(script={"roots": [self.shared, self.box.folder]})
        as_nobody("sh", "-c", f"mkdir {self.shared}/home && ln -s home {self.shared}/alias")
        self.script('AL "{shared}/alias/line" "x"')
        os.mkdir(self.here("of-root"))
        os.symlink(self.here("of-root"), self.here("roots-link"))
        self.script('AL "{shared}/roots-link/line" "x"')
        self.assertTrue(os.path.exists(self.here("home", "line")) and os.path.exists(self.here("of-root", "line")))

    def test_another_name_of_somebodys_file_is_neither_edited_nor_sent_away(self):
        self.box.configure(script={"roots": [self.shared, self.box.folder]})
        as_nobody("mkdir", self.here("home"))
        for name in ("name", "home/name"):
            os.link(self.victim, self.here(name))
            for command in ('GF "{shared}/%s" "got"', 'AL "{shared}/%s" "x"'):
                self.assertIn("path_refused", self.script(command % name, code=FAILED).stdout)
            os.unlink(self.here(name))
        self.assertFalse(os.path.exists(self.box.path("got")))

    def test_what_replaces_a_file_of_another_user_is_not_his_to_change(self):
        self.box.configure(script={"roots": [self.shared, self.box.folder]})
        self.box.write("f", "payload")
        target = self.here("placed")
        for there in ("payload", "other"):
            as_nobody("sh", "-c", f"printf {there} > {target} && chmod 666 {target}")
            self.script('SF "<regroot>/f" "{shared}/placed"')
            found = os.stat(target)
            self.assertEqual((0, 0o644), (found.st_uid, found.st_mode & 0o777))
            os.unlink(target)

    # mounts --------------------------------------------------------------------------------------------------------------
    def mounting(self, commands, *lines):
        """Runs these lines where the mounts exist, which nobody else sees."""
        if subprocess.run(["unshare", "-m", "mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode:
            self.skipTest("this machine does not let us mount")
        text = HEAD + "\n".join(lines).replace("{root}", self.box.root) + "\n"
        run = " ".join(self.box.command("script", "run", self.box.write("local/local.rsp", text)))
        script = " && ".join(["mount --make-rprivate /", *commands]).replace("{root}", self.box.root).replace("{box}", self.box.folder)
        return subprocess.run(["unshare", "-m", "sh", "-c", f"{script} || exit 77; {run}"], capture_output=True, text=True, check=False)

    def test_a_folder_in_which_something_is_mounted_is_not_deleted(self):
        folder = os.path.dirname(self.victim)
        for mount in (f"mount --bind {folder} {{root}}/d/sub/m", "mount -t tmpfs none {root}/d/sub/m", f"mount --bind {folder} {{root}}/d"):
            os.makedirs(os.path.join(self.box.root, "d/sub/m"), exist_ok=True)
            self.box.write("root/d/first", "stays")
            done = self.mounting([mount], 'DT "{root}/d"')
            self.assertEqual(FAILED, done.returncode, done.stdout + done.stderr)
            self.assertIn("something is mounted at " + mount.split()[-1].replace("{root}", self.box.root), done.stdout)
            self.assertTrue(os.path.exists(os.path.join(self.box.root, "d/first")))

    def test_a_second_mount_of_the_agents_folders_is_no_way_to_them(self):
        os.makedirs(os.path.join(self.box.root, "m"))
        token = self.box.write("token", "secret")
        self.box.configure(manager={"target_token_file": token})
        for mount, paths in (("mount --bind {box} {root}/m", ("state/x", "keys/new.pem", "token", "hagent.json")),
                             ("mount --bind {box}/state {root}/m", ("x", "sub/x"))):
            for path in paths:
                done = self.mounting([mount], 'AL "{root}/m/%s" "x"' % path)
                self.assertIn("path_protected", done.stdout, (mount, path))
        done = self.mounting(["mount --bind {box}/.. {root}/m"], 'RF "{root}/m/%s/keys" "{root}/gone"' % os.path.basename(self.box.folder))
        self.assertIn("path_protected", done.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.box.state, "x")))

    # the agent's own files -----------------------------------------------------------------------------------------------
    def test_no_script_command_touches_a_file_that_the_settings_name(self):
        files = {"manager": ("target_token_file", "ca_file", "client_cert_file", "client_key_file"),
                 "listen": ("tls_cert_file", "tls_key_file", "client_ca_file", "operators_file"), "transfer": ("netrc_file",)}
        sections = {section: {key: self.box.write(f"own/{key}", "content") for key in keys} for section, keys in files.items()}
        health = self.box.write("own/health", "#!/bin/sh\n", 0o700)
        sections["image"] = {"health": [health]}
        settings = self.box.settings(script={"roots": ["/"]}, **{k: v for k, v in sections.items() if k != "image"})
        settings["image"] = sections["image"]
        self.box.write("hagent.json", json.dumps(settings))
        self.box.write("agent.log", "log\n")
        self.box.write("free", "x")
        paths = [path for section in sections.values() for value in section.values() for path in (value if isinstance(value, list) else [value])]
        paths += [self.box.log, self.box.log + ".1", self.box.config, self.box.program, self.box.state + "/x", self.box.keys + "/x.pem", self.box.hooks + "/ask"]
        for path in paths:
            commands = ('AL "{}" "x"', 'DL "{}" "x"', 'GF "{}" "got"', 'DF "{}"', 'RF "{}" "{box}/other"', 'RF "{box}/free" "{}"', 'SF "<regroot>/free" "{}"')
            done = self.script(*(command.replace("{}", path) for command in commands), code=FAILED, verb="check")
            self.assertEqual(len(commands), done.stdout.count(" path_protected: "), (path, done.stdout))
        self.script(f'DT "{self.box.folder}/own"', code=FAILED, verb="check")
        for root, path in (("/", self.box.config), (self.box.folder, "/hagent.json")):  # the same file below another root
            self.assertIn("path_protected", self.script(f'AL "{path}" "x"', code=FAILED, more=("--root", root)).stdout)
        os.makedirs(self.box.path("image", self.box.folder[1:]))
        self.script(f'AL "{self.box.config}" "x"', more=("--root", self.box.path("image")))  # the image's own, not ours
        self.script('GF "{box}/free" "hagent.json"', code=FAILED)  # into the script's folder, which is ours as well
        with open(self.box.config, encoding="utf-8") as file:
            self.assertNotEqual("x", file.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)  # with the reasons of what is skipped
