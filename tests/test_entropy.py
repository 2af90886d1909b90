"""Whether data looks random."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykd_dumpfilt.entropy import bits_per_byte, data_looks_random, looks_random


@pytest.mark.parametrize(
    ("data", "bits"),
    [(b"\0" * 4096, 0.0), (b"\0\1" * 2048, 1.0), (bytes(range(256)) * 16, 8.0), (b"\0\0\0\1" * 1024, 0.8113)],
)
def test_bits_per_byte(data: bytes, bits: float) -> None:
    assert bits_per_byte(data) == pytest.approx(bits, abs=0.0001)


@pytest.mark.parametrize("size", [512, 1024, 4096])
def test_random_data_is_taken_for_random_and_text_is_not(size: int) -> None:
    random = hashlib.shake_128(b"seed").digest(size)
    assert looks_random(bits_per_byte(random), size)
    assert not looks_random(bits_per_byte(random.hex().encode()[:size]), size)
    assert not looks_random(bits_per_byte(bytes(byte & 0x7F for byte in random)), size)
    assert data_looks_random(random)
    assert not data_looks_random(random.hex().encode()[:size])


@given(st.binary(max_size=300))
def test_the_quick_look_sees_what_the_entropy_says(data: bytes) -> None:
    assert data_looks_random(data) == (bool(data) and looks_random(bits_per_byte(data), len(data)))
