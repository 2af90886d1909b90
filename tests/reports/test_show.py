"""Looking into a recording."""

from dataclasses import replace
from pathlib import Path

import pytest

from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import (
    ArmedCallback,
    Buffer,
    Callbacks,
    Fault,
    LoadedModule,
    Piece,
    RecordingWriter,
    Unloaded,
    read_recording,
)
from pykd_dumpfilt.reports import show_call, show_recording
from pykd_dumpfilt.reports._differences import byte_ranges, changed_registers
from pykd_dumpfilt.reports._hexdump import hexdump

from ..rules.examples import AT_RETURN, EXTENSION, EXTENSION_ADDRESS, Script, mdl, side
from .examples import HEADER, failing, passing, write


def shown(tmp_path: Path, script: Script, number: int, whole: bool = False) -> str:
    return show_call(read_recording(write(tmp_path / "one", script)), number, whole=whole)


def test_one_line_per_call(tmp_path: Path) -> None:
    script = failing()
    script.records.insert(
        1, Callbacks(0, (ArmedCallback(0xFFFFF80031001FC0, ("Dump_Read",), ("symbol",)),), ("Dump_Unload",))
    )
    script.records += [Fault("reading the PDB", "no symbols"), Unloaded(0)]
    text = show_recording(read_recording(write(tmp_path / "bad", script)))
    lines = text.splitlines()
    assert lines[0].endswith(
        "bad.dumpfilt: filter myfilt, x64, 2024-05-01T12:00:00Z, pykd-dumpfilt 0.1.0 "
        "(emulator 2.1.1: x64 kernel)"
    )
    assert lines[1:] == [
        "  call  module               callback        disk offset    bytes  status                 changed",
        "        hiber_myfilt loaded at 0xfffff80031000000, 0x7000 bytes",
        "          0xfffff80031001fc0  Dump_Read  (by symbol)",
        "          not registered: Dump_Unload",
        "     0  hiber_myfilt         Dump_Write           0x1000     4608  STATUS_SUCCESS",
        "     1  hiber_myfilt         Dump_Read            0x1000     4608  STATUS_SUCCESS         buffer",
        "        TOOL FAULT while reading the PDB: no symbols",
        "        hiber_myfilt unloaded",
    ]


def test_what_a_write_changed_in_a_few_words(tmp_path: Path) -> None:
    script = Script()
    memory = script.memory
    before = side(0, [mdl(8192)], [memory.buffer(b"p" * 8192)])
    after = side(0x200, [mdl(8192, pfns=[8, 9], start_va=0, flags=3)], [memory.buffer(b"c" * 8192)])
    script.write(0, b"", entry=before, exit=replace(after, source=before.buffers))
    script.write(0, b"", entry=before, exit=replace(after, source=(memory.buffer(b"q" * 8192),)))
    script.read(0, b"x" * 512, exit=None, status=None, unreturned="bug check")
    path = tmp_path / "w"
    with RecordingWriter(path, HEADER) as writer:
        for number in range(len(memory.store)):
            assert writer.put(memory.store.page(number)) == number
        for record in script.records:
            writer.write(record)
    lines = show_recording(read_recording(path)).splitlines()
    assert lines[3].endswith("buffer replaced, DiskByteOffset (QuadPart), MDL (MdlFlags StartVa PFNs)")
    assert "buffer replaced, caller's buffer, DiskByteOffset" in lines[4]
    assert lines[5].endswith("not returned           did not return")


def test_one_call_with_structures_and_bytes(tmp_path: Path) -> None:
    text = shown(tmp_path, failing(), 1)
    for line in (
        "call 1: Dump_Read of hiber_myfilt",
        "  called with (0xffffab0000002450, 0xffffab0000002590, 0xffffab00000024d0), returns to "
        "0xfffff80020001016",
        "  returned STATUS_SUCCESS (0x00000000, a success value)",
        "  buffer: 4608 of 4608 bytes, in units of 16",
        "    0x0 to 0x11ff",
        "  *DiskByteOffset: 0x1000 (4096), at 0xffffab0000002590",
        "  FILTER_EXTENSION at 0xffffab0000002450 (version 2, 64-bit)",
        "    +0x00 DumpType                           0x00000002  DumpTypeHibernation",
        "    +0x38 PartitionInfo.Gpt.DiskId           5e6b1d7a-2f3c-8041-a9c4-d6f01b2e3d4c",
        "  MDL at 0xffffab00000024d0 (64-bit)",
        "    +0x0a MdlFlags        0x0001  MDL_MAPPED_TO_SYSTEM_VA",
        "    +0x28 ByteCount       0x00001200  4608",
        "    PFNs 0x1000 0x1001",
        "Buffer at entry (physical), the first 256 of 4608 bytes",
        "Buffer at return (physical), the first 256 of 4608 bytes",
        "  00000000  01 00 00 00 00 00 00 00  01 00 00 00 08 00 00 00  |................|",
        "  00000100",
    ):
        assert line in text.splitlines(), line
    assert "Mbr" not in text


def test_all_of_the_buffer(tmp_path: Path) -> None:
    text = shown(tmp_path, failing(), 1, whole=True)
    assert "Buffer at return (physical), all 4608 bytes" in text
    assert "  00001000  cc cc cc cc cc cc cc cc  cc cc cc cc cc cc cc cc  |................|" in text


def test_a_changed_field_is_named_with_both_values(tmp_path: Path) -> None:
    script = passing()
    call = script.plain("Dump_Unload")
    cleared = Piece(EXTENSION_ADDRESS, EXTENSION[:0x48] + bytes(8) + EXTENSION[0x50:], 0x58)
    script.records[-1] = replace(
        call,
        exit=replace(call.entry, registers={**AT_RETURN, "rbx": 2}, filter_extension=cleared),
    )
    text = shown(tmp_path, script, 2)
    assert "  FILTER_EXTENSION.DumpData: 0xffffab0000004000 -> 0x0" in text
    assert "  rbx: 0x0 -> 0x2" in text
    assert "rsp:" not in text


def test_nothing_changed_is_said(tmp_path: Path) -> None:
    assert "Changed between entry and return\n  nothing\n" in shown(tmp_path, passing(), 0)


def test_a_call_that_did_not_return(tmp_path: Path) -> None:
    script = Script()
    script.read(0, b"a" * 512, exit=None, status=None, unreturned="bug check 0xD1")
    text = shown(tmp_path, script, 0)
    assert "  did not return: bug check 0xD1" in text
    assert "Return" not in text


def test_what_could_not_be_read_is_told_where_it_would_be(tmp_path: Path) -> None:
    script = Script()
    whole = script.memory.buffer(b"a" * 8192)
    torn = replace(whole, pages=(None, whole.pages[1]), unreadable={0: "bus error"})
    entry = replace(
        side(0, [mdl(8192)], [torn]), filter_extension=Piece(EXTENSION_ADDRESS, b"\1\2", 0x58, "not present")
    )
    script.write(0, b"", entry=entry, exit=entry)
    text = shown(tmp_path, script, 0, whole=True)
    assert "FILTER_EXTENSION at 0xffffab0000002450: 2 of 88 bytes, not present" in text
    assert "  unreadable: page 0: bus error" in text
    assert "  00001000  61 61 61 61" in text


def test_why_a_buffer_was_not_read_by_its_page_frames(tmp_path: Path) -> None:
    script = Script()
    buffer = replace(script.memory.buffer(b"p" * 4096), via="virtual", fallback="refused")
    hashed = Buffer("physical", 0, 0, (), {}, "hashes of pages only", ("0" * 32, None))
    entry, after = side(0, [mdl(4096)], [buffer]), side(0, [mdl(4096)], [hashed])
    script.write(0, b"", entry=entry, exit=after)
    text = shown(tmp_path, script, 0)
    assert (
        "Buffer at entry (virtual), the first 256 of 4096 bytes\n  not by page frame numbers: refused\n"
        in text
    )
    assert "hashes of pages only" in text
    assert f"  page 0: BLAKE2b {'0' * 32}\n  page 1: BLAKE2b unreadable" in text


def test_an_unknown_call_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="holds no call 9"):
        shown(tmp_path, passing(), 9)


def test_damage_is_shown_at_the_end(tmp_path: Path) -> None:
    text = show_recording(read_recording(write(tmp_path / "torn", passing(), close=False)))
    assert text.splitlines()[-1].startswith("damaged: there is no footer")


def test_hostile_names_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    evil = "\x1b[2J\r\n\x9b\u202e"
    script = passing()
    script.records[0] = LoadedModule(0, "hiber_" + evil, 0, 0)
    script.records.append(Fault(evil, evil))
    script.read(0, b"x" * 512, exit=None, status=None, unreturned=evil)
    header = replace(
        HEADER, filter=evil, tool=evil, debugger={"engine": evil, "version": evil, "target": evil}
    )
    # Callback names and the like are from closed lists, which the reader enforces.
    path = write(tmp_path / "evil", script, header)
    recording = read_recording(path)
    for text in (show_recording(recording), show_call(recording, 2)):
        assert all(line.isprintable() for line in text.split("\n"))


def test_hexdump_joins_equal_rows() -> None:
    data = bytes(48) + bytes(range(32, 64)) + b"ab"
    assert list(hexdump(data, 0x100)) == [
        "00000100  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|",
        "*",
        "00000130  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f  | !\"#$%&'()*+,-./|",
        "00000140  30 31 32 33 34 35 36 37  38 39 3a 3b 3c 3d 3e 3f  |0123456789:;<=>?|",
        "00000150  61 62                                             |ab|",
        "00000152",
    ]


def test_byte_ranges_join_neighbours() -> None:
    before = bytes(64)
    after = bytearray(before)
    after[3] = after[17] = after[63] = 1
    assert byte_ranges(before, bytes(after)) == [(0, 32), (48, 64)]
    assert byte_ranges(b"ab", b"abcd") == [(2, 4)]


def test_registers_that_a_return_changes_by_itself_are_left_out() -> None:
    script = Script()
    call = script.plain("Dump_Start")
    entry = replace(call.entry, registers={"rsp": 0x1000, "efl": 0x82, "rdi": 7})
    done = replace(call.entry, registers={"rsp": 0x1008, "efl": 0x446, "rdi": 8, "rax": 0})
    script.records[-1] = replace(call, entry=entry, exit=done)
    # 0x446 has the direction flag (0x400) set, which must be clear at return.
    assert changed_registers(script.decoded()) == [("efl", 0x82, 0x446), ("rdi", 7, 8)]
