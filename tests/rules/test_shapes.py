"""Known plaintext, by literal bytes."""

from typing import Optional

import pytest

from pykd_dumpfilt.rules._shapes import known_shape


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (b"PAGEDU64\x0f\0\0\0\x61\x4a\0\0", "a crash dump header (PAGEDU64)"),
        (b"PAGEDUMP\x0f\0\0\0\x28\x0a\0\0", "a crash dump header (PAGEDUMP)"),
        (b"HIBR\xe0\x03\0\0", "a hibernation image header (HIBR)"),
        (b"hibr\0\0\0\0\0\0\0\0\xa8\0\0\0", "a hibernation image header (hibr)"),
        (b"WAKE", "a hibernation image header (WAKE)"),
        (b"wake\0", "a hibernation image header (wake)"),
        (b"RSTR\0", "a hibernation image header (RSTR)"),
        (b"rstr\0", "a hibernation image header (rstr)"),
        (b"\0" * 4096, "a page of zeros"),
        (b"\0" * 512, None),
        (b"\0" * 4095 + b"\1", None),
        (b"\0" * 4097, None),
        (b"PAGEPAGEPAGE", None),
        (b"pagedu64", None),
        (b"Hibr", None),
        (b"HIB", None),
        (b" HIBR", None),
        (b"", None),
    ],
)
def test_shapes(data: bytes, shape: Optional[str]) -> None:
    assert known_shape(data) == shape
