"""Where the calls of a recording are, without an entry for each of them."""

from array import array
from bisect import bisect_right
from typing import Iterator, NamedTuple

__all__ = ["CallIndex", "Numbers", "Stretch"]

_CALLS = 64
_MAX_GAPS = 1 << 16


class Stretch(NamedTuple):
    """Lines that hold a call that is looked for, if any does.

    Attributes:
        offset: where the first of them begins.
        line: its number.
        known_pages: how many pages the lines before it brought.
        calls: how many calls they hold.
    """

    offset: int
    line: int
    known_pages: int
    calls: int


class CallIndex:
    """One entry for 64 calls: 40 bytes. A call is found by reading the stretches that may hold it.

    Attributes:
        calls: how many there are.
    """

    def __init__(self) -> None:
        self.calls = 0
        self._offsets = array("Q")
        self._lines = array("Q")
        self._known = array("Q")
        self._lowest = array("Q")
        self._highest = array("Q")

    def add(self, number: int, offset: int, line: int, known_pages: int) -> None:
        """Take in the next call: its number, and where its line begins."""
        if self.calls % _CALLS == 0:
            self._offsets.append(offset)
            self._lines.append(line)
            self._known.append(known_pages)
            self._lowest.append(number)
            self._highest.append(number)
        elif number > self._highest[-1]:
            self._highest[-1] = number
        elif number < self._lowest[-1]:
            self._lowest[-1] = number
        self.calls += 1

    def stretches(self, number: int) -> Iterator[Stretch]:
        """Where a call of that number may be, in the order of the lines."""
        for at, (lowest, highest) in enumerate(zip(self._lowest, self._highest)):
            if lowest <= number <= highest:
                calls = min(_CALLS, self.calls - at * _CALLS)
                yield Stretch(self._offsets[at], self._lines[at], self._known[at], calls)


class Numbers:
    """Which numbers came, to tell those that come twice. Kept are the gaps: calls within calls end out of
    order, so gaps are few and close soon.

    Attributes:
        lost_track: whether there were more than 65536 gaps at once; in those past them a number may come
            twice untold.
    """

    def __init__(self) -> None:
        self.lost_track = False
        self._next = 0
        self._starts = array("Q")
        self._ends = array("Q")

    def add(self, number: int) -> bool:
        """This number has come; False where it had come before."""
        if number >= self._next:
            if number > self._next:
                self._open(self._next, number)
            self._next = number + 1
            return True
        at = bisect_right(self._starts, number) - 1
        if at < 0 or number >= self._ends[at]:
            return self.lost_track
        start, end = self._starts[at], self._ends[at]
        parts = [part for part in ((start, number), (number + 1, end)) if part[0] < part[1]]
        self._starts[at : at + 1] = array("Q", [part[0] for part in parts])
        self._ends[at : at + 1] = array("Q", [part[1] for part in parts])
        return True

    def _open(self, start: int, end: int) -> None:
        if len(self._starts) >= _MAX_GAPS:
            self.lost_track = True
            return
        self._starts.append(start)
        self._ends.append(end)
