"""Sizes and offsets as DbgEng of Windows 10 uses them on the wire."""

from typing import List

from construct import Struct

from . import kd_structures as kd


def offsets(structure: Struct, *names: str) -> List[int]:
    """Where fields lie: a byte 1 in them is the only byte that is not 0."""
    found = []
    zero = structure.parse(bytes(structure.sizeof()))
    for name in names:
        value = dict(zero)
        value[name] = 1
        found.append(bytes(structure.build(value)).index(1))
    return found


def test_sizes() -> None:
    sizes = {
        name: getattr(kd, name).sizeof()
        for name in (
            *("PACKET", "MANIPULATE", "VERSION", "DEBUG_IO", "EXCEPTION", "LOAD_SYMBOLS", "CONTROL_REPORT"),
            *("STATE_CHANGE", "CONTEXT", "SPECIAL_REGISTERS", "MEMORY"),
        )
    }
    assert sizes == {
        "PACKET": 16,
        "MANIPULATE": 56,
        "VERSION": 40,
        "DEBUG_IO": 16,
        "EXCEPTION": 160,
        "LOAD_SYMBOLS": 160,
        "CONTROL_REPORT": 48,
        "STATE_CHANGE": 0xF0,
        "CONTEXT": 0x4D0,
        "SPECIAL_REGISTERS": 0xF0,
        "MEMORY": 16,
    }


def test_offsets() -> None:
    assert offsets(kd.CONTEXT, "flags", "mxcsr", "cs", "efl", "dr0", "dr7") == [
        *(0x30, 0x34, 0x38, 0x44, 0x48, 0x70)
    ]
    assert offsets(kd.CONTEXT, "rax", "rsp", "r8", "rip", "mxcsr2") == [0x78, 0x98, 0xB8, 0xF8, 0x118]
    assert offsets(kd.SPECIAL_REGISTERS, "cr0", "cr4", "dr0", "dr7") == [0, 0x18, 0x20, 0x48]
    assert offsets(kd.SPECIAL_REGISTERS, "mxcsr", "cr8", "gsbase") == [0x74, 0xA0, 0xA8]
    assert offsets(kd.LOAD_SYMBOLS, "path_length", "base", "process") == [0, 8, 16]
    assert offsets(kd.LOAD_SYMBOLS, "checksum", "size", "unload") == [24, 28, 32]
    assert offsets(kd.STATE_CHANGE, "state", "level", "processors", "thread", "pc") == [0, 4, 8, 16, 24]
    assert offsets(kd.EXCEPTION, "code", "address", "count", "first_chance") == [0, 16, 24, 152]
    assert offsets(kd.VERSION, "KernBase", "PsLoadedModuleList", "DebuggerDataList") == [16, 24, 32]


def test_the_first_vector_register_is_at_0x1a0() -> None:
    data = bytearray(0x4D0)
    data[0x1A0:0x1B0] = bytes(range(16))
    data[0x290:0x2A0] = bytes(range(16, 32))
    context = kd.CONTEXT.parse(bytes(data))
    assert context.xmm[0] == bytes(range(16))
    assert context.xmm[15] == bytes(range(16, 32))
