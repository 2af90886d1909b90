"""The pages next to a caller's buffer, in a recording that has them: whether a call changed one.

Nothing there is described by the MDL, so nothing there is the filter's. What lies there on a real machine is
anybody's; a trace asks for these pages only where it is told to (``Limits.around``).
"""

from dataclasses import dataclass
from typing import Any, Dict, Iterator, Optional

from ..decoded import DecodedCall, DecodedSide, Mdl, neighbour_pages
from ..errors import RecordingError
from ..recording import PAGE_SIZE
from ._difference import differing
from ._originals import is_in_use

__all__ = ["NeighbourChange", "first_changed_neighbour"]

_SHOWN = 16


@dataclass(frozen=True)
class NeighbourChange:
    """A page next to the buffer of MDL ``mdl`` that is not the same at return as at entry.

    Attributes:
        page: counts from the buffer's first page: negative before it.
        address: of the first changed byte.
        distance: how many bytes before the buffer's first page, or behind its last, that byte lies.
        byte: where in its page it lies.
        last_byte: the last changed byte.
        count: how many bytes changed.
        before: up to 16 bytes from the first changed one, at entry.
        after: the same at return.
    """

    mdl: int
    page: int
    address: int
    distance: int
    byte: int
    last_byte: int
    count: int
    before: bytes
    after: bytes

    def __str__(self) -> str:
        side = "before the buffer's first" if self.page < 0 else "behind the buffer's last"
        return (
            f"{self.count} bytes in a page next to it, {self.distance} bytes {side} page (at "
            f"{self.address:#x}): from {self.before.hex()} to {self.after.hex()}"
        )

    @property
    def evidence(self) -> Dict[str, Any]:
        """What every rule reports of it."""
        return {
            "mdl": self.mdl,
            "page": self.page,
            "byte": self.byte,
            "address": f"{self.address:#x}",
            "bytes": self.count,
            "before": self.before.hex(),
            "after": self.after.hex(),
        }


def first_changed_neighbour(call: DecodedCall) -> Optional[NeighbourChange]:
    """The first page next to one of the caller's buffers that changed. One that belongs to another buffer of
    the chain, or to the call itself, is left out; one that was not read on both sides tells nothing."""
    return next(_changed(call), None) if call.entry.raw.around else None


def _changed(call: DecodedCall) -> Iterator[NeighbourChange]:
    described = set(_pages(call.entry))
    for beside in neighbour_pages(call):
        one, two = beside.before, beside.after
        if one is None or two is None or one == two or beside.address // PAGE_SIZE in described:
            continue
        try:
            old, new = call.pages.page(one), call.pages.page(two)
        except RecordingError:
            continue
        if len(old) != len(new) or old == new or is_in_use(call, old):
            continue
        byte, last, changed = differing(old, new)
        yield NeighbourChange(
            mdl=beside.mdl,
            page=beside.page,
            address=beside.address + byte,
            distance=abs(beside.distance + byte),
            byte=byte,
            last_byte=last,
            count=changed,
            before=old[byte : byte + _SHOWN],
            after=new[byte : byte + _SHOWN],
        )


def _pages(side: DecodedSide) -> Iterator[int]:
    """The numbers of the virtual pages at which the chain's buffers are mapped."""
    for mdl in side.mdls:
        if isinstance(mdl, Mdl) and mdl.mapped_system_va:
            first = mdl.mapped_system_va // PAGE_SIZE
            yield from range(first, first + len(mdl.pfns))
