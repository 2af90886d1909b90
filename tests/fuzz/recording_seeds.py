"""Small recordings that between them hold every kind of record and value."""

from dataclasses import replace
from pathlib import Path
from typing import Iterator

from pykd_dumpfilt.recording import (
    ArmedCallback,
    Buffer,
    BugCheck,
    Callbacks,
    Fault,
    Piece,
    Unloaded,
)

from ..recording.examples import write_small
from ..reports.examples import HEADER, failing, passing, write
from ..rules.examples import DUMP, INITIALIZATION_DATA, Script, pattern

__all__ = ["write_seeds"]

_ROOT = Path(__file__).resolve().parents[2]
_FIXTURE_LINES = 9


def write_seeds(folder: Path) -> Iterator[Path]:
    """Write them below a folder."""
    yield write_small(folder / "small")
    yield write(folder / "passing", passing())
    yield write(folder / "failing", failing())
    yield write(folder / "short", failing(), close=False, lost=2)
    yield write(folder / "callbacks", _callbacks())
    yield write(folder / "odd", _odd(), header=replace(HEADER, options={"limits": {"around": 1}}))
    yield write(folder / "x86", passing(), header=replace(HEADER, machine="x86"))
    yield _begun(folder / "traced.dumpfilt", _ROOT / "fixtures" / "pass_through.dumpfilt")


def _callbacks() -> Script:
    """A copy's life: every callback, with the table that DriverEntry fills in, and a second copy."""
    script = Script()
    table = Piece(0xFFFFAB0000002410, INITIALIZATION_DATA, len(INITIALIZATION_DATA))
    entry = script.plain("DriverEntry")
    filled = replace(entry.entry, filter_initialization_data=table)
    script.records[-1] = replace(entry, exit=filled)
    script.records.insert(
        1, Callbacks(0, (ArmedCallback(0xFFFFF80031001E50, ("Dump_Write",), ("table",)),), ("Dump_Unload",))
    )
    script.plain("Dump_Start")
    script.write(0x1000, pattern(512))
    script.read(0x1000, pattern(512))
    script.plain("Dump_Finish", "Dump_Unload")
    script.records += [Unloaded(0), DUMP]
    script.plain("Dump_Start", module=1, status=0x103)
    script.write(0x1000, pattern(512, 3), module=1)
    return script


def _odd() -> Script:
    """What ordinary calls lack: other buffers, hashes, neighbours, calls that did not return."""
    script = Script()
    first = script.write(0x7FFFFFFFF000, pattern(1024), byte_offset=0xE00)
    page = script.memory.store.put(b"\xee" * 4096)
    around = Buffer("virtual", 0, 8192, (page, None), {1: "not mapped"})
    mapped = Piece(0xFFFFC20000029E00, pattern(64), 64)
    hashed = Buffer("physical", 0, 0, (), truncated="not kept", hashes=("0a" * 16, None))
    sides = replace(first.entry, around=(around,), mapped=(mapped,))
    script.records[-1] = replace(
        first, entry=sides, exit=replace(sides, source=first.entry.buffers, mdls=first.entry.mdls * 2)
    )
    read = script.read(0x1000, pattern(512))
    script.records[-1] = replace(read, entry=replace(read.entry, buffers=(hashed,)))
    gone = script.plain("Dump_Read")
    script.records[-1] = replace(
        gone,
        exit=None,
        status=None,
        unreturned="bug check",
        gone=True,
        bug_check=BugCheck(0xD1, (1, 2, 3, 4)),
    )
    script.records.append(Fault("reading", "it failed", 1))
    return script


def _begun(path: Path, fixture: Path) -> Path:
    """The beginning of a recording that a debugger made."""
    path.mkdir()
    with (fixture / "calls.jsonl").open("rb") as file:
        (path / "calls.jsonl").write_bytes(b"".join(file.readline() for _ in range(_FIXTURE_LINES)))
    pages = (fixture / "pages.bin").read_bytes()
    (path / "pages.bin").write_bytes(pages[: 3 * 4096])
    return path
