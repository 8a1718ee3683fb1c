"""The device code inside an object file or a static library that nvcc made: PTX texts and machine code, by architecture.

nvcc puts both into the ELF section .nv_fatbin: fat binaries one after another, each a head and entries; an entry is PTX (kind 1) or an ELF file of machine code
(kind 2). The PTX must be stored without compression (nvcc -no-compress).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from pathlib import Path

PTX, MACHINE_CODE = 1, 2
COMPRESSED = 0xF000
FAT_BINARY = 0xBA55ED50
ARCHIVE = b"!<arch>\n"


def sections(elf: bytes) -> dict[str, bytes]:
    """The contents of the sections of a 64-bit ELF file, by name. Sections without contents in the file are left out."""
    if elf[:4] != b"\x7fELF" or elf[4] != 2:
        raise ValueError("not a 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names_at = struct.unpack_from("<HHH", elf, 0x3A)
    heads = [struct.unpack_from("<IIQQQQIIQQ", elf, table + size * i) for i in range(count)]
    names = elf[heads[names_at][4] :]
    no_bits = 8
    return {names[name : names.index(b"\0", name)].decode(): elf[at : at + length] for name, kind, _, _, at, length, *_ in heads if kind != no_bits}


def members(archive: bytes) -> dict[str, bytes]:
    """The files of a static library, by name."""
    out: dict[str, bytes] = {}
    long_names = b""
    at = len(ARCHIVE)
    while at + 60 <= len(archive):
        name = archive[at : at + 16].decode().rstrip()
        length = int(archive[at + 48 : at + 58])
        data = archive[at + 60 : at + 60 + length]
        if name == "//":
            long_names = data
        elif name.startswith("/") and name[1:].isdigit():
            start = int(name[1:])
            out[long_names[start : long_names.index(b"/", start)].decode()] = data
        elif name not in ("/", "/SYM64/"):
            out[name.rstrip("/")] = data
        at += 60 + length + length % 2
    return out


def device_code(path: Path) -> tuple[dict[int, list[str]], dict[int, list[bytes]]]:
    """PTX texts and ELF files of machine code of a library or an object, by architecture (75, 80, …)."""
    data = path.read_bytes()
    objects = members(data).values() if data.startswith(ARCHIVE) else [data]
    ptx: dict[int, list[str]] = defaultdict(list)
    machine_code: dict[int, list[bytes]] = defaultdict(list)
    for one in objects:
        fat = sections(one).get(".nv_fatbin", b"") if one.startswith(b"\x7fELF") else b""
        at = 0
        while at + 16 <= len(fat):
            magic, _, head, size = struct.unpack_from("<IHHQ", fat, at)
            if magic != FAT_BINARY:
                raise ValueError(f"{path}: not a fat binary at byte {at} of .nv_fatbin")
            entry = at + head
            while entry < at + head + size:
                kind, _, entry_head, length = struct.unpack_from("<HHIQ", fat, entry)
                (architecture,) = struct.unpack_from("<I", fat, entry + 28)
                (flags,) = struct.unpack_from("<Q", fat, entry + 40)
                if flags & COMPRESSED:
                    raise ValueError(f"{path}: compressed device code; the library is built with -no-compress")
                contents = fat[entry + entry_head : entry + entry_head + length]
                if kind == PTX:
                    ptx[architecture].append(contents.rstrip(b"\0").decode())
                elif kind == MACHINE_CODE:
                    machine_code[architecture].append(contents)
                entry += entry_head + length
            at += (head + size + 7) // 8 * 8
    return dict(ptx), dict(machine_code)
