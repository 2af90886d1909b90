"""What was written and read, put aside: every value comes back, and little memory stays."""

import tracemalloc
from typing import Optional, Tuple

import pytest

from pykd_dumpfilt import spool
from pykd_dumpfilt.decoded import Absence, BufferView, NoValue
from pykd_dumpfilt.recording import Buffer, MemoryPageStore
from pykd_dumpfilt.rules._intervals import IntervalMap
from pykd_dumpfilt.rules._written import UNREADABLE, Extents

_NO_MDL = NoValue(Absence.NOT_CAPTURED)


def view(offset: int, size: int, pages: Tuple[Optional[int], ...]) -> BufferView:
    return BufferView(Buffer("physical", offset, size, pages), _NO_MDL, MemoryPageStore())


def test_extents_come_back_one_after_the_other() -> None:
    extents = Extents()
    first = extents.put(7, 0x100000, view(0x200, 0x1000, (5, None)))
    extents.put(7, 0x101000, view(0, 0x1000, (6,)))
    one = extents.get(first)
    assert (one.call, one.base, one.held, one.pages) == (7, 0x100000, 0x1000, (5, UNREADABLE))
    assert one.locate(0x100000 + 0xE00) == (1, 0)
    two = extents.get(one.next)
    assert (two.call, two.base, two.held, two.pages) == (7, 0x101000, 0x1000, (6,))


def test_hostile_values_are_put_aside_as_well() -> None:
    extents = Extents()
    position = extents.put(2**53, 2**63 + 2**40, view(-10, 2**70, (2**64, -3, 2**63 - 1)))
    found = extents.get(position)
    assert (found.call, found.base, found.held) == (2**53, 2**63 + 2**40, 0)
    assert found.pages == (UNREADABLE, UNREADABLE, 2**63 - 1)


def test_ranges_are_cut_at_64_bits() -> None:
    intervals = IntervalMap()
    intervals.put(2**63 - 5, 2**63 + 100, 1)
    intervals.put(-(2**63) - 100, -(2**63) + 5, 2)
    intervals.put(2**64, 2**65, 3)
    assert len(intervals) == 2
    assert list(intervals.over(2**63 - 10, 2**63 + 10)) == [
        (2**63 - 10, 2**63 - 5, None),
        (2**63 - 5, 2**63 - 1, 1),
        (2**63 - 1, 2**63 + 10, None),
    ]


def test_a_write_costs_24_bytes_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_IN_MEMORY", 2**16)
    extents, intervals = Extents(), IntervalMap()
    one = view(0, 0x10000, tuple(range(16)))
    tracemalloc.start()
    try:
        for call in range(10_000):
            base = call * 0x10000
            intervals.put(base, base + 0x10000, extents.put(call, base, one))
        now, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Arrays grow ahead by an eighth.
    assert now < 10_000 * 27 + 2**16 + 4096
    last = extents.get(next(iter(intervals.over(9_999 * 0x10000, 10_000 * 0x10000)))[2] or 0)
    assert (last.call, last.pages) == (9_999, tuple(range(16)))
