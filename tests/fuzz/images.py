"""Driver images: read, loaded into the emulated kernel, called by its dump stack, traced, judged."""

import gc
import shutil
import struct
import tempfile
from pathlib import Path
from random import Random
from typing import Dict, List, Tuple

from pykd_dumpfilt.checking import check
from pykd_dumpfilt.errors import DumpfiltError
from pykd_dumpfilt.trace import Limits, record

from ..emulator.code import ALL_FIVE
from ..emulator.pe_writer import dump_filter
from ._bytes import edge, mutate_bytes

__all__ = ["Images"]

_FILTERS = ("pass_through", "aes_xts", "write_only", "forgets_last_sector")
# A tenth of what a loop needs to be told from work would do here: each image runs some twenty callbacks.
_BUDGET = 200_000
_NAME = "filter.sys"

# Offsets in the optional header, and how many bytes: PE Format, Microsoft.
_OPTIONAL = (
    *((0x00, 2), (0x04, 4), (0x10, 4), (0x14, 4), (0x18, 8), (0x20, 4), (0x24, 4), (0x38, 4), (0x3C, 4)),
    *((0x40, 4), (0x44, 2), (0x46, 2), (0x48, 8), (0x50, 8), (0x6C, 4)),
)
_FILE = ((0x00, 2), (0x02, 2), (0x04, 4), (0x08, 4), (0x0C, 4), (0x10, 2), (0x12, 2))
_SECTION = ((0x00, 8), (0x08, 4), (0x0C, 4), (0x10, 4), (0x14, 4), (0x24, 4))
_SECTION_SIZE = 40
_DIRECTORIES = 0x70


class Images:
    """The way of ``dumpfilt emulate``: a trace into a recording, and its verdict."""

    name = "images"
    what = ".sys files: read, loaded and run in the emulated kernel, recorded, judged"
    seconds = 20.0
    mebibytes = 1000
    suffix = ".sys"

    def __init__(self) -> None:
        self._images: List[bytes] = []

    def prepare(self) -> None:
        if not self._images:
            self._images = _images()
            # Imports what a run imports.
            folder = Path(tempfile.mkdtemp())
            self.place(self._images[0], folder)
            self.run(self._images[0], folder, Random(0))
            shutil.rmtree(folder)

    def make(self, random: Random) -> bytes:
        self.prepare()
        return self.mutated(random.choice(self._images), random)

    def place(self, case: bytes, folder: Path) -> None:
        (folder / _NAME).write_bytes(case)

    def run(self, case: bytes, folder: Path, random: Random) -> str:
        from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target

        scenario = Scenario(
            random.choice(("hibernate", "hibernate", "crash", "life")),
            seed=random.randrange(4),
            calls=2,
            pages=random.choice((1, 2)),
            budget=_BUDGET,
        )
        # A processor reserves 1 GiB of addresses, and is in cycles with its hooks.
        gc.collect()
        debugger = EmulatorDebugger(Target((folder / _NAME).read_bytes(), "filter", scenario))
        summary = record(debugger, "filter", folder / "run", limits=Limits(around=1))
        verdict = check(summary.path).verdict.value
        detail = summary.stop.detail
        how = next((how for how in _ENDS if detail.startswith(how)), summary.stop.reason.value)
        return f"ran, {how}: {verdict}"

    def save(self, case: bytes, path: Path) -> None:
        path.write_bytes(case)

    def load(self, path: Path) -> bytes:
        return path.read_bytes()

    def seeds(self) -> List[bytes]:
        self.prepare()
        return self._images

    def from_bytes(self, data: bytes) -> bytes:
        return data

    def mutated(self, data: bytes, random: Random) -> bytes:
        image = bytearray(data)
        for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
            if random.random() < 0.15 or not _mutate_image(image, random):
                mutate_bytes(image, random, self._images)
        return bytes(image)


_ENDS = ("bugcheck", "fault", "unknown import", "budget", "the scenario ran to its end")


def _images() -> List[bytes]:
    found = [dump_filter(ALL_FIVE).image()]
    calling = dump_filter({"Dump_Start": ""})
    for name in ("KeGetCurrentIrql", "ExAllocatePoolWithTag", "DbgPrint"):
        calling.call(name)
    found.append(calling.code("31C0C3").pointer(0x20, "Dump_Start").image())
    try:
        from ..lab.toolchain import build_filter

        found += [build_filter(name).read_bytes() for name in _FILTERS]
    except DumpfiltError:
        # No compiler here: the hand-written ones have every table too.
        pass
    return found


def _mutate_image(image: bytearray, random: Random) -> bool:
    """Change a field of a header, an entry of a table, or code; False where the headers are gone."""
    try:
        at = struct.unpack_from("<I", image, 0x3C)[0]
        sections, optional_size = struct.unpack_from("<H12xH", image, at + 6)
        optional = at + 24
        table = optional + optional_size
        places = [
            *((at + 4 + offset, size) for offset, size in _FILE),
            *((optional + offset, size) for offset, size in _OPTIONAL),
            (0x3C, 4),
        ]
        kind = random.random()
        if kind < 0.3:
            return _set(image, random, *random.choice(places))
        if kind < 0.45:
            offset, size = random.choice(_SECTION)
            return _set(image, random, table + random.randrange(sections) * _SECTION_SIZE + offset, size)
        if kind < 0.55:
            return _set(
                image, random, optional + _DIRECTORIES + random.randrange(16) * 8 + random.choice((0, 4)), 4
            )
        ranges = _ranges(image, optional, table, sections)
        if kind < 0.8:
            begin, size = random.choice(ranges["tables"])
            return _set(
                image, random, begin + random.randrange(max(1, size // 4)) * 4, random.choice((2, 4, 4, 8))
            )
        begin, size = random.choice(ranges["code"])
        where = begin + random.randrange(max(1, min(size, 0x2000)))
        if random.random() < 0.5:
            image[where] ^= 1 << random.randrange(8)
        else:
            code = bytes.fromhex(random.choice(_CODE))
            image[where : where + len(code)] = code
        return True
    except (struct.error, IndexError, ValueError):
        return False


# What drivers should not do, anywhere: hlt, int 3, int 29h, ud2, jmp $, call 0, push in a loop, cli,
# iretq, mov cr3, wrmsr, rep stosb, far return, syscall, in, std, mov rsp, popfq with the trap flag.
_CODE = (
    *("F4", "CC", "CD29", "0F0B", "EBFE", "31C0FFD0", "50EBFD", "FA", "48CF", "0F22D8", "0F30", "F3AA", "C3"),
    *("F00FB10B", "CB", "0F05", "EC", "0F34", "FD", "4889C4", "68020100009D", "E800000000", "FFE4", "0F01F8"),
    *(
        "0F3F",
        "F00FC7C8",
        "0F01C1",
        "0F20C0",
        "440F22C0",
        "0F31",
        "CD2E",
        "0FAEF0",
        "C4E2791800",
        "9B",
        "D9FE",
    ),
)


def _set(image: bytearray, random: Random, at: int, size: int) -> bool:
    if not 0 <= at <= len(image) - size:
        return False
    now = int.from_bytes(image[at : at + size], "little")
    near = (now + random.choice((1, -1, 4, -4, 0x1000, -0x1000))) & ((1 << 8 * size) - 1)
    value = near if random.random() < 0.4 else edge(random, 8 * size)
    image[at : at + size] = value.to_bytes(size, "little")
    return True


def _ranges(image: bytearray, optional: int, table: int, sections: int) -> Dict[str, List[Tuple[int, int]]]:
    """Where in the file code is, and what the directories of imports, exports, relocations and load
    configuration lead to: (begin, bytes)."""
    found: Dict[str, List[Tuple[int, int]]] = {"code": [], "tables": []}
    placed = []
    for number in range(min(sections, 96)):
        header = table + number * _SECTION_SIZE
        rva, size, raw, flags = struct.unpack_from("<4xIII12xI", image, header + 8)
        placed.append((rva, size, raw))
        if flags & 0x20000000:
            found["code"].append((raw, size))
    for directory in (0, 1, 5, 10, 12):
        at, size = struct.unpack_from("<II", image, optional + _DIRECTORIES + 8 * directory)
        for rva, length, raw in placed:
            if size and rva <= at < rva + length:
                # Behind the directory itself are the names and the slots that it leads to.
                found["tables"].append((raw + at - rva, min(size + 0x200, length)))
    return found
