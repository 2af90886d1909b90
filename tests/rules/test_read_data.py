"""DF-READ-003 and DF-READ-004."""

from dataclasses import replace
from typing import List

import pytest

from pykd_dumpfilt.recording import Buffer, Call, LoadedModule
from pykd_dumpfilt.rules.read_outside import ReadStaysInBuffer
from pykd_dumpfilt.rules.read_repeat import ReadIsRepeatable

from .examples import DUMP, Script, findings, mdl, outcome, pattern, rule_result, side
from .transfers_by_hand import judged

DATA = pattern(6144)


def read_around(
    script: Script,
    before: bytes,
    after: bytes,
    start: int,
    size: int,
    pfn: int = 0x1000,
) -> Call:
    """A Dump_Read of ``size`` bytes at ``start`` of whole pages ``before`` that are ``after`` at return."""
    put = script.memory.store.put
    one = mdl(size, start, pfns=range(pfn, pfn + len(before) // 4096))
    sides = []
    for whole in (before, after):
        numbers = tuple(put(whole[at : at + 4096]) for at in range(0, len(whole), 4096))
        sides.append(side(0x1000, [one], [Buffer("physical", start, size, numbers)]))
    return script.read(0x1000, b"", entry=sides[0], exit=sides[1])


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


# DF-READ-003.


@pytest.mark.parametrize("byte_offset", [0, 0x200, 0xE00])
def test_a_read_that_changes_the_whole_buffer_and_no_more_passes(byte_offset: int) -> None:
    script = Script()
    script.read(0x1000, DATA, byte_offset)
    assert outcome(judged(script, ReadStaysInBuffer), "DF-READ-003") == ("pass", 1)


def test_7_a_read_that_changes_nothing_passes() -> None:
    script = Script()
    script.read(0x1000, DATA, 0x200, before=DATA)
    assert outcome(judged(script, ReadStaysInBuffer), "DF-READ-003") == ("pass", 1)


@pytest.mark.parametrize(
    ("at", "page", "place"),
    [
        (0, 0, "512 bytes before its start"),
        (0x1FF, 0, "1 bytes before its start"),
        (0x1A00, 1, "0 bytes past its end"),
        (0x1FFF, 1, "1535 bytes past its end"),
    ],
)
def test_one_flipped_bit_beside_the_buffer_fails(at: int, page: int, place: str) -> None:
    script = Script()
    before = b"\xaa" * 8192
    read_around(script, before, flipped(before, at, 0x80), 0x200, 6144)
    (finding,) = findings(judged(script, ReadStaysInBuffer), "DF-READ-003")
    assert finding.level.value == "error"
    assert place in finding.message
    rest = min(16, 4096 - at % 4096)
    assert finding.evidence == {
        "mdl": 0,
        "page": page,
        "byte": at % 4096,
        "last_byte": at % 4096,
        "pfn": f"{0x1000 + page:#x}",
        "bytes": 1,
        "before": "aa" * rest,
        "after": "2a" + "aa" * (rest - 1),
    }


def test_both_sides_of_a_buffer_within_one_page_are_looked_at() -> None:
    script = Script()
    before = b"\xaa" * 4096
    after = b"\xaa" * 0x1FF + b"\0" * 0x202 + b"\xaa" * (4096 - 0x401)
    read_around(script, before, after, 0x200, 0x200)
    (finding,) = findings(judged(script, ReadStaysInBuffer), "DF-READ-003")
    assert (finding.evidence["byte"], finding.evidence["last_byte"], finding.evidence["bytes"]) == (
        0x1FF,
        0x400,
        2,
    )


def test_changes_inside_are_not_counted() -> None:
    script = Script()
    after = b"\0" * 0x600 + b"\xab" + b"\xaa" * (4096 - 0x601)
    read_around(script, b"\xaa" * 4096, b"\xaa" * 0x400 + after[0x400:], 0x400, 0x200)
    (finding,) = findings(judged(script, ReadStaysInBuffer), "DF-READ-003")
    assert (finding.evidence["byte"], finding.evidence["bytes"]) == (0x600, 1)


def test_a_page_that_a_chain_shares_is_described_by_both_parts() -> None:
    """The first MDL's buffer ends in the page in which the second's begins."""
    script = Script()
    put = script.memory.store.put
    second = 0xFFFFAB0000005000
    mdls = [mdl(0x800, 0, [0x1000], next_mdl=second), mdl(0x400, 0x800, [0x1000], address=second)]

    def buffers(content: bytes) -> List[Buffer]:
        number = put(content)
        return [Buffer("physical", 0, 0x800, (number,)), Buffer("physical", 0x800, 0x400, (number,))]

    entry = side(0, mdls, buffers(b"\xaa" * 4096))
    script.read(0, b"", entry=entry, exit=side(0, mdls, buffers(b"\0" * 0xC00 + b"\xaa" * 0x400)))
    assert outcome(judged(script, ReadStaysInBuffer), "DF-READ-003") == ("pass", 1)
    script.read(0, b"", entry=entry, exit=side(0, mdls, buffers(b"\0" * 0xC01 + b"\xaa" * 0x3FF)))
    (finding,) = findings(judged(script, ReadStaysInBuffer), "DF-READ-003")
    assert (finding.call, finding.evidence["byte"]) == (1, 0xC00)


def test_a_page_named_twice_is_described_where_either_says_so() -> None:
    """The last page only fills up the transfer, and it is the first one's page as well."""
    script = Script()
    put = script.memory.store.put
    one = mdl(4096 + 512, 0, [0x1000, 0x1000])
    before, after = put(b"\xaa" * 4096), put(b"\0" * 4096)
    script.read(
        0,
        b"",
        entry=side(0, [one], [Buffer("physical", 0, 4608, (before, before))]),
        exit=side(0, [one], [Buffer("physical", 0, 4608, (after, after))]),
    )
    assert outcome(judged(script, ReadStaysInBuffer), "DF-READ-003") == ("pass", 1)


def test_a_page_that_holds_the_stack_may_change_beside_the_buffer() -> None:
    script = Script()
    page = bytearray(b"\xaa" * 4096)
    page[0xEC8:0xED0] = bytes.fromhex("1610002000f8ffff")
    read_around(script, bytes(page), flipped(bytes(page), 0xEC0), 0, 512)
    result = judged(script, ReadStaysInBuffer)
    assert outcome(result, "DF-READ-003") == ("pass", 1)
    assert rule_result(result, "DF-READ-003").notes == (
        "1 pages that changed hold the call's own stack or MDL",
    )


def test_the_callers_pages_are_looked_at_where_they_were() -> None:
    script = Script()
    before = b"\xaa" * 4096
    call = read_around(script, before, flipped(before, 4095), 0, 512)
    assert call.exit is not None
    elsewhere = replace(
        call.exit,
        mdls=(mdl(512, pfns=[0x2000]),),
        source=call.exit.buffers,
        buffers=(script.memory.buffer(b"x" * 512),),
    )
    script.records[-1] = replace(call, exit=elsewhere)
    (finding,) = findings(judged(script, ReadStaysInBuffer), "DF-READ-003")
    assert finding.evidence["pfn"] == "0x1000"
    script.records[-1] = replace(call, exit=replace(elsewhere, source=()))
    assert outcome(judged(script, ReadStaysInBuffer), "DF-READ-003") == ("incomplete", 0)


def test_an_unreadable_edge_is_incomplete_and_an_unreadable_middle_is_not() -> None:
    script = Script()
    whole = script.memory.buffer(pattern(12288 - 512))
    for index in (1, 2):
        pages = tuple(None if at == index else page for at, page in enumerate(whole.pages))
        hole = replace(whole, pages=pages, unreadable={index: "not present"})
        one = side(0, [mdl(12288 - 512)], [hole])
        script.read(0, b"", entry=one, exit=one)
    result = judged(script, ReadStaysInBuffer)
    assert outcome(result, "DF-READ-003") == ("incomplete", 1)
    assert rule_result(result, "DF-READ-003").reasons == (
        "call 1 (Dump_Read): around the buffer: unreadable: page 2 of the buffer at entry: not present",
    )


def test_an_end_that_was_not_kept_is_incomplete() -> None:
    script = Script()
    kept = replace(script.memory.buffer(DATA[:4096]), truncated="1 of 2 pages kept: the limit of this trace")
    one = side(0, [mdl(6144, pfns=[0x1000, 0x1001])], [kept])
    script.read(0, b"", entry=one, exit=one)
    result = judged(script, ReadStaysInBuffer)
    assert outcome(result, "DF-READ-003") == ("incomplete", 0)
    assert "the limit of this trace" in rule_result(result, "DF-READ-003").reasons[0]


def test_a_read_that_did_not_return_is_incomplete() -> None:
    script = Script()
    script.read(0, DATA, exit=None, unreturned="the target ended")
    result = judged(script, ReadStaysInBuffer, ReadIsRepeatable)
    assert outcome(result, "DF-READ-003") == ("incomplete", 0)
    assert outcome(result, "DF-READ-004") == ("incomplete", 0)


# DF-READ-004.


def test_a_read_of_each_offset_once_says_nothing() -> None:
    script = Script()
    script.read(0x1000, DATA)
    script.read(0x4000, DATA)
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("not exercised", 0)


def test_the_same_twice_passes_wherever_the_buffer_begins() -> None:
    script = Script()
    script.read(0x1000, DATA)
    script.read(0x1000, DATA, 0x200)
    script.read(0x1000, DATA)
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("pass", 2)


@pytest.mark.parametrize("byte_offset", [0, 0x200])
def test_another_answer_to_the_same_fails(byte_offset: int) -> None:
    script = Script()
    disk = bytes(6144)
    script.read(0x1000, DATA, before=disk)
    script.read(0x4000, DATA, before=disk)
    script.read(0x1000, flipped(DATA, 6143, 4), byte_offset, before=disk)
    result = judged(script, ReadIsRepeatable)
    assert outcome(result, "DF-READ-004") == ("fail", 1)
    (finding,) = findings(result, "DF-READ-004")
    assert (finding.call, finding.level.value) == (2, "error")
    assert finding.evidence == {
        "earlier_call": 0,
        "disk_offset": 0x27FF,
        "mdl": 0,
        "page": 1,
        "byte": 0x7FF + byte_offset,
        "bytes": 1,
        "then": "00",
        "now": "04",
    }


def test_another_answer_to_other_data_is_right() -> None:
    """The disk was written in between; what was read before still counts for what is the same again."""
    script = Script()
    script.read(0x1000, DATA, before=bytes(6144))
    script.read(0x1000, b"x" * 6144, before=b"y" * 6144)
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("not exercised", 0)
    script.read(0x1000, b"z" * 6144, before=bytes(6144))
    (finding,) = findings(judged(script, ReadIsRepeatable), "DF-READ-004")
    assert (finding.call, finding.evidence["earlier_call"]) == (2, 0)


def test_another_length_is_another_question() -> None:
    """A cipher over the whole transfer may depend on its length."""
    script = Script()
    script.read(0x1000, DATA, before=bytes(6144))
    script.read(0x1000, b"x" * 512, before=bytes(512))
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("not exercised", 0)


def test_copies_are_told_apart_by_name() -> None:
    """Each stack's copy has keys of its own; a copy that was loaded again goes on where the first stopped."""
    script = Script()
    script.records += [DUMP, LoadedModule(2, "hiber_myfilt", 0xFFFFF80041000000, 0x7000)]
    script.read(0x1000, DATA, before=bytes(6144))
    script.read(0x1000, b"x" * 6144, before=bytes(6144), module=1)
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("not exercised", 0)
    script.read(0x1000, b"x" * 6144, before=bytes(6144), module=2)
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("fail", 1)


def test_a_new_driver_entry_may_bring_new_keys() -> None:
    script = Script()
    script.read(0x1000, DATA, before=bytes(6144))
    script.plain("DriverEntry")
    script.read(0x1000, b"x" * 6144, before=bytes(6144))
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("not exercised", 0)


def test_a_failed_read_gives_no_answer() -> None:
    script = Script()
    script.read(0x1000, DATA, before=bytes(6144), status=0xC000003E)
    script.read(0x1000, b"x" * 6144, before=bytes(6144))
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("not exercised", 0)


def test_a_buffer_that_was_not_kept_whole_is_incomplete() -> None:
    script = Script()
    kept = replace(script.memory.buffer(DATA[:4096]), truncated="1 of 2 pages kept: the limit of this trace")
    one = side(0, [mdl(6144, pfns=[0x1000, 0x1001])], [kept])
    script.read(0, b"", entry=one, exit=one)
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("incomplete", 0)


def test_a_buffer_without_an_mdl_is_incomplete() -> None:
    script = Script()
    buffer = script.memory.buffer(b"d" * 512)
    script.read(
        0,
        b"",
        entry=side(0, [mdl(512)], [buffer, buffer]),
        exit=replace(side(0, [mdl(512)], [buffer]), source=(replace(buffer, size=256),) * 2),
    )
    assert outcome(judged(script, ReadIsRepeatable), "DF-READ-004") == ("incomplete", 0)


def test_reads_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pykd_dumpfilt.rules.read_repeat._MAX_READS", 3)
    script = Script()
    for at in range(5):
        script.read(at * 0x1000, DATA)
    script.read(0, DATA)
    script.read(0x4000, DATA)
    result = judged(script, ReadIsRepeatable)
    assert outcome(result, "DF-READ-004") == ("pass", 1)
    assert rule_result(result, "DF-READ-004").notes == (
        "3 reads were not held against later ones: 3 are remembered",
    )
