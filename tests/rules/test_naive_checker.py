"""What a naive checker would flag wrongly: real drivers do these things, and none of it is an error.

One test, or more, for each of the ten points of the list; ``naive_rules`` has the rule that each would
mislead, and the recordings are held to be such that it does. The last two are not of the list.
"""

from dataclasses import replace

import pytest

from pykd_dumpfilt.recording import ArmedCallback, Callbacks, LoadedModule, Piece

from .contract_examples import driver_entry, table
from .examples import (
    EXTENSION,
    EXTENSION_ADDRESS,
    INITIALIZATION_DATA,
    MAPPED,
    OFFSET_ADDRESS,
    Script,
    findings,
    mdl,
    outcome,
    side,
)
from .naive_rules import flagged
from .transfers_by_hand import SCRATCH, substitute

DATA = b"plain text of 32 bytes and more." * 128


def test_1_dump_write_may_rebuild_the_mdl() -> None:
    """VeraCrypt's oldest generation: Next, Size, Process, StartVa, MappedSystemVa, ByteOffset, PFNs."""
    script = Script()
    memory = script.memory
    entry = side(0, [mdl(4096, 512)], [memory.buffer(DATA, 512)])
    rebuilt = mdl(4096, pfns=[0x2031], start_va=MAPPED + 0x8000, mapped=MAPPED + 0x8000, process=0, size=0x38)
    done = side(0, [rebuilt], [memory.buffer(b"c" * 4096)])
    script.write(0, b"", entry=entry, exit=replace(done, source=entry.buffers))
    script.read(0, DATA)
    assert flagged(1, script)
    result = script.judge()
    assert result.verdict.value == "pass"
    assert not result.findings


def test_2_dump_write_may_move_the_disk_offset() -> None:
    """VeraCrypt's hidden system and DiskCryptor do it by design; the key is the offset at entry."""
    script = Script()
    call = script.write(0x1000, DATA)
    moved = Piece(OFFSET_ADDRESS, (0x20001000).to_bytes(8, "little"), 8)
    assert call.exit is not None
    script.records[-1] = replace(call, exit=replace(call.exit, disk_byte_offset=moved))
    script.read(0x1000, DATA)
    assert flagged(2, script)
    result = script.judge()
    assert result.verdict.value == "pass"
    # A deviation from the document's letter, said as such.
    assert [(one.rule, one.level.value) for one in result.findings] == [("DF-WRITE-006", "warning")]


def test_3_flag_bit_0_without_dump_read_is_critical_and_not_a_broken_read_filter() -> None:
    script = Script()
    write_only = Piece(EXTENSION_ADDRESS - 0x40, INITIALIZATION_DATA[:0x38] + bytes(8), 0x40)
    call = script.write(0, DATA)
    script.records[-1] = replace(
        call, entry=replace(call.entry, filter_initialization_data=write_only), exit=call.exit
    )
    script.records.append(Callbacks(0, (), ("Dump_Read",)))
    assert flagged(3, script)
    result = script.judge()
    assert not result.findings
    assert result.verdict.value == "not exercised"
    assert "the filter registered no DumpRead in hiber_myfilt" in " ".join(result.reasons)


def test_3_the_same_where_driver_entry_was_seen() -> None:
    script = Script()
    driver_entry(script, table(flags=1, read=0))
    assert flagged(3, script)
    result = script.judge()
    assert not result.findings
    assert outcome(result, "DF-REG-002") == ("pass", 1)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (0xC0210001, "STATUS_FVE_NOT_ENCRYPTED"),  # DiskCryptor
        (0xC0000001, "STATUS_UNSUCCESSFUL"),  # VeraCrypt
    ],
)
def test_4_an_error_from_dump_start_may_mean_not_needed(status: int, name: str) -> None:
    script = Script()
    script.plain("Dump_Start", status=status)
    assert flagged(4, script)
    result = script.judge()
    assert not result.findings
    assert outcome(result, "DF-CALL-001") == ("pass", 1)
    assert result.verdict.value == "not exercised"
    assert f"call 0 (Dump_Start) returned {name}" in " ".join(result.reasons)


@pytest.mark.parametrize(
    ("flags", "start_va"),
    [
        (0x01, MAPPED),
        (0x01, 0x1F45A3C0000),
        (0x11, 0),
        (0x11, MAPPED),
        (0x03, 0),
        (0x04, 0x1F45A3C0000),
        (0x05, 0),
    ],
)
def test_5_mdl_flags_and_start_va_need_not_describe_the_buffer(flags: int, start_va: int) -> None:
    script = Script()
    one = mdl(4096, 0xE70, flags=flags, start_va=start_va, process=0xDEAD)
    entry = side(0, [one], [script.memory.buffer(DATA, 0xE70)])
    script.write(0, b"", entry=entry, exit=entry)
    script.read(0, b"", entry=entry, exit=entry)
    assert flagged(5, script)
    result = script.judge()
    assert result.verdict.value == "pass"
    assert not result.findings


def test_5_mdl_flags_that_were_put_back_need_not_describe_what_was_put_in() -> None:
    """VeraCrypt's oldest generation, for drivers that test MDL_MAPPED_TO_SYSTEM_VA: the caller's MDL was a
    partial one, and its flags stay while the buffer is the filter's."""
    script = Script()
    before = mdl(4096, flags=0x11, start_va=0)
    after = mdl(4096, pfns=[0x2000], flags=0x11, start_va=SCRATCH, mapped=SCRATCH)
    substitute(script, DATA, before=before, after=after)
    assert flagged(5, script)
    result = script.judge()
    assert not result.findings
    assert outcome(result, "DF-WRITE-004") == ("pass", 1)


def test_6_a_replaced_buffer_over_an_unchanged_source_is_right() -> None:
    script = Script()
    substitute(script, DATA)
    assert flagged(6, script)
    result = script.judge()
    assert not result.findings
    assert outcome(result, "DF-WRITE-001") == ("pass", 1)


def test_6_a_changed_source_is_found_where_the_mdl_no_longer_points() -> None:
    """What the MDL describes is the same at entry and at return, and the caller's page is not."""
    script = Script()
    spoilt = script.memory.buffer(b"!" + DATA[1:])
    substitute(script, DATA, cipher=DATA, source=spoilt)
    assert not flagged(6, script)
    (finding,) = findings(script.judge(), "DF-WRITE-001")
    assert (finding.evidence["page"], finding.evidence["byte"]) == (0, 0)


def test_6_the_round_trip_compares_with_the_source_and_not_with_what_replaced_it() -> None:
    script = Script()
    memory = script.memory
    entry = side(0, [mdl(4096)], [memory.buffer(DATA)])
    swapped = side(0, [mdl(4096, pfns=[0x2031])], [memory.buffer(b"c" * 4096)])
    script.write(0, b"", entry=entry, exit=replace(swapped, source=entry.buffers))
    script.read(0, b"c" * 4096)
    (finding,) = findings(script.judge(), "DF-TRIP-001")
    assert finding.evidence["expected"] == DATA[:16].hex()


def test_7_dump_read_may_leave_the_buffer_unchanged() -> None:
    """DmpFlt's does, and what it was given is what it wrote."""
    script = Script()
    script.write(0, DATA)
    script.read(0, DATA, before=DATA)
    assert flagged(7, script)
    result = script.judge()
    assert result.verdict.value == "pass"
    assert not result.findings


def test_8_dump_unload_may_clear_dump_data() -> None:
    script = Script()
    script.write(0, DATA)
    script.read(0, DATA)
    call = script.plain("Dump_Unload")
    cleared = Piece(EXTENSION_ADDRESS, EXTENSION[:0x48] + bytes(8) + EXTENSION[0x50:], 0x58)
    assert call.exit is not None
    script.records[-1] = replace(call, exit=replace(call.exit, filter_extension=cleared))
    assert flagged(8, script)
    result = script.judge()
    assert result.verdict.value == "pass"
    assert not result.findings


def test_9_a_folded_address_is_labelled_and_its_garbage_arguments_are_not_judged() -> None:
    script = Script()
    names = ("Dump_Start", "Dump_Read", "Dump_Finish")
    script.records.append(Callbacks(0, (ArmedCallback(0xFFFFF80031001000, names, ("table",) * 3),)))
    call = script.plain(*names)
    script.records[-1] = replace(call, arguments=(EXTENSION_ADDRESS, 0x1, 0x2))
    assert flagged(9, script)
    result = script.judge()
    assert not result.findings
    assert result.verdict.value == "not exercised"
    assert "one address serves Dump_Start and Dump_Read and Dump_Finish" in " ".join(result.reasons)
    assert outcome(result, "DF-ARGS-001") == ("not exercised", 0)


def test_10_the_plain_drivers_copy_that_never_fires_does_not_matter() -> None:
    script = Script()
    script.records.append(LoadedModule(5, "myfilt", 0xFFFFF80050000000, 0x7000))
    script.write(0, DATA)
    script.read(0, DATA)
    assert flagged(10, script)
    result = script.judge()
    assert not result.findings
    assert (result.verdict.value, result.scenario) == ("pass", "hibernate")


def test_each_point_of_the_list_has_its_test() -> None:
    names = [name for name in globals() if name.startswith("test_")]
    assert {int(name.split("_")[1]) for name in names if name.split("_")[1].isdigit()} == set(range(1, 11))


@pytest.mark.parametrize("point", range(1, 11))
def test_the_naive_rules_do_not_flag_everything(point: int) -> None:
    script = Script()
    one = mdl(4096, flags=0x03)
    plain = side(0, [one], [script.memory.buffer(DATA)])
    script.write(0, b"", entry=plain, exit=plain)
    script.read(0, b"", entry=replace(plain, buffers=(script.memory.buffer(bytes(4096)),)), exit=plain)
    assert not flagged(point, script)


def test_an_mdl_that_is_used_again_is_no_identity() -> None:
    """The kernel has one MDL object for all transfers: its address repeats, its contents differ."""
    script = Script()
    script.write(0, DATA)
    script.write(0x1000, b"other" * 512 + bytes(1536))
    script.read(0x1000, b"other" * 512 + bytes(1536))
    script.read(0, DATA)
    assert outcome(script.judge(), "DF-TRIP-001") == ("pass", 2)


def test_a_size_larger_than_needed_is_capacity() -> None:
    script = Script()
    one = mdl(512, size=0x30 + 8 * 17)
    entry = side(0, [one], [script.memory.buffer(b"s" * 512)])
    script.write(0, b"", entry=entry, exit=entry)
    assert not findings(script.judge(), "DF-ARGS-004")
