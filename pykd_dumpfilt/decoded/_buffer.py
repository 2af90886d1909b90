"""The memory that an MDL describes, by byte position, without joining pages that nobody asked for."""

from typing import Iterator, Optional, Tuple, Union

from ..errors import RecordingError
from ..recording import PAGE_SIZE, Buffer, PageSource
from ._structures import Mdl
from ._values import Absence, BufferUnreadableError, NoValue

__all__ = ["BufferView"]


class BufferView:
    """One buffer of a call. Positions are bytes from the buffer's start; page indexes count its pages.

    Args:
        raw: as recorded.
        mdl: the MDL that describes it, or why there is none.
        pages: where page contents are.

    Attributes:
        raw: as recorded.
        mdl: the MDL that describes it, or why there is none.
        held: bytes from the start that the recording has pages for; some of those pages may be unreadable.
    """

    def __init__(self, raw: Buffer, mdl: Union[Mdl, NoValue], pages: PageSource) -> None:
        self.raw = raw
        self.mdl = mdl
        self._pages = pages
        # A recording is input like any other: its offset and size may disagree with its pages.
        room = len(raw.pages) * PAGE_SIZE - raw.offset
        self.held = max(0, min(raw.size, room)) if 0 <= raw.offset < PAGE_SIZE else 0

    @property
    def byte_count(self) -> Union[int, NoValue]:
        """Bytes that the MDL says the buffer has; more than ``held`` where not all was kept."""
        return self.mdl.byte_count if isinstance(self.mdl, Mdl) else self.mdl

    def locate(self, position: int) -> Tuple[int, int]:
        """Page index and byte in that page.

        Args:
            position: bytes from the buffer's start.
        """
        return divmod(self.raw.offset + position, PAGE_SIZE)

    def missing(self, start: int = 0, end: Optional[int] = None) -> Optional[NoValue]:
        """Why not all bytes are held; None where they are, as far as can be told without reading pages.

        Args:
            start: first position.
            end: position after the last; by default the MDL's ByteCount.
        """
        if end is None:
            if isinstance(self.mdl, NoValue):
                return self.mdl
            end = self.mdl.byte_count
        if end > self.held:
            kept = f"{self.held} of {end} bytes kept"
            if self.raw.truncated:
                return NoValue(Absence.NOT_CAPTURED, f"{kept}, {self.raw.truncated}")
            return NoValue(Absence.UNREADABLE, f"{kept}, no more page frame numbers could be read")
        if self.raw.unreadable or None in self.raw.pages:
            for index, _, _ in self.slices(start, end):
                if self.raw.pages[index] is None:
                    return self._unreadable(index)
        return None

    def slices(self, start: int, end: int) -> Iterator[Tuple[int, int, int]]:
        """The parts of pages that some positions take.

        Args:
            start: first position.
            end: position after the last.

        Yields:
            Page index, first byte in that page, byte after the last.
        """
        position = start
        while position < end:
            index, first = self.locate(position)
            last = min(PAGE_SIZE, first + end - position)
            yield index, first, last
            position += last - first

    def part(self, page: int) -> Tuple[int, int]:
        """First byte and end byte of the buffer's part of one of its pages, by the MDL's ByteCount (where
        there is no MDL, as far as it is held)."""
        start = self.raw.offset - page * PAGE_SIZE
        size = self.mdl.byte_count if isinstance(self.mdl, Mdl) else self.held
        return max(0, start), max(0, min(PAGE_SIZE, start + size))

    def parts_of(self, pfn: int) -> Iterator[Tuple[int, int]]:
        """The buffer's parts of the physical page ``pfn``, as :meth:`part` gives them; an MDL may name a page
        many times."""
        if isinstance(self.mdl, Mdl):
            for page, one in enumerate(self.mdl.pfns):
                if one == pfn:
                    yield self.part(page)

    def read(self, start: int, end: int) -> bytes:
        """The bytes at some positions.

        Args:
            start: first position.
            end: position after the last, at most ``held``.

        Raises:
            BufferUnreadableError: not all of them are held.
            RecordingError: a page is damaged.
        """
        if not 0 <= start <= end <= self.held:
            why = self.missing(start, end) or NoValue(Absence.NOT_CAPTURED, "no such bytes")
            raise BufferUnreadableError(f"bytes {start:#x} to {end:#x} of the buffer", why)
        return b"".join(self._page(index)[first:last] for index, first, last in self.slices(start, end))

    def content(self) -> bytes:
        """All of the buffer.

        Raises:
            BufferUnreadableError: not all of it is held.
            RecordingError: a page is damaged.
        """
        if isinstance(self.mdl, NoValue):
            raise BufferUnreadableError("the buffer's MDL", self.mdl)
        return self.read(0, self.mdl.byte_count)

    def same_as(self, other: "BufferView") -> bool:
        """Whether both hold the same bytes; pages of one number need not be read.

        Raises:
            RecordingError: a page that must be read is damaged or was unreadable.
        """
        if self.held != other.held:
            return False
        if self.raw.offset != other.raw.offset:
            return self.read(0, self.held) == other.read(0, other.held)
        for index, first, last in self.slices(0, self.held):
            one, two = self.raw.pages[index], other.raw.pages[index]
            if (one is None or one != two) and self._page(index)[first:last] != other._page(index)[
                first:last
            ]:
                return False
        return True

    def _page(self, index: int) -> bytes:
        number = self.raw.pages[index]
        if number is None:
            raise BufferUnreadableError(f"page {index} of the buffer", self._unreadable(index))
        page = self._pages.page(number)
        if len(page) != PAGE_SIZE:
            raise RecordingError(f"page {number} has {len(page)} bytes, not {PAGE_SIZE}")
        return page

    def _unreadable(self, index: int) -> NoValue:
        return NoValue(
            Absence.UNREADABLE, f"page {index}: {self.raw.unreadable.get(index, 'no reason given')}"
        )
