"""Calls made by hand: a small machine's memory, and what a tracer would have read of it."""

import struct
from dataclasses import replace
from typing import Dict, List, Optional, Sequence, Tuple

from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.recording import Buffer, Call, LoadedModule, MemoryPageStore, Piece, Record, Side
from pykd_dumpfilt.rules import Finding, Result, RuleResult, judge
from pykd_dumpfilt.structures import Machine

EXTENSION_ADDRESS = 0xFFFFAB0000002450
OFFSET_ADDRESS = 0xFFFFAB0000002590
MDL_ADDRESS = 0xFFFFAB00000024D0
MAPPED = 0xFFFFC20000029000
HIBER = LoadedModule(0, "hiber_myfilt", 0xFFFFF80031000000, 0x7000)
DUMP = LoadedModule(1, "dump_myfilt", 0xFFFFF80032000000, 0x7000)

_KEPT = ("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15")
AT_ENTRY = {**{name: 0x1111 * at for at, name in enumerate(_KEPT)}, "rsp": 0xFFFFE40000015EC8, "efl": 0x282}
AT_RETURN = {**AT_ENTRY, "rsp": 0xFFFFE40000015ED0, "efl": 0x246}

# FILTER_EXTENSION on x64 (0x58 bytes): hibernation, 512-byte sectors, 64 GiB, GPT.
EXTENSION = bytes.fromhex(
    "0200000000000000 1008000000abffff"  # DumpType 2, DeviceObject 0xffffab0000000810
    "a220000000000000 0c000000 ff000000 3f000000 00020000"  # Geometry: 8354, FixedMedia, 255, 63, 512
    "0000000010000000"  # DiskSize 0x1000000000
    "18000000 01000000 7a1d6b5e3c2f4180a9c4d6f01b2e3d4c"  # PartitionInfo: 0x18, GPT, DiskId
    "0040000000abffff 58000000 00000000"  # DumpData 0xffffab0000004000, Size 0x58, Flags 0
)
# FILTER_INITIALIZATION_DATA on x64 in the form with DumpRead (0x40 bytes).
INITIALIZATION_DATA = bytes.fromhex(
    "02000000 00000000"  # MajorVersion 2, MinorVersion 0
    "0010003100f8ffff 501e003100f8ffff 3010003100f8ffff 6010003100f8ffff"  # Start, Write, Finish, Unload
    "0040000000abffff 10000000 01000000"  # DumpData, MaxPagesPerWrite 16, Flags 1
    "c01f003100f8ffff"  # DumpRead
)


class Memory:
    """Pages of one fake machine, and how MDLs describe them."""

    def __init__(self) -> None:
        self.store = MemoryPageStore()

    def buffer(self, data: bytes, byte_offset: int = 0, around: bytes = b"\xee") -> Buffer:
        """``data`` in whole pages, beginning at ``byte_offset`` of the first; ``around`` fills the rest."""
        count = (byte_offset + len(data) + 4095) // 4096
        end = count * 4096 - byte_offset - len(data)
        whole = around * byte_offset + data + around * end
        numbers = [self.store.put(whole[at : at + 4096]) for at in range(0, len(whole), 4096)]
        return Buffer("physical", byte_offset, len(data), tuple(numbers))


def mdl(
    byte_count: int,
    byte_offset: int = 0,
    pfns: Optional[Sequence[int]] = None,
    flags: int = 1,
    start_va: int = MAPPED,
    mapped: Optional[int] = None,
    next_mdl: int = 0,
    size: Optional[int] = None,
    address: int = MDL_ADDRESS,
    process: int = 0xFFFFAB000D1E5080,
) -> Piece:
    """An x64 MDL as PopRequestRead builds it: flags 1 only, Size 0x30 + 8n, Process stale, Next 0."""
    span = (byte_offset + byte_count + 4095) // 4096
    numbers = list(pfns) if pfns is not None else list(range(0x1000, 0x1000 + span))
    if mapped is None:
        mapped = MAPPED + byte_offset
    header = struct.pack(
        "<QhHIQQQII",
        next_mdl,
        0x30 + 8 * span if size is None else size,
        flags,
        0,
        process,
        mapped,
        start_va,
        byte_count,
        byte_offset,
    )
    data = header + struct.pack(f"<{len(numbers)}Q", *numbers)
    return Piece(address, data, len(data))


def side(offset: Optional[int] = None, mdls: Sequence[Piece] = (), buffers: Sequence[Buffer] = ()) -> Side:
    """One side of a call, with FILTER_EXTENSION and without FILTER_INITIALIZATION_DATA."""
    return Side(
        registers=AT_ENTRY,
        filter_extension=Piece(EXTENSION_ADDRESS, EXTENSION, 0x58),
        disk_byte_offset=None if offset is None else Piece(OFFSET_ADDRESS, struct.pack("<q", offset), 8),
        mdls=tuple(mdls),
        buffers=tuple(buffers),
    )


class Script:
    """A recording in the making: calls in order, on one machine."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.records: List[Record] = [HIBER]
        self.number = 0

    def call(self, call: Call) -> Call:
        """Add a call, numbered as the next."""
        call = replace(call, number=self.number)
        if call.exit is not None and call.exit.registers is AT_ENTRY:
            call = replace(call, exit=replace(call.exit, registers=AT_RETURN))
        self.number += 1
        self.records.append(call)
        return call

    def plain(self, *callbacks: str, status: int = 0, module: int = 0) -> Call:
        """A call without a transfer."""
        entry = side()
        return self.call(
            Call(0, module, callbacks, 0xFFFFF80020001016, (EXTENSION_ADDRESS,), entry, entry, status)
        )

    def write(
        self,
        offset: int,
        data: bytes,
        byte_offset: int = 0,
        status: Optional[int] = 0,
        module: int = 0,
        **changes: object,
    ) -> Call:
        """A Dump_Write that leaves everything as it was; ``changes`` replace fields of the call."""
        entry = side(offset, [mdl(len(data), byte_offset)], [self.memory.buffer(data, byte_offset)])
        return self._transfer("Dump_Write", entry, entry, status, module, changes)

    def read(
        self,
        offset: int,
        data: bytes,
        byte_offset: int = 0,
        status: Optional[int] = 0,
        module: int = 0,
        before: Optional[bytes] = None,
        **changes: object,
    ) -> Call:
        """A Dump_Read that gives back ``data``; ``before`` is what the disk held (by default other bytes)."""
        one = mdl(len(data), byte_offset)
        cipher = bytes(byte ^ 0x5A for byte in data) if before is None else before
        entry = side(offset, [one], [self.memory.buffer(cipher, byte_offset, b"\xaa")])
        done = side(offset, [one], [self.memory.buffer(data, byte_offset, b"\xaa")])
        return self._transfer("Dump_Read", entry, done, status, module, changes)

    def judge(self, machine: Machine = Machine.X64) -> Result:
        """What all rules say."""
        return judge(self.records, self.memory.store, machine)

    def decoded(self, number: int = -1) -> DecodedCall:
        """One of its calls, decoded."""
        calls = [record for record in self.records if isinstance(record, Call)]
        return DecodedCall(calls[number], HIBER, Machine.X64, self.memory.store)

    def _transfer(
        self,
        callback: str,
        entry: Side,
        done: Side,
        status: Optional[int],
        module: int,
        changes: Dict[str, object],
    ) -> Call:
        call = Call(
            0,
            module,
            (callback,),
            0xFFFFF80020001016,
            (EXTENSION_ADDRESS, OFFSET_ADDRESS, MDL_ADDRESS),
            entry,
            done,
            status,
        )
        return self.call(replace(call, **changes))  # type: ignore[arg-type]


def rule_result(result: Result, rule: str) -> RuleResult:
    """One rule's part of a result."""
    return next(one for one in result.rules if one.rule == rule)


def outcome(result: Result, rule: str) -> Tuple[str, int]:
    """Outcome and calls checked of one rule."""
    one = rule_result(result, rule)
    return one.outcome.value, one.calls_checked


def findings(result: Result, rule: str) -> List[Finding]:
    """The findings of one rule."""
    return [finding for finding in result.findings if finding.rule == rule]


def pattern(size: int, seed: int = 1) -> bytes:
    """Bytes of which no 16 in a row come twice within 64 KiB."""
    return b"".join(struct.pack("<II", seed, at) for at in range(0, size, 8))[:size]
