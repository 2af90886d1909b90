"""Typed views: literal bytes in, literal values out; and what stands in the place of a missing value."""

from dataclasses import replace

import pytest

from pykd_dumpfilt.decoded import (
    Absence,
    BufferUnreadableError,
    BufferView,
    Change,
    DecodedCall,
    DecodedSide,
    DiskGeometry,
    FilterExtension,
    FilterInitializationData,
    Mdl,
    NoValue,
    PartitionInfo,
    given_back,
    mdl_changes,
    structure_changes,
)
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Buffer, MemoryPageStore, Piece, Side
from pykd_dumpfilt.structures import Machine, Severity

from .examples import EXTENSION, INITIALIZATION_DATA, Memory, Script, mdl, side

# An x64 MDL of 0x1000 bytes at 0xe70 of its first page, with two PFNs.
MDL = bytes.fromhex(
    "0000000000000000 4000 0100 00000000"  # Next, Size, MdlFlags, padding
    "80501e0d00abffff 709e020000c2ffff 00003c5af4010000"  # Process, MappedSystemVa, StartVa
    "00100000 700e0000"  # ByteCount, ByteOffset
    "b317000000000000 0001000000000000"
)


def decoded(raw: Side, machine: Machine = Machine.X64) -> DecodedSide:
    return DecodedSide(raw, machine, MemoryPageStore())


def test_filter_extension() -> None:
    assert decoded(Side({}, Piece(0x1000, EXTENSION, 0x58))).filter_extension == FilterExtension(
        address=0x1000,
        dump_type=2,
        device_object=0xFFFFAB0000000810,
        geometry=DiskGeometry(8354, 12, 255, 63, 512),
        disk_size=68719476736,
        partition_info=PartitionInfo(0x18, 1, 0x5E6B1D7A, 0x80412F3C, "5e6b1d7a-2f3c-8041-a9c4-d6f01b2e3d4c"),
        dump_data=0xFFFFAB0000004000,
        size=0x58,
        flags=0,
    )


def test_filter_extension_of_windows_7_has_no_size() -> None:
    found = decoded(Side({}, Piece(0x1000, EXTENSION[:0x50], 0x50))).filter_extension
    assert isinstance(found, FilterExtension)
    assert (found.size, found.flags, found.dump_data) == (None, None, 0xFFFFAB0000004000)


def test_filter_initialization_data_bit_0_has_both_names() -> None:
    raw = Side({}, filter_initialization_data=Piece(0x1000, INITIALIZATION_DATA, 0x40))
    found = decoded(raw).filter_initialization_data
    assert isinstance(found, FilterInitializationData)
    assert (found.major_version, found.max_pages_per_write, found.dump_read) == (2, 16, 0xFFFFF80031001FC0)
    assert found.dump_pre_read_write is None
    assert found.flag_names == ("DUMP_FILTER_CRITICAL", "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ")


def test_mdl() -> None:
    found = decoded(Side({}, mdls=(Piece(0x2000, MDL, 0x40),))).mdl
    assert found == Mdl(
        address=0x2000,
        next=0,
        size=0x40,
        mdl_flags=1,
        process=0xFFFFAB000D1E5080,
        mapped_system_va=0xFFFFC20000029E70,
        start_va=0x1F45A3C0000,
        byte_count=0x1000,
        byte_offset=0xE70,
        pfns=(0x17B3, 0x100),
        pfns_missing=None,
    )
    assert isinstance(found, Mdl)
    assert found.flag_names == ("MDL_MAPPED_TO_SYSTEM_VA",)


def test_mdl_flags_are_16_bits_unsigned() -> None:
    data = MDL[:0x0A] + b"\x01\x80" + MDL[0x0C:]
    found = decoded(Side({}, mdls=(Piece(0x2000, data, 0x40),))).mdl
    assert isinstance(found, Mdl)
    assert found.mdl_flags == 0x8001
    assert found.flag_names == ("MDL_MAPPED_TO_SYSTEM_VA", "MDL_INTERNAL")


def test_disk_byte_offset_is_signed() -> None:
    raw = Side({}, disk_byte_offset=Piece(0x10, b"\x00\xfe\xff\xff\xff\xff\xff\xff", 8))
    assert decoded(raw).disk_byte_offset == -512


def test_what_was_not_captured_says_so() -> None:
    nothing = decoded(Side({}))
    none = NoValue(Absence.NOT_CAPTURED)
    assert nothing.filter_extension == none
    assert nothing.filter_initialization_data == none
    assert nothing.disk_byte_offset == none
    assert nothing.mdl == none
    assert str(none) == "not captured"
    with pytest.raises(BufferUnreadableError, match="not captured"):
        _ = nothing.buffer


def test_what_could_not_be_read_says_why() -> None:
    raw = Side(
        {},
        Piece(0x1000, EXTENSION[:8], 0x58, "page not present"),
        disk_byte_offset=Piece(0x10, b"\x00", 8, "page not present"),
        mdls=(Piece(0x2000, MDL[:0x20], 0x30, "no such page"),),
    )
    found = decoded(raw)
    assert str(found.filter_extension) == "unreadable: 8 of 80 bytes at 0x1000, page not present"
    assert str(found.disk_byte_offset) == "unreadable: 1 of 8 bytes at 0x10, page not present"
    assert str(found.mdl) == "unreadable: 32 of 48 bytes at 0x2000, no such page"


def test_a_size_that_no_form_has_is_undecodable() -> None:
    found = decoded(Side({}, filter_initialization_data=Piece(0, b"\0" * 0x39, 0x39)))
    value = found.filter_initialization_data
    assert isinstance(value, NoValue)
    assert value.kind is Absence.UNDECODABLE


def test_missing_page_frame_numbers_keep_the_header() -> None:
    found = decoded(Side({}, mdls=(Piece(0x2000, MDL[:0x38], 0x40, "page not present"),))).mdl
    assert isinstance(found, Mdl)
    assert found.pfns == (0x17B3,)
    assert str(found.pfns_missing) == "unreadable: 56 of 64 bytes at 0x2000, page not present"


def test_the_other_architectures_have_their_own_layouts() -> None:
    small = bytes.fromhex("00000000 2000 0500 11111111 22222222 00300000 00020000 10000000 78560000")
    found = decoded(Side({}, mdls=(Piece(0x2000, small, 0x20),)), Machine.X86).mdl
    assert isinstance(found, Mdl)
    assert (found.mapped_system_va, found.byte_count, found.pfns) == (0x22222222, 0x200, (0x5678,))


def test_buffer_joins_the_chain() -> None:
    script = Script()
    memory = script.memory
    mdls = [mdl(512, 3584, next_mdl=0xFFFFAB0000005000), mdl(1024, 100, address=0xFFFFAB0000005000)]
    entry = side(0, mdls, [memory.buffer(b"a" * 512, 3584), memory.buffer(b"b" * 1024, 100)])
    script.write(0, b"", entry=entry)
    assert script.decoded().entry.buffer == b"a" * 512 + b"b" * 1024
    assert script.decoded().byte_count == 1536


def test_a_page_that_was_unreadable_is_named() -> None:
    script = Script()
    whole = script.memory.buffer(b"a" * 8192)
    torn = replace(whole, pages=(whole.pages[0], None), unreadable={1: "bus error"})
    script.write(0, b"", entry=side(0, [mdl(8192)], [torn]))
    view = script.decoded().entry.buffers[0]
    assert str(view.missing()) == "unreadable: page 1: bus error"
    assert view.missing(0, 4096) is None
    assert view.read(0, 4096) == b"a" * 4096
    with pytest.raises(BufferUnreadableError, match="page 1: bus error"):
        view.read(4000, 4100)


def test_a_buffer_that_was_cut_says_so() -> None:
    script = Script()
    part = replace(script.memory.buffer(b"a" * 4096), truncated="1 of 2 pages kept: the limit of this trace")
    script.write(0, b"", entry=side(0, [mdl(8192)], [part]))
    with pytest.raises(BufferUnreadableError, match="4096 of 8192 bytes kept, 1 of 2 pages kept"):
        _ = script.decoded().entry.buffer


def test_a_page_that_the_recording_lost_is_a_recording_error() -> None:
    script = Script()
    script.write(0, b"", entry=side(0, [mdl(4096)], [Buffer("physical", 0, 4096, (77,))]))
    with pytest.raises(RecordingError, match="no page 77"):
        _ = script.decoded().entry.buffer


def test_same_as_looks_at_the_buffer_only() -> None:
    memory = Memory()
    script = Script()
    script.memory = memory
    script.read(0, b"x" * 512, 100, before=b"x" * 512)
    call = script.decoded()
    assert call.exit is not None
    one, two = call.entry.buffers[0], call.exit.buffers[0]
    other = memory.buffer(b"x" * 512, 100, b"\x11")
    script.read(0, b"x" * 512, 100, before=b"x" * 512, exit=side(0, [mdl(512, 100)], [other]))
    changed_around = script.decoded().exit
    assert changed_around is not None
    assert one.same_as(two)
    assert one.raw.pages != changed_around.buffers[0].raw.pages
    assert one.same_as(changed_around.buffers[0])


def test_status_has_name_and_severity() -> None:
    script = Script()
    script.plain("Dump_Start", status=0xC0210001)
    status = script.decoded().status
    assert status is not None
    assert (status.name, status.severity) == ("STATUS_FVE_NOT_ENCRYPTED", Severity.ERROR)


def test_a_folded_address_has_no_callback() -> None:
    script = Script()
    script.plain("Dump_Start", "Dump_Finish")
    call = script.decoded()
    assert (call.callback, call.callbacks) == (None, ("Dump_Start", "Dump_Finish"))
    assert call.label == "Dump_Start or Dump_Finish"


def test_a_lost_module_has_a_number() -> None:
    script = Script()
    call = DecodedCall(script.plain("Dump_Start", module=3), None, Machine.X64, script.memory.store)
    assert call.module_name == "module 3"


def test_changes_name_field_before_and_after() -> None:
    before, after = Piece(0x2000, MDL, 0x40), bytearray(MDL)
    after[0x18] = 0
    after[0x0C] = 7
    after[0x28:0x2C] = (0x800).to_bytes(4, "little")
    after[0x38] = 0xFF
    raw = Side({}, mdls=(Piece(0x2000, bytes(after), 0x40),))
    assert list(mdl_changes(decoded(Side({}, mdls=(before,))), decoded(raw), Machine.X64)) == [
        Change("MDL", "MappedSystemVa", "0xffffc20000029e70", "0xffffc20000029e00"),
        Change("MDL", "ByteCount", "4096", "2048"),
        Change("MDL", "padding at 0xc (AllocationProcessorNumber, Reserved)", "00000000", "07000000"),
        Change("MDL", "PFN[1]", "0x100", "0x1ff"),
    ]


def test_changes_of_filter_extension() -> None:
    cleared = EXTENSION[:0x48] + bytes(8) + EXTENSION[0x50:]
    before = decoded(Side({}, Piece(0x1000, EXTENSION, 0x58)))
    after = decoded(Side({}, Piece(0x1000, cleared, 0x58)))
    assert list(structure_changes(before, after, Machine.X64)) == [
        Change("FILTER_EXTENSION", "DumpData", "0xffffab0000004000", "0x0")
    ]


def test_what_is_given_back_of_a_buffer_without_an_mdl() -> None:
    """Its MDL was lost, and the buffer at return begins elsewhere."""
    script = Script()
    entry = Side({}, buffers=(Buffer("physical", 0x200, 512, (0,)),))
    done = Side({}, buffers=(Buffer("physical", 0, 4096, (0,)),))
    script.read(0, b"", entry=entry, exit=done)
    view = given_back(script.decoded(), 0)
    assert isinstance(view, BufferView)
    assert (view.raw.offset, view.held) == (0x200, 512)
    assert isinstance(view.mdl, NoValue)
