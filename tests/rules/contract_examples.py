"""Calls that keep the contract of every callback: all registers, and what DriverEntry is given and leaves."""

import struct
from dataclasses import replace
from typing import Dict, Mapping, Optional, Type

from pykd_dumpfilt.recording import Call, Piece, Side
from pykd_dumpfilt.rules import Judge, Result, Rule
from pykd_dumpfilt.structures import Machine

from .examples import EXTENSION, EXTENSION_ADDRESS, INITIALIZATION_DATA, Script

TABLE_ADDRESS = 0xFFFFAB0000002410

# As a tracer reads them at the first instruction of a callback; interrupts enabled, direction flag clear.
AT_ENTRY: Mapping[str, int] = {
    "rbx": 0x8062771887227708,
    "rbp": 0x61C710485FF45CDD,
    "rsi": 0x2EB82F7DAB1009CA,
    "rdi": 0xC554D763C920AB1F,
    "r12": 0xEA6AA287C5317B10,
    "r13": 0xAF35D7CBBB2EFC0C,
    "r14": 0x6586E3DDEE7A3CA6,
    "r15": 0x71251C5C9B03EE53,
    "rsp": 0xFFFFE40000015EC8,
    "efl": 0x282,
}
AT_RETURN: Mapping[str, int] = {**AT_ENTRY, "rsp": 0xFFFFE40000015ED0, "efl": 0x246, "rax": 0}

# FILTER_INITIALIZATION_DATA on x64 as the system presets it: version 2.0, MaxPagesPerWrite 16, the rest 0.
PRESET = bytes.fromhex("02000000 00000000" + "00" * 40 + "10000000 00000000" + "00" * 8)
# The same with DumpData NULL in FILTER_EXTENSION, as DriverEntry finds it.
EXTENSION_PRESET = EXTENSION[:0x48] + bytes(8) + EXTENSION[0x50:]


def by(rule: Type[Rule], script: Script, machine: Machine = Machine.X64) -> Result:
    """What one rule says about a script."""
    judge = Judge(script.memory.store, machine, rules=[rule])
    for record in script.records:
        judge.feed(record)
    return judge.finish()


def table(
    data: bytes = INITIALIZATION_DATA,
    major: Optional[int] = None,
    minor: Optional[int] = None,
    flags: Optional[int] = None,
    pages: Optional[int] = None,
    **pointers: int,
) -> bytes:
    """FILTER_INITIALIZATION_DATA with some members replaced; ``pointers`` are start, write, finish, unload,
    read."""
    whole = bytearray(data)
    for at, value in ((0x00, major), (0x04, minor), (0x30, pages), (0x34, flags)):
        if value is not None:
            struct.pack_into("<I", whole, at, value)
    places = {"start": 0x08, "write": 0x10, "finish": 0x18, "unload": 0x20, "read": 0x38}
    for name, value in pointers.items():
        struct.pack_into("<Q", whole, places[name], value)
    return bytes(whole)


def with_table(one: Side, data: Optional[bytes]) -> Side:
    """A side with FILTER_INITIALIZATION_DATA of these bytes."""
    piece = None if data is None else Piece(TABLE_ADDRESS, data, len(data))
    return replace(one, filter_initialization_data=piece)


def plain_side(returned: bool = False, extension: bytes = EXTENSION) -> Side:
    """One side of a call without a transfer."""
    return Side(AT_RETURN if returned else AT_ENTRY, Piece(EXTENSION_ADDRESS, extension, 0x58))


def plain(
    script: Script, *callbacks: str, status: Optional[int] = 0, module: int = 0, **changes: object
) -> Call:
    """A call without a transfer that keeps the contract; ``changes`` replace fields of it."""
    call = Call(
        0,
        module,
        callbacks,
        0xFFFFF80020001016,
        (EXTENSION_ADDRESS,),
        plain_side(),
        plain_side(returned=True),
        status,
    )
    return script.call(replace(call, **changes))  # type: ignore[arg-type]


def driver_entry(
    script: Script,
    left: Optional[bytes] = INITIALIZATION_DATA,
    preset: Optional[bytes] = PRESET,
    status: Optional[int] = 0,
    module: int = 0,
    **changes: object,
) -> Call:
    """A DriverEntry that found ``preset`` and left ``left``."""
    fields: Dict[str, object] = {
        "arguments": (EXTENSION_ADDRESS, TABLE_ADDRESS),
        "entry": with_table(plain_side(extension=EXTENSION_PRESET), preset),
        "exit": with_table(plain_side(returned=True, extension=EXTENSION_PRESET), left),
    }
    fields.update(changes)
    return plain(script, "DriverEntry", status=status, module=module, **fields)
