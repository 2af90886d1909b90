"""A large recording made without a target: a filter that encrypts on Dump_Write and decrypts on Dump_Read.

Every call moves 64 KiB. The plaintext of each call is new; the ciphertext is other pages of the same size, so
half of all distinct pages are seen twice, as in a real resume.
"""

import hashlib
import struct
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Iterator, List, Mapping, Optional, Tuple

from pykd_dumpfilt.recording import (
    Buffer,
    Call,
    Header,
    LoadedModule,
    PageStore,
    Piece,
    Record,
    RecordingWriter,
    Side,
)

__all__ = [
    "BUFFER",
    "EXTENSION",
    "HEADER",
    "MDL",
    "OFFSET",
    "OWN_VA",
    "PAGE",
    "PAGES",
    "REGISTERS",
    "VA",
    "extension",
    "page",
    "write_recording",
]

PAGE = 4096
PAGES = 16
BUFFER = PAGES * PAGE
EXTENSION = 0xFFFFAB0000002450
OFFSET = 0xFFFFAB0000002530
MDL = 0xFFFFAB00000024D0
VA = 0xFFFFAB0000100000
OWN_VA = 0xFFFFAB0000400000
_KEPT = ("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15")
REGISTERS: Mapping[str, int] = {
    **{name: 0x1000 + index for index, name in enumerate(_KEPT)},
    **{f"xmm{number}": 0x716EADD322E9343FACB970FB4BEFCF5A + number for number in range(6, 16)},
    "cr8": 15,
    "rsp": 0xFFFFE40000015EC8,
    "efl": 0x202,
}
HEADER = Header(
    "synthetic",
    "x64",
    "2026-01-01T00:00:00Z",
    "benchmark",
    {"engine": "none", "version": "0", "target": "none"},
)
_AT_RETURN = {**REGISTERS, "rsp": REGISTERS["rsp"] + 8, "rax": 0}


def write_recording(path: Path, transfers: int, distinct: Optional[int] = None) -> Path:
    """Write ``transfers`` Dump_Write calls and as many Dump_Read calls; returns the recording's folder. After
    ``distinct`` transfers their pages come again."""
    with RecordingWriter(path, HEADER) as writer:
        for record in _records(writer, transfers, distinct or transfers):
            writer.write(record)
        return writer.path


def _records(store: PageStore, transfers: int, distinct: int) -> Iterator[Record]:
    yield LoadedModule(0, "hiber_synthetic", 0xFFFFF80031000000, 0x5000)
    stored: List[Tuple[Tuple[int, ...], Tuple[int, ...]]] = []
    for index in range(transfers):
        if index < distinct:
            plain = tuple(store.put(page(b"plain", index, at)) for at in range(PAGES))
            cipher = tuple(store.put(page(b"cipher", index, at)) for at in range(PAGES))
            stored.append((plain, cipher))
        plain, cipher = stored[index % distinct]
        yield _call(index, "Dump_Write", index, plain, cipher, store.page(cipher[0])[:64])
    for index in range(transfers):
        plain, cipher = stored[index % distinct]
        yield _call(transfers + index, "Dump_Read", index, cipher, plain)


def page(kind: bytes, index: int, at: int) -> bytes:
    """A page that no other ``kind``, ``index`` and ``at`` gives."""
    seed = hashlib.blake2b(b"%s %d %d" % (kind, index, at), digest_size=64).digest()
    return seed * (PAGE // len(seed))


def _call(
    number: int,
    callback: str,
    index: int,
    before: Tuple[int, ...],
    after: Tuple[int, ...],
    mapped: bytes = b"",
) -> Call:
    entry = _side(index, before, REGISTERS, _mdl(VA, 0x1000))
    done = _side(index, after, _AT_RETURN, _mdl(VA, 0x1000))
    if callback == "Dump_Write":
        # The filter's own buffer is in the MDL; the caller's pages, read again, are as they were.
        done = replace(
            _side(index, after, _AT_RETURN, _mdl(OWN_VA, 0x8000)),
            source=entry.buffers,
            mapped=(Piece(OWN_VA, mapped, 64),),
        )
    return Call(
        number=number,
        module=0,
        callbacks=(callback,),
        return_address=0xFFFFF80020001016,
        arguments=(EXTENSION, OFFSET, MDL),
        entry=entry,
        exit=done,
        status=0,
    )


def _side(index: int, pages: Tuple[int, ...], registers: Mapping[str, int], mdl: bytes) -> Side:
    return Side(
        registers=registers,
        filter_extension=Piece(EXTENSION, extension(), len(extension())),
        disk_byte_offset=Piece(OFFSET, struct.pack("<q", 0x100000 + index * BUFFER), 8),
        mdls=(Piece(MDL, mdl, len(mdl)),),
        buffers=(Buffer("physical", 0, BUFFER, pages),),
    )


@lru_cache(maxsize=None)
def extension() -> bytes:
    """FILTER_EXTENSION of an x64 hibernation copy."""
    found = struct.pack("<IIQ", 2, 0, 0xFFFFAB0000001010)
    found += struct.pack("<qIIII", 8354, 12, 255, 63, 512)
    found += struct.pack("<q", 1 << 42)
    found += struct.pack("<II16s", 0x18, 1, b"\x11" * 16)
    found += struct.pack("<QII", 0, 0x58, 0)
    return found


def _mdl(address: int, first_pfn: int) -> bytes:
    header = struct.pack("<QhHIQQQII", 0, 0x30 + 8 * PAGES, 1, 0, 0, address, address, BUFFER, 0)
    return header + struct.pack(f"<{PAGES}Q", *range(first_pfn, first_pfn + PAGES))
