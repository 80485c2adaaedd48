# SPDX-License-Identifier: Apache-2.0
"""Real vsftpd and nginx with private configurations on loopback ports of their own, serving one folder each."""

import os

from services import own_port, own_range, port_answers
from setup_packages import program

START_DEADLINE_S = 15
PASSIVE_PORTS = 40

VSFTPD = """
listen=YES
listen_ipv6=NO
listen_address=127.0.0.1
listen_port={port}
background=NO
run_as_launching_user=NO
anonymous_enable=YES
anon_root={root}
no_anon_password=YES
local_enable={local}
write_enable={local}
chroot_local_user=YES
allow_writeable_chroot=YES
check_shell=NO
seccomp_sandbox=NO
secure_chroot_dir={empty}
pasv_enable=YES
pasv_address=127.0.0.1
pasv_min_port={first}
pasv_max_port={last}
connect_from_port_20=NO
port_enable=NO
use_localtime=NO
idle_session_timeout=120
data_connection_timeout=60
xferlog_enable=YES
log_ftp_protocol=YES
syslog_enable=NO
vsftpd_log_file={log}
dual_log_enable=NO
xferlog_std_format=NO
ftpd_banner=lab
max_clients=100
"""

NGINX = """
daemon off;
master_process on;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
{user}
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log combined;
  default_type application/octet-stream;
  sendfile on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {root}; autoindex on; {uploads} }}
}}
"""


def open_for_reading(folder):
    """Makes every folder above and all below `folder` readable for the servers' unprivileged users."""
    for base, names, files in os.walk(folder):
        os.chmod(base, 0o755)
        for name in files:
            os.chmod(os.path.join(base, name), 0o644)
    parent = os.path.dirname(os.path.abspath(folder))
    while parent != "/" and parent.startswith("/tmp/"):
        os.chmod(parent, os.stat(parent).st_mode | 0o011)
        parent = os.path.dirname(parent)


class Vsftpd:
    """`root` is what an anonymous user sees; local users of the machine may log in when `local` is set."""

    def __init__(self, services, folder, root, local=False):
        os.makedirs(folder, exist_ok=True)
        self.services, self.folder, self.root, self.local = services, folder, root, local
        self.port, self.first, self.log = own_port(), 0, os.path.join(folder, "vsftpd.log")
        self.process = None

    def start(self):
        empty = os.path.join(self.folder, "empty")
        os.makedirs(empty, exist_ok=True)
        open_for_reading(self.root)
        os.chmod(self.root, 0o555)  # vsftpd refuses an anonymous root that is writable
        self.first = self.first or own_range(PASSIVE_PORTS)
        path = os.path.join(self.folder, "vsftpd.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(VSFTPD.format(port=self.port, root=self.root, empty=empty, first=self.first, last=self.first + PASSIVE_PORTS - 1,
                                     log=self.log, local="YES" if self.local else "NO").lstrip())
        self.process = self.services.start("vsftpd", [program("vsftpd"), path], os.path.join(self.folder, "output.log"))
        self.process.wait(lambda: port_answers(self.port), START_DEADLINE_S, "its port answers")
        return self.port

    def stop(self):
        if self.process:
            self.process.stop()


class Nginx:
    """`uploads` names a folder below `root`, with a '/' at its end, where anybody may PUT."""

    def __init__(self, services, folder, root, uploads=""):
        os.makedirs(folder, exist_ok=True)
        self.services, self.folder, self.root, self.uploads = services, folder, root, uploads
        self.port, self.log = own_port(), os.path.join(folder, "access.log")
        self.process = None

    def start(self):
        open_for_reading(self.root)
        path = os.path.join(self.folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            user = "user www-data;" if os.geteuid() == 0 else ""
            uploads = f"location /{self.uploads} {{ dav_methods PUT; }}" if self.uploads else ""
            file.write(NGINX.format(port=self.port, folder=self.folder, root=self.root, user=user, uploads=uploads))
        if uploads:
            os.chmod(os.path.join(self.root, self.uploads), 0o777)
        self.process = self.services.start("nginx", [program("nginx"), "-c", path, "-e", os.path.join(self.folder, "start.log")],
                                           os.path.join(self.folder, "output.log"))
        self.process.wait(lambda: port_answers(self.port), START_DEADLINE_S, "its port answers")
        return self.port

    def stop(self):
        if self.process:
            self.process.stop()
