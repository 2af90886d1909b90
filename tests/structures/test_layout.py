"""Parsing: lengths, the compiled parser against the interpreted one, and values out of any range."""

from typing import Any, Callable, Union

import pytest
from construct import Array, Bytes, Enum, GreedyBytes, Int16ub, Int16ul, Int32ul, Padding
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import StructureError
from pykd_dumpfilt.structures import (
    LAYOUTS,
    Layout,
    Machine,
    filter_extension,
    filter_initialization_data,
    filter_initialization_data_sizes,
    mdl,
)
from pykd_dumpfilt.structures._record import Record

from .literals import every_layout

_LAYOUTS = every_layout()
_QUICK = settings(max_examples=100)


def _outcome(parse: Callable[..., Any], data: bytes, allow_trailing: bool) -> Union[str, Any]:
    try:
        return parse(data, allow_trailing=allow_trailing)
    except StructureError as error:
        return str(error)


@_QUICK
@given(layout=st.sampled_from(_LAYOUTS), data=st.binary(max_size=160), allow_trailing=st.booleans())
def test_both_parsers_agree_on_any_bytes(layout: Layout, data: bytes, allow_trailing: bool) -> None:
    compiled = _outcome(layout.parse, data, allow_trailing)
    assert compiled == _outcome(layout.parse_interpreted, data, allow_trailing)
    fits = len(data) >= layout.size if allow_trailing else len(data) == layout.size
    assert isinstance(compiled, str) != fits


@_QUICK
@given(layout=st.sampled_from(_LAYOUTS), data=st.data())
def test_both_parsers_agree_on_any_bytes_of_the_right_length(layout: Layout, data: st.DataObject) -> None:
    # Small numbers and 0xFF are where enumerations and signs are.
    byte = st.sampled_from([0, 0, 0, 1, 2, 12, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)
    raw = bytes(data.draw(st.lists(byte, min_size=layout.size, max_size=layout.size)))
    compiled, interpreted = layout.parse(raw), layout.parse_interpreted(raw)
    assert compiled == interpreted
    for path in layout.leaves:
        mine, oracle = layout.value(compiled, path), layout.value(interpreted, path)
        assert type(mine) is type(oracle)
        # A number, even one that an enumeration does not name, and a GUID can both be printed.
        assert str(mine) == str(oracle) != ""


@pytest.mark.parametrize("layout", _LAYOUTS, ids=repr)
def test_every_wrong_length_is_refused(layout: Layout) -> None:
    for size in [*range(layout.size), layout.size + 1, layout.size + 100]:
        for parse in (layout.parse, layout.parse_interpreted):
            with pytest.raises(StructureError):
                parse(bytes(size))
    for parse in (layout.parse, layout.parse_interpreted):
        with pytest.raises(StructureError):
            parse(bytes(layout.size - 1), allow_trailing=True)


def test_the_message_names_the_structure_and_both_sizes() -> None:
    with pytest.raises(StructureError) as short:
        filter_extension(Machine.X64).parse(bytes(80))
    assert str(short.value) == (
        "FILTER_EXTENSION (version 2, 64-bit) needs 88 bytes, 80 given: "
        "read more of it, or choose the form that fits"
    )
    with pytest.raises(StructureError) as long:
        mdl(Machine.X86).parse(bytes(48))
    assert str(long.value) == (
        "MDL (32-bit) is 28 bytes, 48 given: give exactly that many, or choose the form that fits"
    )


def test_trailing_bytes_are_ignored_only_when_asked() -> None:
    layout = LAYOUTS["large-integer"][Machine.X64]
    data = bytes.fromhex("00e0ffffffffffff aabbcc")
    assert layout.parse(data, allow_trailing=True) == {"QuadPart": -8192}
    with pytest.raises(StructureError):
        layout.parse(data)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_will_do(kind: Callable[[bytes], Any]) -> None:
    layout = LAYOUTS["large-integer"][Machine.X86]
    data = kind(bytes.fromhex("0100000001000000"))
    assert layout.parse(data) == layout.parse_interpreted(data) == {"QuadPart": 0x1_0000_0001}


def test_an_unknown_value_of_an_enumeration_is_a_number() -> None:
    layout = filter_extension(Machine.X64)
    parsed = layout.parse(b"\x07" * layout.size)
    assert [str(value) for value in (parsed.DumpType, parsed.Geometry.MediaType)] == ["117901063"] * 2
    assert parsed.PartitionInfo.PartitionStyle == 0x07070707
    known = layout.parse(b"\x01" + bytes(layout.size - 1))
    assert known.DumpType == "DumpTypeCrashdump"
    assert int(known.DumpType) == 1


def test_x64_and_arm64_share_one_layout() -> None:
    for layouts in LAYOUTS.values():
        assert layouts[Machine.X64] is layouts[Machine.ARM64]
    assert filter_extension(Machine.X64) is LAYOUTS["filter-extension"][Machine.X64]


def test_fields_and_leaves_for_reports() -> None:
    layout = LAYOUTS["disk-partition-info"][Machine.X64]
    assert {path: tuple(field) for path, field in layout.fields.items()} == {
        "SizeOfPartitionInfo": (0, 4),
        "PartitionStyle": (4, 4),
        "Mbr": (8, 8),
        "Mbr.Signature": (8, 4),
        "Mbr.CheckSum": (12, 4),
        "Gpt": (8, 16),
        "Gpt.DiskId": (8, 16),
    }
    assert list(layout.leaves) == [
        "SizeOfPartitionInfo",
        "PartitionStyle",
        "Mbr.Signature",
        "Mbr.CheckSum",
        "Gpt.DiskId",
    ]


@pytest.mark.parametrize("machine", list(Machine))
def test_the_table_is_chosen_by_its_size(machine: Machine) -> None:
    v1, win8, newest = filter_initialization_data_sizes(machine)
    assert "DumpRead" not in filter_initialization_data(machine, v1).fields
    assert "DumpRead" in filter_initialization_data(machine, win8).fields
    assert "DumpPreReadWrite" not in filter_initialization_data(machine, win8).fields
    assert list(filter_initialization_data(machine, newest).fields)[-1] == "DumpPreReadWrite"
    assert filter_initialization_data(machine) is filter_initialization_data(machine, win8)


def test_a_form_that_does_not_exist_is_refused() -> None:
    with pytest.raises(StructureError, match=r"0x38, 0x40, 0x48 bytes on x64, not 0x3c"):
        filter_initialization_data(Machine.X64, 0x3C)
    with pytest.raises(StructureError, match="versions 1 and 2, not 3"):
        filter_extension(Machine.X64, 3)


def test_a_record_compiles_arrays_bytes_and_nested_records() -> None:
    record = Record(
        "Tag" / Bytes(2),
        "Inner" / Record("One" / Array(1, Int16ul), "Many" / Array(3, Int16ul)),
        Padding(2),
        "Last" / Enum(Int32ul, Zero=0),
    )
    data = bytes.fromhex("4d5a 0100 0200 0300 0400 eeee 00000000")
    expected = {"Tag": b"MZ", "Inner": {"One": [1], "Many": [2, 3, 4]}, "Last": "Zero"}
    assert record.parse(data) == expected
    assert record.compile().parse(data) == expected


@pytest.mark.parametrize("member", [GreedyBytes, Int16ub, Array(2, Array(2, Int16ul))], ids=repr)
def test_what_would_not_compile_is_refused_rather_than_slow(member: Any) -> None:
    with pytest.raises(TypeError):
        Record("member" / member).compile()


def test_a_record_refuses_a_value_without_a_name() -> None:
    with pytest.raises(TypeError, match="must be Padding"):
        Record(Int16ul).compile()
