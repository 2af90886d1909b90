"""Which page has which digest, in about 30 bytes a page.

A dict from digest to number takes 180 bytes a page, which for a hibernation file of 32 GiB is 1.5 GB in the
debugger's process. This is an open-addressing table of page numbers beside the digests.
"""

import struct
from array import array
from typing import Optional

__all__ = ["PageIndex"]

_SPLIT = struct.Struct("<QQ")
_FREE = 0


class PageIndex:
    """Digests of 16 bytes by page number, and back."""

    def __init__(self) -> None:
        # Two entries per page. A bytearray would be as small, but slices of it are slower to compare.
        self._halves: array[int] = array("Q")
        self._mask = 1023
        self._slots: array[int] = self._empty(1024)

    @staticmethod
    def _empty(size: int) -> "array[int]":
        # "I" is 4 bytes wherever CPython runs: enough for 16 TiB of distinct pages.
        return array("I", bytes(4 * size))

    def __len__(self) -> int:
        return len(self._halves) // 2

    def find(self, digest: bytes) -> Optional[int]:
        """The number of the page with that digest."""
        low, high = _SPLIT.unpack(digest)
        slots, halves, mask = self._slots, self._halves, self._mask
        slot: int = low & mask
        while slots[slot] != _FREE:
            number = slots[slot] - 1
            if halves[2 * number] == low and halves[2 * number + 1] == high:
                return number
            slot = (slot + 1) & mask
        return None

    def add(self, digest: bytes) -> int:
        """Give the next number to a digest that :meth:`find` does not know."""
        low, high = _SPLIT.unpack(digest)
        number = len(self)
        if 3 * number >= 2 * len(self._slots):
            self._grow()
        self._halves.append(low)
        self._halves.append(high)
        self._place(low, number)
        return number

    def digests(self, first: int) -> bytes:
        """The digests of all pages from ``first`` on, one after the other."""
        rest = self._halves[2 * first :]
        return struct.pack(f"<{len(rest)}Q", *rest)

    def _place(self, low: int, number: int) -> None:
        slots, mask = self._slots, self._mask
        slot = low & mask
        while slots[slot] != _FREE:
            slot = (slot + 1) & mask
        slots[slot] = number + 1

    def _grow(self) -> None:
        self._slots = self._empty(2 * len(self._slots))
        self._mask = len(self._slots) - 1
        for number in range(len(self)):
            self._place(self._halves[2 * number], number)
