"""DF-TRIP-001: what Dump_Read gives back is what Dump_Write was given."""

import tracemalloc
from dataclasses import replace
from typing import Dict, List, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykd_dumpfilt.decoded import DecodedCall
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Call, LoadedModule, MemoryPageStore, PageSource, Piece
from pykd_dumpfilt.rules import Judge, judge
from pykd_dumpfilt.rules._difference import differing
from pykd_dumpfilt.rules.round_trip import RoundTrip
from pykd_dumpfilt.structures import Machine

from .examples import (
    DUMP,
    HIBER,
    OFFSET_ADDRESS,
    Memory,
    Script,
    findings,
    mdl,
    outcome,
    pattern,
    rule_result,
    side,
)

RULE = "DF-TRIP-001"
OTHER_MDL = 0xFFFFAB0000005000


def reasons(script: Script) -> str:
    return " / ".join(rule_result(script.judge(), RULE).reasons)


def notes(script: Script) -> str:
    return " / ".join(rule_result(script.judge(), RULE).notes)


def test_what_was_written_comes_back() -> None:
    script = Script()
    script.write(0x10000, pattern(65536))
    script.read(0x10000, pattern(65536))
    assert outcome(script.judge(), RULE) == ("pass", 1)


def test_one_wrong_byte_is_told_exactly() -> None:
    script = Script()
    script.write(0x10000, pattern(8192))
    wrong = bytearray(pattern(8192))
    wrong[0x1234] ^= 0xFF
    script.read(0x10000, bytes(wrong))
    result = script.judge()
    assert outcome(result, RULE) == ("fail", 1)
    (finding,) = findings(result, RULE)
    assert finding.message == (
        "Dump_Read gave back other bytes than Dump_Write was given: call 1, disk offset 0x11234, page 1 "
        "(PFN 0x1001), byte 0x234: expected 30120000010000003812000001000000, got "
        "cf120000010000003812000001000000; 1 of 8192 bytes differ, from disk offset 0x11234 to 0x11234; "
        "call 0 wrote them"
    )
    assert finding.evidence == {
        "disk_offset": 0x11234,
        "last_disk_offset": 0x11234,
        "mdl": 0,
        "page": 1,
        "byte": 0x234,
        "pfn": "0x1001",
        "expected": "30120000010000003812000001000000",
        "got": "cf120000010000003812000001000000",
        "differing_bytes": 1,
        "compared_bytes": 8192,
        "unmatched_bytes": 0,
        "written_by_call": 0,
        "known_shape": None,
    }
    assert result.verdict.value == "fail"


def test_page_and_byte_count_from_the_buffer_that_begins_inside_a_page() -> None:
    script = Script()
    script.write(0, pattern(4096), byte_offset=0x200)
    wrong = pattern(4096)[:-1] + b"\xff"
    script.read(0, wrong, byte_offset=0xE70)
    (finding,) = findings(script.judge(), RULE)
    # The last byte, 0xfff from the start, lies 0xe70 + 0xfff = 0x1e6f from the first page's start.
    assert (finding.evidence["page"], finding.evidence["byte"]) == (1, 0xE6F)
    assert finding.evidence["disk_offset"] == 0xFFF
    assert finding.evidence["pfn"] == "0x1001"


def test_a_forgotten_last_sector() -> None:
    script = Script()
    script.write(0, pattern(4096))
    forgotten = pattern(4096)[:3584] + b"\xcc" * 512
    script.read(0, forgotten)
    (finding,) = findings(script.judge(), RULE)
    assert finding.evidence["byte"] == 3584
    assert (finding.evidence["differing_bytes"], finding.evidence["compared_bytes"]) == (512, 4096)
    assert "from disk offset 0xe00 to 0xfff" in finding.message


def test_reads_that_split_and_order_otherwise() -> None:
    script = Script()
    data = pattern(16384)
    for at in (0, 8192):
        script.write(at, data[at : at + 8192])
    for start, end in ((12288, 16384), (512, 9216), (0, 512), (0, 16384)):
        script.read(start, data[start:end], byte_offset=start % 3 * 100)
    assert outcome(script.judge(), RULE) == ("pass", 4)


def test_repeated_reads_are_each_judged() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.read(0, b"a" * 512)
    script.read(0, b"b" * 512)
    script.read(0, b"a" * 512)
    result = script.judge()
    assert outcome(result, RULE) == ("fail", 3)
    assert [finding.call for finding in findings(result, RULE)] == [2]


def test_the_last_write_wins() -> None:
    script = Script()
    script.write(0, b"a" * 4096)
    script.write(1024, b"b" * 512)
    script.read(0, b"a" * 1024 + b"b" * 512 + b"a" * 2560)
    assert outcome(script.judge(), RULE) == ("pass", 1)
    script.read(0, b"a" * 4096)
    (finding,) = findings(script.judge(), RULE)
    assert (finding.evidence["disk_offset"], finding.evidence["written_by_call"]) == (1024, 1)


def test_a_write_after_a_read_does_not_judge_it() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.read(0, b"a" * 512)
    script.write(0, b"b" * 512)
    script.read(0, b"b" * 512)
    assert outcome(script.judge(), RULE) == ("pass", 2)


def test_mdl_chains_on_both_sides() -> None:
    script = Script()
    memory = script.memory
    data = pattern(6144)
    mdls = [mdl(2048, 512, next_mdl=OTHER_MDL), mdl(4096, 3584, address=OTHER_MDL)]
    entry = side(0x4000, mdls, [memory.buffer(data[:2048], 512), memory.buffer(data[2048:], 3584)])
    script.write(0, b"", entry=entry, exit=entry)
    script.read(0x4000, data)
    mdls = [mdl(1024, next_mdl=OTHER_MDL), mdl(5120, address=OTHER_MDL, pfns=[7, 8])]
    wrong = data[:6000] + b"!" + data[6001:]
    done = side(0x4000, mdls, [memory.buffer(wrong[:1024]), memory.buffer(wrong[1024:])])
    script.read(0, b"", entry=done, exit=done)
    result = script.judge()
    assert outcome(result, RULE) == ("fail", 2)
    (finding,) = findings(result, RULE)
    # Byte 6000 of the transfer is byte 4976 of the second MDL's buffer: page 1, byte 880.
    assert (finding.evidence["mdl"], finding.evidence["page"], finding.evidence["byte"]) == (1, 1, 880)
    assert finding.evidence["pfn"] == "0x8"
    assert "MDL 1 of the chain, page 1 (PFN 0x8), byte 0x370" in finding.message


def test_what_was_never_written_is_listed_and_not_judged() -> None:
    script = Script()
    script.write(4096, b"a" * 4096)
    script.read(0, b"?" * 4096 + b"a" * 4096)
    assert outcome(script.judge(), RULE) == ("pass", 1)
    assert notes(script) == (
        "4096 bytes in 1 reads were never given to Dump_Write in this recording, so nothing tells what they "
        "should be: disk offset 0x0 to 0xfff (call 1)"
    )


def test_only_unwritten_reads_exercise_nothing() -> None:
    script = Script()
    script.read(0, b"?" * 4096)
    result = script.judge()
    assert outcome(result, RULE) == ("not exercised", 0)
    assert result.verdict.value == "not exercised"


def test_other_bytes_around_a_buffer_do_not_matter() -> None:
    script = Script()
    # The helpers fill the rest of the pages differently for writes and reads.
    script.write(0, b"a" * 512, byte_offset=256)
    script.read(0, b"a" * 512, byte_offset=256)
    assert outcome(script.judge(), RULE) == ("pass", 1)


def test_an_errored_read_is_not_judged() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.read(0, b"b" * 512, status=0xC000003E)
    assert outcome(script.judge(), RULE) == ("not exercised", 0)
    assert notes(script) == "1 Dump_Read calls returned an error; their data is not judged"


def test_a_read_that_returned_pending_is_judged_for_nt_success_takes_it() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.read(0, b"b" * 512, status=0x103)
    assert outcome(script.judge(), RULE) == ("fail", 1)


def test_after_an_errored_write_a_difference_proves_nothing() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.write(512, b"b" * 512, status=0xC0000001)
    script.read(0, b"a" * 512)
    script.read(0, b"z" * 512)
    result = script.judge()
    assert outcome(result, RULE) == ("incomplete", 1)
    assert "call 3 (Dump_Read): differs from what call 0 wrote at 0x0, but call 1 (Dump_Write)" in reasons(
        script
    )
    assert notes(script) == "1 Dump_Write calls returned an error; their data is not judged"


def test_an_errored_write_is_no_data() -> None:
    script = Script()
    script.write(0, b"a" * 512, status=0xC0000001)
    script.read(0, b"z" * 512)
    assert outcome(script.judge(), RULE) == ("not exercised", 0)


def test_writes_after_an_error_are_certain_again() -> None:
    script = Script()
    script.plain("Dump_Start", status=0xC0210001)
    script.write(0, b"a" * 512)
    script.read(0, b"z" * 512)
    assert outcome(script.judge(), RULE) == ("fail", 1)


def test_a_write_that_did_not_return_is_incomplete() -> None:
    script = Script()
    script.write(0, b"a" * 512, exit=None, status=None, unreturned="bug check")
    script.read(0, b"a" * 512)
    assert outcome(script.judge(), RULE) == ("incomplete", 0)
    assert "call 0 (Dump_Write): did not return, so nobody knows what was written: bug check" in reasons(
        script
    )


def test_an_unreadable_page_of_a_write_is_incomplete_and_the_rest_is_judged() -> None:
    script = Script()
    call = script.write(0, b"a" * 4096 + b"b" * 4096)
    torn = replace(
        call.entry.buffers[0], pages=(None, call.entry.buffers[0].pages[1]), unreadable={0: "bus error"}
    )
    script.records[-1] = replace(call, entry=replace(call.entry, buffers=(torn,)))
    script.read(0, b"?" * 4096 + b"b" * 4096)
    assert outcome(script.judge(), RULE) == ("incomplete", 1)
    assert "call 1 (Dump_Read): call 0 wrote there, and page 0 of its buffer was unreadable" in reasons(
        script
    )
    script.read(0, b"?" * 4096 + b"c" * 4096)
    assert outcome(script.judge(), RULE) == ("fail", 2)


def test_an_unreadable_page_of_a_read_is_incomplete() -> None:
    script = Script()
    script.write(0, b"a" * 8192)
    call = script.read(0, b"a" * 8192)
    assert call.exit is not None
    torn = replace(
        call.exit.buffers[0], pages=(call.exit.buffers[0].pages[0], None), unreadable={1: "bus error"}
    )
    script.records[-1] = replace(call, exit=replace(call.exit, buffers=(torn,)))
    assert outcome(script.judge(), RULE) == ("incomplete", 1)
    assert "the buffer at return: page 1: bus error" in reasons(script)


def test_a_buffer_that_was_cut_is_incomplete() -> None:
    script = Script()
    call = script.write(0, b"a" * 4096)
    cut = replace(call.entry.buffers[0], truncated="1 of 2 pages kept: the limit of this trace")
    script.records[-1] = replace(call, entry=replace(call.entry, mdls=(mdl(8192),), buffers=(cut,)))
    script.read(0, b"a" * 8192)
    assert outcome(script.judge(), RULE) == ("incomplete", 1)
    assert "1 of 2 pages kept" in reasons(script)
    assert "call 0 wrote there, and its buffer was not captured whole" in reasons(script)


@pytest.mark.parametrize("callback", ["write", "read"])
def test_an_unknown_offset_is_incomplete(callback: str) -> None:
    script = Script()
    script.write(0, b"a" * 512)
    call = getattr(script, callback)(0, b"b" * 512)
    lost = replace(call.entry, disk_byte_offset=Piece(OFFSET_ADDRESS, b"", 8, "not present"))
    script.records[-1] = replace(call, entry=lost)
    # A write to nobody knows where may have been to offset 0.
    script.read(0, b"z" * 512)
    result = script.judge()
    assert outcome(result, RULE)[0] == ("incomplete" if callback == "write" else "fail")
    assert "*DiskByteOffset: unreadable" in reasons(script)


def test_a_missing_call_may_have_written() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.number += 1
    script.read(0, b"z" * 512)
    assert outcome(script.judge(), RULE) == ("incomplete", 0)
    assert "call 1 is missing from the recording and may have written there" in reasons(script)


def test_a_missing_call_before_the_write_does_not_matter() -> None:
    script = Script()
    script.number += 1
    script.write(0, b"a" * 512)
    script.read(0, b"z" * 512)
    assert outcome(script.judge(), RULE) == ("fail", 1)


def test_an_address_that_serves_write_and_start_may_have_written() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.plain("Dump_Start", "Dump_Write")
    script.read(0, b"z" * 512)
    assert outcome(script.judge(), RULE) == ("incomplete", 0)
    assert "one address serves several callbacks" in reasons(script)


def test_the_offset_at_entry_is_the_key_on_both_sides() -> None:
    script = Script()
    call = script.write(0x1000, b"a" * 512)
    moved = replace(call.entry, disk_byte_offset=Piece(OFFSET_ADDRESS, b"\0\0\1" + bytes(5), 8))
    script.records[-1] = replace(call, exit=moved)
    script.read(0x1000, b"a" * 512)
    script.read(0x10000, b"?" * 512)
    assert outcome(script.judge(), RULE) == ("pass", 1)


def test_the_stacks_are_not_mixed_up() -> None:
    script = Script()
    script.records.append(DUMP)
    script.write(0, b"a" * 512, module=HIBER.number)
    script.write(0, b"b" * 512, module=DUMP.number)
    script.read(0, b"a" * 512, module=HIBER.number)
    assert outcome(script.judge(), RULE) == ("pass", 1)


def test_a_copy_loaded_again_goes_on() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    script.records.append(LoadedModule(7, "hiber_myfilt", 0xFFFFF80040000000, 0x7000))
    script.read(0, b"b" * 512, module=7)
    assert outcome(script.judge(), RULE) == ("fail", 1)


def test_a_read_that_replaced_the_pages_is_judged_by_the_callers_pages() -> None:
    script = Script()
    script.write(0, b"a" * 512)
    call = script.read(0, b"a" * 512)
    assert call.exit is not None
    good, bad = call.exit.buffers[0], call.entry.buffers[0]
    script.records[-1] = replace(
        call, exit=replace(call.exit, mdls=(mdl(512, pfns=[9]),), buffers=(good,), source=(bad,))
    )
    result = script.judge()
    assert outcome(result, RULE) == ("fail", 1)
    assert outcome(result, "DF-READ-002") == ("fail", 1)


def test_a_changed_byte_offset_does_not_shift_the_comparison() -> None:
    script = Script()
    data = pattern(512)
    script.write(0, data)
    call = script.read(0, data, byte_offset=0x100)
    assert call.exit is not None
    shifted = replace(call.exit.buffers[0], offset=0x200, size=512)
    script.records[-1] = replace(call, exit=replace(call.exit, mdls=(mdl(512, 0x200),), buffers=(shifted,)))
    result = script.judge()
    assert outcome(result, RULE) == ("pass", 1)
    assert outcome(result, "DF-READ-002") == ("fail", 1)


def test_a_damaged_page_is_incomplete() -> None:
    class Damaged:
        def page(self, number: int) -> bytes:
            raise RecordingError(f"page {number} is damaged")

    script = Script()
    script.write(0, b"a" * 512)
    script.read(0, b"b" * 512)
    pages: PageSource = Damaged()
    result = judge(script.records, pages, Machine.X64)
    assert outcome(result, RULE) == ("incomplete", 0)
    assert "is damaged" in rule_result(result, RULE).reasons[0]


def test_one_page_at_another_byte_is_other_data() -> None:
    script = Script()
    page = script.memory.buffer(pattern(4096))
    written = side(0, [mdl(512)], [replace(page, offset=0, size=512)])
    script.write(0, b"", entry=written, exit=written)
    given_back = side(0, [mdl(512, 512)], [replace(page, offset=512, size=512)])
    script.read(0, b"", entry=given_back, exit=given_back)
    (finding,) = findings(script.judge(), RULE)
    assert finding.evidence["disk_offset"] == 5
    assert finding.evidence["expected"] == "00000001000000080000000100000010"
    assert finding.evidence["got"] == "02000001000000080200000100000010"


def test_equal_page_numbers_need_no_page() -> None:
    """Dump_Write's pages are looked at for what they are; to compare Dump_Read with them none is read."""
    script = Script()
    script.write(0, pattern(8192))
    script.read(0, pattern(8192))

    class Store:
        silent = False

        def page(self, number: int) -> bytes:
            assert not self.silent, "no page was to be read"
            return script.memory.store.page(number)

    store = Store()
    engine = Judge(store, Machine.X64, rules=[RoundTrip])
    for record in script.records:
        store.silent = isinstance(record, Call) and record.callbacks == ("Dump_Read",)
        engine.feed(record)
    assert outcome(engine.finish(), RULE) == ("pass", 1)


HEADER = b"PAGEDU64".ljust(4096, b"x")
IMAGE = b"HIBR".ljust(4096, b"x")


@pytest.mark.parametrize("byte_offset", [0, 0x200])
def test_a_difference_in_a_known_page_says_what_it_is(byte_offset: int) -> None:
    script = Script()
    script.write(0x1000, HEADER + pattern(4096), byte_offset)
    script.read(0x1200, HEADER[0x200:0x300] + b"?" + HEADER[0x301:] + pattern(4096))
    (finding,) = findings(script.judge(), RULE)
    assert finding.message.endswith("; call 0 wrote them, in a crash dump header (PAGEDU64)")
    assert finding.evidence["known_shape"] == "a crash dump header (PAGEDU64)"
    assert finding.evidence["disk_offset"] == 0x1300


def test_a_difference_in_an_unknown_page_says_nothing() -> None:
    script = Script()
    script.write(0x1000, HEADER + pattern(4096))
    script.read(0x1000, HEADER + b"?" + pattern(4096)[1:])
    (finding,) = findings(script.judge(), RULE)
    assert finding.message.endswith("; call 0 wrote them")
    assert finding.evidence["known_shape"] is None


def test_known_pages_given_to_dump_write_are_counted() -> None:
    script = Script()
    script.write(0, HEADER + pattern(4096) + bytes(8192))
    # Of a buffer that does not begin with a page, the first page of data.
    script.write(0x4000, bytes(8192), 0x10)
    # A sector in a page of zeros is no page of data.
    sector = side(0x6000, [mdl(512)], [script.memory.buffer(bytes(512), around=b"\0")])
    script.write(0, b"", entry=sector, exit=sector)
    script.write(0x6000, IMAGE)
    script.write(0x6000, IMAGE)
    assert notes(script) == (
        "Dump_Write was given a crash dump header (PAGEDU64) once, a page of zeros at least 3 times, a "
        "hibernation image header (HIBR) 2 times"
    )
    script = Script()
    script.write(0, pattern(4096))
    assert notes(script) == ""


def test_after_64_writes_first_pages_and_known_zeros_are_counted() -> None:
    script = Script()
    for _ in range(64):
        script.write(0, pattern(512))
    script.write(0, pattern(4096) + HEADER)
    script.write(0, pattern(4096) + bytes(4096))
    assert notes(script) == ""
    script.write(0, HEADER)
    script.write(0, bytes(4096))
    script.write(0, pattern(4096) + bytes(4096))
    assert notes(script) == (
        "Dump_Write was given a crash dump header (PAGEDU64) once, a page of zeros at least 2 times"
    )


def test_an_unmatched_read_of_a_known_page_says_what_it_is() -> None:
    script = Script()
    script.write(0x1000, pattern(4096))
    script.read(0, IMAGE + pattern(4096) + bytes(4096))
    assert notes(script).endswith(
        "disk offset 0x0 to 0xfff (call 1, begins with a hibernation image header (HIBR)), 0x2000 to 0x2fff "
        "(call 1, begins with a page of zeros)"
    )


def test_negative_offsets_and_huge_counts_do_no_harm() -> None:
    script = Script()
    memory = script.memory
    huge = side(-512, [mdl(0xFFFFFFFF, 0xFFF, pfns=[1], size=0x38)], [memory.buffer(b"a" * 512)])
    script.write(0, b"", entry=huge, exit=huge)
    script.read(0, b"", entry=huge, exit=huge)
    assert outcome(script.judge(), RULE) == ("incomplete", 1)


def test_differing() -> None:
    assert differing(b"abcdef", b"abXdeX") == (2, 5, 2)
    assert differing(b"\0\0", b"\0\1") == (1, 1, 1)


def test_memory_per_write_is_bounded() -> None:
    """24 bytes stay for each write, and what is put aside goes to disk from 4 MiB on."""
    rule = RoundTrip()
    memory = Memory()
    call = write_of_64_kib(memory)
    rule.look(DecodedCall(call, HIBER, Machine.X64, memory.store))
    count = 2000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(1, count):
            moved = Piece(OFFSET_ADDRESS, (number * 65536).to_bytes(8, "little"), 8)
            one = replace(call, number=number, entry=replace(call.entry, disk_byte_offset=moved))
            rule.look(DecodedCall(one, HIBER, Machine.X64, memory.store))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown / count < 300


def write_of_64_kib(memory: Memory) -> Call:
    script = Script()
    script.memory = memory
    return script.write(0, pattern(65536))


_transfers = st.lists(
    st.tuples(
        st.sampled_from(["write", "read", "read"]),
        st.integers(0, 23),  # offset in sectors
        st.integers(1, 20),  # sectors
        st.sampled_from([0, 16, 512, 1040, 3584, 4080]),  # ByteOffset
        st.integers(0, 3),  # which bytes a write puts there
        st.none() | st.integers(0, 20 * 512 - 1),  # which byte a read gets wrong
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=150)
@given(_transfers)
def test_the_rule_agrees_with_a_dict_of_bytes(
    transfers: List[Tuple[str, int, int, int, int, int]],
) -> None:
    script = Script()
    disk: Dict[int, int] = {}
    expected: List[Tuple[int, int, int]] = []
    judged = 0
    for number, (kind, sector, sectors, byte_offset, seed, wrong) in enumerate(transfers):
        base, size = sector * 512, sectors * 512
        if kind == "write":
            data = pattern(size, seed) if seed else bytes(size)
            disk.update(zip(range(base, base + size), data))
            script.write(base, data, byte_offset)
            continue
        given = bytearray(disk.get(at, 0x77) for at in range(base, base + size))
        if wrong is not None and wrong < size:
            given[wrong] ^= 0x80
        script.read(base, bytes(given), byte_offset)
        known = [at for at in range(base, base + size) if at in disk]
        judged += bool(known)
        differ = [at for at in known if given[at - base] != disk[at]]
        if differ:
            expected.append((number, differ[0], len(differ)))
    result = script.judge()
    found = [
        (one.call, one.evidence["disk_offset"], one.evidence["differing_bytes"])
        for one in findings(result, RULE)
    ]
    assert found == expected
    assert rule_result(result, RULE).calls_checked == judged


def test_pages_are_taken_from_the_given_store() -> None:
    # A page number that the store does not know is damage, not a crash.
    script = Script()
    script.write(0, b"a" * 512)
    script.read(0, b"b" * 512)
    assert outcome(judge(script.records, MemoryPageStore(), Machine.X64), RULE) == ("incomplete", 0)
