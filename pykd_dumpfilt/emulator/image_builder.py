"""Making a PE32+ image in memory: what a debugger needs to know nt and crashdmp by their headers.

The layout of the headers is that of "PE Format", Microsoft: a DOS header, the COFF header, the optional
header with an export directory, one section table.
"""

import struct
from dataclasses import dataclass, field
from typing import Dict, Mapping, Sequence, Tuple

from ..debugger import PAGE_SIZE

__all__ = ["BuiltImage", "build_image"]

TIMESTAMP = 0x5E2D_8A11
_TEXT, _DATA, _EDATA = 0x60000020, 0xC0000040, 0x40000040
_HEADERS = 0x400


@dataclass(frozen=True)
class BuiltImage:
    """An image as it stands in memory; addresses are relative to its base.

    ``text`` and ``data`` say where the two sections begin.
    """

    content: bytes
    entry_point: int
    text: int
    text_size: int
    data: int
    data_size: int
    exports: Mapping[str, int] = field(default_factory=dict)


def build_image(
    file_name: str, base: int, text: bytes, data_size: int, exports: Mapping[str, int], entry_point: int = 0
) -> BuiltImage:
    """Lay out .text, .data (zeroed) and .edata.

    ``exports`` are relative to the base of the image; .text begins at 0x1000 and .data on the page after it.
    """
    text_size, data_size = _pages(len(text)), _pages(data_size)
    data = PAGE_SIZE + text_size
    edata = data + data_size
    directory = _export_directory(file_name, edata, exports)
    size = edata + _pages(len(directory))
    content = bytearray(size)
    content[:_HEADERS] = _headers(
        base,
        size,
        entry_point or PAGE_SIZE,
        edata,
        len(directory),
        (
            (b".text", _TEXT, PAGE_SIZE, text_size),
            (b".data", _DATA, data, data_size),
            (b".edata", _EDATA, edata, _pages(len(directory))),
        ),
    )
    content[PAGE_SIZE : PAGE_SIZE + len(text)] = text
    content[edata : edata + len(directory)] = directory
    return BuiltImage(
        bytes(content), entry_point or PAGE_SIZE, PAGE_SIZE, text_size, data, data_size, dict(exports)
    )


def _headers(
    base: int,
    size: int,
    entry_point: int,
    edata: int,
    edata_size: int,
    sections: Sequence[Tuple[bytes, int, int, int]],
) -> bytes:
    dos = struct.pack("<2s58xI", b"MZ", 0x80).ljust(0x80, b"\0")
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, len(sections), TIMESTAMP, 0, 0, 0xF0, 0x0022)
    optional = struct.pack(
        "<HBBIIIII", 0x20B, 14, 0, sections[0][3], sections[1][3], 0, entry_point, PAGE_SIZE
    )
    optional += struct.pack(
        "<QIIHHHHHHIIIIHH", base, PAGE_SIZE, 0x200, 10, 0, 10, 0, 10, 0, 0, size, _HEADERS, 0, 1, 0
    )
    optional += struct.pack("<QQQQII", 0x40000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += struct.pack("<II", edata, edata_size).ljust(16 * 8, b"\0")
    table = b"".join(
        struct.pack("<8sIIIIIIHHI", name, length, rva, length, rva, 0, 0, 0, 0, flags)
        for name, flags, rva, length in sections
    )
    return (dos + coff + optional + table).ljust(_HEADERS, b"\0")


def _export_directory(file_name: str, rva: int, exports: Mapping[str, int]) -> bytes:
    """IMAGE_EXPORT_DIRECTORY with its three tables; names in the order of their bytes, as a loader's binary
    search wants them."""
    names = sorted(exports, key=lambda name: name.encode("ascii", "replace"))
    functions = rva + 40
    name_table = functions + 4 * len(names)
    ordinals = name_table + 4 * len(names)
    strings = bytearray(file_name.encode("ascii") + b"\0")
    begin = ordinals + 2 * len(names)
    positions: Dict[str, int] = {}
    for name in names:
        positions[name] = begin + len(strings)
        strings += name.encode("ascii", "replace") + b"\0"
    count = len(names)
    head = struct.pack(
        "<IIHHIIIIIII", 0, TIMESTAMP, 0, 0, begin, 1, count, count, functions, name_table, ordinals
    )
    return (
        head
        + b"".join(struct.pack("<I", exports[name]) for name in names)
        + b"".join(struct.pack("<I", positions[name]) for name in names)
        + b"".join(struct.pack("<H", number) for number in range(count))
        + bytes(strings)
    )


def _pages(size: int) -> int:
    return max(1, -(-size // PAGE_SIZE)) * PAGE_SIZE
