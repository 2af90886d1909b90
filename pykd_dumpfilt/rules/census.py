"""The system's side: which kinds of transfers came. Never a finding: what was seen tells on which builds and
paths a filter was tried, and what a filter should be ready for.

What real kernels put into MdlFlags is known of few builds only, so a census is worth reading.
"""

from typing import ClassVar, Counter, Dict, Iterator, Mapping, Tuple

from ..decoded import DecodedCall, FilterInitializationData, Mdl, NoValue
from ..recording import PAGE_SIZE
from ..structures import mdl_flag_names
from ._rule import Level, Rule

__all__ = ["TransferCensus"]

_LISTED = 16


class _Seen:
    """The transfers of one callback, counted."""

    def __init__(self) -> None:
        self.flags: Counter[int] = Counter()
        self.start_va: Counter[str] = Counter()
        self.transfers = 0
        self.chained = 0
        self.unaligned = 0
        self.scattered = 0
        self.crossing = 0
        self.smallest = 0
        self.largest = 0


class TransferCensus(Rule):
    """Transfers are counted by the MDL chain, MdlFlags and StartVa by the MDL. That kernels do not let a
    transfer cross a multiple of MaxPagesPerWrite pages was seen of hibernation, in one build."""

    id = "DF-ARGS-006"
    level = Level.NOTE
    family = "environment"
    statement = "The kinds of MDLs and of transfers that the system gave are counted."
    source = "https://learn.microsoft.com/windows-hardware/drivers/kernel/using-mdls"
    evidence: ClassVar[Mapping[str, str]] = {}
    callbacks = ("Dump_Write", "Dump_Read")
    returned = False

    def begin(self) -> None:
        super().begin()
        self._seen: Dict[str, _Seen] = {}

    def check(self, call: DecodedCall) -> None:
        mdls = [mdl for mdl in call.entry.mdls if isinstance(mdl, Mdl)]
        if not mdls:
            # Other rules say that this is missing; a census counts what there is.
            return
        self.checked()
        seen = self._seen.get(call.label)
        if seen is None:
            seen = self._seen[call.label] = _Seen()
        size = sum(mdl.byte_count for mdl in mdls)
        seen.smallest = size if not seen.transfers else min(seen.smallest, size)
        seen.largest = max(seen.largest, size)
        seen.transfers += 1
        seen.chained += mdls[0].next != 0
        seen.unaligned += any(mdl.byte_offset for mdl in mdls)
        seen.scattered += any(_is_scattered(mdl.pfns) for mdl in mdls)
        seen.crossing += _crosses(call, size)
        for mdl in mdls:
            seen.flags[mdl.mdl_flags] += 1
            seen.start_va[_start_va(mdl)] += 1

    def notes(self) -> Tuple[str, ...]:
        return tuple(note for label, seen in self._seen.items() for note in _notes(label, seen))


def _notes(label: str, seen: _Seen) -> Iterator[str]:
    transfers = "1 transfer" if seen.transfers == 1 else f"{seen.transfers} transfers"
    sizes = f"{seen.smallest}" if seen.smallest == seen.largest else f"{seen.smallest} to {seen.largest}"
    shapes = (
        ("there is an MDL chain", seen.chained),
        ("ByteOffset is not 0", seen.unaligned),
        ("page frames are scattered", seen.scattered),
        ("a multiple of MaxPagesPerWrite pages is crossed", seen.crossing),
    )
    told = "".join(f"; {what} in {count}" for what, count in shapes if count)
    yield f"{label}: {transfers} of {sizes} bytes{told}"
    yield f"{label}: StartVa is " + ", ".join(f"{what} in {count}" for what, count in seen.start_va.items())
    common = seen.flags.most_common(_LISTED)
    for flags, count in common:
        yield f"{label}: MdlFlags are {flags:#06x} ({', '.join(mdl_flag_names(flags)) or 'none'}) in {count}"
    if len(seen.flags) > len(common):
        yield f"{label}: and {len(seen.flags) - len(common)} more combinations of MdlFlags"


def _start_va(mdl: Mdl) -> str:
    if mdl.start_va == 0:
        return "0"
    if mdl.start_va == mdl.mapped_system_va - mdl.mapped_system_va % PAGE_SIZE:
        return "the page of MappedSystemVa"
    return "another address"


def _is_scattered(pfns: Tuple[int, ...]) -> bool:
    return bool(pfns) and pfns != tuple(range(pfns[0], pfns[0] + len(pfns)))


def _crosses(call: DecodedCall, size: int) -> bool:
    offset, data = call.entry.disk_byte_offset, call.entry.filter_initialization_data
    if isinstance(offset, NoValue) or not isinstance(data, FilterInitializationData):
        return False
    limit = data.max_pages_per_write * PAGE_SIZE
    return bool(size and limit) and offset // limit != (offset + size - 1) // limit
