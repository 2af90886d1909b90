"""Dump_Write as filters of several styles leave it, for the rules about what may be written where."""

from dataclasses import replace
from typing import Optional, Sequence, Type

from pykd_dumpfilt.recording import Buffer, Call, Piece, Side
from pykd_dumpfilt.rules import Judge, Result, Rule
from pykd_dumpfilt.structures import Machine

from .examples import Script, mdl, side

SCRATCH = 0xFFFFC20000071000
"""Where a filter has its own buffer mapped; its page frame numbers are 0x2000 and following."""


def judged(script: Script, *rules: Type[Rule], damage: Sequence[str] = ()) -> Result:
    """What some rules say."""
    engine = Judge(script.memory.store, Machine.X64, rules=rules)
    for record in script.records:
        engine.feed(record)
    return engine.finish(damage)


def substitute(
    script: Script,
    data: bytes,
    cipher: Optional[bytes] = None,
    byte_offset: int = 0,
    after: Optional[Piece] = None,
    buffer: Optional[Buffer] = None,
    mapped: Optional[bytes] = None,
    source: Optional[Buffer] = None,
    before: Optional[Piece] = None,
    offset: int = 0x10000,
) -> Call:
    """A Dump_Write that puts a buffer of its own into the MDL, as VeraCrypt, DiskCryptor and DmpFlt do: page
    frame numbers, MappedSystemVa, StartVa, and ByteOffset 0. The arguments replace parts of that."""
    cipher = bytes(byte ^ 0x5A for byte in data) if cipher is None else cipher
    span = (len(cipher) + 4095) // 4096
    if after is None:
        after = mdl(len(cipher), pfns=range(0x2000, 0x2000 + span), start_va=SCRATCH, mapped=SCRATCH)
    entry = side(
        offset,
        [mdl(len(data), byte_offset) if before is None else before],
        [script.memory.buffer(data, byte_offset)],
    )
    done = side(offset, [after], [script.memory.buffer(cipher) if buffer is None else buffer])
    head = cipher[:64] if mapped is None else mapped
    address = int.from_bytes(after.data[0x18:0x20], "little")
    done = replace(
        done,
        source=entry.buffers if source is None else (source,),
        mapped=(Piece(address, head, 64, None if len(head) == 64 else "not present"),),
    )
    return script.write(offset, b"", entry=entry, exit=done)


def with_exit(script: Script, call: Call, done: Side) -> None:
    """Replace the last call's return."""
    script.records[-1] = replace(call, exit=done)
