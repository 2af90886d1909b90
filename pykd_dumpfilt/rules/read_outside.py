"""Dump_Read: where it may write.

Source: Microsoft's page "DUMP_READ callback function" (ntdddump.h): it may change the contents of the buffer
that the MDL describes, to undo what was done at the write.
"""

from typing import ClassVar, List, Mapping, Optional, Tuple

from ..decoded import DecodedCall, NoValue
from ..recording import PAGE_SIZE
from ._difference import differing
from ._neighbours import first_changed_neighbour
from ._originals import Original, PageChange, changed_pages, is_in_use, originals
from ._rule import Rule

__all__ = ["ReadStaysInBuffer"]

_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read"
_SHOWN = 16


class ReadStaysInBuffer(Rule):
    """The buffer's own first and last page, which are recorded whole, and the pages next to it where the
    trace asked for them. Bytes of another MDL's buffer in the same page are described as well. A page that
    holds the call's own stack or MDL changes by itself and is left out. That nobody else changes these bytes
    meanwhile is inferred: no document says so."""

    id = "DF-READ-003"
    family = "read"
    statement = "Dump_Read must not write outside the buffer that the MDL describes."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "mdl": "index of the MDL in the chain",
        "page": "index of the page, counted from the first of that MDL's buffer; below 0 for one before it",
        "address": "virtual address of the first changed byte, for a page next to the buffer",
        "byte": "first changed byte, in that page",
        "last_byte": "last changed byte, in that page",
        "pfn": "the page's PFN, or null where it was not captured",
        "bytes": "changed bytes in that page",
        "before": "up to 16 bytes from the first at entry, hexadecimal",
        "after": "up to 16 bytes from the first at return, hexadecimal",
    }
    callbacks = ("Dump_Read",)

    def begin(self) -> None:
        super().begin()
        self._in_use = 0

    def check(self, call: DecodedCall) -> None:
        why: Optional[NoValue] = None
        for original in originals(call):
            if isinstance(original, NoValue):
                why = why or original
                continue
            edges = _edges(original)
            if edges and edges[-1] >= original.pages:
                why = why or original.before.missing() or original.after.missing()
                edges = [page for page in edges if page < original.pages]
            for change in changed_pages(call, original, edges):
                if isinstance(change, NoValue):
                    why = why or change
                elif self._reported(call, original, change):
                    return
        neighbour = first_changed_neighbour(call)
        if neighbour is not None:
            self.checked()
            what = f"Dump_Read wrote outside the buffer: {neighbour}"
            self.find(call, what, {**neighbour.evidence, "last_byte": neighbour.last_byte})
            return
        if why is not None:
            self.cannot_tell(call, f"around the buffer: {why}")
        else:
            self.checked()

    def notes(self) -> Tuple[str, ...]:
        if self._in_use:
            return (f"{self._in_use} pages that changed hold the call's own stack or MDL",)
        return ()

    def _reported(self, call: DecodedCall, original: Original, change: PageChange) -> bool:
        after = bytearray(change.after)
        for first, last in _described(call, original, change.page):
            after[first:last] = change.before[first:last]
        if after == change.before:
            return False
        if is_in_use(call, change.before):
            self._in_use += 1
            return False
        self.checked()
        first, last, count = differing(change.before, bytes(after))
        pfn = original.pfn(change.page)
        start, end = original.before.part(change.page)
        place = (
            f"{start - first} bytes before its start"
            if first < start
            else f"{first - end} bytes past its end"
        )
        self.find(
            call,
            f"Dump_Read wrote outside the buffer: {count} bytes, first page {change.page}"
            f"{'' if pfn is None else f' (PFN {pfn:#x})'} byte {first:#x}, {place}: from "
            f"{change.before[first : first + _SHOWN].hex()} to {bytes(after[first : first + _SHOWN]).hex()}",
            {
                "mdl": original.index,
                "page": change.page,
                "byte": first,
                "last_byte": last,
                "pfn": None if pfn is None else f"{pfn:#x}",
                "bytes": count,
                "before": change.before[first : first + _SHOWN].hex(),
                "after": bytes(after[first : first + _SHOWN]).hex(),
            },
        )
        return True


def _edges(original: Original) -> List[int]:
    """The pages of the buffer that have bytes outside it."""
    start = original.before.raw.offset
    end = start + original.mdl.byte_count
    edges = [0] if start else []
    last = end // PAGE_SIZE
    if end % PAGE_SIZE and last not in edges:
        edges.append(last)
    return edges


def _described(call: DecodedCall, original: Original, page: int) -> List[Tuple[int, int]]:
    """All parts of a page that the chain describes: chained buffers may share one, and a page that only fills
    up a transfer may be named many times."""
    parts = [original.before.part(page)]
    pfn = original.pfn(page)
    if pfn is not None:
        for other in originals(call):
            if not isinstance(other, NoValue):
                parts += other.before.parts_of(pfn)
    return parts
