"""What Dump_Write was given, by disk offset: which pages, never their bytes."""

from array import array
from dataclasses import dataclass, field
from typing import Optional, Tuple

from ..decoded import BufferView
from ..recording import PAGE_SIZE
from ._intervals import IntervalMap

__all__ = ["UNREADABLE", "Disk", "Extent"]

UNREADABLE = -1
_TOO_LARGE = 1 << 63


class Extent:
    """One buffer given to Dump_Write: some 200 bytes for 64 KiB.

    Attributes:
        call: number of the call.
        base: disk offset of the buffer's first byte.
        held: bytes from there that the recording kept; what lies behind is unknown.
        pages: page numbers, :data:`UNREADABLE` where a page could not be read.
    """

    __slots__ = ("_offset", "base", "call", "held", "pages")

    def __init__(self, call: int, base: int, view: BufferView) -> None:
        self.call = call
        self.base = base
        self.held = view.held
        # A number that no store can give out is as good as no page.
        self.pages = array(
            "q",
            (page if page is not None and 0 <= page < _TOO_LARGE else UNREADABLE for page in view.raw.pages),
        )
        self._offset = view.raw.offset

    def locate(self, disk_offset: int) -> Tuple[int, int]:
        """Page index and byte in that page of what was written to a disk offset."""
        return divmod(self._offset + disk_offset - self.base, PAGE_SIZE)


@dataclass
class Disk:
    """What the copies of one name wrote.

    Attributes:
        extents: by disk offset, the last write wins.
        blind: the number of the last call after which writes may have passed unseen, and why.
    """

    extents: IntervalMap[Extent] = field(default_factory=IntervalMap)
    blind: Optional[Tuple[int, str]] = None
