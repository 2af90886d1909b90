"""Dump_Read: the same answer to the same data.

Source: Microsoft's page "DUMP_READ callback function" (ntdddump.h): what it changes in the buffer is to undo
what was done at the write. That this depends on nothing but the data and its place is inferred: the system
may read a range again, or in other parts.
"""

import struct
from functools import lru_cache
from hashlib import blake2b
from typing import ClassVar, Dict, List, Mapping, Tuple

from ..decoded import BufferView, DecodedCall, NoValue, given_back
from ._compare import Given, compare
from ._difference import Difference
from ._rule import Rule
from ._written import Extents

__all__ = ["ReadIsRepeatable"]

_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read"
_MAX_READS = 1 << 16
_PER_PLACE = 4
_DIGEST_SIZE = 16


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
