# SPDX-License-Identifier: Apache-2.0
"""Image packages written by hand, from spec alone: chunks, their table, the manifest, its signature. Dishonest ones too."""

import gzip
import hashlib
import json
import os
from dataclasses import dataclass, field

CHUNK_BYTES = 128 << 10
IMAGE = ENTRY = "root.img.gz"


@dataclass(frozen=True)
class Chunk:
    offset: int        # of the stored chunk in the image file
    bytes: int
    sha256: str        # of the raw chunk
    raw_offset: int
    raw_bytes: int


@dataclass
class ImagePackage:
    name: str
    version: str
    folder: str
    raw: str                                     # path of the raw image of the root
    chunks: list = field(default_factory=list)   # of the root
    parts: dict = field(default_factory=dict)    # {name: chunks}

    @property
    def stored_bytes(self):
        return sum(chunk.bytes for chunks in self.parts.values() for chunk in chunks)

    @property
    def images(self):
        return [image_name(part) for part in self.parts]

    @property
    def head_files(self):
        """What the manager has of it."""
        return ["manifest.json", "manifest.sig", *map(table_name, self.parts)]


def image_name(part):
    return f"{part}.img.gz"


def table_name(part):
    return f"{part}.chunks"


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(raw, image, compress=None):
    """Writes the image file; its chunks. `compress(number, data)` may cheat."""
    compress = compress or (lambda number, data: gzip.compress(data, 6, mtime=0))
    chunks, offset = [], 0
    with open(raw, "rb") as source, open(image, "wb") as target:
        while data := source.read(CHUNK_BYTES):
            stored = compress(len(chunks), data)
            target.write(stored)
            chunks.append(Chunk(offset, len(stored), hashlib.sha256(data).hexdigest(), len(chunks) * CHUNK_BYTES, len(data)))
            offset += len(stored)
    return chunks


def table_of(chunks):
    return "".join(f"{chunk.offset} {chunk.bytes} {chunk.sha256}\n" for chunk in chunks)


def file_entry(folder, name):
    path = os.path.join(folder, name)
    return {"path": name, "bytes": os.path.getsize(path), "sha256": digest_of(path)}


def pack_part(package, name, raw, compress, table_text, cut):
    """One part of a slot: its image file and table; what the manifest says of it."""
    image, table = image_name(name), table_name(name)
    package.parts[name] = pack(raw, os.path.join(package.folder, image), compress)
    with open(os.path.join(package.folder, table), "w", encoding="ascii") as file:
        file.write(table_text(package.parts[name]))
    os.truncate(os.path.join(package.folder, image), os.path.getsize(os.path.join(package.folder, image)) - cut)
    return {"name": name, "file": image, "chunks": table, "compression": "gzip", "raw_bytes": os.path.getsize(raw),
            "raw_sha256": digest_of(raw), "chunk_bytes": CHUNK_BYTES}


def build(folder, version, serial, raw, key, repositories, compress=None, others=None, table=table_of, cut=0, **member):
    """A signed package in `folder`: the root and `others` {part: path of the raw image}. `table` makes the tables' text of the chunks, the
    image files lack their last `cut` bytes, `member` changes what the manifest says of the image."""
    name = os.path.basename(folder)
    os.makedirs(folder)
    package = ImagePackage(name, version, folder, raw)
    parts = [pack_part(package, part, path, compress, table, cut) for part, path in {"root": raw, **(others or {})}.items()]
    package.chunks = package.parts["root"]
    manifest = {"format": 1, "kind": "image", "package": "firmware", "version": version, "serial": serial, "entry": ENTRY,
                "targets": {"os": ["SLX"], "platforms": [], "devices": []}, "expires": None, "repositories": repositories,
                "files": [file_entry(folder, name) for part in parts for name in (part["file"], part["chunks"])],
                "image": {"version": version, "parts": parts, "hooks": {}, "min_version": "", "platforms": [], "allow_downgrade": False, **member}}
    path = os.path.join(folder, "manifest.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump(manifest, file)
    key.sign(path, os.path.join(folder, "manifest.sig"))
    return package


def present(package, content):
    """Numbers of the chunks that `content`, the bytes of a slot, holds in their places."""
    return {number for number, chunk in enumerate(package.chunks)
            if hashlib.sha256(content[chunk.raw_offset:chunk.raw_offset + chunk.raw_bytes]).hexdigest() == chunk.sha256}
