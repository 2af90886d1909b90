"""One buffer that Dump_Read gave back against what Dump_Write was given for the same disk offsets."""

from dataclasses import dataclass
from typing import Iterator, Tuple

from ..decoded import BufferView
from ..errors import RecordingError
from ..recording import PAGE_SIZE, PageSource
from ._difference import Difference
from ._written import UNREADABLE, Extent

__all__ = ["Given", "compare"]


@dataclass(frozen=True)
class Given:
    """A buffer at the return of Dump_Read: which MDL of the chain, the disk offset of its first byte, and
    how many bytes of it the recording has."""

    mdl: int
    base: int
    held: int
    view: BufferView


def compare(
    given: Given, stretch: Tuple[int, int], extent: Extent, pages: PageSource, difference: Difference
) -> Iterator[str]:
    """Compare a stretch of disk offsets (start, end) that lies in both; add what differs to ``difference``.

    Yields:
        Why a part of it could not be compared.
    """
    at, end = stretch
    known = min(end, extent.base + extent.held)
    if known < end:
        yield f"call {extent.call} wrote there, and its buffer was not captured whole"
    if at < known and _same_pages(given, at, known, extent):
        difference.compared += known - at
        return
    while at < known:
        index, byte = given.view.locate(at - given.base)
        written_index, written_byte = extent.locate(at)
        size = min(PAGE_SIZE - byte, PAGE_SIZE - written_byte, known - at)
        number, written = given.view.raw.pages[index], extent.pages[written_index]
        if number is None:
            yield f"the buffer at return: page {index}: {given.view.raw.unreadable.get(index, 'unreadable')}"
        elif written == UNREADABLE:
            yield f"call {extent.call} wrote there, and page {written_index} of its buffer was unreadable"
        else:
            difference.compared += size
            if number != written or byte != written_byte:
                try:
                    got = pages.page(number)[byte : byte + size]
                    expected = pages.page(written)[written_byte : written_byte + size]
                except RecordingError as error:
                    difference.compared -= size
                    yield str(error)
                else:
                    if got != expected:
                        difference.add(at, (given.mdl, index, byte), expected, got, extent.call)
        at += size


def _same_pages(given: Given, start: int, end: int, extent: Extent) -> bool:
    """Whether page numbers alone say that all is equal, which is the usual case."""
    index, byte = given.view.locate(start - given.base)
    written_index, written_byte = extent.locate(start)
    if byte != written_byte:
        return False
    count = (byte + end - start + PAGE_SIZE - 1) // PAGE_SIZE
    written = extent.pages[written_index : written_index + count]
    return written == given.view.raw.pages[index : index + count] and UNREADABLE not in written
