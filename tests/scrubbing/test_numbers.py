"""Many numbers to few."""

from typing import Dict, List

from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.scrubbing._numbers import NumberIndex

_numbers = st.integers(-8, 8) | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 64).map(lambda at: at << 52)


@given(st.lists(_numbers, max_size=60))
def test_each_number_keeps_the_place_it_came_at(numbers: List[int]) -> None:
    index = NumberIndex()
    places: Dict[int, int] = {}
    for number in numbers:
        assert index.find(number) == places.get(number)
        if number not in places:
            places[number] = index.add(number)
            assert places[number] == len(places) - 1
    assert {number: index.find(number) for number in places} == places
    assert len(index) == len(places)


def test_it_grows() -> None:
    index = NumberIndex()
    for number in range(5000):
        assert index.add(4096 * number - 9) == number
    assert [index.find(4096 * number - 9) for number in (0, 1, 682, 683, 4999)] == [0, 1, 682, 683, 4999]
    assert index.find(7) is None
