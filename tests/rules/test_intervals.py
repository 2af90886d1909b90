"""The interval map against a dict with one entry per byte."""

from typing import Dict, List, Optional, Tuple

from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.rules._intervals import IntervalMap
from pykd_dumpfilt.rules._numbers import MissingNumbers

_ranges = st.tuples(st.integers(-20, 60), st.integers(-20, 60))


@settings(max_examples=300)
@given(st.lists(_ranges, max_size=25), _ranges)
def test_the_last_put_wins_everywhere(puts: List[Tuple[int, int]], window: Tuple[int, int]) -> None:
    intervals = IntervalMap()
    model: Dict[int, int] = {}
    for value, (start, end) in enumerate(puts):
        intervals.put(start, end, value)
        model.update(dict.fromkeys(range(start, end), value))
    found: Dict[int, Optional[int]] = {}
    at = window[0]
    for start, end, value_there in intervals.over(*window):
        assert start == at < end
        at = end
        found.update(dict.fromkeys(range(start, end), value_there))
    assert found == {byte: model.get(byte) for byte in range(*window)}


def test_overwriting_leaves_both_ends() -> None:
    intervals = IntervalMap()
    intervals.put(0, 100, 1)
    intervals.put(40, 60, 2)
    assert list(intervals.over(-10, 110)) == [
        (-10, 0, None),
        (0, 40, 1),
        (40, 60, 2),
        (60, 100, 1),
        (100, 110, None),
    ]
    intervals.put(0, 100, 3)
    assert len(intervals) == 1


@settings(max_examples=200)
@given(st.lists(st.integers(0, 40), unique=True), st.integers(0, 40), st.integers(0, 40))
def test_missing_numbers_against_a_set(numbers: List[int], low: int, high: int) -> None:
    missing = MissingNumbers()
    for number in numbers:
        missing.add(number)
    absent = set(range(max(numbers, default=-1) + 1)) - set(numbers)
    expected = [number for number in range(low + 1, high) if number in absent]
    assert missing.between(low, high) == (expected[0] if expected else None)


def test_missing_numbers_stay_bounded() -> None:
    missing = MissingNumbers()
    for number in range(1, 10_001, 2):
        missing.add(number)
    assert len(missing._gaps) == 1000
    # What is coarse errs towards "missing".
    assert missing.between(9_000, 10_000) is not None
