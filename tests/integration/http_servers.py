# SPDX-License-Identifier: Apache-2.0
"""nginx and lighttpd on loopback, in clear or over TLS: a public folder, one behind a password, one that takes PUT, and one on a
disk of 1 MiB. Each lives in a mount namespace of its own, where that disk is."""

import os
import signal
import subprocess

import kit
from ftp_daemons import Missing, namespaces, unpacked
from servers import START_DEADLINE_S
from services import own_port, port_answers
from setup_packages import SERVERS, ensure, program

USER, PASSWORD = "tester", "right-pw-90c4"
LIGHTTPD_PACKAGES = ("lighttpd", "lighttpd-mod-webdav", "lighttpd-mod-openssl", "libxml2", "libicu72", "libsqlite3-0", "libxxhash0", "libnettle8",
                     "libhogweed6", "libgmp10")

# $1: the disk; $2: its size.
INSIDE = 'set -e; mount --make-rprivate /; mount -t tmpfs -o "size=$2,mode=777" tmpfs "$1"; shift 2; exec "$@"'

NGINX = """
daemon off;
master_process on;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
user root;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log combined;
  default_type application/octet-stream;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{port}{tls};
    root {root};
    location /private/ {{ auth_basic "private"; auth_basic_user_file {folder}/users; }}
    location /in/ {{ auth_basic "in"; auth_basic_user_file {folder}/users; dav_methods PUT; create_full_put_path on; }}
    location /full/ {{ dav_methods PUT; }}
    location /small/ {{ dav_methods PUT; client_max_body_size 1k; }}
  }}
}}
"""

LIGHTTPD = """
server.modules = ("mod_auth", "mod_authn_file", "mod_webdav", "mod_accesslog"{tls_module})
# else it gives a changed file its old ETag for a second, which no client could notice
server.stat-cache-engine = "disable"
server.port = {port}
server.bind = "127.0.0.1"
server.document-root = "{root}"
server.errorlog = "{folder}/error.log"
accesslog.filename = "{folder}/access.log"
server.upload-dirs = ("{folder}")
server.max-request-size = 0
mimetype.assign = ("" => "application/octet-stream")
auth.backend = "plain"
auth.backend.plain.userfile = "{folder}/users"
$HTTP["url"] =~ "^/(private|in)/" {{ auth.require = ("" => ("method" => "basic", "realm" => "r", "require" => "valid-user")) }}
$HTTP["url"] =~ "^/(in|full)/" {{ webdav.activate = "enable", webdav.is-readonly = "disable" }}
$HTTP["url"] =~ "^/small/" {{ webdav.activate = "enable", webdav.is-readonly = "disable", server.max-request-size = 1 }}
{tls}
"""


class HttpServer:
    name = ""

    def __init__(self, services, folder, tls, certificate):
        self.services, self.folder, self.tls = services, folder, tls
        self.cert, self.key, self.both = certificate
        if reason := namespaces():
            raise Missing(reason)
        self.port, self.process = own_port(), None
        self.root, self.log = os.path.join(folder, "served"), os.path.join(folder, "output.log")
        for place in ("private", "in", "full", "small"):
            os.makedirs(os.path.join(self.root, place))
        self.setup()

    def setup(self):
        """Gets the program; Missing when that cannot be."""

    def command(self):
        """The program with its arguments; writes its configuration."""
        raise NotImplementedError

    def environment(self):
        return {**os.environ, "LC_ALL": "C"}

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def serve(self, name, content, stamp=1_700_000_000):
        path = os.path.join(self.root, name)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (stamp, stamp))

    def start(self):
        inside = ["unshare", "-m", "sh", "-c", INSIDE, "sh", os.path.join(self.root, "full"), "1m", *self.command()]
        self.process = self.services.start(self.name, inside, self.log, self.environment())
        self.process.wait(lambda: port_answers(self.port), START_DEADLINE_S * kit.FACTOR, "its port answers")

    def kill(self):
        """The crash of the whole server: kill -9 of its process group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.popen.wait()
        kit.wait_until(lambda: not port_answers(self.port), 10 * kit.FACTOR, "its port to close")

    def inside(self, *parts):
        """A path below the served folder as the server sees it, the small disk included."""
        return os.path.join(f"/proc/{self.process.pid}/root{self.root}", *parts)

    def url(self, path, password=None):
        login = f"{USER}:{password}@" if password else ""
        return f"{'https' if self.tls else 'http'}://{login}127.0.0.1:{self.port}/{path}"


class Nginx(HttpServer):
    name = "nginx"

    def setup(self):
        ensure({name: SERVERS[name] for name in ("nginx", "openssl")})

    def command(self):
        hashed = subprocess.run(["openssl", "passwd", "-apr1", PASSWORD], capture_output=True, text=True, check=True).stdout.strip()
        self.write("users", f"{USER}:{hashed}\n")
        tls = f" ssl; ssl_certificate {self.cert}; ssl_certificate_key {self.key}" if self.tls else ""
        path = self.write("nginx.conf", NGINX.format(folder=self.folder, port=self.port, root=self.root, tls=tls))
        return [program("nginx"), "-c", path, "-e", os.path.join(self.folder, "start.log")]


class Lighttpd(HttpServer):
    name = "lighttpd"

    def setup(self):
        self.unpacked = unpacked(self.name, LIGHTTPD_PACKAGES)

    def environment(self):
        folders = [os.path.join(self.unpacked, place) for place in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")]
        return {**super().environment(), "LD_LIBRARY_PATH": ":".join(folders)}

    def command(self):
        self.write("users", f"{USER}:{PASSWORD}\n")
        tls = f'ssl.engine = "enable"\nssl.pemfile = "{self.both}"' if self.tls else ""
        path = self.write("lighttpd.conf", LIGHTTPD.format(folder=self.folder, port=self.port, root=self.root, tls=tls,
                                                           tls_module=', "mod_openssl"' if self.tls else ""))
        return [os.path.join(self.unpacked, "usr/sbin/lighttpd"), "-D", "-f", path, "-m", os.path.join(self.unpacked, "usr/lib/lighttpd")]


SERVER_TYPES = (Nginx, Lighttpd)
