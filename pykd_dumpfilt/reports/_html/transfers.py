"""Where the bytes of a transfer lie: on the disk, and in the pages of its buffers."""

from typing import List, Optional, Sequence, Tuple, Union

from ...decoded import BufferView, DecodedCall, DecodedSide, Mdl, NoValue, given_back
from ...recording import PAGE_SIZE

__all__ = ["Placed", "described", "gave_back", "given", "holding", "part"]

Placed = List[Tuple[int, BufferView]]
"""Buffers with the disk offset of their first bytes."""


def given(call: DecodedCall) -> Placed:
    """The buffers as they were at entry."""
    return _placed(call, call.entry, call.entry.buffers)


def gave_back(call: DecodedCall) -> Placed:
    """What the caller finds in them at return."""
    views = [given_back(call, index) for index in range(len(call.entry.buffers))]
    return _placed(call, call.entry, views)


def sent(call: DecodedCall) -> Placed:
    """What the MDLs describe at return: what a Dump_Write puts on the disk."""
    return [] if call.exit is None else _placed(call, call.exit, call.exit.buffers)


def _placed(call: DecodedCall, side: DecodedSide, views: Sequence[Union[BufferView, NoValue]]) -> Placed:
    base = call.entry.disk_byte_offset
    found: Placed = []
    if isinstance(base, NoValue):
        return found
    for mdl, view in zip(side.mdls, views):
        if isinstance(mdl, NoValue):
            break
        if isinstance(view, BufferView):
            found.append((base, view))
        base += mdl.byte_count
    return found


def holding(placed: Placed, offset: int) -> Optional[Tuple[int, BufferView]]:
    """The buffer that holds a disk offset, and where it begins."""
    return next(((base, view) for base, view in placed if base <= offset < base + view.held), None)


def part(view: BufferView, page: int) -> Tuple[int, int]:
    """First byte and end byte of a buffer's part of one of its pages."""
    start = view.raw.offset - page * PAGE_SIZE
    return max(0, start), max(0, min(PAGE_SIZE, start + view.held))


def described(call: DecodedCall, view: BufferView, page: int) -> List[Tuple[int, int]]:
    """All parts of a page that the chain describes: chained buffers may share one."""
    parts = [part(view, page)]
    if not isinstance(view.mdl, Mdl) or page >= len(view.mdl.pfns):
        return parts
    for other in call.entry.buffers:
        if isinstance(other.mdl, Mdl):
            pages = (index for index, pfn in enumerate(other.mdl.pfns) if pfn == view.mdl.pfns[page])
            parts += [part(other, index) for index in pages]
    return parts
