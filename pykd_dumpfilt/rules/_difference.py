"""Where two byte strings differ, and the sum of that over one read."""

from dataclasses import dataclass
from typing import Optional, Tuple

__all__ = ["Difference", "First", "differing"]

_SHOWN = 16


@dataclass(frozen=True)
class First:
    """The first differing byte: where it is, what was expected from there on (up to 16 bytes) and what was
    there, and which Dump_Write had given it."""

    disk_offset: int
    mdl: int
    page: int
    byte: int
    expected: bytes
    got: bytes
    written_by: int


class Difference:
    """Compared bytes, differing bytes, and where they begin and end."""

    def __init__(self) -> None:
        self.compared = 0
        self.count = 0
        self.last = 0
        self.first: Optional[First] = None

    def add(
        self, disk_offset: int, place: Tuple[int, int, int], expected: bytes, got: bytes, written_by: int
    ) -> None:
        """Take in two unequal strings of one length that belong at ``disk_offset``; ``place`` is the MDL in
        the chain, the page of its buffer and the byte in that page where ``got`` begins."""
        first, last, count = differing(expected, got)
        self.count += count
        self.last = disk_offset + last
        if self.first is None:
            mdl, page, byte = place
            self.first = First(
                disk_offset + first,
                mdl,
                page,
                byte + first,
                expected[first : first + _SHOWN],
                got[first : first + _SHOWN],
                written_by,
            )


def differing(one: bytes, two: bytes) -> Tuple[int, int, int]:
    """Index of the first and of the last differing byte of two unequal strings of one length, and how many
    differ."""
    # An integer's xor looks at a page in microseconds where a loop over bytes takes a millisecond.
    size = len(one)
    mixed = (int.from_bytes(one, "little") ^ int.from_bytes(two, "little")).to_bytes(size, "little")
    first = size - len(mixed.lstrip(b"\0"))
    last = len(mixed.rstrip(b"\0")) - 1
    return first, last, size - mixed.count(0)
