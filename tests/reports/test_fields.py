"""``decode``: one structure, one status."""

from typing import List

import pytest

from pykd_dumpfilt.errors import StructureError
from pykd_dumpfilt.reports import render_ntstatus, render_structure
from pykd_dumpfilt.structures import LAYOUTS, Machine

from ..rules.examples import INITIALIZATION_DATA


def test_flags_are_named_and_addresses_are_hexadecimal_only() -> None:
    layout = LAYOUTS["filter-initialization-data"][Machine.X64]
    assert render_structure(layout, INITIALIZATION_DATA).splitlines() == [
        "FILTER_INITIALIZATION_DATA (with DumpRead, 64-bit), 0x40 bytes",
        "  +0x00 MajorVersion      0x00000002  2",
        "  +0x04 MinorVersion      0x00000000  0",
        "  +0x08 DumpStart         0xfffff80031001000",
        "  +0x10 DumpWrite         0xfffff80031001e50",
        "  +0x18 DumpFinish        0xfffff80031001030",
        "  +0x20 DumpUnload        0xfffff80031001060",
        "  +0x28 DumpData          0xffffab0000004000",
        "  +0x30 MaxPagesPerWrite  0x00000010  16",
        "  +0x34 Flags             0x00000001  DUMP_FILTER_CRITICAL | DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ",
        "  +0x38 DumpRead          0xfffff80031001fc0",
    ]


def test_a_negative_number_is_shown_as_it_lies_in_memory() -> None:
    layout = LAYOUTS["large-integer"][Machine.X64]
    assert render_structure(layout, b"\x00\xfe" + b"\xff" * 6).splitlines()[1] == (
        "  +0x00 QuadPart  0xfffffffffffffe00  -512"
    )


@pytest.mark.parametrize(
    ("style", "lines"),
    [
        (
            0,
            [
                "  +0x08 Mbr.Signature        0x04030201  67305985",
                "  +0x0c Mbr.CheckSum         0x08070605  134678021",
            ],
        ),
        (1, ["  +0x08 Gpt.DiskId           04030201-0605-0807-090a-0b0c0d0e0f10"]),
    ],
)
def test_of_a_union_only_the_valid_member(style: int, lines: List[str]) -> None:
    data = b"\x18\0\0\0" + style.to_bytes(4, "little") + bytes(range(1, 17))
    shown = render_structure(LAYOUTS["disk-partition-info"][Machine.X64], data).splitlines()
    assert shown[3:] == lines


def test_a_value_without_a_name_is_a_number() -> None:
    data = b"\x18\0\0\0" + b"\x09\0\0\0" + bytes(16)
    shown = render_structure(LAYOUTS["disk-partition-info"][Machine.X64], data)
    assert "PartitionStyle       0x00000009  9" in shown
    assert "Mbr.Signature" in shown
    assert "Gpt.DiskId" in shown


def test_too_few_bytes() -> None:
    with pytest.raises(StructureError, match="needs 48 bytes, 3 given"):
        render_structure(LAYOUTS["mdl"][Machine.X64], b"abc")


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@pytest.mark.parametrize("machine", list(Machine))
def test_every_layout_renders_any_bytes(name: str, machine: Machine) -> None:
    layout = LAYOUTS[name][machine]
    for fill in (b"\0", b"\xff", b"\x5a"):
        text = render_structure(layout, fill * layout.size)
        assert all(line.isprintable() for line in text.split("\n"))


def test_ntstatus() -> None:
    assert render_ntstatus(0xC000009A) == (
        "0xC000009A  STATUS_INSUFFICIENT_RESOURCES  (severity error, NT_SUCCESS: no)"
    )
    assert render_ntstatus(0xFFFFFFFFC000009A) == render_ntstatus(0xC000009A)
    assert render_ntstatus(0x103).startswith(
        "0x00000103  STATUS_PENDING  (severity success, NT_SUCCESS: yes)"
    )
    assert "no name that this version knows" in render_ntstatus(0x0FFFFFFF)
