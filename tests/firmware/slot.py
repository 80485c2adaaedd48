# SPDX-License-Identifier: Apache-2.0
"""What a slot holds: kernel, initramfs, busybox, the agent, and an init of a few lines. Variants of it are broken on purpose."""

import os
import random
import shutil

from disk import BOOT, DATA, SLOTS, file_system

APPLETS = "sh ash cat cp df echo grep ifconfig insmod kill killall ls mkdir mount mv printf ps rm route sed sleep sync tail touch umount usleep".split()

INIT = """#!/bin/sh
export PATH=/sbin:/usr/sbin:/bin HOME=/tmp
mount -t tmpfs tmpfs /tmp
{mounts}
mount -t pstore pstore /sys/fs/pstore
for record in /sys/fs/pstore/dmesg-*; do [ ! -e "$record" ] || echo "init: kept: $(grep -o 'Kernel panic.*' "$record")"; done
ifconfig lo 127.0.0.1
{network}
echo "init: version {version}, $(cat /proc/cmdline)"
{before}
while :; do
  /usr/sbin/hagent run
  echo "init: the agent ended with $?"
  sleep 1
done
"""
MOUNTS = f"""mount -t ext2 {BOOT.device} /grub || echo "init: no boot partition"
mount -t ext4 {DATA.device} /data || echo "init: no data partition\""""
NETWORK = "ifconfig eth0 10.0.2.15 netmask 255.255.255.0\nroute add default gw 10.0.2.2"
FILLING_BYTES = 3 << 20  # differs from version to version and cannot be compressed: what an image has to fetch
REBOOT = "#!/bin/sh\nsync\nexec /bin/busybox reboot -f\n"
# The agent is stopped as soon as it has a connection that is established: while it checks in.
HANG = "(while ! grep -q ' 01 ' /proc/net/tcp; do usleep 20000; done; usleep 50000; killall -STOP hagent) &"
HEALTH = "#!/bin/sh\necho \"{text}\"\nexit {code}\n"


def write(root, name, text, mode=0o755):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    os.chmod(path, mode)


def fill(root, parts, version, network=NETWORK, before=":", health=("well", 0), mounts=MOUNTS):
    """The tree of a good slot; `parts` has the paths of busybox, agent and kernel, and the initramfs as bytes."""
    for folder in ("bin", "boot", "data", "dev", "etc", "grub", "proc", "sbin", "sys", "tmp", "usr/sbin", "usr/libexec"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    shutil.copy(parts.kernel, os.path.join(root, "boot/vmlinuz"))
    write(root, "boot/initrd.img", parts.initramfs, 0o644)
    shutil.copy(parts.busybox, os.path.join(root, "bin/busybox"))
    for applet in APPLETS:
        os.symlink("busybox", os.path.join(root, "bin", applet))
    shutil.copy(parts.agent, os.path.join(root, "usr/sbin/hagent"))
    os.chmod(os.path.join(root, "usr/sbin/hagent"), 0o755)
    write(root, "sbin/init", INIT.format(mounts=mounts, version=version, network=network, before=before))
    write(root, "sbin/reboot", REBOOT)
    write(root, "usr/libexec/health", HEALTH.format(text=health[0], code=health[1]))
    write(root, "etc/os-release", f'ID=hagent-lab\nIMAGE_VERSION="{version}"\n', 0o644)
    write(root, "usr/share/filling", random.Random(version).randbytes(FILLING_BYTES), 0o644)
    os.symlink("/data/etc/hagent", os.path.join(root, "etc/hagent"))


# name of a variant -> (what is done to the finished tree, or None, and arguments of fill())
def _without(name):
    return lambda root: os.unlink(os.path.join(root, name))


VARIANTS = {
    "good": (None, {}),
    "panics": (lambda root: write(root, "sbin/init", "#!/bin/sh\necho 'init: I end'\nexit 1\n"), {}),
    "no-init": (_without("sbin/init"), {}),
    "no-shell": (_without("bin/sh"), {}),  # /sbin/init is there, and cannot be executed
    "no-agent": (_without("usr/sbin/hagent"), {}),
    "no-kernel": (_without("boot/vmlinuz"), {}),
    "no-network": (None, {"network": "ifconfig eth0 10.0.2.15 netmask 255.255.255.0"
                                     "\nroute add -host 10.0.2.2 reject"}),
    "hangs": (None, {"before": HANG}),
    "waits": (None, {"health": ("I wait\"; sleep 10000; echo \"", 0)}),
    "unhealthy": (None, {"health": ("the display does not answer", 3)}),
}


def tree(folder, parts, version, variant="good", **choices):
    """The content of a slot as a folder; its path."""
    spoil, own_choices = VARIANTS[variant]
    root = os.path.join(folder, f"tree-{variant}-{version}")
    shutil.rmtree(root, ignore_errors=True)
    fill(root, parts, version, **own_choices, **choices)
    if spoil:
        spoil(root)
    return root


def build(folder, parts, version, variant="good"):
    """The image of a slot; its path."""
    root = tree(folder, parts, version, variant)
    image = file_system(os.path.join(folder, f"{variant}-{version}.img"), "ext2", SLOTS["A"].bytes, root, "slot")
    shutil.rmtree(root)
    return image
