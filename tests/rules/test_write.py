"""DF-WRITE-001 to DF-WRITE-006."""

import struct
from dataclasses import replace
from typing import List, Tuple, Type

import pytest

from pykd_dumpfilt.recording import Buffer, Piece
from pykd_dumpfilt.rules import Rule
from pykd_dumpfilt.rules.substituted import SubstituteIsAligned, SubstituteIsMapped, SubstituteIsOwn
from pykd_dumpfilt.rules.write import WriteKeepsByteCount, WriteKeepsOffset, WriteKeepsSource

from .examples import (
    DUMP,
    EXTENSION_ADDRESS,
    HIBER,
    INITIALIZATION_DATA,
    MAPPED,
    MDL_ADDRESS,
    OFFSET_ADDRESS,
    Script,
    findings,
    mdl,
    outcome,
    pattern,
    rule_result,
    side,
)
from .transfers_by_hand import SCRATCH, judged, substitute, with_exit

RULES = (
    WriteKeepsSource,
    WriteKeepsByteCount,
    SubstituteIsAligned,
    SubstituteIsMapped,
    SubstituteIsOwn,
    WriteKeepsOffset,
)
DATA = pattern(8192)


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def all_outcomes(script: Script) -> List[Tuple[str, str]]:
    return [(one.rule, one.outcome.value) for one in judged(script, *RULES).rules]


GOOD = [
    ("DF-WRITE-001", "pass"),
    ("DF-WRITE-002", "pass"),
    ("DF-WRITE-003", "pass"),
    ("DF-WRITE-004", "pass"),
    ("DF-WRITE-005", "pass"),
    ("DF-WRITE-006", "pass"),
]
NOT_MAPPED = [(rule, "not exercised" if rule == "DF-WRITE-004" else what) for rule, what in GOOD]


# Good filters.


def test_a_write_that_changes_nothing_passes() -> None:
    script = Script()
    script.write(0x1000, DATA)
    assert all_outcomes(script) == NOT_MAPPED


@pytest.mark.parametrize("byte_offset", [0, 0x200, 0xE00])
def test_a_buffer_swapped_by_hand_passes(byte_offset: int) -> None:
    """VeraCrypt since 2025, DiskCryptor, DmpFlt."""
    script = Script()
    substitute(script, DATA, byte_offset=byte_offset)
    assert all_outcomes(script) == GOOD


def test_1_an_mdl_rebuilt_with_its_old_flags_restored_passes() -> None:
    """TrueCrypt and VeraCrypt for years: Next, Size, Process and all else, and flags that do not match."""
    script = Script()
    before = mdl(8192, 0x200, flags=0x2, process=0xDEAD, next_mdl=0, size=0x100)
    after = mdl(
        8192, pfns=[0x2000, 0x2001], flags=0x2, process=0, start_va=SCRATCH, mapped=SCRATCH, size=0x40
    )
    call = substitute(script, DATA, byte_offset=0x200, before=before, after=after)
    assert call.exit is not None
    nothing = Piece(0, b"", 0, "the MDL says that it is not mapped")
    with_exit(script, call, replace(call.exit, mapped=(nothing,)))
    assert all_outcomes(script) == NOT_MAPPED


def test_2_a_moved_offset_is_a_warning_told_once() -> None:
    script = Script()
    for _ in range(3):
        call = script.write(0x1000, DATA)
        moved = Piece(OFFSET_ADDRESS, bytes.fromhex("0010002000000000"), 8)
        with_exit(script, call, replace(call.entry, disk_byte_offset=moved))
    result = judged(script, *RULES)
    (finding,) = result.findings
    assert (finding.rule, finding.level.value, finding.call) == ("DF-WRITE-006", "warning", 0)
    assert "from 0x1000 to 0x20001000" in finding.message
    assert finding.evidence == {"before": 0x1000, "after": 0x20001000}
    assert rule_result(result, "DF-WRITE-006").notes == ("2 more times the same as the findings",)
    assert outcome(result, "DF-WRITE-006") == ("fail", 3)


@pytest.mark.parametrize("flags", [0x01, 0x11, 0x03, 0x04, 0x05])
@pytest.mark.parametrize("start_va", [0, MAPPED, 0x1F45A3C0123])
def test_5_flags_and_start_va_at_entry_do_not_matter(flags: int, start_va: int) -> None:
    script = Script()
    before = mdl(8192, 0x200, flags=flags, start_va=start_va, process=0xDEAD)
    after = mdl(8192, pfns=[0x2000, 0x2001], flags=flags, start_va=start_va, mapped=SCRATCH)
    substitute(script, DATA, byte_offset=0x200, before=before, after=after)
    assert all_outcomes(script) == GOOD


def test_6_the_source_is_compared_where_it_was() -> None:
    """Source unchanged and MDL replaced is right; that the buffers differ means nothing."""
    script = Script()
    substitute(script, DATA, cipher=b"c" * 8192)
    assert outcome(judged(script, WriteKeepsSource), "DF-WRITE-001") == ("pass", 1)


def test_9_an_address_that_serves_several_callbacks_is_not_judged() -> None:
    script = Script()
    script.plain("Dump_Write", "Dump_Start")
    assert {what for _, what in all_outcomes(script)} == {"not exercised"}


def test_an_mdl_that_was_not_mapped_may_be_mapped() -> None:
    """MmGetSystemAddressForMdlSafe does that to the caller's MDL; the buffer is the same."""
    script = Script()
    entry = side(0, [mdl(8192, 0x200, flags=2, mapped=0)], [script.memory.buffer(DATA, 0x200)])
    done = side(0, [mdl(8192, 0x200, flags=3, mapped=SCRATCH + 0x200)], entry.buffers)
    done = replace(done, mapped=(Piece(SCRATCH + 0x200, DATA[:64], 64),))
    script.write(0, b"", entry=entry, exit=done)
    assert all_outcomes(script) == NOT_MAPPED


def test_a_start_va_put_right_over_the_same_buffer_is_no_substitution() -> None:
    script = Script()
    entry = side(0, [mdl(8192, 0x200, start_va=0)], [script.memory.buffer(DATA, 0x200)])
    done = replace(entry, mdls=(mdl(8192, 0x200),))
    script.write(0, b"", entry=entry, exit=done)
    assert all_outcomes(script) == NOT_MAPPED


def test_the_filters_own_buffer_may_be_dumped() -> None:
    """A crash dump holds all memory: the filter is given the buffer that it works in."""
    script = Script()
    substitute(script, DATA[:4096])
    memory = script.memory
    own = mdl(4096, pfns=[0x2000])
    cipher = memory.buffer(b"c" * 4096)
    entry = side(0x20000, [own], [memory.buffer(DATA[:4096])])
    done = side(0x20000, [mdl(4096, pfns=[0x2000], start_va=SCRATCH, mapped=SCRATCH)], [cipher])
    done = replace(done, mapped=(Piece(SCRATCH, b"c" * 64, 64),))
    script.write(0, b"", entry=entry, exit=done)
    result = judged(script, *RULES)
    assert not result.findings
    assert (
        "1 pages that changed are of the filter's own buffer" in rule_result(result, "DF-WRITE-001").notes[0]
    )


@pytest.mark.parametrize("what", ["stack", "MDL"])
def test_a_page_that_the_call_works_on_may_change(what: str) -> None:
    """A crash dump holds the stack, and the MDL that a filter may change."""
    script = Script()
    page = bytearray(pattern(4096))
    if what == "stack":
        # rsp 0xffffe40000015ec8 at entry, and there the return address 0xfffff80020001016.
        page[0xEC8:0xED0] = bytes.fromhex("1610002000f8ffff")
    else:
        page[0x4D0:0x508] = mdl(4096).data
    call = script.write(0, bytes(page))
    after = flipped(bytes(page), 0x4D8)
    with_exit(script, call, side(0, [mdl(4096)], [script.memory.buffer(after)]))
    result = judged(script, WriteKeepsSource)
    assert outcome(result, "DF-WRITE-001") == ("pass", 1)
    assert (
        "1 pages that changed hold the call's own stack or MDL"
        in rule_result(result, "DF-WRITE-001").notes[0]
    )


# DF-WRITE-001.


def test_001_one_flipped_bit_in_the_last_page_of_the_source_fails() -> None:
    script = Script()
    memory = script.memory
    source = memory.buffer(flipped(DATA, 0x1FFF, 0x80), 0x200)
    substitute(script, DATA, byte_offset=0x200, source=source)
    result = judged(script, WriteKeepsSource)
    (finding,) = findings(result, "DF-WRITE-001")
    assert (
        "changed 1 bytes in 1 of its caller's pages, first page 2 (PFN 0x1002) byte 0x1ff" in finding.message
    )
    assert finding.evidence == {
        "mdl": 0,
        "page": 2,
        "byte": 0x1FF,
        "pfn": "0x1002",
        "inside": True,
        "before": "00" + "ee" * 15,
        "after": "80" + "ee" * 15,
        "bytes": 1,
        "pages": 1,
    }


def test_001_data_changed_in_place_fails() -> None:
    script = Script()
    call = script.write(0, DATA)
    with_exit(script, call, side(0, [mdl(8192)], [script.memory.buffer(b"c" * 8192)]))
    (finding,) = findings(judged(script, WriteKeepsSource), "DF-WRITE-001")
    assert (finding.evidence["bytes"], finding.evidence["pages"]) == (8192, 2)


def test_001_a_byte_beside_the_data_fails() -> None:
    script = Script()
    call = script.write(0, DATA[:512], 0x200)
    page = b"\xee" * 0x1FF + b"\xef" + DATA[:512] + b"\xee" * (4096 - 0x400)
    changed = Buffer("physical", 0x200, 512, (script.memory.store.put(page),))
    with_exit(script, call, side(0, [mdl(512, 0x200)], [changed]))
    (finding,) = findings(judged(script, WriteKeepsSource), "DF-WRITE-001")
    assert (finding.evidence["byte"], finding.evidence["inside"]) == (0x1FF, False)
    assert "outside the data" in finding.message


def test_001_swapped_without_a_second_look_at_the_source_is_incomplete() -> None:
    script = Script()
    call = substitute(script, DATA)
    assert call.exit is not None
    with_exit(script, call, replace(call.exit, source=()))
    assert outcome(judged(script, WriteKeepsSource), "DF-WRITE-001") == ("incomplete", 0)


def test_001_an_unreadable_page_is_incomplete() -> None:
    script = Script()
    call = script.write(0, DATA)
    whole = script.memory.buffer(DATA)
    hole = replace(whole, pages=(whole.pages[0], None), unreadable={1: "not present"})
    with_exit(script, call, side(0, [mdl(8192)], [hole]))
    result = judged(script, WriteKeepsSource)
    assert outcome(result, "DF-WRITE-001") == ("incomplete", 0)
    assert "page 1 of the buffer at return: not present" in rule_result(result, "DF-WRITE-001").reasons[0]


def test_001_a_buffer_that_was_not_kept_whole_is_incomplete() -> None:
    script = Script()
    buffer = replace(
        script.memory.buffer(DATA[:4096]), truncated="1 of 2 pages kept: the limit of this trace"
    )
    entry = side(0, [mdl(8192, pfns=[0x1000, 0x1001])], [buffer])
    script.write(0, b"", entry=entry, exit=entry)
    assert outcome(judged(script, WriteKeepsSource), "DF-WRITE-001") == ("incomplete", 0)


# DF-WRITE-002.


@pytest.mark.parametrize("size", [7680, 8704, 0])
def test_002_another_size_fails(size: int) -> None:
    script = Script()
    call = script.write(0, DATA)
    with_exit(script, call, replace(call.entry, mdls=(mdl(size),)))
    (finding,) = findings(judged(script, WriteKeepsByteCount), "DF-WRITE-002")
    assert finding.evidence == {"before": 8192, "after": size}
    assert f"from 8192 to {size}" in finding.message


def test_002_the_chain_counts_as_a_whole() -> None:
    script = Script()
    second = 0xFFFFAB0000005000
    entry = side(0, [mdl(4096, next_mdl=second), mdl(4096, address=second)])
    script.write(0, b"", entry=entry, exit=side(0, [mdl(8192)]))
    script.write(0, b"", entry=entry, exit=side(0, [mdl(4096)]))
    result = judged(script, WriteKeepsByteCount)
    assert [finding.call for finding in findings(result, "DF-WRITE-002")] == [1]


def test_002_a_chain_that_goes_on_unseen_is_incomplete_unless_nothing_changed() -> None:
    script = Script()
    endless = mdl(4096, next_mdl=MDL_ADDRESS)
    script.write(0, b"", entry=side(0, [endless]), exit=side(0, [endless]))
    assert outcome(judged(script, WriteKeepsByteCount), "DF-WRITE-002") == ("pass", 1)
    script.write(0, b"", entry=side(0, [mdl(4096)]), exit=side(0, [endless]))
    assert outcome(judged(script, WriteKeepsByteCount), "DF-WRITE-002") == ("incomplete", 1)


# DF-WRITE-003.


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (
            mdl(8192, 0x200, [0x2000, 0x2001, 0x2002], start_va=SCRATCH, mapped=SCRATCH + 0x200),
            "ByteOffset is 0x200",
        ),
        (
            mdl(8192, 0, [0x2000, 0x2001], start_va=SCRATCH + 0x10, mapped=SCRATCH),
            f"StartVa is {SCRATCH + 0x10:#x}",
        ),
        (
            mdl(8192, 0, [0x2000, 0x2001], start_va=SCRATCH, mapped=SCRATCH + 1),
            f"MappedSystemVa is {SCRATCH + 1:#x}",
        ),
    ],
    ids=["ByteOffset", "StartVa", "MappedSystemVa"],
)
def test_003_a_substitute_that_begins_inside_a_page_fails(after: Piece, problem: str) -> None:
    script = Script()
    substitute(script, DATA, byte_offset=0x200, after=after)
    (finding,) = findings(judged(script, SubstituteIsAligned), "DF-WRITE-003")
    assert problem in finding.message


def test_003_the_callers_own_buffer_may_begin_anywhere() -> None:
    script = Script()
    script.write(0, DATA, 0x123)
    assert outcome(judged(script, SubstituteIsAligned), "DF-WRITE-003") == ("pass", 1)


# DF-WRITE-004.


def test_004_a_mapping_that_shows_other_bytes_fails() -> None:
    script = Script()
    after = mdl(8192, pfns=[0x2000, 0x2001])
    substitute(script, DATA, after=after, mapped=DATA[:64])
    (finding,) = findings(judged(script, SubstituteIsMapped), "DF-WRITE-004")
    assert finding.evidence == {
        "mdl": 0,
        "mapped_system_va": "0xffffc20000029000",
        "page": 0,
        "pfn": "0x2000",
        "mapped": "01000000000000000100000008000000",
        "physical": "5b5a5a5a5a5a5a5a5b5a5a5a525a5a5a",
    }


@pytest.mark.parametrize(("address", "what"), [(0, "is NULL"), (0x1F45A3C0000, "is no kernel address")])
def test_004_a_mapping_that_cannot_be_one_fails(address: int, what: str) -> None:
    script = Script()
    after = mdl(8192, pfns=[0x2000, 0x2001], start_va=SCRATCH, mapped=address)
    substitute(script, DATA, after=after, mapped=b"")
    (finding,) = findings(judged(script, SubstituteIsMapped), "DF-WRITE-004")
    assert what in finding.message


def test_004_a_kernel_address_that_could_not_be_read_is_incomplete() -> None:
    script = Script()
    substitute(script, DATA, mapped=b"")
    assert outcome(judged(script, SubstituteIsMapped), "DF-WRITE-004") == ("incomplete", 0)


def test_004_page_frame_numbers_of_no_memory_are_incomplete() -> None:
    script = Script()
    hole = Buffer("virtual", 0, 8192, script.memory.buffer(DATA).pages)
    substitute(script, DATA, buffer=hole)
    assert outcome(judged(script, SubstituteIsMapped), "DF-WRITE-004") == ("incomplete", 0)


# DF-WRITE-005.


@pytest.mark.parametrize(
    ("pfns", "what"),
    [
        ([0x1001, 0x1000], "has 2 of its caller's pages, first page 0 (PFN 0x1001)"),
        ([0x2000, 0x1001], "has 1 of its caller's pages, first page 1 (PFN 0x1001, kept)"),
        ([0x2000, 0x2000], "has 1 pages twice, first PFN 0x2000"),
    ],
    ids=["another place", "kept", "twice"],
)
def test_005_pages_that_are_not_a_buffer_of_its_own_fail(pfns: List[int], what: str) -> None:
    script = Script()
    substitute(script, DATA, after=mdl(8192, pfns=pfns, start_va=SCRATCH, mapped=SCRATCH))
    (finding,) = findings(judged(script, SubstituteIsOwn), "DF-WRITE-005")
    assert what in finding.message


def test_005_the_callers_buffer_with_another_start_fails() -> None:
    script = Script()
    substitute(script, DATA, byte_offset=0x200, after=mdl(8192, 0))
    (finding,) = findings(judged(script, SubstituteIsOwn), "DF-WRITE-005")
    assert "has 2 of its caller's pages, first page 0 (PFN 0x1000, kept)" in finding.message


@pytest.mark.parametrize(("maximum", "count"), [(2, 1), (3, 0), (0, 0)])
def test_005_more_pages_than_max_pages_per_write_fail(maximum: int, count: int) -> None:
    script = Script()
    data = INITIALIZATION_DATA[:0x30] + struct.pack("<I", maximum) + INITIALIZATION_DATA[0x34:]
    after = mdl(8192, 0x200, [0x2000, 0x2001, 0x2002], start_va=SCRATCH, mapped=SCRATCH + 0x200)
    call = substitute(script, DATA, after=after)
    known = replace(call.entry, filter_initialization_data=Piece(EXTENSION_ADDRESS - 0x40, data, 0x40))
    script.records[-1] = replace(call, entry=known)
    found = findings(judged(script, SubstituteIsOwn), "DF-WRITE-005")
    assert len(found) == count
    assert all("of 3 pages, more than MaxPagesPerWrite (2)" in finding.message for finding in found)


def test_005_a_transfer_that_came_too_large_is_not_held_against_the_filter() -> None:
    script = Script()
    data = INITIALIZATION_DATA[:0x30] + struct.pack("<I", 1) + INITIALIZATION_DATA[0x34:]
    call = substitute(script, DATA)
    known = replace(call.entry, filter_initialization_data=Piece(EXTENSION_ADDRESS - 0x40, data, 0x40))
    script.records[-1] = replace(call, entry=known)
    assert outcome(judged(script, SubstituteIsOwn), "DF-WRITE-005") == ("pass", 1)


def test_005_one_copys_buffer_is_not_anothers() -> None:
    """What is the filter's own is learnt for each copy: another may not keep its caller's."""
    script = Script()
    script.records.append(DUMP)
    substitute(script, DATA)
    call = substitute(script, DATA, before=mdl(8192, pfns=[0x2000, 0x3000]))
    script.records[-1] = replace(call, module=1)
    (finding,) = findings(judged(script, SubstituteIsOwn), "DF-WRITE-005")
    assert (finding.call, finding.evidence["pfns"]) == (1, ["0x2000"])


def test_005_page_frame_numbers_that_were_not_captured_are_incomplete() -> None:
    script = Script()
    whole = mdl(8192, pfns=[0x2000, 0x2001], start_va=SCRATCH, mapped=SCRATCH)
    substitute(script, DATA, after=Piece(MDL_ADDRESS, whole.data[:0x38], 0x40, "not present"))
    assert outcome(judged(script, SubstituteIsOwn), "DF-WRITE-005") == ("incomplete", 0)


# All of them.


@pytest.mark.parametrize("rule", RULES)
def test_a_write_that_did_not_return_is_incomplete(rule: Type[Rule]) -> None:
    script = Script()
    script.write(0, DATA, exit=None, unreturned="the target ended")
    assert outcome(judged(script, rule), rule.id) == ("incomplete", 0)


@pytest.mark.parametrize("rule", RULES[:5])
def test_an_mdl_that_was_not_captured_is_incomplete(rule: Type[Rule]) -> None:
    script = Script()
    script.write(0, b"", entry=side(0), exit=side(0))
    assert outcome(judged(script, rule), rule.id) == ("incomplete", 0)


@pytest.mark.parametrize("rule", RULES)
def test_dump_read_is_not_these_rules_matter(rule: Type[Rule]) -> None:
    script = Script()
    script.read(0, DATA)
    assert outcome(judged(script, rule), rule.id) == ("not exercised", 0)


def test_a_little_change_in_a_crash_dump_may_be_the_filters_own_live_data() -> None:
    """All of memory is dumped, the filter's own variables and stack among it."""
    for module, expected in ((HIBER, "fail"), (DUMP, "incomplete")):
        script = Script()
        script.records = [module]
        call = script.write(0x1000, DATA, module=module.number)
        after = script.memory.buffer(flipped(DATA, 5000))
        assert call.exit is not None
        with_exit(script, call, replace(call.exit, buffers=(after,)))
        assert outcome(judged(script, WriteKeepsSource), "DF-WRITE-001")[0] == expected


def test_encrypting_in_place_is_a_breach_in_a_crash_dump_too() -> None:
    script = Script()
    script.records = [DUMP]
    call = script.write(0x1000, DATA, module=DUMP.number)
    after = script.memory.buffer(bytes(byte ^ 0x5A for byte in DATA))
    assert call.exit is not None
    with_exit(script, call, replace(call.exit, buffers=(after,)))
    assert outcome(judged(script, WriteKeepsSource), "DF-WRITE-001")[0] == "fail"
