"""Image headers: which image is it, and which PDB belongs to it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.errors import StructureError
from pykd_dumpfilt.structures import (
    IMAGE_DATA_DIRECTORY,
    IMAGE_DEBUG_DIRECTORY,
    IMAGE_DEBUG_TYPE_CODEVIEW,
    IMAGE_DOS_HEADER,
    IMAGE_DOS_SIGNATURE,
    IMAGE_FILE_HEADER,
    IMAGE_FILE_MACHINE_AMD64,
    IMAGE_OPTIONAL_HEADER32,
    IMAGE_OPTIONAL_HEADER64,
    CodeView,
    codeview_rsds,
    image_optional_header,
)

_RSDS = bytes.fromhex("52534453 33221100 5544 7766 8899aabbccddeeff 03000000")
_GUID = "00112233-4455-6677-8899-aabbccddeeff"


def test_dos_header() -> None:
    # The first 64 bytes of an image as linkers write them.
    data = bytes.fromhex(
        "4d5a90000300000004000000ffff0000b800000000000000400000000000000000000000"
        "00000000000000000000000000000000000000000000000080000000"
    )
    parsed = IMAGE_DOS_HEADER.parse(data)
    assert parsed.e_magic == IMAGE_DOS_SIGNATURE
    assert parsed.e_lfanew == 0x80
    assert parsed.e_res == [0, 0, 0, 0]


def test_e_lfanew_is_signed() -> None:
    assert IMAGE_DOS_HEADER.parse(bytes(60) + b"\xff" * 4).e_lfanew == -1


def test_file_header() -> None:
    assert IMAGE_FILE_HEADER.parse(bytes.fromhex("6486 0700 785634 65 00000000 00000000 f000 2200")) == {
        "Machine": IMAGE_FILE_MACHINE_AMD64,
        "NumberOfSections": 7,
        "TimeDateStamp": 0x65345678,
        "PointerToSymbolTable": 0,
        "NumberOfSymbols": 0,
        "SizeOfOptionalHeader": 0xF0,
        "Characteristics": 0x22,
    }


def test_optional_header_64() -> None:
    data = bytes.fromhex(
        "0b02 0e 1d 00100000 00200000 00300000 00500000 00100000 0000004001000000 00100000 00020000"
        "0a00 0000 0a00 0000 0a00 0000 00000000 00800000 00040000 efbeadde 0100 6041"
        "0000100000000000 0010000000000000 0000100000000000 0010000000000000 00000000 10000000"
    )
    parsed = image_optional_header(0x20B).parse(data)
    assert parsed.ImageBase == 0x140000000
    assert (parsed.AddressOfEntryPoint, parsed.SizeOfImage, parsed.CheckSum) == (0x5000, 0x8000, 0xDEADBEEF)
    assert (parsed.Subsystem, parsed.DllCharacteristics, parsed.NumberOfRvaAndSizes) == (1, 0x4160, 16)


def test_the_magic_chooses_the_optional_header() -> None:
    assert image_optional_header(0x10B) is IMAGE_OPTIONAL_HEADER32
    assert image_optional_header(0x20B) is IMAGE_OPTIONAL_HEADER64
    with pytest.raises(StructureError, match="not 0x107"):
        image_optional_header(0x107)


def test_data_and_debug_directory() -> None:
    assert IMAGE_DATA_DIRECTORY.parse(bytes.fromhex("00600000 1c000000")) == {
        "VirtualAddress": 0x6000,
        "Size": 28,
    }
    parsed = IMAGE_DEBUG_DIRECTORY.parse(
        bytes.fromhex("00000000 78563465 0000 0000 02000000 30000000 40600000 40480000")
    )
    assert parsed == {
        "Characteristics": 0,
        "TimeDateStamp": 0x65345678,
        "MajorVersion": 0,
        "MinorVersion": 0,
        "Type": IMAGE_DEBUG_TYPE_CODEVIEW,
        "SizeOfData": 0x30,
        "AddressOfRawData": 0x6040,
        "PointerToRawData": 0x4840,
    }


@pytest.mark.parametrize(
    ("tail", "name"),
    [
        (b"filter.pdb\0rubbish", "filter.pdb"),
        (b"cut", "cut"),
        (b"", ""),
        (b"na\xc3\xafve.pdb\0", "na\u00efve.pdb"),
        (b"bad\xff.pdb\0", "bad\\xff.pdb"),
        (b"x" * 5000, "x" * 1024),
    ],
)
def test_codeview(tail: bytes, name: str) -> None:
    assert codeview_rsds(_RSDS + tail) == CodeView(name, _GUID, 3)


def test_codeview_of_another_kind_is_refused() -> None:
    with pytest.raises(StructureError, match="begins with RSDS, not 0x3031424e"):
        codeview_rsds(b"NB10" + _RSDS[4:])
    with pytest.raises(StructureError, match="needs 24 bytes, 23 given"):
        codeview_rsds(_RSDS[:23])


@settings(max_examples=60)
@given(tail=st.binary(max_size=80))
def test_codeview_takes_any_name(tail: bytes) -> None:
    parsed = codeview_rsds(_RSDS + tail)
    assert (parsed.guid, parsed.age) == (_GUID, 3)
    assert "\0" not in parsed.name
