"""What is known at sight of the data that Dump_Write was given, or that Dump_Read gave back."""

from typing import Dict, Optional, Set

from ..decoded import BufferView
from ..errors import RecordingError
from ..recording import PAGE_SIZE, PageSource
from ._shapes import PAGE_OF_ZEROS, known_shape
from ._written import UNREADABLE, Extent

__all__ = ["GivenShapes", "shape_at", "shape_given"]

_LOOKED_AT_WHOLE = 64
_MAX_ZEROS = 16


class GivenShapes:
    """Counts known shapes in buffers that were given to Dump_Write.

    All of the first 64 buffers is looked at, later each one's first page, for headers come first. Once a page
    of zeros was seen its number tells the others; those before it, and those in a buffer that does not begin
    with a page, are not counted.
    """

    def __init__(self) -> None:
        self._counts: Dict[str, int] = {}
        self._zeros: Set[int] = set()
        self._buffers = 0

    def take(self, view: BufferView) -> None:
        """Look at one buffer."""
        self._buffers += 1
        if view.raw.offset:
            self._count(shape_at(view, 0))
            return
        whole = self._buffers <= _LOOKED_AT_WHOLE
        for index, number in enumerate(view.raw.pages):
            position = index * PAGE_SIZE
            if number in self._zeros and position + PAGE_SIZE <= view.held:
                self._count(PAGE_OF_ZEROS)
            elif number is not None and position < view.held and (whole or not index):
                shape = shape_at(view, position)
                self._count(shape)
                if shape == PAGE_OF_ZEROS and len(self._zeros) < _MAX_ZEROS:
                    self._zeros.add(number)

    def __str__(self) -> str:
        """The counts in words; empty where nothing was known."""
        words = []
        for shape, count in self._counts.items():
            times = "once" if count == 1 else f"{count} times"
            words.append(f"{shape} {'at least ' if shape == PAGE_OF_ZEROS else ''}{times}")
        return ", ".join(words)

    def _count(self, shape: Optional[str]) -> None:
        if shape is not None:
            self._counts[shape] = self._counts.get(shape, 0) + 1


def shape_at(view: BufferView, position: int) -> Optional[str]:
    """What a page of data at a position of a buffer is known to be."""
    try:
        return known_shape(view.read(position, min(position + PAGE_SIZE, view.held)))
    except RecordingError:
        return None


def shape_given(extent: Extent, disk_offset: int, pages: PageSource) -> Optional[str]:
    """What Dump_Write was given for the page of its transfer that ``disk_offset`` lies in."""
    at = disk_offset - (disk_offset - extent.base) % PAGE_SIZE
    end = min(at + PAGE_SIZE, extent.base + extent.held)
    data = b""
    while at < end:
        index, byte = extent.locate(at)
        size = min(PAGE_SIZE - byte, end - at)
        if extent.pages[index] == UNREADABLE:
            return None
        try:
            data += pages.page(extent.pages[index])[byte : byte + size]
        except RecordingError:
            return None
        at += size
    return known_shape(data)
