"""The caller's pages over one Dump_Write or Dump_Read: as they were at entry, and as they are at return.

They are told by the page frame numbers at entry, for the MDL may point elsewhere at return.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Dict, Iterable, Iterator, Optional, Sequence, Set, Tuple, Union

from ..decoded import Absence, BufferView, DecodedCall, DecodedSide, Mdl, NoValue, spans_in_use
from ..errors import RecordingError
from ..recording import PAGE_SIZE

__all__ = [
    "Original",
    "OwnPages",
    "PageChange",
    "all_pfns",
    "changed_pages",
    "is_in_use",
    "originals",
]

_MAX_OWN = 1 << 16


@dataclass(frozen=True)
class Original:
    """What one MDL of the chain described at entry: ``before`` at entry, ``after`` at return."""

    index: int
    mdl: Mdl
    before: BufferView
    after: BufferView

    @property
    def pages(self) -> int:
        """Pages that both sides hold, readable or not."""
        return min(len(self.before.raw.pages), len(self.after.raw.pages))

    def pfn(self, page: int) -> Optional[int]:
        """The page frame number of a page of the buffer, where the MDL's array was captured that far."""
        return self.mdl.pfns[page] if page < len(self.mdl.pfns) else None


@dataclass(frozen=True)
class PageChange:
    """One page of a caller's buffer whose 4096 bytes are not the same at return as at entry."""

    page: int
    before: bytes
    after: bytes


def originals(call: DecodedCall) -> Tuple[Union[Original, NoValue], ...]:
    """For each MDL at entry its pages on both sides, or why they cannot be compared."""
    return call.once(_originals)


def _originals(call: DecodedCall) -> Tuple[Union[Original, NoValue], ...]:
    done = call.exit
    if done is None or not call.entry.mdls or not call.entry.buffers:
        return (NoValue(Absence.NOT_CAPTURED, "the buffer at entry"),)
    return tuple([_original(call, done, index) for index in range(len(call.entry.mdls))])


def changed_pages(
    call: DecodedCall, original: Original, pages: Sequence[int]
) -> Iterator[Union[PageChange, NoValue]]:
    """Which of ``pages`` (indexes) changed, or why that cannot be told. Equal page numbers are equal pages,
    so an unchanged page is not read."""
    before, after = original.before.raw, original.after.raw
    if before.pages == after.pages and None not in before.pages:
        return
    for page in pages:
        one, two = before.pages[page], after.pages[page]
        if one is None or two is None:
            side, when = (before, "at entry") if one is None else (after, "at return")
            why = side.unreadable.get(page, "no reason given")
            yield NoValue(Absence.UNREADABLE, f"page {page} of the buffer {when}: {why}")
        elif one != two:
            try:
                contents = call.pages.page(one), call.pages.page(two)
            except RecordingError as error:
                yield NoValue(Absence.UNREADABLE, str(error))
                continue
            if any(len(content) != PAGE_SIZE for content in contents):
                yield NoValue(Absence.UNDECODABLE, f"page {one} or {two} has not {PAGE_SIZE} bytes")
            elif contents[0] != contents[1]:
                yield PageChange(page, *contents)


def is_in_use(call: DecodedCall, page: bytes) -> bool:
    """Whether a page (as it was at entry) is one that the call itself works on: its stack, or its MDL.

    A crash dump holds such pages too, and they change while they are written, whatever the filter does. What
    else the callback changes rightly (deeper stack pages, the filter's own data) cannot be told from physical
    pages.
    """
    return next(spans_in_use(call, page), None) is not None


class OwnPages:
    """The page frame numbers of a filter's own buffer, learnt from what it put into MDLs.

    A crash dump writes all memory, so a filter is also given its own buffer to write. At most 65536 are kept.
    """

    def __init__(self) -> None:
        self._known: Dict[int, Set[int]] = {}
        self._count = 0

    def known(self, call: DecodedCall) -> Set[int]:
        """Those of the call's copy, from its earlier calls."""
        return self._known.get(call.raw.module, set())

    def learn(self, call: DecodedCall) -> None:
        """Take in what a call put into its MDLs that its caller had not put there."""
        if call.exit is None or call.entry.raw.mdls == call.exit.raw.mdls:
            return
        new = set(all_pfns(call.exit)) - self.known(call)
        if new:
            new.difference_update(all_pfns(call.entry))
        if new and self._count + len(new) <= _MAX_OWN:
            self._known.setdefault(call.raw.module, set()).update(new)
            self._count += len(new)


def all_pfns(side: DecodedSide) -> Iterable[int]:
    """The page frame numbers of the whole MDL chain."""
    return chain.from_iterable([mdl.pfns for mdl in side.mdls if isinstance(mdl, Mdl)])


def _original(call: DecodedCall, done: DecodedSide, index: int) -> Union[Original, NoValue]:
    mdl = call.entry.mdls[index]
    if isinstance(mdl, NoValue):
        return mdl
    views = done.described_at_entry
    if index >= len(call.entry.buffers) or index >= len(views):
        return NoValue(Absence.NOT_CAPTURED, f"the buffer of MDL {index}")
    before, after = call.entry.buffers[index], views[index]
    if not 0 <= before.raw.offset < PAGE_SIZE:
        return NoValue(Absence.UNDECODABLE, f"the buffer begins at byte {before.raw.offset} of its page")
    if before.raw.via != after.raw.via:
        return NoValue(Absence.UNREADABLE, f"the pages were read {before.raw.via}, at return {after.raw.via}")
    if not done.source and not _same_place(mdl, done, index, before.raw.via):
        return NoValue(
            Absence.NOT_CAPTURED, "the pages that the MDL described at entry, as they are at return"
        )
    return Original(index, mdl, before, after)


def _same_place(mdl: Mdl, done: DecodedSide, index: int, via: str) -> bool:
    """Whether the MDL at return still names the pages that it named at entry."""
    now: Union[Mdl, NoValue, Tuple[()]] = done.mdls[index] if index < len(done.mdls) else ()
    if not isinstance(now, Mdl):
        return False
    if via != "physical":
        return now.mapped_system_va == mdl.mapped_system_va
    count = min(len(now.pfns), len(mdl.pfns))
    return now.pfns[:count] == mdl.pfns[:count]
