"""Driver images, good and hostile."""

import struct
from typing import List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.emulator import ImageError, Scenario, Stopped, Target
from pykd_dumpfilt.emulator.image import read_image

from .code import ALL_FIVE
from .pe_writer import IMAGE_BASE, Driver, dump_filter


def sample() -> Driver:
    driver = dump_filter(ALL_FIVE)
    driver.label("Extra").call("DbgPrint").call("memcpy")
    return driver.pointer(0x10, "Extra").pointer(0x40, "DriverEntry")


SAMPLE = sample().image()


def test_what_is_read() -> None:
    image = read_image(SAMPLE)
    assert image.size == 0x6000
    assert image.preferred_base == 0x140000000
    assert image.entry_point == 0x1000
    assert [entry.name for entry in image.imports] == ["DbgPrint", "memcpy"]
    assert [entry.slot for entry in image.imports] == [0x3100, 0x3108]
    assert {entry.dll for entry in image.imports} == {"ntoskrnl.exe"}
    assert image.relocations == (0x2010, 0x2040)
    assert image.exports["DriverEntry"] == 0x1000
    assert image.protection == (
        (False, False),
        (False, True),
        (True, False),
        (True, False),
        (False, False),
        (False, False),
    )


def test_binding_relocates_and_fills_imports() -> None:
    image = read_image(SAMPLE)
    bound = image.bind(0xFFFFF80031000000, {0x3100: 0x1122334455667788})
    assert struct.unpack_from("<Q", bound, 0x2040) == (0xFFFFF80031001000,)
    assert struct.unpack_from("<Q", bound, 0x3100) == (0x1122334455667788,)
    assert struct.unpack_from("<Q", image.content, 0x2040) == (IMAGE_BASE + 0x1000,)


def patched(offset: int, value: bytes) -> bytes:
    return SAMPLE[:offset] + value + SAMPLE[offset + len(value) :]


OPTIONAL = 0x80 + 24


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "not a driver image"),
        (b"MZ" + bytes(100), "not a driver image"),
        (SAMPLE[:0x600], "cut off|outside the image or the file"),
        (patched(0x84, b"\x4c\x01"), "only x64 drivers can be emulated"),
        (patched(0x84, b"\x64\xaa"), "for machine 0xaa64"),
        (patched(OPTIONAL + 56, b"\0\0\0\x7f"), "SizeOfImage"),
        (patched(OPTIONAL + 56, b"\0\0\0\0"), "SizeOfImage"),
        (patched(OPTIONAL + 16, b"\0\0\0\0"), "no entry point"),
        (patched(0x80 + 22, b"\x23\0"), "relocations stripped"),
        (patched(0x5000, b"\0\0\0\x7f"), "does not belong in this image"),
        (patched(0x5004, b"\x01\0\0\0"), "impossible size"),
        (patched(0x5008, b"\x10\x30"), "relocation of type 3"),
        (patched(OPTIONAL + 240 + 12, b"\0\xf0\xff\x7f"), "lies outside the image"),
    ],
)
def test_bad_images(image: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_image(image)


def test_too_large_a_file() -> None:
    with pytest.raises(ImageError, match="at most"):
        read_image(bytes((64 << 20) + 1))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 0x3FF), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_damaged_headers(patches: List[Tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLE)
    for offset, value in patches:
        data[offset : offset + len(value)] = value
    try:
        image = read_image(bytes(data))
    except ImageError:
        return
    assert len(image.bind(0xFFFFF80031000000, {})) <= (64 << 20) + 4096


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0x80, 0x5FFF), st.binary(min_size=1, max_size=8)), min_size=1, max_size=30)
)
def test_damaged_drivers_run_to_a_stop(patches: List[Tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLE)
    for offset, value in patches:
        data[offset : offset + len(value)] = value
    try:
        target = Target(bytes(data[:0x6000]), "probe", Scenario("hibernate", calls=2, pages=1, budget=20_000))
    except ImageError:
        return
    events = 0
    while not isinstance(target.resume(), Stopped):
        events += 1
        if events > 50:
            # It executes int3 for ever; that is its right.
            return
