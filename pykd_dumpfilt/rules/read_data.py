"""Dump_Read: what it may do with the data.

Source: Microsoft's page "DUMP_READ callback function" (ntdddump.h): it may change the contents of the buffer
that the MDL describes, to undo what was done at the write.
"""

import struct
from functools import lru_cache
from hashlib import blake2b
from typing import ClassVar, Dict, List, Mapping, Optional, Tuple

from ..decoded import BufferView, DecodedCall, NoValue, given_back
from ..recording import PAGE_SIZE
from ._compare import Given, compare
from ._difference import Difference, differing
from ._originals import (
    NeighbourChange,
    Original,
    PageChange,
    changed_neighbours,
    changed_pages,
    is_in_use,
    originals,
)
from ._rule import Rule
from ._written import Extents

__all__ = ["ReadIsRepeatable", "ReadStaysInBuffer"]

_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read"
_SHOWN = 16
_MAX_READS = 1 << 16
_PER_PLACE = 4

_DIGEST_SIZE = 16


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
        for neighbour in changed_neighbours(call):
            self.checked()
            self._report_neighbour(call, neighbour)
            return
        if why is not None:
            self.cannot_tell(call, f"around the buffer: {why}")
        else:
            self.checked()

    def notes(self) -> Tuple[str, ...]:
        if self._in_use:
            return (f"{self._in_use} pages that changed hold the call's own stack or MDL",)
        return ()

    def _report_neighbour(self, call: DecodedCall, change: NeighbourChange) -> None:
        first, last, count = differing(change.before, change.after)
        before, after = change.before[first : first + _SHOWN], change.after[first : first + _SHOWN]
        self.find(
            call,
            f"Dump_Read wrote outside the buffer: {count} bytes in a page next to it, {change.place}: from "
            f"{before.hex()} to {after.hex()}",
            {
                "mdl": change.mdl,
                "page": change.page,
                "byte": first,
                "last_byte": last,
                "address": f"{change.address + first:#x}",
                "bytes": count,
                "before": before.hex(),
                "after": after.hex(),
            },
        )

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
        start, end = _part(original, change.page)
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


class ReadIsRepeatable(Rule):
    """Judged where one disk offset is read more than once with the same data; a copy that is loaded again
    begins anew. The last 65536 reads are remembered, as page numbers: some 15 MiB of memory, and on disk what
    :class:`~._written.Extents` takes for each of their buffers at both sides."""

    id = "DF-READ-004"
    family = "read"
    statement = "Dump_Read gives the same data whenever it is given the same data for the same disk offset."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "earlier_call": "number of the call that was given the same data",
        "disk_offset": "disk offset of the first differing byte, bytes",
        "mdl": "index of the MDL in the chain",
        "page": "index of the page in that MDL's buffer",
        "byte": "first differing byte, in that page",
        "bytes": "differing bytes in all",
        "then": "up to 16 bytes from there that the earlier call gave, hexadecimal",
        "now": "up to 16 bytes from there that this call gave, hexadecimal",
    }
    callbacks = ("Dump_Read", "DriverEntry")
    returned = False

    def begin(self) -> None:
        super().begin()
        # By digests of the copy's name and of offset and sizes, where the first extent of each read is; its
        # others follow it.
        self._reads: Dict[bytes, Tuple[int, ...]] = {}
        self._extents = Extents()
        self._count = 0
        self._forgotten = 0

    def check(self, call: DecodedCall) -> None:
        if call.callback == "DriverEntry":
            # New keys may come with a new load.
            name = _short(call.module_name)
            for key in [key for key in self._reads if key.startswith(name)]:
                self._count -= len(self._reads.pop(key))
            return
        if call.exit is None:
            self.cannot_tell(call, f"did not return: {call.raw.unreturned or 'no reason recorded'}")
            return
        if call.status is None or call.status != 0:
            # What a failed read leaves in the buffer is not its answer.
            return
        offset = call.entry.disk_byte_offset
        if isinstance(offset, NoValue):
            self.cannot_tell(call, f"*DiskByteOffset at entry: {offset}")
            return
        if not call.entry.buffers or len(call.entry.buffers) != len(call.entry.mdls):
            self.cannot_tell(call, "the buffer was not captured")
            return
        views: List[Tuple[BufferView, BufferView]] = []
        for index, view in enumerate(call.entry.buffers):
            back = given_back(call, index)
            why = view.missing() or (back if isinstance(back, NoValue) else back.missing(0, view.held))
            if why is not None or isinstance(back, NoValue):
                self.cannot_tell(call, f"the buffer: {why}")
                return
            views.append((view, back))
        self._judge(call, offset, views)

    def notes(self) -> Tuple[str, ...]:
        if self._forgotten:
            return (f"{self._forgotten} reads were not held against later ones: {_MAX_READS} are remembered",)
        return ()

    def _judge(self, call: DecodedCall, offset: int, views: List[Tuple[BufferView, BufferView]]) -> None:
        place = struct.pack(f"<q{len(views)}Q", offset, *[view.held for view, _ in views])
        key = _short(call.module_name) + blake2b(place, digest_size=_DIGEST_SIZE).digest()
        for position in self._reads.get(key, ()):
            given = Difference()
            behind, why = self._compare(call, offset, [view for view, _ in views], position, given)
            if why or given.first is not None:
                continue
            gave = Difference()
            _, why = self._compare(call, offset, [back for _, back in views], behind, gave)
            if gave.first is not None:
                self.checked()
                self._report(call, gave, self._extents.get(position).call)
            elif why:
                self.cannot_tell(call, why[0])
            else:
                self.checked()
            return
        self._remember(key, call.number, offset, views)

    def _compare(
        self, call: DecodedCall, offset: int, views: List[BufferView], position: int, difference: Difference
    ) -> Tuple[int, List[str]]:
        """Compare with the extents from a position on; gives where they end and what was not comparable."""
        why: List[str] = []
        for index, view in enumerate(views):
            extent = self._extents.get(position)
            stretch = (offset, offset + view.held)
            why += compare(Given(index, offset, view.held, view), stretch, extent, call.pages, difference)
            offset += view.held
            position = extent.next
        return position, why

    def _remember(
        self, key: bytes, number: int, offset: int, views: List[Tuple[BufferView, BufferView]]
    ) -> None:
        positions = []
        for buffers in zip(*views):
            base = offset
            for view in buffers:
                positions.append(self._extents.put(number, base, view))
                base += view.held
        reads = self._reads.get(key, ())
        if len(reads) >= _PER_PLACE:
            reads = reads[1:]
            self._count -= 1
            self._forgotten += 1
        self._reads[key] = (*reads, positions[0])
        self._count += 1
        if self._count > _MAX_READS:
            lost = len(self._reads.pop(next(iter(self._reads))))
            self._count -= lost
            self._forgotten += lost

    def _report(self, call: DecodedCall, difference: Difference, earlier: int) -> None:
        first = difference.first
        if first is None:
            return
        self.find(
            call,
            f"Dump_Read was given the same data for the same disk offset as in call {earlier}, and gave back "
            f"other data: {difference.count} bytes differ, first at disk offset {first.disk_offset:#x} (page "
            f"{first.page} byte {first.byte:#x}): {first.expected.hex()} then, {first.got.hex()} now",
            {
                "earlier_call": earlier,
                "disk_offset": first.disk_offset,
                "mdl": first.mdl,
                "page": first.page,
                "byte": first.byte,
                "bytes": difference.count,
                "then": first.expected.hex(),
                "now": first.got.hex(),
            },
        )


@lru_cache(maxsize=64)
def _short(name: str) -> bytes:
    """A copy's name, by which its reads are kept apart."""
    return blake2b(name.encode("utf-8", "replace"), digest_size=_DIGEST_SIZE).digest()


def _part(original: Original, page: int) -> Tuple[int, int]:
    """First byte and end byte of the buffer's part of one of its pages."""
    start = original.before.raw.offset
    end = start + original.mdl.byte_count - page * PAGE_SIZE
    return max(0, start - page * PAGE_SIZE), max(0, min(PAGE_SIZE, end))


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
    parts = [_part(original, page)]
    pfn = original.pfn(page)
    if pfn is None:
        return parts
    for other in originals(call):
        if isinstance(other, NoValue):
            continue
        parts += [_part(other, index) for index, one in enumerate(other.mdl.pfns) if one == pfn]
    return parts
