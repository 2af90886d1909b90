"""The target's memory during one stop: structures that lie near each other are read at once.

Over a wire every read costs a round trip, whether it asks for 8 bytes or for :data:`READ_SIZE`. What a stop
will be asked for is known from the registers, before the first read.
"""

from typing import List, Sequence, Tuple

from ..debugger import PAGE_SIZE, READ_SIZE, Debugger, MemoryReadError, VirtualAddress
from ..errors import TargetError
from ..recording import Piece

__all__ = ["Span", "StopMemory"]

Span = Tuple[int, int]
"""Address and size."""


class StopMemory:
    """Virtual memory while the target stands still. Nothing of it may be used after the target ran on.

    Args:
        debugger: the target.
        expected: what will probably be asked for; it is read now, in as few reads as possible.
    """

    def __init__(self, debugger: Debugger, expected: Sequence[Span] = ()) -> None:
        self._debugger = debugger
        self._held: List[Tuple[int, bytes]] = []
        for address, size in _together(expected):
            try:
                self._held.append((address, debugger.read_virtual(VirtualAddress(address), size)))
            except MemoryReadError as error:
                self._held.append((address, error.data))
            except TargetError:
                # Whoever asks for it gets the reason.
                continue

    def piece(self, address: int, size: int) -> Piece:
        """``size`` bytes, or as many as come and why not more."""
        for begin, data in self._held:
            if begin <= address and address + size <= begin + len(data):
                return Piece(address, data[address - begin : address - begin + size], size)
        try:
            return Piece(int(address), self._debugger.read_virtual(VirtualAddress(address), size), size)
        except MemoryReadError as error:
            return Piece(int(address), error.data, size, error.reason)
        except TargetError as error:
            return Piece(int(address), b"", size, str(error))


def _together(spans: Sequence[Span]) -> List[Span]:
    """Fewer spans that cover the same bytes, and touch no page that none of them touches."""
    joined: List[Span] = []
    for address, size in sorted(span for span in spans if span[0] >= 0 and span[1] > 0):
        if joined:
            begin, length = joined[-1]
            end = max(begin + length, address + size)
            same_pages = address // PAGE_SIZE - (begin + length - 1) // PAGE_SIZE <= 1
            if end - begin <= READ_SIZE and same_pages:
                joined[-1] = (begin, end - begin)
                continue
        joined.append((address, size))
    return joined
