"""How fast a recording is written and read: ``python -m tests.recording.benchmark [CALLS]``.

Each call is a Dump_Read of 64 KiB with 17 registers, FILTER_EXTENSION and the MDL on both sides: 16 pages
at entry, and 16 others at its return.
"""

import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Callable, List

from pykd_dumpfilt.recording import Buffer, Call, LoadedModule, Piece, RecordingWriter, Side, open_recording

from .examples import HEADER

_KIB = 64
_REGISTERS = ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "rip", *(f"r{n}" for n in range(8, 16))]


def _side(number: int, pages: List[int]) -> Side:
    return Side(
        dict.fromkeys(_REGISTERS, 0xFFFFF80012340000 + number),
        filter_extension=Piece(0xFFFFF80012345000, bytes(range(160)), 160),
        disk_byte_offset=Piece(0xFFFFF80011112000, number.to_bytes(8, "little"), 8),
        mdls=(Piece(0xFFFFF80011113000, bytes(range(176)), 176),),
        buffers=(Buffer("physical", 0, _KIB * 1024, tuple(pages)),),
        mapped=(Piece(0xFFFFF80011115000, bytes(range(64)), 64),),
    )


def _write(folder: Path, calls: int) -> None:
    filler = bytes(4088)
    with RecordingWriter(folder, HEADER) as writer:
        writer.write(LoadedModule(0, "hiber_myfilt", 0, 4096))
        for number in range(calls):
            pages = [writer.put((number * 32 + index).to_bytes(8, "little") + filler) for index in range(32)]
            entry, exit_side = _side(number, pages[:16]), _side(number, pages[16:])
            writer.write(Call(number, 0, ("Dump_Read",), 1, (1, 2, 3), entry, exit_side, 0))


def _read(folder: Path) -> None:
    recording = open_recording(folder)
    for _ in recording:
        pass
    assert recording.complete


def _read_with_pages(folder: Path) -> None:
    recording = open_recording(folder)
    for call in recording.calls():
        for page in call.entry.buffers[0].pages:
            assert page is None or recording.page(page)


def _verify(folder: Path) -> None:
    assert open_recording(folder).verify() == []


def _measure(name: str, calls: int, work: Callable[[], None]) -> None:
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    tracemalloc.start()
    if name != "write":
        work()
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    memory = f"{peak:6.1f} MiB at most" if name != "write" else ""
    speed = calls * _KIB / 1024 / seconds
    print(f"{name:16} {calls / seconds:8.0f} calls/s {speed:8.0f} MiB/s of buffers  {memory}")


def main() -> None:
    """Print the figures."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "bench.dumpfilt"
        _measure("write", calls, lambda: _write(folder, calls))
        for name, work in (("read", _read), ("read with pages", _read_with_pages), ("verify", _verify)):
            _measure(name, calls, lambda work=work: work(folder))  # type: ignore[misc]
        again = Path(parent) / "again.dumpfilt"
        tracemalloc.start()
        _write(again, calls)
        print(f"writing takes {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB at most")
        for name in ("calls.jsonl", "pages.bin"):
            print(f"{name}: {(folder / name).stat().st_size / calls:.0f} bytes a call")


if __name__ == "__main__":
    main()
