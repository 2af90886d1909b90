"""Bytes that stay as they are: what findings name by sight, and what shows whose page it is."""

from bisect import bisect_left, bisect_right
from typing import Dict, Iterator, List, Tuple

from ._groups import Groups, Place

__all__ = ["ClearSpans"]

_MAX_SPANS = 1 << 16

_Span = Tuple[int, int]
"""Position in the group, length."""


class ClearSpans:
    """Spans of pages (nodes of the groups). A span is clear for its place, and so in every page that has
    bytes there: else two pages could not be compared any more. Past the first 65536 spans no more stay clear.
    """

    def __init__(self) -> None:
        self._spans: Dict[Tuple[int, int, int], None] = {}
        self._by_root: Dict[int, List[_Span]] = {}
        self._longest = 0

    def add(self, node: int, first: int, end: int) -> None:
        """Bytes ``first`` to ``end`` of a page."""
        if len(self._spans) < _MAX_SPANS:
            self._spans[node, first, end] = None

    def settle(self, groups: Groups) -> None:
        """All links are known, and all spans."""
        for node, first, end in self._spans:
            place = groups.place(node)
            position = place.position + first
            if place.modulus:
                position %= place.modulus
            self._by_root.setdefault(place.root, []).append((position, end - first))
            self._longest = max(self._longest, end - first)
        for spans in self._by_root.values():
            spans.sort()
        self._spans.clear()

    def over(self, place: Place, size: int) -> Iterator[Tuple[int, int]]:
        """The clear parts (first, end) of ``size`` bytes from a place on."""
        spans = self._by_root.get(place.root)
        if spans is None:
            return
        modulus = place.modulus
        start = place.position % modulus if modulus else place.position
        turns = range(1)
        if modulus:
            # The line of positions, as often as the bytes go around it; what begins before them counts.
            turns = range(-(self._longest // modulus) - 1, (start + size) // modulus + 1)
        for turn in turns:
            shift = turn * modulus - start
            low = bisect_left(spans, (-shift - self._longest, 0))
            high = bisect_right(spans, (size - shift, 0))
            for position, length in spans[low:high]:
                first, end = max(0, position + shift), min(size, position + shift + length)
                if first < end:
                    yield first, end
