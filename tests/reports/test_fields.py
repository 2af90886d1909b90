"""``decode``: one structure, one status."""

import struct
from typing import List, Optional

import pytest

from pykd_dumpfilt.errors import StructureError
from pykd_dumpfilt.recording import Piece
from pykd_dumpfilt.reports import Link, Neighbour, plain, render_ntstatus, structure_lines
from pykd_dumpfilt.structures import LAYOUTS, Layout, Machine

from ..rules.examples import EXTENSION, INITIALIZATION_DATA, mdl


def shown(layout: Layout, data: bytes, machine: Machine = Machine.X64) -> List[str]:
    lines = structure_lines(layout, Piece(0, data, len(data)), machine, "dumpfilt")
    return [plain(line) for line in lines]


def commands(name: str, piece: Piece, neighbour: Optional[Neighbour] = None) -> List[str]:
    layout = LAYOUTS[name][Machine.X64]
    lines = structure_lines(layout, piece, Machine.X64, "dumpfilt", place, neighbour)
    return [part.command for line in lines for part in line if isinstance(part, Link)]


def place(address: int) -> str:
    return f"dump_x+{address - 0xFFFFF80031000000:#x}"


def test_flags_are_named_and_addresses_are_hexadecimal_only() -> None:
    layout = LAYOUTS["filter-initialization-data"][Machine.X64]
    assert shown(layout, INITIALIZATION_DATA) == [
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
    assert shown(layout, b"\x00\xfe" + b"\xff" * 6)[1] == ("  +0x00 QuadPart  0xfffffffffffffe00  -512")


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
    assert shown(LAYOUTS["disk-partition-info"][Machine.X64], data)[3:] == lines


def test_a_value_without_a_name_is_a_number() -> None:
    data = b"\x18\0\0\0" + b"\x09\0\0\0" + bytes(16)
    text = "\n".join(shown(LAYOUTS["disk-partition-info"][Machine.X64], data))
    assert "PartitionStyle       0x00000009  9" in text
    assert "Mbr.Signature" in text
    assert "Gpt.DiskId" in text


def test_too_few_bytes() -> None:
    with pytest.raises(StructureError, match="needs 48 bytes, 3 given"):
        shown(LAYOUTS["mdl"][Machine.X64], b"abc")


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@pytest.mark.parametrize("machine", list(Machine))
def test_every_layout_renders_any_bytes(name: str, machine: Machine) -> None:
    layout = LAYOUTS[name][machine]
    for fill in (b"\0", b"\xff", b"\x5a"):
        assert all(line.isprintable() for line in shown(layout, fill * layout.size, machine))


def test_an_mdl_links_to_what_it_points_at() -> None:
    piece = mdl(0x3000, 0x200, [0x1A90, 0x1A91, 0x7, 0x8], next_mdl=0xFFFFAB0000004100)
    assert commands("mdl", piece) == [
        "dumpfilt decode mdl 0xffffab0000004100",
        "db 0xffffc20000029200 L0x1000",
        "!dd 1a90000",
        "!dd 1a91000",
        "!dd 7000",
        "!dd 8000",
        "!dd 1a90000",
    ]


def test_an_mdl_that_is_not_mapped_has_no_link_to_its_data() -> None:
    assert commands("mdl", mdl(0x1000, pfns=[1], flags=2)) == ["!dd 1000", "!dd 1000"]


def test_callbacks_are_named_and_disassembled() -> None:
    piece = Piece(0xFFFFAB0000003FC0, INITIALIZATION_DATA, 0x40)
    layout = LAYOUTS["filter-initialization-data"][Machine.X64]
    lines = structure_lines(layout, piece, Machine.X64, "dumpfilt", place)
    assert plain(lines[0]).endswith("0x40 bytes at 0xffffab0000003fc0")
    assert plain(lines[4]) == "  +0x10 DumpWrite         0xfffff80031001e50  dump_x+0x1e50"
    assert commands("filter-initialization-data", piece)[:2] == [
        "u 0xfffff80031001000",
        "u 0xfffff80031001e50",
    ]


def test_filter_extension_leads_to_what_lies_in_front_of_it() -> None:
    beside = Neighbour("FILTER_INITIALIZATION_DATA", "filter-initialization-data-v1", 0xFFFFAB0000003FC8)
    assert commands("filter-extension", Piece(0xFFFFAB0000004000, EXTENSION, 0x58), beside)[-1] == (
        "dumpfilt decode filter-initialization-data-v1 0xffffab0000003fc8"
    )


def test_pfns_that_are_not_there_are_counted() -> None:
    whole = mdl(0x10000, pfns=range(0x1000, 0x1010))
    cut = Piece(whole.address, whole.data[: 0x30 + 3 * 8], 0x30 + 16 * 8, "page not present")
    lines = [
        plain(line) for line in structure_lines(LAYOUTS["mdl"][Machine.X64], cut, Machine.X64, "dumpfilt")
    ]
    assert "  page frame numbers: 16, one for each page of the buffer" in lines
    assert "  +0x30 [0] 0x1000 0x1001 0x1002" in lines
    assert "  13 more, they cannot be read: page not present" in lines
    bounded = Piece(whole.address, cut.data, len(cut.data))
    assert commands("mdl", bounded)[-2] == f"dq {whole.address + 0x48:#x} Ld"


@pytest.mark.parametrize(
    ("name", "data", "doubt"),
    [
        ("mdl", mdl(0x1000).data, None),
        ("mdl", b"A" * 0x38, "ByteOffset 0x41414141 is not within a page"),
        ("filter-extension", EXTENSION, None),
        ("filter-extension", b"A" * 0x58, "DumpType is 1094795585: 1 (crash dump) or 2 (hibernation)"),
        ("filter-initialization-data", INITIALIZATION_DATA, None),
        ("filter-initialization-data", bytes(0x40), "the version is 0.0: 1.0 or 2.0 is expected"),
        ("filter-initialization-data", struct.pack("<8Q", 2, *[5] * 7), "no kernel address"),
    ],
)
def test_what_does_not_look_right_is_said(name: str, data: bytes, doubt: Optional[str]) -> None:
    layout = LAYOUTS[name][Machine.X64]
    text = "\n".join(shown(layout, data))
    assert (f"This may be no {layout.name}" in text) == (doubt is not None)
    assert doubt is None or doubt in text


def test_ntstatus() -> None:
    assert render_ntstatus(0xC000009A) == (
        "0xC000009A  STATUS_INSUFFICIENT_RESOURCES  (severity error, NT_SUCCESS: no)"
    )
    assert render_ntstatus(0xFFFFFFFFC000009A) == render_ntstatus(0xC000009A)
    assert render_ntstatus(0x103).startswith(
        "0x00000103  STATUS_PENDING  (severity success, NT_SUCCESS: yes)"
    )
    assert "no name that this version knows" in render_ntstatus(0x0FFFFFFF)
