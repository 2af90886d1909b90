"""One example of each structure, written out byte by byte."""

import pytest

from pykd_dumpfilt.structures import (
    LAYOUTS,
    Machine,
    disk_geometry,
    disk_partition_info,
    filter_extension,
    filter_extension_flag_names,
    filter_initialization_data,
    filter_initialization_data_flag_names,
    guid_text,
    large_integer,
)

_GEOMETRY = "a220000000000000 0c000000 ff000000 3f000000 00020000"
_GPT = "18000000 01000000 33221100 5544 7766 8899aabbccddeeff"
_MBR = "18000000 00000000 efbeadde 78563412 0000000000000000"

_GEOMETRY_VALUES = {
    "Cylinders": 8354,
    "MediaType": "FixedMedia",
    "TracksPerCylinder": 255,
    "SectorsPerTrack": 63,
    "BytesPerSector": 512,
}


def test_filter_extension_x64() -> None:
    data = bytes.fromhex(
        "02000000 cccccccc 78563412809affff"
        + _GEOMETRY
        + "0000000010000000"
        + _GPT
        + "00efcdab809affff 58000000 01000000"
    )
    assert filter_extension(Machine.X64).parse(data) == {
        "DumpType": "DumpTypeHibernation",
        "DeviceObject": 0xFFFF9A8012345678,
        "Geometry": _GEOMETRY_VALUES,
        "DiskSize": 64 << 30,
        "PartitionInfo": {
            "SizeOfPartitionInfo": 24,
            "PartitionStyle": "PARTITION_STYLE_GPT",
            "Mbr": {"Signature": 0x00112233, "CheckSum": 0x66774455},
            "Gpt": {"DiskId": "00112233-4455-6677-8899-aabbccddeeff"},
        },
        "DumpData": 0xFFFF9A80ABCDEF00,
        "Size": 0x58,
        "Flags": 1,
    }


def test_filter_extension_x86_has_8_bytes_of_alignment_and_tail_padding() -> None:
    data = bytes.fromhex(
        "01000000 78563482" + _GEOMETRY + "0000000010000000" + _MBR + "00efcd8a 50000000 00000000 cccccccc"
    )
    parsed = filter_extension(Machine.X86).parse(data)
    assert parsed == {
        "DumpType": "DumpTypeCrashdump",
        "DeviceObject": 0x82345678,
        "Geometry": _GEOMETRY_VALUES,
        "DiskSize": 64 << 30,
        "PartitionInfo": {
            "SizeOfPartitionInfo": 24,
            "PartitionStyle": "PARTITION_STYLE_MBR",
            "Mbr": {"Signature": 0xDEADBEEF, "CheckSum": 0x12345678},
            "Gpt": {"DiskId": "deadbeef-5678-1234-0000-000000000000"},
        },
        "DumpData": 0x8ACDEF00,
        "Size": 0x50,
        "Flags": 0,
    }
    # The old form: the same bytes up to DumpData, then padding where Size is now.
    old = filter_extension(Machine.X86, 1).parse(data[:0x48])
    assert old == {name: value for name, value in parsed.items() if name not in ("Size", "Flags")}


def test_filter_initialization_data_x64_in_three_sizes() -> None:
    data = bytes.fromhex(
        "02000000 00000000"
        "0010000080f8ffff 0020000080f8ffff 0030000080f8ffff 0000000000000000"
        "00efcdab809affff 10000000 01000000"
        "0050000080f8ffff 0060000080f8ffff"
    )
    values = {
        "MajorVersion": 2,
        "MinorVersion": 0,
        "DumpStart": 0xFFFFF88000001000,
        "DumpWrite": 0xFFFFF88000002000,
        "DumpFinish": 0xFFFFF88000003000,
        "DumpUnload": 0,
        "DumpData": 0xFFFF9A80ABCDEF00,
        "MaxPagesPerWrite": 16,
        "Flags": 1,
    }
    assert filter_initialization_data(Machine.X64, 0x38).parse(data[:0x38]) == values
    values["DumpRead"] = 0xFFFFF88000005000
    assert filter_initialization_data(Machine.X64, 0x40).parse(data[:0x40]) == values
    values["DumpPreReadWrite"] = 0xFFFFF88000006000
    assert filter_initialization_data(Machine.X64, 0x48).parse(data) == values


def test_filter_initialization_data_x86() -> None:
    data = bytes.fromhex(
        "01000000 00000000 00100082 00200082 00300082 00400082 00efcd8a 10000000 03000000 00500082"
    )
    assert filter_initialization_data(Machine.X86).parse(data) == {
        "MajorVersion": 1,
        "MinorVersion": 0,
        "DumpStart": 0x82001000,
        "DumpWrite": 0x82002000,
        "DumpFinish": 0x82003000,
        "DumpUnload": 0x82004000,
        "DumpData": 0x8ACDEF00,
        "MaxPagesPerWrite": 16,
        "Flags": 3,
        "DumpRead": 0x82005000,
    }


def test_disk_geometry() -> None:
    assert disk_geometry(Machine.X64).parse(bytes.fromhex(_GEOMETRY)) == _GEOMETRY_VALUES


@pytest.mark.parametrize(
    ("style", "name"),
    [
        (0, "PARTITION_STYLE_MBR"),
        (1, "PARTITION_STYLE_GPT"),
        (2, "PARTITION_STYLE_RAW"),
        (3, "3"),
        (0xFFFFFFFF, "4294967295"),
    ],
)
def test_disk_partition_info_parses_whatever_its_style(style: int, name: str) -> None:
    data = bytes.fromhex("18000000") + style.to_bytes(4, "little") + bytes(range(16))
    parsed = disk_partition_info(Machine.X86).parse(data)
    assert str(parsed.PartitionStyle) == name
    assert parsed.Mbr == {"Signature": 0x03020100, "CheckSum": 0x07060504}
    assert parsed.Gpt == {"DiskId": "03020100-0504-0706-0809-0a0b0c0d0e0f"}


def test_large_integer_is_signed() -> None:
    assert large_integer(Machine.X64).parse(bytes.fromhex("00020000 01000000")) == {"QuadPart": 0x1_0000_0200}
    assert large_integer(Machine.X64).parse(b"\xff" * 8) == {"QuadPart": -1}


def test_guid_text() -> None:
    # The GUID of EFI system partitions as UEFI writes it in text and as a GPT holds it.
    data = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")
    assert guid_text(data) == "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (0, ()),
        (0x1, ("DUMP_FILTER_CRITICAL", "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ")),
        (0x2, ("DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX",)),
        (
            0x80000013,
            (
                "DUMP_FILTER_CRITICAL",
                "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ",
                "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX",
                "0x80000010",
            ),
        ),
    ],
)
def test_bit_0_of_the_table_s_flags_has_two_names(flags: int, names: object) -> None:
    assert filter_initialization_data_flag_names(flags) == names


def test_flags_of_filter_extension() -> None:
    assert filter_extension_flag_names(0x1) == ("DUMP_FILTER_EXT_FLAG_DUMP_DEVICE_POWER_OFF",)
    assert filter_extension_flag_names(0x6) == ("0x6",)


def test_a_layout_shows_what_it_is() -> None:
    assert repr(LAYOUTS["mdl"][Machine.X64]) == "<Layout MDL, 64-bit, 48 bytes>"
