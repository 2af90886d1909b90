"""Reproducible pseudo-random values.

Not :mod:`random`: what its methods give for a seed has changed between Python versions, and a fixture that
was recorded years ago must come out the same.
"""

import hashlib
from typing import List, Sequence, TypeVar, Union

__all__ = ["Stream"]

_T = TypeVar("_T")


class Stream:
    """An endless stream of values that depends on its labels alone."""

    def __init__(self, *labels: Union[int, str]) -> None:
        self._key = hashlib.sha256(repr(labels).encode("utf-8")).digest()
        self._count = 0

    def bytes(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        self._count += 1
        return hashlib.shake_128(self._key + self._count.to_bytes(8, "little")).digest(size)

    def below(self, limit: int) -> int:
        """A number from 0 up to, not with, ``limit``."""
        return int.from_bytes(self.bytes(16), "little") % limit

    def between(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def choice(self, values: Sequence[_T]) -> _T:
        """One of ``values``."""
        return values[self.below(len(values))]

    def chance(self, numerator: int, denominator: int) -> bool:
        """True ``numerator`` times out of ``denominator``."""
        return self.below(denominator) < numerator

    def shuffled(self, values: Sequence[_T]) -> List[_T]:
        """The values in another order."""
        mixed = list(values)
        for index in range(len(mixed) - 1, 0, -1):
            other = self.below(index + 1)
            mixed[index], mixed[other] = mixed[other], mixed[index]
        return mixed
