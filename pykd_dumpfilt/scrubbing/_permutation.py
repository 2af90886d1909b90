"""What replaces a byte: a permutation of the byte values that depends on a key and on the byte's place.

At one place equal bytes stay equal and different ones different, which is all that a comparison asks. From
one place to the next the permutation is another one. It always maps 0 to 0, and values that are common to as
many values that the key chooses: so text and code, which are made of few values, keep looking like that (64
values make at most 6 bits of entropy, 8 values 3), and random data keeps looking random.

A permutation is one of 16384: one of 256 keyed ones and then one of 64, chosen for each place by two bytes of
SHAKE-256 over key, space and block.
"""

import hashlib
import sys
from array import array
from collections import OrderedDict
from itertools import accumulate
from operator import itemgetter
from typing import Dict, List, Sequence, Tuple

from ..recording import PAGE_SIZE

__all__ = ["Permutation"]

_FIRST = 256
_SECOND = 64
_CACHED = 128
# itemgetter gives a tuple for two and more, and is twice as fast for many.
_FEW = 2
_LOW_SIX = bytes([byte % _SECOND for byte in range(256)])
# Where in a cell of 4 bytes its lowest, second and third byte are.
_LOW, _MIDDLE, _HIGH = (0, 1, 2) if sys.byteorder == "little" else (3, 2, 1)

_Choice = Tuple[bytes, bytes]
"""For each place of a stretch which of the first permutations, and which of the second."""


class Permutation:
    """Replaces bytes by their place: a space (any bytes that name what places count in) and a position in it.

    Memory: 4 MiB of tables, and 1 MiB of what was chosen for the latest blocks.
    """

    def __init__(self, key: bytes, *common: bytes) -> None:
        """``common``: groups of values that stay together, 0 in none of them, and no value in two."""
        self._key = key
        self._table = b"".join(_tables(_Drawn(key), common))
        self._blocks: OrderedDict[Tuple[bytes, int], _Choice] = OrderedDict()

    def replace(self, space: bytes, position: int, modulus: int, content: bytes) -> bytes:
        """What replaces ``content``, whose first byte is at a position; at most a page of it. Positions count
        modulo ``modulus`` where that is not 0."""
        size = len(content)
        first, second = self._choices(space, position, modulus, size)
        cells = bytearray(4 * size)
        cells[_LOW::4] = content
        cells[_MIDDLE::4] = first
        cells[_HIGH::4] = second
        places = array("I", cells)
        if size < _FEW:
            return bytes([self._table[place] for place in places])
        return bytes(itemgetter(*places)(self._table))

    def _choices(self, space: bytes, position: int, modulus: int, size: int) -> _Choice:
        if not modulus:
            return self._stretch(space, position, size)
        position %= modulus
        if modulus < PAGE_SIZE:
            times = (position + size) // modulus + 1
            first, second = (part * times for part in self._stretch(space, 0, modulus))
            return first[position : position + size], second[position : position + size]
        before = min(size, modulus - position)
        first, second = self._stretch(space, position, before)
        more = self._stretch(space, 0, size - before)
        return first + more[0], second + more[1]

    def _stretch(self, space: bytes, position: int, size: int) -> _Choice:
        first = second = b""
        while len(first) < size:
            number, byte = divmod(position + len(first), PAGE_SIZE)
            block = self._block(space, number)
            end = byte + size - len(first)
            first, second = first + block[0][byte:end], second + block[1][byte:end]
        return first, second

    def _block(self, space: bytes, number: int) -> _Choice:
        where = space, number
        found = self._blocks.get(where)
        if found is not None:
            self._blocks.move_to_end(where)
            return found
        name = (
            self._key + len(space).to_bytes(4, "little") + space + number.to_bytes(16, "little", signed=True)
        )
        drawn = hashlib.shake_256(name).digest(2 * PAGE_SIZE)
        found = drawn[:PAGE_SIZE], drawn[PAGE_SIZE:].translate(_LOW_SIX)
        self._blocks[where] = found
        if len(self._blocks) > _CACHED:
            self._blocks.popitem(last=False)
        return found


def _tables(drawn: "_Drawn", common: Sequence[bytes]) -> List[bytes]:
    """All permutations, each as the values of 0 to 255; number ``first + 256 * second``."""
    known = b"".join(common)
    parts = [*common, bytes([value for value in range(1, 256) if value not in known])]
    values = drawn.shuffled(bytes(range(1, 256)))
    ends = list(accumulate(map(len, parts)))
    images = [values[end - len(part) : end] for part, end in zip(parts, ends)]
    first = [_table(drawn, dict(zip(parts, images))) for _ in range(_FIRST)]
    second = [_table(drawn, dict(zip(images, images))) for _ in range(_SECOND)]
    return [one.translate(two) for two in second for one in first]


def _table(drawn: "_Drawn", parts: Dict[bytes, bytes]) -> bytes:
    """One permutation that maps each part to another, and 0 to 0."""
    table = bytearray(256)
    for part, image in parts.items():
        for value, replaced in zip(part, drawn.shuffled(image)):
            table[value] = replaced
    return bytes(table)


class _Drawn:
    """Shuffles by what a key gives."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._count = 0

    def shuffled(self, values: bytes) -> bytes:
        """The values in another order."""
        self._count += 1
        name = b"shuffle" + self._key + self._count.to_bytes(8, "little")
        numbers = hashlib.shake_256(name).digest(4 * len(values))
        mixed = bytearray(values)
        for at in range(len(mixed) - 1, 0, -1):
            other = int.from_bytes(numbers[4 * at : 4 * at + 4], "little") % (at + 1)
            mixed[at], mixed[other] = mixed[other], mixed[at]
        return bytes(mixed)
