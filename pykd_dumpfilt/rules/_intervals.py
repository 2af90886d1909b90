"""Half-open ranges of integers and what was last put on them."""

from array import array
from bisect import bisect_left, bisect_right
from typing import Iterator, Optional, Tuple

__all__ = ["IntervalMap"]

_LAST = (1 << 63) - 1
_FIRST = -(1 << 63)


class IntervalMap:
    """A map from ranges ``start <= x < end`` of signed 64-bit integers to such integers; what is put later
    covers what was there. What of a range lies past 64 bits is left out.

    Memory: 24 bytes for each range, which for a hibernation file of 64 GiB in writes of 64 KiB is 24 MiB.
    Putting a range anywhere but at the end moves all that come after it.
    """

    def __init__(self) -> None:
        self._starts = array("q")
        self._ends = array("q")
        self._values = array("q")

    def __len__(self) -> int:
        return len(self._starts)

    def put(self, start: int, end: int, value: int) -> None:
        """Put ``value`` on a range; an empty range changes nothing."""
        start, end = max(start, _FIRST), min(end, _LAST)
        if start >= end:
            return
        if not self._ends or self._ends[-1] <= start:
            self._starts.append(start)
            self._ends.append(end)
            self._values.append(value)
            return
        first = bisect_right(self._ends, start)
        last = bisect_left(self._starts, end)
        starts, ends, values = [start], [end], [value]
        if first < last:
            if self._starts[first] < start:
                starts.insert(0, self._starts[first])
                ends.insert(0, start)
                values.insert(0, self._values[first])
            if self._ends[last - 1] > end:
                starts.append(end)
                ends.append(self._ends[last - 1])
                values.append(self._values[last - 1])
        self._starts[first:last] = array("q", starts)
        self._ends[first:last] = array("q", ends)
        self._values[first:last] = array("q", values)

    def over(self, start: int, end: int) -> Iterator[Tuple[int, int, Optional[int]]]:
        """The range cut where values begin and end, in order; None where nothing was put."""
        index = bisect_right(self._ends, start)
        while start < end:
            if index == len(self._starts) or self._starts[index] >= end:
                yield start, end, None
                return
            if start < self._starts[index]:
                yield start, self._starts[index], None
                start = self._starts[index]
            stop = min(end, self._ends[index])
            yield start, stop, self._values[index]
            start = stop
            index += 1
