"""Which call numbers have not come: calls that the recording lost, and calls that have not returned yet."""

from typing import List, Optional, Tuple

__all__ = ["MissingNumbers"]

_MAX_GAPS = 1000


class MissingNumbers:
    """Numbers from 0 up that were not added, in bounded memory: past a thousand gaps, whatever lies between
    the last gaps counts as missing too, which errs towards "cannot tell"."""

    def __init__(self) -> None:
        self._next = 0
        self._gaps: List[Tuple[int, int]] = []

    def add(self, number: int) -> None:
        """This number has come."""
        if number >= self._next:
            if number > self._next:
                self._open(self._next, number)
            self._next = number + 1
            return
        for index, (start, end) in enumerate(self._gaps):
            if start <= number < end:
                parts = [(start, number), (number + 1, end)]
                self._gaps[index : index + 1] = [part for part in parts if part[0] < part[1]]
                return

    def between(self, low: int, high: int) -> Optional[int]:
        """A missing number ``low < n < high``; None where none is missing."""
        for start, end in self._gaps:
            first = max(start, low + 1)
            if first < min(end, high):
                return first
        return None

    def _open(self, start: int, end: int) -> None:
        if len(self._gaps) >= _MAX_GAPS:
            start = self._gaps.pop()[0]
        self._gaps.append((start, end))
