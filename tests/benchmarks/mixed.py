"""A recording as systems make them, where :mod:`.synthetic` is the easiest case.

Page frames are scattered, transfers have all sizes, one buffer in four begins inside a page, reads split and
place the range otherwise than the writes did, one block in eight is zero, registers differ from call to call,
and FILTER_INITIALIZATION_DATA and the mapped bytes are there. So a part of the pages must be read, verified
and compared.
"""

import random
import struct
from pathlib import Path
from typing import Iterator, List, Mapping, Tuple

from pykd_dumpfilt.recording import (
    Buffer,
    Call,
    LoadedModule,
    PageStore,
    Piece,
    Record,
    RecordingWriter,
    Side,
)

from .synthetic import EXTENSION, HEADER, MDL, OFFSET, OWN_VA, PAGE, PAGES, REGISTERS, VA, extension, page

__all__ = ["write_mixed"]

_INITIALIZATION = 0xFFFFAB0000002410
_FIRST_OFFSET = 0x100000
_OWN_PFNS = tuple(range(0x8000, 0x8000 + PAGES))

_Transfer = Tuple[int, int, int]
"""First block on the disk, blocks, and where in its first page the buffer begins."""


def write_mixed(path: Path, transfers: int, seed: int = 1) -> Path:
    """Write as much as :func:`write_recording` does with ``transfers``, in a third more calls."""
    with RecordingWriter(path, HEADER) as writer:
        for record in _records(writer, transfers, random.Random(seed)):
            writer.write(record)
        return writer.path


def _records(store: PageStore, transfers: int, chance: random.Random) -> Iterator[Record]:
    yield LoadedModule(0, "hiber_synthetic", 0xFFFFF80031000000, 0x5000)
    blocks = transfers * PAGES
    number = 0
    for callback in ("Dump_Write", "Dump_Read"):
        for transfer in _transfers(blocks, chance):
            yield _call(store, number, callback, transfer, chance)
            number += 1


def _transfers(blocks: int, chance: random.Random) -> Iterator[_Transfer]:
    at = 0
    while at < blocks:
        count = min(blocks - at, PAGES if chance.random() < 0.6 else chance.randint(1, PAGES))
        yield at, count, 0 if chance.random() < 0.75 else 0x200 * chance.randint(1, 7)
        at += count


def _call(store: PageStore, number: int, callback: str, transfer: _Transfer, chance: random.Random) -> Call:
    first, count, offset = transfer
    plain, cipher = (_blocks(kind, first, count) for kind in (b"plain", b"cipher"))
    registers = {**REGISTERS, **{name: chance.getrandbits(64) for name in ("rbx", "rbp", "r12", "r15")}}
    pfns = tuple(chance.sample(range(0x10000, 0x100000), (offset + len(plain) + PAGE - 1) // PAGE))
    mdl = _mdl(VA, offset, len(plain), pfns)
    written = callback == "Dump_Write"
    given, gave = (plain, cipher) if written else (cipher, plain)
    buffer = _buffer(store, given, offset)
    mapped = (Piece(VA + offset, given[:64], 64),)
    if written:
        exit_side = _side(
            first,
            registers,
            _mdl(OWN_VA, 0, len(plain), _OWN_PFNS[:count]),
            _buffer(store, gave, 0),
            (Piece(OWN_VA, gave[:64], 64),),
            (buffer,),
        )
    else:
        exit_side = _side(first, registers, mdl, _buffer(store, gave, offset))
    exit_side.registers.update(rsp=REGISTERS["rsp"] + 8, rax=0)  # type: ignore[attr-defined]
    return Call(
        number,
        0,
        (callback,),
        0xFFFFF80020001016,
        (EXTENSION, OFFSET, MDL),
        _side(first, registers, mdl, buffer, mapped),
        exit_side,
        0,
    )


def _blocks(kind: bytes, first: int, count: int) -> bytes:
    return b"".join(
        bytes(PAGE) if kind == b"plain" and block % 8 == 3 else page(kind, block, 0)
        for block in range(first, first + count)
    )


def _buffer(store: PageStore, data: bytes, offset: int) -> Buffer:
    # What lies around the data in its first and last page is somebody else's.
    whole = b"\xee" * offset + data + b"\xee" * (-(offset + len(data)) % PAGE)
    numbers: List[int] = [store.put(whole[at : at + PAGE]) for at in range(0, len(whole), PAGE)]
    return Buffer("physical", offset, len(data), tuple(numbers))


def _side(
    first: int,
    registers: Mapping[str, int],
    mdl: bytes,
    buffer: Buffer,
    mapped: Tuple[Piece, ...] = (),
    source: Tuple[Buffer, ...] = (),
) -> Side:
    table = struct.pack(
        "<II5QIIQ", 2, 0, *(0xFFFFF80031001000 + 16 * index for index in range(4)), 0, 16, 1, 0
    )
    return Side(
        dict(registers),
        Piece(EXTENSION, extension(), len(extension())),
        Piece(_INITIALIZATION, table, len(table)),
        Piece(OFFSET, struct.pack("<q", _FIRST_OFFSET + first * PAGE), 8),
        (Piece(MDL, mdl, len(mdl)),),
        (buffer,),
        source,
        mapped,
    )


def _mdl(address: int, offset: int, size: int, pfns: Tuple[int, ...]) -> bytes:
    header = struct.pack(
        "<QhHIQQQII", 0, 0x30 + 8 * (PAGES + 1), 1, 0, 0, address + offset, address, size, offset
    )
    return header + struct.pack(f"<{len(pfns)}Q", *pfns)
