"""DF-ARGS-001 to 005: the system's side. They warn, and never fail a filter."""

import struct
from dataclasses import replace
from typing import Optional

import pytest

from pykd_dumpfilt.recording import Call, Piece, Side

from .examples import (
    DUMP,
    EXTENSION,
    EXTENSION_ADDRESS,
    INITIALIZATION_DATA,
    MAPPED,
    MDL_ADDRESS,
    OFFSET_ADDRESS,
    Script,
    findings,
    mdl,
    outcome,
    rule_result,
    side,
)

DATA = b"d" * 4096


def one_read(script: Script, **changes: object) -> Call:
    """A round trip whose Dump_Read has a changed entry side; FILTER_EXTENSION changes on both."""
    script.write(0x1000, DATA)
    call = script.read(0x1000, DATA)
    assert call.exit is not None
    kept = {name: value for name, value in changes.items() if name == "filter_extension"}
    call = replace(
        call,
        entry=replace(call.entry, **changes),  # type: ignore[arg-type]
        exit=replace(call.exit, **kept),  # type: ignore[arg-type]
    )
    script.records[-1] = call
    return call


def message(script: Script, rule: str) -> str:
    result = script.judge()
    one = rule_result(result, rule)
    assert (one.outcome.value, one.level.value) == ("fail", "warning")
    assert result.verdict.value == "pass"
    (finding,) = findings(result, rule)
    assert finding.level.value == "warning"
    return finding.message


def test_a_sane_recording_warns_of_nothing() -> None:
    script = Script()
    one_read(script)
    result = script.judge()
    assert result.verdict.value == "pass"
    assert not result.findings
    assert {
        one.rule: (one.outcome.value, one.calls_checked)
        for one in result.rules
        if one.rule.startswith("DF-ARGS-")
    } == {
        "DF-ARGS-001": ("pass", 2),
        "DF-ARGS-002": ("pass", 2),
        "DF-ARGS-003": ("pass", 2),
        "DF-ARGS-004": ("pass", 2),
        "DF-ARGS-005": ("not exercised", 0),
        "DF-ARGS-006": ("pass", 2),
    }


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0x1000, OFFSET_ADDRESS, MDL_ADDRESS), "FilterExtension 0x1000, which is no kernel address"),
        (
            (EXTENSION_ADDRESS + 4, OFFSET_ADDRESS, MDL_ADDRESS),
            "FilterExtension 0xffffab0000002454, which is not aligned to 8 bytes",
        ),
        ((EXTENSION_ADDRESS, 0, MDL_ADDRESS), "DiskByteOffset 0x0, which is no kernel address"),
        ((EXTENSION_ADDRESS, OFFSET_ADDRESS, 0), "Mdl 0x0, which is no kernel address"),
    ],
)
def test_pointers(arguments: tuple, text: str) -> None:  # type: ignore[type-arg]
    script = Script()
    call = one_read(script)
    script.records[-1] = replace(call, arguments=arguments)
    assert text in message(script, "DF-ARGS-001")


def test_the_same_strange_thing_is_told_once_per_copy() -> None:
    script = Script()
    for _ in range(5):
        script.plain("Dump_Start")
    records = [replace(one, arguments=(0x1000,)) if isinstance(one, Call) else one for one in script.records]
    script.records[:] = records
    one = rule_result(script.judge(), "DF-ARGS-001")
    assert (len(one.findings), one.notes) == (1, ("4 more times the same as the findings",))


def extension(offset: int, data: bytes) -> Piece:
    """FILTER_EXTENSION with some bytes replaced."""
    return Piece(EXTENSION_ADDRESS, EXTENSION[:offset] + data + EXTENSION[offset + len(data) :], 0x58)


@pytest.mark.parametrize(
    ("offset", "data", "text"),
    [
        (0x00, b"\0\0\0\0", "DumpType is 0: 1 (crash dump) or 2 (hibernation) is expected"),
        (0x00, b"\1\0\0\0", "DumpTypeHibernation (2) is expected of a hiber_ copy"),
        (0x08, bytes(8), "DeviceObject is 0x0: that is no kernel address"),
        (0x18, b"\0\0\0\0", "Geometry.MediaType is 0: 11 (RemovableMedia) or 12 (FixedMedia) is expected"),
        (0x24, b"\3\2\0\0", "Geometry.BytesPerSector is 515: one of 512, 1024, 2048, 4096 is expected"),
        (0x28, bytes(8), "DiskSize is 0: a disk has more than no bytes"),
        (0x28, b"\xff" * 8, "DiskSize is -1"),
        (0x30, b"\x20\0\0\0", "PartitionInfo.SizeOfPartitionInfo is 32"),
        (0x34, b"\3\0\0\0", "PartitionInfo.PartitionStyle is 3"),
        (0x50, b"\x4f\0\0\0", "Size is 79: 80 to 4096 is expected"),
    ],
)
def test_filter_extension(offset: int, data: bytes, text: str) -> None:
    script = Script()
    one_read(script, filter_extension=extension(offset, data))
    assert text in message(script, "DF-ARGS-002")


def test_a_dump_copy_is_of_the_crash_stack() -> None:
    script = Script()
    script.records.append(DUMP)
    call = script.plain("Dump_Start", module=DUMP.number)
    (finding,) = findings(script.judge(), "DF-ARGS-002")
    assert "DumpTypeCrashdump (1) is expected of a dump_ copy" in finding.message
    fine = replace(call.entry, filter_extension=extension(0, b"\1\0\0\0"))
    script.records[-1] = replace(call, entry=fine)
    assert not findings(script.judge(), "DF-ARGS-002")


@pytest.mark.parametrize("sector", [512, 4096])
def test_both_usual_sector_sizes_are_sane(sector: int) -> None:
    script = Script()
    one_read(script, filter_extension=extension(0x24, struct.pack("<I", sector)))
    assert not script.judge().findings


@pytest.mark.parametrize("size", [0x50, 0x58, 0x60])
def test_a_newer_or_older_extension_size_is_sane(size: int) -> None:
    script = Script()
    one_read(script, filter_extension=extension(0x50, struct.pack("<I", size)))
    assert not script.judge().findings


def test_before_windows_8_size_is_not_looked_at() -> None:
    script = Script()
    one_read(
        script,
        filter_extension=extension(0x50, b"\xff\xff\xff\xff"),
        filter_initialization_data=Piece(0x1000, INITIALIZATION_DATA[:0x38], 0x38),
    )
    assert not findings(script.judge(), "DF-ARGS-002")


def test_an_extension_that_could_not_be_read_is_incomplete() -> None:
    script = Script()
    one_read(script, filter_extension=Piece(EXTENSION_ADDRESS, b"", 0x58, "not present"))
    result = script.judge()
    assert outcome(result, "DF-ARGS-002") == ("incomplete", 1)
    assert outcome(result, "DF-ARGS-003") == ("incomplete", 1)
    assert result.verdict.value == "incomplete"


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (-512, "*DiskByteOffset -0x200, which is negative"),
        (0x1001, "*DiskByteOffset 0x1001, which is not a multiple of the sector size 512"),
        (0x1000000000 - 2048, "4096 bytes at 0xffffff800, past the end of a disk of 0x1000000000 bytes"),
    ],
)
def test_offsets(offset: int, text: str) -> None:
    script = Script()
    one_read(script, disk_byte_offset=Piece(OFFSET_ADDRESS, struct.pack("<q", offset), 8))
    result = script.judge()
    (finding,) = findings(result, "DF-ARGS-003")
    assert text in finding.message


def test_a_transfer_that_ends_with_the_disk_is_sane() -> None:
    script = Script()
    one_read(script, disk_byte_offset=Piece(OFFSET_ADDRESS, struct.pack("<q", 0x1000000000 - 4096), 8))
    assert not findings(script.judge(), "DF-ARGS-003")


@pytest.mark.parametrize(
    ("strange", "text"),
    [
        (mdl(0), "ByteCount is 0"),
        (mdl(4096, 0x1000, pfns=[1, 2], size=0x48), "ByteOffset 0x1000 is not within a page"),
        (mdl(4096, start_va=MAPPED + 8), "is not page aligned"),
        (mdl(4096, 512, size=0x38), "Size 56 has no room for the 2 pages of the buffer (64 needed)"),
        (mdl(4000), "ByteCount 4000 is not a multiple of the sector size 512"),
        (mdl(4096, size=0x3C), "Size 60 is no header with whole page frame numbers behind it"),
        (mdl(4096, size=-8), "Size -8 has no room for the 1 pages of the buffer (56 needed)"),
        (mdl(4096, next_mdl=0x1F45A3C0000), "Next 0x1f45a3c0000 is no MDL's address"),
        (mdl(4096, next_mdl=MDL_ADDRESS + 4), "Next 0xffffab00000024d4 is no MDL's address"),
        (mdl(4096, pfns=[1 << 40]), "page frame number 0x10000000000 is past any physical memory"),
        (mdl(4096, flags=0x02), "MdlFlags 0x0002 have neither MDL_MAPPED_TO_SYSTEM_VA nor MDL_SOURCE_IS"),
        (mdl(4096, mapped=0), "MappedSystemVa 0x0 is no kernel address, and MdlFlags say that it is mapped"),
        (mdl(4096, mapped=0x1F45A3C0000), "MappedSystemVa 0x1f45a3c0000 is no kernel address"),
        (
            mdl(4096, 512, mapped=MAPPED),
            "MappedSystemVa 0xffffc20000029000 does not begin at ByteOffset 0x200 of its page",
        ),
    ],
)
def test_mdl_arithmetic(strange: Piece, text: str) -> None:
    script = Script()
    one_read(script, mdls=(strange,))
    result = script.judge()
    assert text in " / ".join(one.message for one in findings(result, "DF-ARGS-004"))


@pytest.mark.parametrize(
    "fine",
    [
        mdl(4096, 16, start_va=0),
        mdl(4096, 16, flags=0x11, start_va=0),
        mdl(4096, 16, flags=0x04),
        mdl(4096, 16, mapped=MAPPED + 0x7010),
        mdl(4096, process=0xDEAD),
        mdl(4096, size=0x30 + 8 * 17),
        mdl(4096, pfns=[(1 << 40) - 1]),
        mdl(4096, pfns=[0]),
    ],
)
def test_what_dump_mdls_were_seen_to_be_is_sane(fine: Piece) -> None:
    script = Script()
    one_read(script, mdls=(fine,))
    assert not findings(script.judge(), "DF-ARGS-004")


def test_a_size_that_wrapped_is_not_looked_at() -> None:
    """8192 page frame numbers: 0x10030 bytes of MDL, of which a SHORT holds 0x30."""
    script = Script()
    one_read(script, mdls=(mdl(0x2000000, pfns=[1], size=0x31),))
    assert "Size" not in " / ".join(one.message for one in findings(script.judge(), "DF-ARGS-004"))


def test_max_pages_per_write_bounds_bytes_not_touched_pages() -> None:
    script = Script()
    data = Piece(0x1000, INITIALIZATION_DATA, 0x40)
    one_read(script, mdls=(mdl(65536, 512),), filter_initialization_data=data)
    assert not findings(script.judge(), "DF-ARGS-004")
    one_read(script, mdls=(mdl(65536 + 512),), filter_initialization_data=data)
    (finding,) = findings(script.judge(), "DF-ARGS-004")
    assert "ByteCount 66048 is more than MaxPagesPerWrite (16 pages)" in finding.message


def mapped_side(
    physical: bytes, virtual: bytes, via: str = "physical", missing: Optional[str] = None
) -> Side:
    script = Script()
    buffer = replace(script.memory.buffer(physical), via=via)
    piece = Piece(MAPPED, virtual, min(64, len(physical)), missing)
    return replace(side(0x1000, [mdl(len(physical))], [buffer]), mapped=(piece,))


def judged(entry: Side, physical: bytes) -> Script:
    script = Script()
    script.memory.buffer(physical)
    script.write(0x1000, physical, entry=entry, exit=entry)
    script.read(0x1000, physical)
    return script


def test_a_mapping_that_agrees() -> None:
    script = judged(mapped_side(DATA, DATA[:64]), DATA)
    assert outcome(script.judge(), "DF-ARGS-005") == ("pass", 1)


def test_a_mapping_that_shows_other_memory() -> None:
    script = judged(mapped_side(DATA, b"x" * 64), DATA)
    text = message(script, "DF-ARGS-005")
    assert "MappedSystemVa 0xffffc20000029000" in text
    assert "(78787878787878787878787878787878)" in text
    assert "(64646464646464646464646464646464)" in text


def test_a_mapping_that_could_not_be_read_is_incomplete() -> None:
    script = judged(mapped_side(DATA, b"", missing="not present"), DATA)
    assert outcome(script.judge(), "DF-ARGS-005") == ("incomplete", 0)


def test_a_buffer_read_through_the_mapping_says_nothing_about_it() -> None:
    script = judged(mapped_side(DATA, b"x" * 64, via="virtual"), DATA)
    assert outcome(script.judge(), "DF-ARGS-005") == ("not exercised", 0)


def test_an_mdl_that_is_not_mapped_is_left_alone() -> None:
    entry = mapped_side(DATA, DATA[:64])
    entry = replace(entry, mapped=(Piece(0, b"", 0, "the MDL says that it is not mapped"),))
    script = judged(entry, DATA)
    assert outcome(script.judge(), "DF-ARGS-005") == ("not exercised", 0)
