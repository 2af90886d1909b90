"""The memory of a target that lies: headers, lists, tables and MDLs where a tracer looks for them.

An input is pages of it, each an address of eight bytes and 4096 bytes.
"""

import struct
from pathlib import Path
from random import Random
from typing import Dict, List, Optional, Sequence

from pykd_dumpfilt.debugger import (
    PAGE_SIZE,
    BugCheckData,
    DebuggerInfo,
    MemoryReadError,
    Module,
    PhysicalAddress,
    VirtualAddress,
)
from pykd_dumpfilt.decoded import layout_of
from pykd_dumpfilt.errors import DumpfiltError
from pykd_dumpfilt.recording import MemoryPageStore, Piece
from pykd_dumpfilt.structures import Machine
from pykd_dumpfilt.trace import dump_stack_modules
from pykd_dumpfilt.trace.capture import Capture, Limits
from pykd_dumpfilt.trace.image import read_image, read_sections
from pykd_dumpfilt.trace.search import find_tables
from pykd_dumpfilt.trace.stop_memory import StopMemory

from ..trace.fake_memory import CRASHDMP, CRASHDMP_DATA, DUMP, POOL, FakeMemory, context
from ._bytes import edge, mutate_bytes

__all__ = ["TargetMemory"]

_ENTRY = 8 + PAGE_SIZE
_NAME = "memory.bin"
_MDL = POOL + 0x800
_MAX_BYTES = 512 << 20
"""What may be asked of a debugger for one input: a trace's own bounds are far below."""
_LIMITS = Limits(pages=64, mdls=16, around=1)


class _Debugger:
    """As much of the port as readers of memory use; it counts what is asked for."""

    def __init__(self, pages: Dict[int, bytes], machine: Machine) -> None:
        self._pages = pages
        self._by_number = list(pages.values())
        self.machine = machine
        self.asked = 0

    def describe(self) -> DebuggerInfo:
        return DebuggerInfo("none", "0", "pages of an input")

    def modules(self) -> List[Module]:
        return [
            Module("crashdmp", VirtualAddress(CRASHDMP), 0x4000),
            Module("dump_probe", VirtualAddress(DUMP), 0x4000),
        ]

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        return None

    def bug_check(self) -> Optional[BugCheckData]:
        return None

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        return {}

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        self._count(size)
        data = bytearray()
        while len(data) < size:
            at = int(address) + len(data)
            page = self._pages.get(at // PAGE_SIZE)
            if page is None:
                raise MemoryReadError(address, size, bytes(data), "not mapped")
            data += page[at % PAGE_SIZE :][: size - len(data)]
        return bytes(data)

    def read_physical(self, address: PhysicalAddress, size: int) -> bytes:
        self._count(size)
        number = int(address) // PAGE_SIZE
        if not self._by_number or number >= 1 << 24:
            raise MemoryReadError(address, size, b"", "no memory there")
        return (self._by_number[number % len(self._by_number)] * 2)[int(address) % PAGE_SIZE :][:size]

    def _count(self, size: int) -> None:
        self.asked += max(1, size)
        assert self.asked < _MAX_BYTES, f"{self.asked} bytes were asked for"


class TargetMemory:
    """What a tracer and ``decode`` read of a target."""

    name = "memory"
    what = "target memory: image headers, the search for tables, MDL chains, structures"
    seconds = 10.0
    mebibytes = 300
    suffix = ".bin"

    def __init__(self) -> None:
        self._seeds: List[bytes] = []

    def prepare(self) -> None:
        if not self._seeds:
            self._seeds = [_packed(_memory(listed)) for listed in (True, False)]

    def make(self, random: Random) -> bytes:
        self.prepare()
        return self.mutated(random.choice(self._seeds), random)

    def place(self, case: bytes, folder: Path) -> None:
        (folder / _NAME).write_bytes(case)

    def run(self, case: bytes, folder: Path, random: Random) -> str:
        pages = {}
        for at in range(0, len(case) - _ENTRY + 1, _ENTRY):
            pages[int.from_bytes(case[at : at + 8], "little") // PAGE_SIZE] = case[at + 8 : at + _ENTRY]
        machine = random.choice((Machine.X64, Machine.X64, Machine.X64, Machine.X86, Machine.ARM64))
        debugger = _Debugger(pages, machine)
        told = []
        for module in debugger.modules():
            identity = read_image(debugger, module)
            told.append("an image" if identity.timestamp is not None else "no image")
            try:
                read_sections(debugger, module)
            except DumpfiltError:
                told.append("no sections")
        # The port's other methods are none of this one's business.
        found = find_tables(debugger, debugger.modules()[1:])  # type: ignore[arg-type]
        dump_stack_modules(debugger)  # type: ignore[arg-type]
        told.append("a table" if any(one.chosen for one in found) else "no table")
        self._mdls(debugger)
        for name in ("FILTER_EXTENSION", "FILTER_INITIALIZATION_DATA", "MDL"):
            for page in list(pages.values())[:4]:
                data = page[: random.choice((0x24, 0x38, 0x40, 0x48, 0x50, 0x58))]
                layout_of(name, Piece(POOL, data, len(data)), machine)
        return ", ".join(dict.fromkeys(told))

    @staticmethod
    def _mdls(debugger: _Debugger) -> None:
        capture = Capture(debugger, MemoryPageStore(), _LIMITS)  # type: ignore[arg-type]
        memory = StopMemory(debugger, [capture.mdl_span(_MDL)])  # type: ignore[arg-type]
        chain = capture.mdl_chain(memory, _MDL)
        assert len(chain) <= _LIMITS.mdls
        for buffer in capture.buffers(chain):
            assert len(buffer.pages) <= _LIMITS.pages
        for one in chain:
            capture.around(one)
            capture.mapped(memory, one, (0, max(0, len(one.pfns) - 1)))

    def save(self, case: bytes, path: Path) -> None:
        path.write_bytes(case)

    def load(self, path: Path) -> bytes:
        return path.read_bytes()

    def seeds(self) -> List[bytes]:
        self.prepare()
        return self._seeds

    def from_bytes(self, data: bytes) -> bytes:
        return data

    def mutated(self, data: bytes, random: Random) -> bytes:
        self.prepare()
        memory = bytearray(data)
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            if len(memory) < _ENTRY or random.random() < 0.1:
                mutate_bytes(memory, random, self._seeds)
                continue
            page = random.randrange(len(memory) // _ENTRY) * _ENTRY
            kind = random.random()
            if kind < 0.1:
                del memory[page : page + _ENTRY]
            elif kind < 0.9:
                _set(memory, page + 8, random)
            else:
                other = random.randrange(len(memory) // _ENTRY) * _ENTRY
                memory[page + 8 : page + _ENTRY] = memory[other + 8 : other + _ENTRY]
        return bytes(memory)


def _set(memory: bytearray, page: int, random: Random) -> None:
    """Put a number, or an address of this memory, where something is now."""
    used = [at for at in range(0, PAGE_SIZE, 4) if any(memory[page + at : page + at + 4])]
    at = page + (random.choice(used) if used and random.random() < 0.9 else random.randrange(0, PAGE_SIZE, 4))
    size = min(random.choice((2, 4, 8)), page + PAGE_SIZE - at)
    places = (POOL + 0x800, POOL, DUMP, DUMP + 0x1100, CRASHDMP_DATA, POOL + 0xFF8, 0)
    value = random.choice(places) if random.random() < 0.3 else edge(random)
    memory[at : at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")


def _memory(listed: bool) -> FakeMemory:
    memory = FakeMemory()
    whole = context()
    memory.put(POOL + 0x100, whole)
    links = POOL + 0x100 + len(whole)
    if listed:
        memory.list(CRASHDMP_DATA + 0x40, links)
    else:
        memory.put_u64(CRASHDMP_DATA + 0x80, POOL + 0x100)
    for at, following in ((_MDL, _MDL + 0x100), (_MDL + 0x100, 0)):
        header = struct.pack("<QhHIQQQII", following, 0x48, 1, 0, 0, POOL, POOL, 0x2000, 0x200)
        memory.put(at, header + struct.pack("<3Q", 1, 2, 3))
    return memory


def _packed(memory: FakeMemory) -> bytes:
    return b"".join(
        (number * PAGE_SIZE).to_bytes(8, "little") + bytes(page) for number, page in memory.pages()
    )
