"""Where the bytes of a transfer lie: on the disk, and in the pages of its buffers."""

from typing import List, Optional, Sequence, Tuple, Union

from ...decoded import BufferView, DecodedCall, DecodedSide, Mdl, NoValue, given_back

__all__ = ["Placed", "described", "gave_back", "given", "holding"]

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


def described(call: DecodedCall, view: BufferView, page: int) -> List[Tuple[int, int]]:
    """All parts of a page that the chain describes: chained buffers may share one."""
    parts = [view.part(page)]
    if isinstance(view.mdl, Mdl) and page < len(view.mdl.pfns):
        for other in call.entry.buffers:
            parts += other.parts_of(view.mdl.pfns[page])
    return parts
