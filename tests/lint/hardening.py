#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints which protections a shipped binary has, read from its own headers, and fails when one of its format is missing."""
import os
import struct
import sys

PF_X, PF_W = 1, 2
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK, PT_GNU_RELRO = 1, 2, 0x6474E551, 0x6474E552
DT_RPATH, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1, DT_BIND_NOW = 15, 29, 30, 0x6FFFFFFB, 24
PE_SECTION_WRITE, PE_SECTION_EXECUTE = 0x80000000, 0x20000000
PE_BITS = {"ASLR": 0x0040, "NX": 0x0100}
PE_HIGH_ENTROPY = 0x0020


def elf_facts(data):
    """{name of a protection: whether it is there} of an ELF file."""
    wide = data[4] == 2
    header = struct.unpack_from("<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", data, 16)
    kind, offset, entry_size, count = header[0], header[4], header[8], header[9]
    segments = []
    for i in range(count):
        if wide:
            kind_of, flags, at, address, _, size = struct.unpack_from("<IIQQQQ", data, offset + i * entry_size)
        else:
            kind_of, at, address, _, size, _, flags = struct.unpack_from("<IIIIIII", data, offset + i * entry_size)
        segments.append((kind_of, flags, at, address, size))
    dynamic = next(((at, size) for kind_of, _, at, _, size in segments if kind_of == PT_DYNAMIC), (0, 0))
    step = 16 if wide else 8
    tags = [struct.unpack_from("<QQ" if wide else "<II", data, dynamic[0] + i) for i in range(0, dynamic[1] - step + 1, step)]
    has = lambda tag, bit=None: any(found == tag and (bit is None or value & bit) for found, value in tags)  # noqa: E731
    stack = [flags for kind_of, flags, *_ in segments if kind_of == PT_GNU_STACK]
    return {
        "PIE": kind == 3,
        "RELRO": any(kind_of == PT_GNU_RELRO for kind_of, *_ in segments),
        "BIND_NOW": has(DT_BIND_NOW) or has(DT_FLAGS, 8) or has(DT_FLAGS_1, 1),
        "NX": bool(stack) and not stack[0] & PF_X,
        "no segment both written and executed": not any(kind_of == PT_LOAD and flags & PF_W and flags & PF_X for kind_of, flags, *_ in segments),
        "no library path": not has(DT_RPATH) and not has(DT_RUNPATH),
    }


def pe_facts(data):
    """The same of a PE file."""
    at = struct.unpack_from("<I", data, 0x3C)[0]
    sections, optional_size = struct.unpack_from("<H", data, at + 6)[0], struct.unpack_from("<H", data, at + 20)[0]
    optional = at + 24
    wide = struct.unpack_from("<H", data, optional)[0] == 0x20B
    bits = struct.unpack_from("<H", data, optional + 70)[0]
    facts = {name: bool(bits & bit) for name, bit in PE_BITS.items()}
    if wide:
        facts["high-entropy ASLR"] = bool(bits & PE_HIGH_ENTROPY)
    flags = [struct.unpack_from("<I", data, optional + optional_size + i * 40 + 36)[0] for i in range(sections)]
    facts["no section both written and executed"] = not any(f & PE_SECTION_WRITE and f & PE_SECTION_EXECUTE for f in flags)
    return facts


def facts_of(data, modules, fortified):
    """All protections; `modules` are the bytes of our own object code, where calls still have names."""
    facts = elf_facts(data) if data[:4] == b"\x7fELF" else pe_facts(data)
    facts["stack protector"] = b"__stack_chk_fail" in modules
    if fortified:
        facts["FORTIFY"] = b"_chk\0" in data
    return facts


def self_test():
    """A binary that has everything, then each protection taken away."""
    def elf(kind=3, relro=PT_GNU_RELRO, now=DT_BIND_NOW, stack=6, text=5, path=0):
        tags = struct.pack("<QQQQ", now, 0, path, 0)
        table = 64 + 4 * 56
        body = b"".join(struct.pack("<IIQQQQQQ", kind_of, flags, table, 0, 0, len(tags), len(tags), 8)
                        for kind_of, flags in ((PT_LOAD, text), (PT_DYNAMIC, 6), (PT_GNU_STACK, stack), (relro, 4)))
        return b"\x7fELF\x02" + bytes(11) + struct.pack("<HHIQQQIHHHHHH", kind, 62, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0) + body + tags

    def pe(bits=0x0160, flags=0x60000020):
        optional = struct.pack("<H", 0x20B) + bytes(68) + struct.pack("<H", bits)
        return (b"MZ" + bytes(0x3A) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0) + optional
                + bytes(36) + struct.pack("<I", flags))

    good = b"U __stack_chk_fail"
    samples = [(elf(), good, set()), (elf(kind=2), good, {"PIE"}), (elf(relro=0), good, {"RELRO"}), (elf(now=0), good, {"BIND_NOW"}),
               (elf(stack=7), good, {"NX"}), (elf(text=7), good, {"no segment both written and executed"}),
               (elf(path=DT_RUNPATH), good, {"no library path"}), (elf(), b"", {"stack protector"}),
               (pe(), good, set()), (pe(bits=0x0120), good, {"ASLR"}), (pe(bits=0x0060), good, {"NX"}), (pe(bits=0x0140), good, {"high-entropy ASLR"}),
               (pe(flags=0xE0000020), good, {"no section both written and executed"})]
    for data, modules, wanted in samples:
        missing = {name for name, there in facts_of(data, modules, False).items() if not there}
        assert missing == wanted, (missing, wanted)
    assert not facts_of(elf(), good, True)["FORTIFY"] and facts_of(elf() + b"__memcpy_chk\0", good, True)["FORTIFY"]
    print(f"hardening.py: {len(samples) + 2} samples as expected")


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    if len(arguments) != 4:
        print("usage: hardening.py TARGET BINARY MODULE fortified|plain, or --self-test", file=sys.stderr)
        return 2
    target, binary, module, kind = arguments
    with open(binary, "rb") as file, open(module, "rb") as code:
        facts = facts_of(file.read(), code.read(), kind == "fortified")
    print(f"{target}, {os.path.basename(binary)}:")
    for name, there in facts.items():
        print(f"  {'yes' if there else 'NO ':3} {name}")
    return 0 if all(facts.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
