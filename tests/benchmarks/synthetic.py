"""A large recording made without a target: a filter that encrypts on Dump_Write and decrypts on Dump_Read.

Every call moves 64 KiB. The plaintext of each call is new; the ciphertext is other pages of the same size, so
half of all distinct pages are seen twice, as in a real resume.
"""

import hashlib
import struct
from pathlib import Path
from typing import Iterator, List, Mapping, Tuple

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

__all__ = ["BUFFER", "write_recording"]

PAGE = 4096
PAGES = 16
BUFFER = PAGES * PAGE
_EXTENSION = 0xFFFFAB0000002450
_OFFSET = 0xFFFFAB0000002530
_MDL = 0xFFFFAB00000024D0
_VA = 0xFFFFAB0000100000
_REGISTERS: Mapping[str, int] = {
    name: 0x1000 + index
    for index, name in enumerate(("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15", "rsp", "efl"))
}


def write_recording(path: Path, transfers: int) -> Path:
    """Write ``transfers`` Dump_Write calls and as many Dump_Read calls; returns the recording's folder."""
    header = Header(
        "synthetic",
        "x64",
        "2026-01-01T00:00:00Z",
        "benchmark",
        {"engine": "none", "version": "0", "target": "none"},
    )
    with RecordingWriter(path, header) as writer:
        for record in _records(writer, transfers):
            writer.write(record)
        return writer.path


def _records(store: PageStore, transfers: int) -> Iterator[Record]:
    yield LoadedModule(0, "hiber_synthetic", 0xFFFFF80031000000, 0x5000)
    stored: List[Tuple[Tuple[int, ...], Tuple[int, ...]]] = []
    for index in range(transfers):
        plain = tuple(store.put(_page(b"plain", index, page)) for page in range(PAGES))
        cipher = tuple(store.put(_page(b"cipher", index, page)) for page in range(PAGES))
        stored.append((plain, cipher))
        yield _call(index, "Dump_Write", index, plain, cipher)
    for index, (plain, cipher) in enumerate(stored):
        yield _call(transfers + index, "Dump_Read", index, cipher, plain)


def _page(kind: bytes, index: int, page: int) -> bytes:
    seed = hashlib.blake2b(b"%s %d %d" % (kind, index, page), digest_size=64).digest()
    return seed * (PAGE // len(seed))


def _call(number: int, callback: str, index: int, before: Tuple[int, ...], after: Tuple[int, ...]) -> Call:
    pfns = range(0x1000, 0x1000 + PAGES)
    mdl = struct.pack("<QhHIQQQII", 0, 0x30 + 8 * PAGES, 1, 0, 0, _VA, _VA, BUFFER, 0) + struct.pack(
        f"<{PAGES}Q", *pfns
    )
    extension = struct.pack("<IIQ", 2, 0, 0xFFFFAB0000001010)
    extension += struct.pack("<qIIII", 8354, 12, 255, 63, 512)
    extension += struct.pack("<q", 64 << 30)
    extension += struct.pack("<II16s", 0x18, 1, b"\x11" * 16)
    extension += struct.pack("<QII", 0, 0x58, 0)

    def side(pages: Tuple[int, ...]) -> Side:
        return Side(
            registers=_REGISTERS,
            filter_extension=Piece(_EXTENSION, extension, len(extension)),
            disk_byte_offset=Piece(_OFFSET, struct.pack("<q", 0x100000 + index * BUFFER), 8),
            mdls=(Piece(_MDL, mdl, len(mdl)),),
            buffers=(Buffer("physical", 0, BUFFER, pages),),
        )

    return Call(
        number=number,
        module=0,
        callbacks=(callback,),
        return_address=0xFFFFF80020001016,
        arguments=(_EXTENSION, _OFFSET, _MDL),
        entry=side(before),
        exit=side(after),
        status=0,
    )
