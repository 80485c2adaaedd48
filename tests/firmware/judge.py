# SPDX-License-Identifier: Apache-2.0
"""Looks at a disk as a power cut left it: what would GRUB start, and is that one whole?"""

import disk
import grub

MAGIC_AT, MAGIC = 1024 + 56, b"\x53\xef"   # of ext2: without it GRUB finds neither kernel nor probe


class Judge:
    """`images` {version: bytes of a raw image}: a slot is whole when it holds one of them."""

    def __init__(self, images, block_at):
        self.images, self._block_at = images, block_at

    def slot_version(self, content, name):
        """The version that the slot holds as a whole, None: it holds none."""
        return next((version for version, image in self.images.items() if content.startswith(image, disk.SLOTS[name].offset)), None)

    @staticmethod
    def startable(content, name):
        at = disk.SLOTS[name].offset + MAGIC_AT
        return content[at:at + 2] == MAGIC

    def block(self, content):
        return grub.variables(bytes(content[self._block_at:self._block_at + grub.BLOCK_BYTES])) or {}

    @staticmethod
    def order(block):
        """Slots in the order in which the fragment tries them."""
        chosen = "B" if block.get("hagent_slot") == "B" else "A"
        trial = block.get("hagent_trial") if block.get("hagent_tries") in ("1", "2", "3") else None
        first = trial if trial in disk.SLOTS else chosen
        return chosen, [first, "B" if first == "A" else "A"]

    def look(self, content):
        """(what is wrong or "", version that starts)."""
        block = self.block(content)
        chosen, order = self.order(block)
        if self.slot_version(content, chosen) is None:
            return f"slot {chosen} is chosen and not whole: {block}", None
        start = next((name for name in order if self.startable(content, name)), None)
        version = start and self.slot_version(content, start)
        if not version:
            return f"GRUB would start {start}, which is not whole: {block}", None
        return "", version
