"""What the dump stack will do: a plan made from a seed, pure data."""

from dataclasses import dataclass, replace
from typing import List, Tuple

from ..debugger import PAGE_SIZE
from ..errors import UsageError
from .stream import Stream

__all__ = ["ATTACH", "DISK_SIZE", "KINDS", "Plan", "Scenario", "Transfer"]

KINDS = ("crash", "hibernate", "life")
ATTACH = ("start", "boot", "resume", "reading", "bugcheck")
"""Moments of a machine's life at which a debugger may attach, in order of time."""
DISK_SIZE = 64 << 30
FOUR_GIB = 1 << 32

_MAX_CALLS = 100_000
_MAX_PAGES = 256  # 1 MiB per transfer; 16 pages is what real systems were seen to use
_MAX_BYTES = 1 << 30
_MAX_SEED = (1 << 64) - 1
_SECTOR_SIZES = (512, 4096)
_TABLES = (0x40, 0x48)

# MdlFlags (wdm.h): 1 mapped, 2 locked, 4 nonpaged pool, 0x10 partial. The first of each pair is what
# PopRequestRead and PopRequestWrite build, and weighs most; 0x11 with StartVa 0 is PopCreateDumpMdl's.
_STYLES = (
    (0x01, "page"),
    (0x01, "page"),
    (0x05, "page"),
    (0x03, "page"),
    (0x04, "page"),
    (0x03, "stale"),
    (0x01, "stale"),
)
_PARTIAL = (0x11, "zero")


@dataclass(frozen=True)
class Transfer:
    """One Dump_Write or Dump_Read.

    Attributes:
        offset: DiskByteOffset, bytes.
        size: ByteCount, bytes, a multiple of the sector size.
        byte_offset: where in its first page the buffer begins.
        contiguous: whether the PFNs are consecutive.
        flags: MdlFlags.
        start_va: what StartVa holds: "page" (the page of MappedSystemVa), "zero", or "stale" (an address
            of another context that nobody may use).
    """

    offset: int
    size: int
    byte_offset: int
    contiguous: bool
    flags: int
    start_va: str


@dataclass(frozen=True)
class Plan:
    """All transfers, in order. A crash has no reads."""

    writes: Tuple[Transfer, ...]
    reads: Tuple[Transfer, ...]


@dataclass(frozen=True)
class Scenario:
    """What happens to the filter.

    Attributes:
        kind: "crash" (the crash dump stack writes a dump), "hibernate" (the hibernation stack writes an
            image, and reads it when the machine resumes) or "life" (the machine boots and loads the crash
            dump stack, hibernates and resumes, then bug-checks: a break, and the crash dump after it).
        seed: everything that varies follows from it.
        calls: Dump_Write calls. Reads cover what was written, split otherwise, with repeats, so there are
            somewhat more of them.
        pages: MaxPagesPerWrite; no transfer is longer.
        sector_size: bytes, 512 or 4096.
        table: size of FILTER_INITIALIZATION_DATA, and so how far before FILTER_EXTENSION it lies: 0x40 as
            in Windows 8 to 10, 0x48 with DumpPreReadWrite.
        budget: instructions that one call of the filter may take.
        attach: when the debugger comes, in a life; what is past by then has really been executed. "start":
            no dump stack is loaded yet. "boot": the crash dump stack is, and its DriverEntry has run.
            "resume": the image has been written and Dump_Start called to read it. "reading": half of the
            calls of Dump_Read are past. "bugcheck": the break before the dump is written.

    Raises:
        UsageError: a value out of range.
    """

    kind: str
    seed: int = 1
    calls: int = 32
    pages: int = 16
    sector_size: int = 512
    table: int = 0x40
    budget: int = 2_000_000_000
    attach: str = "start"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"there is no scenario {self.kind!r}; choose {' or '.join(KINDS)}")
        if self.attach not in ATTACH:
            raise UsageError(f"a debugger cannot attach at {self.attach!r}; choose {' or '.join(ATTACH)}")
        if self.attach != "start" and self.kind != "life":
            raise UsageError(
                f"in the scenario {self.kind!r} the debugger is there from the start; for {self.attach!r} "
                "choose the scenario 'life'"
            )
        for name, low, high in (
            ("seed", 0, _MAX_SEED),
            ("calls", 1, _MAX_CALLS),
            ("pages", 1, _MAX_PAGES),
            ("budget", 1000, 1 << 40),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise UsageError(f"{name} is {value!r}; from {low} to {high} is possible")
        for name, allowed in (("sector_size", _SECTOR_SIZES), ("table", _TABLES)):
            if getattr(self, name) not in allowed:
                choice = " or ".join(str(value) for value in allowed)
                raise UsageError(f"{name} is {getattr(self, name)!r}; {choice} is possible")
        if self.calls * self.pages * PAGE_SIZE > _MAX_BYTES:
            raise UsageError(
                f"{self.calls} calls of {self.pages} pages are more than {_MAX_BYTES >> 20} MiB; ask for less"
            )

    @property
    def stacks(self) -> Tuple["Scenario", ...]:
        """What each dump stack does: this scenario itself, or the two of a life in the order of their
        loading."""
        if self.kind != "life":
            return (self,)
        return tuple(replace(self, kind=kind, attach="start") for kind in ("crash", "hibernate"))

    @property
    def prefix(self) -> str:
        """What the dump stack puts before the names of its modules.

        Raises:
            UsageError: there are two stacks, see :attr:`stacks`.
        """
        self._require_one_stack()
        return "dump_" if self.kind == "crash" else "hiber_"

    def plan(self) -> Plan:
        """The transfers that follow from the seed.

        Raises:
            UsageError: there are two stacks, see :attr:`stacks`.
        """
        self._require_one_stack()
        writes = _Writes(self).make()
        reads = _reads(self, writes) if self.kind == "hibernate" else ()
        return Plan(tuple(writes), tuple(reads))

    def _require_one_stack(self) -> None:
        if self.kind == "life":
            raise UsageError("a life has two dump stacks, each with a prefix and a plan of its own")


class _Shapes:
    """Sizes and MDL styles in shuffled rounds, so that a short scenario already sees each of them."""

    def __init__(self, scenario: Scenario, stream: Stream) -> None:
        self._scenario = scenario
        self._stream = stream
        self._sizes: List[str] = []
        self._styles: List[Tuple[int, str]] = []

    def size(self) -> int:
        if not self._sizes:
            kinds = ("full", "full", "full", "pages", "pages", "page", "sectors", "sector")
            self._sizes = self._stream.shuffled(kinds)
        kind = self._sizes.pop()
        pages, sector = self._scenario.pages, self._scenario.sector_size
        if kind == "full":
            return pages * PAGE_SIZE
        if kind == "pages":
            return self._stream.between(1, pages) * PAGE_SIZE
        if kind == "sectors":
            return self._stream.between(1, pages * PAGE_SIZE // sector) * sector
        return PAGE_SIZE if kind == "page" else sector

    def transfer(self, offset: int, size: int) -> Transfer:
        stream = self._stream
        if not self._styles:
            self._styles = stream.shuffled((*_STYLES, _PARTIAL, _PARTIAL))
        flags, start_va = self._styles.pop()
        if (flags, start_va) == _PARTIAL and size % PAGE_SIZE:
            flags, start_va = _STYLES[0]
        partial = (flags, start_va) == _PARTIAL
        room = self._scenario.pages * PAGE_SIZE - size
        byte_offset = 0
        if room and not partial and stream.chance(1, 2):
            # PopRequestRead and PopRequestWrite take any buffer; no transfer spans more than MaxPages pages.
            byte_offset = stream.below(min(room, PAGE_SIZE - 16) // 16 + 1) * 16
        return Transfer(offset, size, byte_offset, partial or stream.chance(1, 3), flags, start_va)


class _Writes:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._stream = Stream("writes", scenario.kind, scenario.seed, scenario.calls, scenario.pages)
        self._shapes = _Shapes(scenario, self._stream)
        sector = scenario.sector_size
        self._next = [
            (1 << 20) + self._stream.below(1 << 12) * sector,
            FOUR_GIB,
            (20 << 30) + self._stream.below(1 << 20) * sector,
        ]

    def make(self) -> List[Transfer]:
        scenario, stream = self._scenario, self._stream
        first = min(2 if scenario.kind == "crash" else 1, scenario.pages) * PAGE_SIZE
        writes = [self._append(0, first)]
        while len(writes) < scenario.calls:
            size = self._shapes.size()
            if len(writes) == 1:
                # Half before 4 GiB, half after, as near as sectors allow.
                self._next[1] = FOUR_GIB - max(size // 2 // scenario.sector_size, 1) * scenario.sector_size
                writes.append(self._append(1, size))
            elif len(writes) == 2:
                writes.append(self._append(2, size))
            elif stream.chance(1, 8):
                # The header pages are written again at the end of a real dump; other ranges may be, too.
                again = stream.choice(writes)
                writes.append(self._shapes.transfer(again.offset, size))
            else:
                writes.append(self._append(stream.below(3), size))
        return writes

    def _append(self, region: int, size: int) -> Transfer:
        offset = self._next[region]
        self._next[region] += size
        if self._stream.chance(1, 4):
            self._next[region] += self._stream.between(1, 64) * self._scenario.sector_size
        return self._shapes.transfer(offset, size)


def _reads(scenario: Scenario, writes: List[Transfer]) -> List[Transfer]:
    """Reads that cover what was written: other borders, another order, some twice."""
    stream = Stream("reads", scenario.seed, scenario.calls, scenario.pages)
    shapes = _Shapes(scenario, stream)
    reads = []
    for begin, end in _runs(writes):
        at = begin
        while at < end:
            size = min(shapes.size(), end - at)
            reads.append(shapes.transfer(at, size))
            at += size
    ordered: List[Transfer] = []
    for start in range(0, len(reads), 6):
        # Resume reads by and large in order, but not strictly.
        ordered += stream.shuffled(reads[start : start + 6])
    result: List[Transfer] = []
    for transfer in ordered:
        result.append(transfer)
        if stream.chance(1, 6):
            earlier = stream.choice(result)
            result.append(shapes.transfer(earlier.offset, earlier.size))
    return result


def _runs(writes: List[Transfer]) -> List[Tuple[int, int]]:
    """The byte ranges that were written, joined where they touch."""
    runs: List[Tuple[int, int]] = []
    for begin, end in sorted((write.offset, write.offset + write.size) for write in writes):
        if runs and begin <= runs[-1][1]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], end))
        else:
            runs.append((begin, end))
    return runs
