"""How long it will take, by arithmetic that can be done on paper."""

from typing import Iterator, List, Optional

import pytest

from pykd_dumpfilt.debugger import Module, VirtualAddress
from pykd_dumpfilt.errors import TargetError
from pykd_dumpfilt.trace import Data, Line, Selection, forecast, measure_line, smallest_every

LINE = Line(small=0.01, full=0.1)
GIB = 1 << 30


def test_a_call_is_its_requests() -> None:
    """34 small requests, and 17 full ones for each side of 64 KiB."""
    one = forecast(LINE, Selection(), 65536)
    assert (one.calls, one.captured) == (1, 1)
    assert one.seconds == pytest.approx(34 * 0.01 + 34 * 0.1)


@pytest.mark.parametrize(
    ("selection", "seconds"),
    [
        (Selection(), 3.74),
        (Selection(data=Data.HASH), 3.74),
        (Selection(data=Data.AFTER), 2.04),
        (Selection(data=Data.NONE), 0.34),
        (Selection(every=2), (3.74 + 0.15) / 2),
    ],
)
def test_less_takes_less(selection: Selection, seconds: float) -> None:
    found = forecast(LINE, selection, GIB)
    assert found.calls == 16384
    assert found.seconds == pytest.approx(16384 * seconds)


def test_what_would_fit_fits() -> None:
    size, budget = GIB, 4000.0
    every = smallest_every(LINE, Selection(), size, budget)
    assert every is not None
    assert forecast(LINE, Selection(every=every), size).seconds <= budget
    assert forecast(LINE, Selection(every=every - 1), size).seconds > budget


def test_where_the_stops_alone_take_too_long_nothing_fits() -> None:
    assert smallest_every(LINE, Selection(), GIB, 16384 * 0.15) is None


class Slow:
    """Reads take the time that the clock says."""

    def __init__(self, seconds: List[float], broken: bool = False) -> None:
        self._now = 0.0
        self._seconds: Iterator[float] = iter(seconds)
        self._broken = broken

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        if self._broken:
            raise TargetError("no")
        self._now += next(self._seconds)
        return bytes(size)

    def clock(self) -> float:
        return self._now


def measured(slow: Slow) -> Optional[Line]:
    return measure_line(slow, Module("nt", VirtualAddress(0x1000), 0x8000), slow.clock)  # type: ignore[arg-type]


def test_the_line_is_as_fast_as_its_fastest_read() -> None:
    line = measured(Slow([9.0, *[0.5] * 7, 0.25, *[3.0] * 7, 2.0]))
    assert line == Line(small=0.25, full=2.0)


def test_a_line_that_cannot_be_measured() -> None:
    assert measured(Slow([], broken=True)) is None
