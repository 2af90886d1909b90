"""The pages next to a caller's buffer, in a recording that has them (``Limits.around`` of the trace)."""

from dataclasses import dataclass
from typing import Iterator, Optional

from ..recording import PAGE_SIZE
from ._call import DecodedCall
from ._structures import Mdl

__all__ = ["NeighbourPage", "neighbour_pages"]


@dataclass(frozen=True)
class NeighbourPage:
    """One page next to the buffer of an MDL.

    Attributes:
        mdl: the MDL's index in the chain.
        page: counts from the buffer's first page: negative before it.
        address: where the page begins.
        distance: how many bytes lie between the buffer's last page and it; below 0 where it is before the
            buffer: how many bytes from its start to that of the buffer's first page.
        before: the number of its contents at entry; None where they could not be read.
        after: the same at return.
    """

    mdl: int
    page: int
    address: int
    distance: int
    before: Optional[int]
    after: Optional[int]


def neighbour_pages(call: DecodedCall) -> Iterator[NeighbourPage]:
    """The neighbours of all MDLs of the chain that can be decoded; none where the call did not return, or
    where the trace did not keep them.

    Args:
        call: a Dump_Read or Dump_Write.
    """
    if call.exit is None:
        return
    sides = zip(call.entry.mdls, call.entry.raw.around, call.exit.raw.around)
    for number, (mdl, before, after) in enumerate(sides):
        if not isinstance(mdl, Mdl) or len(before.pages) != len(after.pages):
            continue
        count, span = len(before.pages) // 2, max(1, mdl.span)
        first = mdl.mapped_system_va // PAGE_SIZE
        for index, (one, two) in enumerate(zip(before.pages, after.pages)):
            page = index - count if index < count else index - count + span
            distance = (page if page < 0 else page - span) * PAGE_SIZE
            yield NeighbourPage(number, page, (first + page) * PAGE_SIZE, distance, one, two)
