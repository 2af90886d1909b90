"""The data of a whole transfer: the buffers of an MDL chain as one run of bytes."""

from typing import List, Optional, Sequence, Tuple

from ..decoded import BufferView, NoValue
from ..recording import PAGE_SIZE

__all__ = ["TransferData"]


class TransferData:
    """Positions are bytes from the transfer's start.

    Attributes:
        size: bytes from there that the recording has pages for.
        missing: why that is not all of the transfer; None where it is.
    """

    def __init__(self, views: Sequence[BufferView]) -> None:
        self.size = 0
        self.missing: Optional[NoValue] = None
        self._parts: List[Tuple[int, int, BufferView]] = []
        """Where each buffer begins and ends, and the buffer."""
        for view in views:
            whole = view.byte_count
            if isinstance(whole, NoValue):
                self.missing = whole
                return
            begin, self.size = self.size, self.size + min(whole, view.held)
            self._parts.append((begin, self.size, view))
            if view.held < whole:
                # Where the next buffer's bytes belong is known, but they do not follow these.
                self.missing = view.missing()
                return

    def read(self, start: int, end: int) -> bytes:
        """The bytes at positions ``start`` to ``end``.

        Raises:
            RecordingError: a page is damaged, or was unreadable.
        """
        return b"".join(
            view.read(max(start, begin) - begin, min(end, stop) - begin)
            for begin, stop, view in self._parts
            if begin < end and start < stop
        )

    def place(self, position: int) -> Tuple[int, int]:
        """Index of the page, counted over all buffers, and byte in that page."""
        pages = 0
        for begin, stop, view in self._parts:
            if position < stop:
                index, byte = view.locate(position - begin)
                return pages + index, byte
            pages += len(view.raw.pages)
        return pages, 0

    def ends(self, size: int, unit: int) -> Tuple[int, int]:
        """Where the first page's part of ``size`` bytes ends, and where the last page's begins; outwards to a
        multiple of ``unit`` bytes."""
        head = PAGE_SIZE - self._parts[0][2].raw.offset % PAGE_SIZE
        _, byte = self.place(size - 1)
        tail = size - 1 - byte
        return min(size, -(-head // unit) * unit), max(0, tail // unit * unit)

    def equal_pages(self, other: "TransferData") -> Tuple[int, int]:
        """How many pages have the number that ``other`` has there, and how many pages there are; none are
        equal where the two are divided in pages in another way."""
        pairs = [(one[2].raw, two[2].raw) for one, two in zip(self._parts, other._parts)]
        pages = sum(len(view.raw.pages) for _, _, view in self._parts)
        if len(self._parts) != len(other._parts):
            return 0, pages
        if any((one.offset, one.size) != (two.offset, two.size) for one, two in pairs):
            return 0, pages
        if all(one.pages == two.pages and None not in one.pages for one, two in pairs):
            return pages, pages
        return sum(_equal(one.pages, two.pages) for one, two in pairs), pages


def _equal(one: Sequence[Optional[int]], two: Sequence[Optional[int]]) -> int:
    return sum(first == second and first is not None for first, second in zip(one, two))
