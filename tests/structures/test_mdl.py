"""The MDL, its flags and its page frame numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import StructureError
from pykd_dumpfilt.structures import (
    MAX_PFNS,
    Machine,
    mdl,
    mdl_flag_names,
    mdl_size,
    pfn_array,
    pfn_array_interpreted,
    span_pages,
)

_QUICK = settings(max_examples=60)


def test_an_mdl_as_the_kernel_builds_it_for_hibernation_x64() -> None:
    data = bytes.fromhex(
        "0000000000000000 b000 0100 cccccccc 90efbeaddeadbeef"
        "0002654387f8ffff 0000654387f8ffff 00fe0000 00020000"
    )
    assert mdl(Machine.X64).parse(data) == {
        "Next": 0,
        "Size": 0xB0,
        "MdlFlags": 0x0001,
        "Process": 0xEFBEADDEADBEEF90,
        "MappedSystemVa": 0xFFFFF88743650200,
        "StartVa": 0xFFFFF88743650000,
        "ByteCount": 0xFE00,
        "ByteOffset": 0x200,
    }


def test_an_mdl_x86_with_a_size_and_flags_above_0x7fff() -> None:
    data = bytes.fromhex("00100082 1080 1180 00000000 00400082 00000000 00100000 00000000")
    parsed = mdl(Machine.X86).parse(data)
    assert parsed == {
        "Next": 0x82001000,
        "Size": -0x7FF0,
        "MdlFlags": 0x8011,
        "Process": 0,
        "MappedSystemVa": 0x82004000,
        "StartVa": 0,
        "ByteCount": 0x1000,
        "ByteOffset": 0,
    }
    assert mdl_flag_names(parsed.MdlFlags) == ("MDL_MAPPED_TO_SYSTEM_VA", "MDL_PARTIAL", "MDL_INTERNAL")


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (0, ()),
        (0x0011, ("MDL_MAPPED_TO_SYSTEM_VA", "MDL_PARTIAL")),
        (0x0006, ("MDL_PAGES_LOCKED", "MDL_SOURCE_IS_NONPAGED_POOL")),
        # As a signed SHORT, and as a careless caller widens it.
        (-0x8000, ("MDL_INTERNAL",)),
        (0xFFFFFFFFFFFF8000, ("MDL_INTERNAL",)),
        (0x10001, ("MDL_MAPPED_TO_SYSTEM_VA",)),
    ],
)
def test_flag_names_are_those_of_the_low_16_bits(flags: int, names: object) -> None:
    assert mdl_flag_names(flags) == names


def test_every_flag_has_a_name() -> None:
    assert len(mdl_flag_names(0xFFFF)) == 16


@pytest.mark.parametrize(
    ("machine", "size"), [(Machine.X64, 0x38), (Machine.ARM64, 0x38), (Machine.X86, 0x20)]
)
def test_size_of_an_mdl_of_one_page(machine: Machine, size: int) -> None:
    assert mdl_size(machine, 1) == size


def test_span_pages_takes_the_low_12_bits_of_an_address() -> None:
    assert span_pages(0xFFFFF88743650E00, 0x400) == 2
    assert span_pages(0xE00, 0x400) == 2
    assert span_pages(0, 0xFFFFFFFF) == 0x100000


def test_pfn_array_x64() -> None:
    data = bytes.fromhex("5634120000000000 ffffffffffffff7f 0100000000000000")
    assert pfn_array(Machine.X64, data, 2) == (0x123456, 0x7FFFFFFFFFFFFFFF)
    assert pfn_array(Machine.ARM64, data, 3) == (0x123456, 0x7FFFFFFFFFFFFFFF, 1)
    assert pfn_array(Machine.X64, b"", 0) == ()


def test_pfn_array_x86() -> None:
    assert pfn_array(Machine.X86, bytes.fromhex("56341200 ffffffff"), 2) == (0x123456, 0xFFFFFFFF)


def test_pfn_array_of_4096() -> None:
    assert pfn_array(Machine.X64, b"\x02\x01\0\0\0\0\0\0" * 4096, 4096) == (0x102,) * 4096


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (3, r"3 page frame numbers \(x64\) need 24 bytes, 23 given"),
        (MAX_PFNS + 1, "65537 page frame numbers asked for: at most 65536"),
        (1 << 64, "at most 65536"),
        (-1, "-1 page frame numbers asked for"),
    ],
)
def test_pfn_array_is_bounded(count: int, message: str) -> None:
    for parse in (pfn_array, pfn_array_interpreted):
        with pytest.raises(StructureError, match=message):
            parse(Machine.X64, bytes(23), count)


@_QUICK
@given(machine=st.sampled_from(Machine), data=st.binary(max_size=200), count=st.integers(-2, 40))
def test_pfn_array_agrees_with_construct(machine: Machine, data: bytes, count: int) -> None:
    if not 0 <= count * machine.pointer_size <= len(data):
        for parse in (pfn_array, pfn_array_interpreted):
            with pytest.raises(StructureError):
                parse(machine, data, count)
    else:
        assert pfn_array(machine, data, count) == pfn_array_interpreted(machine, data, count)
