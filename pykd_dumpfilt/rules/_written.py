"""What a buffer held, by disk offset: which pages, never their bytes."""

import struct
from dataclasses import dataclass, field
from typing import Optional, Sequence, Tuple

from ..decoded import BufferView
from ..recording import PAGE_SIZE
from ..spool import Spool
from ._intervals import IntervalMap

__all__ = ["UNREADABLE", "Disk", "Extent", "Extents"]

UNREADABLE = -1
_TOO_LARGE = 1 << 63
# Number of the call, bytes held, ByteOffset, pages, and the disk offset: of a chain's later buffers it may be
# past any that 64 bits hold.
_HEAD = struct.Struct("<qQHI16s")


class Extent:
    """One buffer at one side of a call.

    Attributes:
        call: number of the call.
        base: disk offset of the buffer's first byte.
        held: bytes from there that the recording kept; what lies behind is unknown.
        pages: page numbers, :data:`UNREADABLE` where a page could not be read.
        next: where in :class:`Extents` the one after it begins.
    """

    __slots__ = ("_offset", "base", "call", "held", "next", "pages")

    def __init__(
        self, call: int, base: int, held: int, offset: int, pages: Tuple[int, ...], after: int
    ) -> None:
        self.call = call
        self.base = base
        self.held = held
        self.pages = pages
        self.next = after
        self._offset = offset

    def locate(self, disk_offset: int) -> Tuple[int, int]:
        """Page index and byte in that page of what was at a disk offset."""
        return divmod(self._offset + disk_offset - self.base, PAGE_SIZE)


class Extents:
    """Extents put aside: 38 bytes for each and 8 for each of its pages, in a
    :class:`~pykd_dumpfilt.spool.Spool`, whose SpoolError the methods raise.
    """

    def __init__(self) -> None:
        self._spool = Spool()
        self._last: Optional[Tuple[int, Extent]] = None

    def put(self, call: int, base: int, view: BufferView) -> int:
        """Put one aside; returns its position."""
        pages = _storable(view.raw.pages)
        # Where nothing is held the offset may be anything, and means nothing.
        offset = view.raw.offset if view.held else 0
        where = base.to_bytes(16, "little", signed=True)
        return self._spool.append(
            _HEAD.pack(call, view.held, offset, len(pages), where) + struct.pack(f"<{len(pages)}q", *pages)
        )

    def get(self, position: int) -> Extent:
        """The one at a position that :meth:`put` gave."""
        if self._last is not None and self._last[0] == position:
            return self._last[1]
        call, held, offset, count, where = _HEAD.unpack(self._spool.read(position, _HEAD.size))
        at = position + _HEAD.size
        pages = struct.unpack(f"<{count}q", self._spool.read(at, 8 * count))
        base = int.from_bytes(where, "little", signed=True)
        extent = Extent(call, base, held, offset, pages, at + 8 * count)
        self._last = position, extent
        return extent


@dataclass
class Disk:
    """What the copies of one name wrote.

    Attributes:
        extents: by disk offset the position of an extent, the last write wins.
        blind: the number of the last call after which writes may have passed unseen, and why.
    """

    extents: IntervalMap = field(default_factory=IntervalMap)
    blind: Optional[Tuple[int, str]] = None


def _storable(pages: Sequence[Optional[int]]) -> Sequence[int]:
    """A number that no store can give out is as good as no page."""
    known = [page if page is not None else UNREADABLE for page in pages]
    if known and (min(known) < 0 or max(known) >= _TOO_LARGE):
        return [page if 0 <= page < _TOO_LARGE else UNREADABLE for page in known]
    return known
