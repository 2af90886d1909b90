"""Dump_Write: what it does to the data on its way to the disk.

Source: Microsoft's page "DUMP_WRITE callback function" (ntdddump.h): a filter copies the data and processes
the copy. That it processes all of it or none is inferred: what is left as it was in the middle of what is
encrypted is most often a rest that was forgotten.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Dict, List, Mapping, Optional, Tuple

from ..decoded import DecodedCall, NoValue
from ..errors import RecordingError
from ..recording import PAGE_SIZE
from ._rule import Level, Rule
from ._sector import sector_size
from ._shapes import known_shape
from ._transfer import TransferData

__all__ = ["TransformsAllOrNothing"]

_USUAL_SECTOR = 512
_COMPARED_WHOLE = 64
_EVERY = 64
_CHUNK = 16 * PAGE_SIZE
_LISTED = 4
_MAX_COPIES = 1000
_MAY_BE_MEANT = (
    "; a filter for a range of the disk, or one that leaves out a header, may be right to do so at a border"
)


@dataclass
class _Copy:
    """What one copy of the filter did with its transfers so far; ``first`` are the first ``untouched`` ones,
    with the numbers of their calls."""

    calls: int = 0
    transformed: int = 0
    untouched: int = 0
    first: List[Tuple[int, TransferData]] = field(default_factory=list)


@dataclass
class _Run:
    """How many sectors, and the first and the last of them, by number from the transfer's start."""

    count: int = 0
    first: int = 0
    last: int = 0

    def add(self, numbers: range) -> None:
        """Take in sectors that come after those that there are."""
        if numbers:
            self.first = self.first if self.count else numbers[0]
            self.last = numbers[-1]
            self.count += len(numbers)


class _Sectors:
    """Which sectors are at return as they were given, and which are not."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.kept = _Run()
        self.changed = _Run()
        self.unknown: Optional[str] = None

    def compare(self, given: TransferData, done: TransferData, start: int, end: int) -> None:
        """Take in the sectors from position ``start``, which begins one, to ``end``."""
        for at in range(start, end, _CHUNK):
            upto = min(at + _CHUNK, end)
            try:
                before, after = given.read(at, upto), done.read(at, upto)
            except RecordingError as error:
                self.unknown = self.unknown or str(error)
                continue
            numbers = range(at // self.size, -(-upto // self.size))
            if before == after:
                self.kept.add(numbers)
                continue
            for index, byte in enumerate(range(0, len(before), self.size)):
                same = before[byte : byte + self.size] == after[byte : byte + self.size]
                (self.kept if same else self.changed).add(numbers[index : index + 1])

    @property
    def place(self) -> str:
        """Where in the transfer the kept sectors are."""
        if self.kept.last < self.changed.first:
            return "beginning"
        return "end" if self.kept.first > self.changed.last else "middle"


class TransformsAllOrNothing(Rule):
    """A warning, for there are filters that do so on purpose: VeraCrypt encrypts a range of the disk, whose
    border a transfer may cross, and DmpFlt leaves out a header. It is told once for a copy and for each of
    beginning, end and middle of a transfer.

    Equal page numbers are equal pages. Pages of other numbers must be read, which takes its time: all of a
    copy's first 64 transfers and of every 64th after these is compared, of the others the first and the last
    page, and all where these or the page numbers show that a part was kept.
    """

    id = "DF-WRITE-007"
    level = Level.WARNING
    family = "write"
    statement = "Dump_Write transforms all of the data or none of it, never a part."
    source = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_write"
    evidence: ClassVar[Mapping[str, str]] = {
        "place": "where in the transfer the kept sectors are: beginning, end or middle",
        "kept_sectors": "sectors that are as they were given",
        "kept_disk_offset": "disk offset of the first of them, bytes",
        "kept_page": "index of the page of the caller's buffer in which it begins",
        "kept_byte": "the byte of that page",
        "kept_shape": "what it is known to begin with, in words; null where nothing is known",
        "changed_sectors": "sectors that are not as they were given",
        "changed_disk_offset": "disk offset of the first of them, bytes",
        "changed_page": "index of the page of the caller's buffer in which it begins",
        "changed_byte": "the byte of that page",
        "sector_size": "bytes of a sector",
    }
    callbacks = ("Dump_Write",)

    def begin(self) -> None:
        super().begin()
        self._copies: Dict[str, _Copy] = {}
        self._sampled = 0

    def check(self, call: DecodedCall) -> None:
        if call.exit is None or call.status != 0:
            # What a failed Dump_Write leaves is not its answer.
            return
        if not call.entry.buffers or not call.exit.buffers:
            self.cannot_tell(call, "the buffer was not captured")
            return
        given, done = TransferData(call.entry.buffers), TransferData(call.exit.buffers)
        why = given.missing or done.missing
        if why is not None:
            self.cannot_tell(call, f"the buffer: {why}")
        elif given.size and done.size:
            self._judge(call, given, done)

    def notes(self) -> Tuple[str, ...]:
        notes = []
        for name, copy in self._copies.items():
            if not copy.untouched:
                continue
            note = f"{name}: Dump_Write left {copy.untouched} of {copy.calls} transfers as they were"
            shapes = [(number, _shape(given, 0)) for number, given in copy.first if copy.transformed]
            known = [f"{shape} in call {number}" for number, shape in shapes if shape]
            notes.append(note + (f", among them {', '.join(known)}" if known else ""))
        if self._sampled:
            notes.append(
                f"{self._sampled} of the transfers were compared by first page, last page and page numbers"
            )
        return tuple(notes)

    def _judge(self, call: DecodedCall, given: TransferData, done: TransferData) -> None:
        size = min(given.size, done.size)
        copy = self._copy(call)
        copy.calls += 1
        equal, pages = given.equal_pages(done)
        if equal == pages:
            self.checked()
            self._untouched(call, copy, given)
            return
        sectors = _Sectors(sector_size(call) or _USUAL_SECTOR)
        head, tail = given.ends(size, sectors.size)
        if head < tail and copy.calls > _COMPARED_WHOLE and copy.calls % _EVERY and not equal:
            sectors.compare(given, done, 0, head)
            sectors.compare(given, done, tail, size)
            if sectors.kept.count:
                sectors = _Sectors(sectors.size)
                sectors.compare(given, done, 0, size)
            else:
                self._sampled += 1
        else:
            sectors.compare(given, done, 0, size)
        if sectors.unknown is None:
            self.checked()
        else:
            self.cannot_tell(call, sectors.unknown)
        if sectors.changed.count:
            copy.transformed += 1
            if sectors.kept.count:
                self._report(call, given, sectors)
        elif sectors.unknown is None:
            self._untouched(call, copy, given)

    def _copy(self, call: DecodedCall) -> _Copy:
        if call.module_name not in self._copies and len(self._copies) >= _MAX_COPIES:
            return _Copy()
        return self._copies.setdefault(call.module_name, _Copy())

    @staticmethod
    def _untouched(call: DecodedCall, copy: _Copy, given: TransferData) -> None:
        copy.untouched += 1
        if len(copy.first) < _LISTED:
            copy.first.append((call.number, given))

    def _report(self, call: DecodedCall, given: TransferData, sectors: _Sectors) -> None:
        kept, changed = sectors.kept.first * sectors.size, sectors.changed.first * sectors.size
        shape = _shape(given, kept, sectors.size)
        offset = call.entry.disk_byte_offset
        base = 0 if isinstance(offset, NoValue) else offset
        (kept_page, kept_byte), (changed_page, changed_byte) = given.place(kept), given.place(changed)
        total = sectors.kept.count + sectors.changed.count
        self.find_once(
            call,
            sectors.place,
            f"Dump_Write transformed a part of the data: {sectors.kept.count} of {total} sectors, at the "
            f"{sectors.place} of the transfer, are as they were given, first at disk offset {base + kept:#x} "
            f"(page {kept_page} byte {kept_byte:#x}{'' if shape is None else f', {shape}'}); the others are "
            f"changed, first at disk offset {base + changed:#x} (page {changed_page} byte "
            f"{changed_byte:#x}); transform all of a transfer, or none of it"
            + ("" if sectors.place == "middle" else _MAY_BE_MEANT),
            {
                "place": sectors.place,
                "kept_sectors": sectors.kept.count,
                "kept_disk_offset": base + kept,
                "kept_page": kept_page,
                "kept_byte": kept_byte,
                "kept_shape": shape,
                "changed_sectors": sectors.changed.count,
                "changed_disk_offset": base + changed,
                "changed_page": changed_page,
                "changed_byte": changed_byte,
                "sector_size": sectors.size,
            },
        )


def _shape(given: TransferData, position: int, sector: int = PAGE_SIZE) -> Optional[str]:
    """What the data at a position is known to be, by a page of it or by its first sector."""
    try:
        data = given.read(position, min(position + PAGE_SIZE, given.size))
    except RecordingError:
        return None
    shape = known_shape(data)
    if shape is None and data and not any(data[:sector]):
        return "zeros"
    return shape
