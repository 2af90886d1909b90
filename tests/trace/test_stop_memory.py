"""Structures that lie near each other are read at once."""

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.debugger import MemoryReadError, VirtualAddress
from pykd_dumpfilt.errors import TargetError
from pykd_dumpfilt.trace.stop_memory import StopMemory

BASE = 0xFFFFAB0000000000


class Reader:
    """Two pages of memory at BASE, as bytes that tell where they are from; counts reads."""

    def __init__(self, mapped: int = 0x2000) -> None:
        self.mapped = mapped
        self.reads: List[Tuple[int, int]] = []

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        self.reads.append((int(address) - BASE, size))
        if not 0 <= address - BASE < self.mapped:
            raise TargetError("there is nothing")
        data = bytes(
            self.content(at) for at in range(address - BASE, min(address - BASE + size, self.mapped))
        )
        if len(data) < size:
            raise MemoryReadError(address, size, data, "the page behind is not there")
        return data

    @staticmethod
    def content(at: int) -> int:
        return at * 7 + at // 256 & 0xFF


def memory(reader: Reader, *spans: Tuple[int, int]) -> StopMemory:
    return StopMemory(reader, [(BASE + at, size) for at, size in spans])  # type: ignore[arg-type]


def test_neighbours_take_one_read() -> None:
    reader = Reader()
    stop = memory(reader, (0x400, 8), (0x100, 0x98), (0x300, 0xB8))
    assert reader.reads == [(0x100, 0x308)]
    assert stop.piece(BASE + 0x400, 8).data == bytes(map(Reader.content, range(0x400, 0x408)))
    assert stop.piece(BASE + 0x300, 0x30).data == bytes(map(Reader.content, range(0x300, 0x330)))
    assert len(reader.reads) == 1


def test_what_one_reply_cannot_carry_takes_two() -> None:
    reader = Reader()
    memory(reader, (0, 8), (3944 - 8, 8), (3944 - 7, 8))
    assert reader.reads == [(0, 3944), (3937, 8)]


def test_no_page_is_touched_that_nobody_asked_for() -> None:
    reader = Reader(0x5000)
    memory(reader, (0xFF0, 8), (0x2000, 8), (0x4000, 8))
    assert reader.reads == [(0xFF0, 8), (0x2000, 8), (0x4000, 8)]
    reader = Reader()
    memory(reader, (0xFF0, 8), (0x1010, 8))
    assert reader.reads == [(0xFF0, 0x28)]


def test_what_was_not_expected_is_read_when_it_is_asked_for() -> None:
    reader = Reader()
    stop = memory(reader, (0, 8))
    assert stop.piece(BASE + 4, 8).missing is None
    assert reader.reads == [(0, 8), (4, 8)]


def test_a_gap_behind_is_told_to_who_asks_for_it() -> None:
    reader = Reader(0x1000)
    stop = memory(reader, (0xF00, 8), (0x1010, 8))
    assert stop.piece(BASE + 0xF00, 8).data == bytes(map(Reader.content, range(0xF00, 0xF08)))
    piece = stop.piece(BASE + 0x1010, 8)
    assert (piece.data, piece.asked, piece.missing) == (b"", 8, "there is nothing")
    cut = stop.piece(BASE + 0xFFC, 8)
    assert (len(cut.data), cut.missing) == (4, "the page behind is not there")


@pytest.mark.parametrize("spans", [[], [(0, 0)], [(-BASE - 1, 8)]])
def test_nothing_expected_nothing_read(spans: List[Tuple[int, int]]) -> None:
    reader = Reader()
    memory(reader, *spans)
    assert reader.reads == []


@given(st.lists(st.tuples(st.integers(0, 0x2100), st.integers(0, 300)), max_size=8), st.integers(0, 0x2000))
def test_the_same_bytes_as_without(spans: List[Tuple[int, int]], mapped: int) -> None:
    """Whatever was expected, a piece is what a read of its own would give."""
    stop = memory(Reader(mapped), *spans)
    alone = memory(Reader(mapped))
    for at, size in spans:
        if size:
            assert stop.piece(BASE + at, size) == alone.piece(BASE + at, size)
