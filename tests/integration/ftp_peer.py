# SPDX-License-Identifier: Apache-2.0
"""A small FTP server whose every habit a test can choose: what it says at each command, where its data go, how they end."""

import contextlib
import socket
import ssl
import threading
import time


class FtpPeer:
    """Serves `files` on loopback. What a test may change at any time:

    replies    by command in capitals ("" is the greeting): these texts instead, one each time, the last one for ever. A text may
               hold several lines and several replies; None ends the connection
    tells      the commands among SIZE and MDTM that it answers with the truth; the others get 502
    passive    None: as it should be; "refused" or "silent": a port where nobody answers
    claims     the address that stands in the reply to PASV
    sends      bytes of the file that are sent; None: all
    polite     False: a data connection in TLS ends without close_notify
    last       what follows the data
    """

    def __init__(self, certificate=None, implicit=False):
        self.files, self.replies, self.tells = {}, {}, {"SIZE", "MDTM"}
        self.passive, self.claims, self.sends, self.polite, self.last = None, "127,0,0,1", None, True, "226 Done."
        self.commands, self.connections, self.data_port = [], 0, 0
        self.implicit, self.context = implicit, None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.kept = []  # sockets that have to stay open
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        for one in [self.socket, *self.kept]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
            one.close()

    def url(self, name="f.bin", login="", scheme="ftp"):
        return f"{scheme}://{login}127.0.0.1:{self.port}/{name}"

    def count(self, command):
        return sum(line.split(" ")[0] == command for line in self.commands)

    def accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def scripted(self, command):
        """(whether there is something to say instead, what)"""
        replies = self.replies.get(command)
        if not replies:
            return False, None
        return True, replies.pop(0) if len(replies) > 1 else replies[0]

    def serve(self, peer):
        with contextlib.suppress(OSError, ssl.SSLError), contextlib.closing(Conversation(self, peer)) as conversation:
            conversation.run()


class Conversation:
    def __init__(self, server, peer):
        self.server, self.socket, self.lines = server, peer, b""
        self.listener, self.restart, self.protected, self.folder = None, 0, server.implicit, "/"
        if server.implicit:
            self.socket = server.context.wrap_socket(peer, server_side=True)

    def close(self):
        self.socket.close()
        if self.listener:
            self.listener.close()

    def say(self, text):
        self.socket.sendall((text + "\r\n").encode("latin-1"))

    def line(self):
        while b"\n" not in self.lines:
            got = self.socket.recv(4096)
            if not got:
                return None
            self.lines += got
        line, self.lines = self.lines.split(b"\n", 1)
        return line.decode("latin-1").rstrip("\r")

    def run(self):
        command, argument = "", ""
        while True:
            planned, text = self.server.scripted(command)
            if planned and text is None:
                return
            if planned:
                for piece in text.split("\a"):  # a bell: it takes its time here
                    self.say(piece)
                    time.sleep(0.3 if "\a" in text else 0)
            else:
                getattr(self, "on_" + (command or "greeting").lower(), self.on_unknown)(argument)
            if command == "QUIT":
                return
            line = self.line()
            if line is None:
                return
            self.server.commands.append(line)
            command, _, argument = line.partition(" ")
            command = command.upper()

    def path(self, name):
        return (name if name.startswith("/") else self.folder.rstrip("/") + "/" + name).lstrip("/")

    def on_unknown(self, _):
        self.say("502 Not here.")

    def on_greeting(self, _):
        self.say("220 Ready.")

    def on_auth(self, _):
        self.say("234 Go on.")
        self.socket = self.server.context.wrap_socket(self.socket, server_side=True)

    def on_pbsz(self, _):
        self.say("200 Fine.")

    def on_prot(self, argument):
        self.protected = argument == "P"
        self.say("200 Fine.")

    def on_user(self, _):
        self.say("331 Password?")

    def on_pass(self, _):
        self.say("230 In.")

    def on_pwd(self, _):
        self.say('257 "/" is here.')

    def on_cwd(self, argument):
        self.folder = "/" + self.path(argument)
        self.say("250 There.")

    def on_type(self, _):
        self.say("200 Binary.")

    def on_quit(self, _):
        self.say("221 Bye.")

    def on_size(self, argument):
        self.fact("SIZE", argument, lambda content: str(len(content)))

    def on_mdtm(self, argument):
        self.fact("MDTM", argument, lambda _: "20260101000000")

    def fact(self, command, name, value):
        content = self.server.files.get(self.path(name))
        if command not in self.server.tells:
            self.on_unknown(name)
        else:
            self.say("550 No such file." if content is None else "213 " + value(content))

    def on_rest(self, argument):
        self.restart = int(argument)
        self.say("350 From there.")

    def open_passive(self):
        server = self.server
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        server.data_port = self.listener.getsockname()[1]
        if server.passive == "refused":
            self.listener.close()
            self.listener = None
        elif server.passive == "silent":  # its queue is full, so that nobody answers any more
            for _ in range(4):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", server.data_port))
                server.kept.append(filler)
            server.kept.append(self.listener)
            self.listener = None
        return server.data_port

    def on_epsv(self, _):
        self.say(f"229 Passive (|||{self.open_passive()}|)")

    def on_pasv(self, _):
        port = self.open_passive()
        self.say(f"227 Passive ({self.server.claims},{port // 256},{port % 256})")

    def on_retr(self, argument):
        content = self.server.files.get(self.path(argument))
        if content is None:
            self.say("550 No such file.")
            return
        self.say("150 Here it comes.")
        if not self.listener:
            time.sleep(0.1)
            self.say("425 Nobody came.")
            return
        self.listener.settimeout(20)
        data, _ = self.listener.accept()
        self.listener.close()
        self.listener = None
        content, self.restart = content[self.restart:], 0
        self.send(data, content if self.server.sends is None else content[:self.server.sends])
        if self.server.last is not None:
            self.say(self.server.last)

    def send(self, data, content):
        if self.protected:
            data = self.server.context.wrap_socket(data, server_side=True)
        data.sendall(content)
        if self.protected and self.server.polite:
            with contextlib.suppress(OSError, ssl.SSLError):
                data.unwrap()
        elif self.protected:  # no farewell of TLS, only the end of the connection
            data = socket.socket(fileno=data.detach())
            data.shutdown(socket.SHUT_WR)
            data.settimeout(5)
            with contextlib.suppress(OSError):
                while data.recv(4096):
                    pass
        data.close()
