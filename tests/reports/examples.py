"""Small recordings on disk, by hand."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Optional

from pykd_dumpfilt.recording import Buffer, Call, Header, Record, RecordingWriter
from pykd_dumpfilt.rules import Waiver

from ..rules.examples import Memory, Script, pattern

HEADER = Header(
    filter="myfilt",
    machine="x64",
    created="2024-05-01T12:00:00Z",
    tool="pykd-dumpfilt 0.1.0",
    debugger={"engine": "emulator", "version": "2.1.1", "target": "x64 kernel"},
)

TODAY = datetime.date(2026, 12, 1)


def waiver(
    rule: str = "DF-TRIP-001",
    expires: datetime.date = datetime.date(2027, 1, 31),
    filter: str = "myfilt",
    reason: str = "ticket 4711",
    owner: str = "Kim Lee",
    platform: Optional[str] = None,
    callback: Optional[str] = None,
    line: int = 1,
) -> Waiver:
    """Of what :func:`failing` does, until two months after :data:`TODAY`."""
    return Waiver(rule, filter, reason, owner, expires, platform, callback, line)


def passing() -> Script:
    """A round trip of one page and one sector."""
    script = Script()
    script.write(0x1000, pattern(4608), byte_offset=0x200)
    script.read(0x1000, pattern(4608))
    return script


def failing() -> Script:
    """A Dump_Read that forgets the last sector."""
    script = Script()
    script.write(0x1000, pattern(4608), byte_offset=0x200)
    script.read(0x1000, pattern(4608)[:4096] + b"\xcc" * 512)
    return script


def write(path: Path, script: Script, header: Header = HEADER, close: bool = True, lost: int = 0) -> Path:
    """Write a script as a recording; its pages get new numbers, in the order that calls name them."""
    writer = RecordingWriter(path, header)
    for record in script.records:
        writer.write(_moved(record, script.memory, writer))
    if close:
        writer.close("the target ended", lost)
    else:
        # What a killed process leaves: no footer.
        writer.close("killed")
        lines = (writer.path / "calls.jsonl").read_bytes().splitlines(keepends=True)
        (writer.path / "calls.jsonl").write_bytes(b"".join(lines[:-1]))
    return writer.path


def _moved(record: Record, memory: Memory, writer: RecordingWriter) -> Record:
    if not isinstance(record, Call):
        return record

    def moved(buffer: Buffer) -> Buffer:
        pages = (None if page is None else writer.put(memory.store.page(page)) for page in buffer.pages)
        return replace(buffer, pages=tuple(pages))

    sides = {}
    for name in ("entry", "exit"):
        side = getattr(record, name)
        if side is not None:
            kinds = {kind: tuple(map(moved, getattr(side, kind))) for kind in ("buffers", "source", "around")}
            sides[name] = replace(side, **kinds)
    return replace(record, **sides)
