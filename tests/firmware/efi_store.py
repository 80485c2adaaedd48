# SPDX-License-Identifier: Apache-2.0
"""The variables of EFI firmware in the file that the emulator keeps them in (the authenticated store of EDK II), and the bytes of those that
choose what is started."""

import struct
import uuid

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792").bytes_le
VOLUME_HEADER_BYTES = struct.Struct("<48xH")
STORE_HEADER = struct.Struct("<16sI8x")
VARIABLE_HEADER = struct.Struct("<HBxIQ16sIII16s")
START, ADDED, LEAVING = 0x55AA, 0x3F, 0x3E   # of a variable: its first word, and the states in which it counts
ATTRIBUTES = 7                               # kept, for the time of starting and of running
ACTIVE = 1                                   # of a load option


def _store(data):
    """(place of the first variable, end of the store)."""
    (header,) = VOLUME_HEADER_BYTES.unpack_from(data)
    kind, size = STORE_HEADER.unpack_from(data, header)
    if kind != STORE:
        raise ValueError("this is no store of EFI variables")
    return header + STORE_HEADER.size, header + size


def _walk(data):
    """Yields (state, name, owner, content) of each variable, the deleted ones too; the place behind the last one is returned."""
    at, end = _store(data)
    while at + VARIABLE_HEADER.size <= end:
        start, state, _, _, _, _, name_bytes, content_bytes, owner = VARIABLE_HEADER.unpack_from(data, at)
        if start != START:
            break
        at += VARIABLE_HEADER.size
        name, content = data[at:at + name_bytes], data[at + name_bytes:at + name_bytes + content_bytes]
        yield state, name.decode("utf-16-le").rstrip("\0"), owner, content
        at = (at + name_bytes + content_bytes + 3) & ~3
    return at


def variables(data):
    """{name: content} of the boot manager's variables."""
    found = {}
    for state, name, owner, content in _walk(data):
        if owner == GLOBAL and (state == ADDED or (state == LEAVING and name not in found)):
            found[name] = content
    return found


def with_variables(data, new):
    """A store with `new` {name: content} behind what it holds."""
    walk = _walk(data)
    try:
        while True:
            next(walk)
    except StopIteration as end:
        at = end.value
    added = b""
    for name, content in new.items():
        text = utf16(name)
        added += VARIABLE_HEADER.pack(START, ADDED, ATTRIBUTES, 0, bytes(16), 0, len(text), len(content), GLOBAL) + text + content
        added += b"\xff" * (-len(added) % 4)
    return data[:at] + added + data[at + len(added):]


def utf16(text):
    return text.encode("utf-16-le") + b"\0\0"


def numbers(content):
    """Those in BootOrder, BootNext or BootCurrent."""
    return list(struct.unpack(f"<{len(content) // 2}H", content))


def order(*entries):
    return struct.pack(f"<{len(entries)}H", *entries)


def entry_name(number):
    return f"Boot{number:04X}"


def load_option(description, partition, file, options):
    """A Boot#### variable: a file on a partition of a disk with a GPT; `options` are passed to it."""
    name = utf16(file)
    path = (struct.pack("<BBHIQQ16sBB", 4, 1, 42, partition.number, partition.first_sector, partition.sectors, partition.guid, 2, 2)
            + struct.pack("<BBH", 4, 4, 4 + len(name)) + name + b"\x7f\xff\x04\0")
    return struct.pack("<IH", ACTIVE, len(path)) + utf16(description) + path + utf16(options)


def is_active(content):
    return bool(content[0] & ACTIVE)
