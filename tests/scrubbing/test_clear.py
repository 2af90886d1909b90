"""Bytes that stay, wherever a page has bytes of their place."""

from typing import List, Set, Tuple

from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.scrubbing._clear import ClearSpans
from pykd_dumpfilt.scrubbing._groups import Groups


def parts(clear: ClearSpans, groups: Groups, node: int, size: int) -> List[int]:
    """The bytes of a page that stay."""
    found: Set[int] = set()
    for first, end in clear.over(groups.place(node), size):
        assert 0 <= first < end <= size
        found.update(range(first, end))
    return sorted(found)


def test_a_span_is_clear_in_every_page_of_its_place() -> None:
    groups, clear = Groups(), ClearSpans()
    one, two, other = groups.add(page=0), groups.add(page=1), groups.add(page=2)
    groups.link(one, two, 0x200)
    clear.add(one, 0x1FE, 0x206)
    clear.settle(groups)
    assert parts(clear, groups, one, 4096) == list(range(0x1FE, 0x206))
    assert parts(clear, groups, two, 4096) == list(range(6))
    assert parts(clear, groups, other, 4096) == []


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(1, 30)), max_size=4),
    st.integers(0, 40),
    st.integers(-50, 50),
    st.integers(1, 100),
)
def test_spans_repeat_as_places_do(
    spans: List[Tuple[int, int]], modulus: int, distance: int, size: int
) -> None:
    groups, clear = Groups(), ClearSpans()
    one, two = groups.add(page=0), groups.add(page=1)
    groups.link(one, two, distance)
    if modulus:
        groups.link(one, two, distance + modulus)
    for first, length in spans:
        clear.add(one, first, first + length)
    clear.settle(groups)
    positions = {first + at for first, length in spans for at in range(length)}
    if modulus:
        residues = {position % modulus for position in positions}
        expected = [at for at in range(size) if (distance + at) % modulus in residues]
    else:
        expected = [at for at in range(size) if distance + at in positions]
    assert parts(clear, groups, two, size) == expected
