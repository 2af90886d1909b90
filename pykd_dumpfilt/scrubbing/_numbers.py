"""Many numbers to few: 24 bytes of memory for each, where a dict takes a hundred."""

from array import array
from typing import Optional

__all__ = ["NumberIndex"]

_FREE = 0
_SPREAD = 0x9E3779B97F4A7C15
_MASK_64 = (1 << 64) - 1


class NumberIndex:
    """Whole numbers of 64 bits, signed, each with a place that counts up from 0 in the order they came.

    An open-addressing table of places beside the numbers.
    """

    def __init__(self) -> None:
        self._numbers: array[int] = array("q")
        self._bits = 10
        self._slots: array[int] = array("I", bytes(4 << self._bits))

    def __len__(self) -> int:
        return len(self._numbers)

    def find(self, number: int) -> Optional[int]:
        """Its place; None where it has none."""
        slots, mask = self._slots, (1 << self._bits) - 1
        slot = self._slot(number)
        while slots[slot] != _FREE:
            if self._numbers[slots[slot] - 1] == number:
                return slots[slot] - 1
            slot = (slot + 1) & mask
        return None

    def add(self, number: int) -> int:
        """Give the next place to a number that :meth:`find` does not know."""
        if 3 * len(self._numbers) >= 2 << self._bits:
            self._bits += 1
            self._slots = array("I", bytes(4 << self._bits))
            for place, known in enumerate(self._numbers):
                self._put(known, place)
        place = len(self._numbers)
        self._numbers.append(number)
        self._put(number, place)
        return place

    def _slot(self, number: int) -> int:
        # The upper bits of the product: neighbours and multiples of a power of two spread evenly.
        return ((number & _MASK_64) * _SPREAD & _MASK_64) >> (64 - self._bits)

    def _put(self, number: int, place: int) -> None:
        slots, mask = self._slots, (1 << self._bits) - 1
        slot = self._slot(number)
        while slots[slot] != _FREE:
            slot = (slot + 1) & mask
        slots[slot] = place + 1
