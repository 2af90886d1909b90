"""What replaces bytes, place by place."""

import hashlib
from typing import Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.entropy import data_looks_random
from pykd_dumpfilt.scrubbing._common import COMMON, CommonValues
from pykd_dumpfilt.scrubbing._permutation import Permutation

ONE = Permutation(b"one" * 10, COMMON)
TWO = Permutation(b"two" * 10, COMMON)
ALL_VALUES = bytes(range(256))
RANDOM = hashlib.shake_256(b"a page").digest(4096)
TEXT = (b"No byte of this page may be seen by anybody who is given the recording. " * 57)[:4096]

_positions = st.integers(-(2**40), 2**40)
_moduli = st.just(0) | st.integers(1, 64) | st.sampled_from([512, 4096, 12288, 4096 * 4096])


@given(_positions, _moduli)
def test_at_one_place_it_is_a_permutation_that_keeps_0_and_the_common_together(
    position: int, modulus: int
) -> None:
    images = [ONE.replace(b"disk", position, modulus, bytes([value]))[0] for value in range(256)]
    assert images[0] == 0
    assert sorted(images) == list(range(256))
    assert {images[value] for value in COMMON} == common_images()


def common_images() -> Set[int]:
    return {ONE.replace(b"disk", 5, 0, bytes([value]))[0] for value in COMMON}


@given(_positions, _moduli, st.integers(0, 5000), st.integers(0, 300))
def test_a_byte_s_place_alone_counts(position: int, modulus: int, before: int, size: int) -> None:
    content = (RANDOM + TEXT)[before : before + size]
    whole = ONE.replace(b"disk", position, modulus, (RANDOM + TEXT)[: before + size])
    assert ONE.replace(b"disk", position + before, modulus, content) == whole[before:]


@given(_positions, st.integers(1, 20000), st.integers(-3, 3))
def test_positions_count_modulo(position: int, modulus: int, turns: int) -> None:
    one = ONE.replace(b"page", position, modulus, TEXT)
    assert ONE.replace(b"page", position + turns * modulus, modulus, TEXT) == one


def test_places_spaces_and_keys_give_other_bytes() -> None:
    one = ONE.replace(b"disk", 0x1000, 0, TEXT)
    for other in (
        ONE.replace(b"disk", 0x2000, 0, TEXT),
        ONE.replace(b"page", 0x1000, 0, TEXT),
        TWO.replace(b"disk", 0x1000, 0, TEXT),
    ):
        same = sum(first == second for first, second in zip(one, other))
        # Of 64 values, or of 191.
        assert same < 4096 / 64 * 2


def test_it_does_not_change_from_one_version_to_the_next() -> None:
    """Else what was scrubbed with one key could not be compared."""
    assert ONE.replace(b"disk", 0x1FFE, 0, b"ABCD\0\xfe").hex() == "1a1d74f300e6"


@pytest.mark.parametrize(("content", "random"), [(TEXT, False), (RANDOM, True), (b"\xbd" * 4096, False)])
def test_what_looks_random_does_so_after(content: bytes, random: bool) -> None:
    replaced = ONE.replace(b"disk", 0x512345, 0, content)
    assert data_looks_random(content) == random
    assert data_looks_random(replaced) == random


def test_the_common_values_are_counted_where_nothing_is_random() -> None:
    common = CommonValues()
    common.take(b"\xbd" * 4096)
    common.take(bytes(4096))
    # All but the one that was seen are the usual ones, in their order; 0 is none of them.
    assert common.values() == (bytes([1, 2, 3, 4, 5, 6, 7, 0xBD]), COMMON[7:-1])


def test_the_usual_common_values() -> None:
    assert len(COMMON) == 64 == len(set(COMMON))
    assert 0 not in COMMON
    assert CommonValues().values() == (COMMON[:8], COMMON[8:])


def test_groups_of_common_values_stay_apart() -> None:
    """A page that is random for one half and filled with one value for the other does not look random, and
    does not after."""
    filled = RANDOM[:2048] + b"\xcc" * 2048
    replaced = Permutation(b"key" * 10, b"\xcc\1\2\3", b"abcd").replace(b"disk", 0, 0, filled)
    assert len(set(replaced[2048:])) == 4
    assert not data_looks_random(filled)
    assert not data_looks_random(replaced)
