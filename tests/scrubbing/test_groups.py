"""Places of pages and blocks: against a search through all links, and by hand."""

from math import gcd
from typing import Dict, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.scrubbing._groups import MAX_POSITION, Groups

_NODES = 7
_links = st.tuples(
    st.integers(0, _NODES - 1),
    st.integers(0, _NODES - 1),
    st.sampled_from([0, 0, 512, 4096, -4096, 8192, 12288, 7]),
)


def searched(links: List[Tuple[int, int, int]], start: int) -> Tuple[Dict[int, int], int]:
    """Where each node is that links lead to, and by what all contradictions can be divided."""
    places = {start: 0}
    modulus = 0
    waiting = [start]
    while waiting:
        node = waiting.pop()
        for one, two, distance in links:
            for here, there, way in ((one, two, distance), (two, one, -distance)):
                if here != node:
                    continue
                if there not in places:
                    places[there] = places[node] + way
                    waiting.append(there)
                modulus = gcd(modulus, abs(places[node] + way - places[there]))
    return places, modulus


@given(st.lists(_links, max_size=14))
def test_distances_and_moduli_are_those_of_a_search(links: List[Tuple[int, int, int]]) -> None:
    groups = Groups()
    for number in range(_NODES):
        groups.add(page=100 + number)
    for one, two, distance in links:
        groups.link(one, two, distance)
    for start in range(_NODES):
        places, modulus = searched(links, start)
        here = groups.place(start)
        assert here.modulus == modulus
        assert here.lowest == 100 + min(places)
        for node in range(_NODES):
            there = groups.place(node)
            assert (there.root == here.root) == (node in places)
            if node in places:
                wrong = there.position - here.position - places[node]
                assert wrong % modulus == 0 if modulus else wrong == 0


def test_a_group_at_home_on_the_disk_tells_where() -> None:
    groups = Groups()
    page, block, next_block = groups.add(page=5), groups.add(origin=0x8000), groups.add(origin=0x9000)
    groups.link(block, page, 0x200)
    groups.link(next_block, page, -0xE00)
    place = groups.place(page)
    assert place.origin is not None
    assert (place.origin + place.position, place.modulus, place.lowest) == (0x8200, 0, 5)


def test_one_page_at_two_places_of_the_disk_is_at_home_nowhere() -> None:
    groups = Groups()
    page, other = groups.add(page=5), groups.add(page=6)
    block, far = groups.add(origin=0x8000), groups.add(origin=0x20000)
    groups.link(block, page, 0)
    groups.link(far, page, 0)
    groups.link(far, other, 0)
    place = groups.place(other)
    assert (place.origin, place.modulus) == (None, 0)
    assert place.position == groups.place(page).position


def test_one_page_twice_in_what_is_one_group_makes_it_repeat() -> None:
    groups = Groups()
    pages = [groups.add(page=number) for number in range(4)]
    for one, two in zip(pages, pages[1:]):
        groups.link(one, two, 4096)
    groups.link(pages[0], pages[3], 0)
    assert groups.place(pages[2]).modulus == 3 * 4096


@pytest.mark.parametrize("distance", [MAX_POSITION - 1, 1 - MAX_POSITION])
def test_positions_stay_within_what_can_be_counted(distance: int) -> None:
    groups = Groups()
    nodes = [groups.add(page=number) for number in range(64)]
    for one, two in zip(nodes, nodes[1:]):
        groups.link(one, two, distance)
    last = groups.place(nodes[-1])
    assert last.modulus
    assert MAX_POSITION % last.modulus == 0
    assert (last.position - groups.place(nodes[0]).position - 63 * distance) % last.modulus == 0
