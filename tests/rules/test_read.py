"""DF-READ-001 and DF-READ-002."""

from dataclasses import replace

import pytest

from pykd_dumpfilt.recording import Call, Piece

from .examples import MAPPED, MDL_ADDRESS, OFFSET_ADDRESS, Script, findings, mdl, outcome, rule_result, side

DATA = b"d" * 4096


def test_offset_unchanged_passes() -> None:
    script = Script()
    script.read(0x1000, DATA)
    assert outcome(script.judge(), "DF-READ-001") == ("pass", 1)


def test_offset_changed_fails() -> None:
    script = Script()
    script.write(0x1000, DATA)
    call = script.read(0x1000, DATA)
    assert call.exit is not None
    script.records[-1] = replace(
        call, exit=replace(call.exit, disk_byte_offset=Piece(OFFSET_ADDRESS, b"\0\2" + bytes(6), 8))
    )
    result = script.judge()
    assert outcome(result, "DF-READ-001") == ("fail", 1)
    (finding,) = findings(result, "DF-READ-001")
    assert (finding.call, finding.callback, finding.level.value) == (1, "Dump_Read", "error")
    assert "from 0x1000 to 0x200" in finding.message
    assert finding.evidence == {"before": 0x1000, "after": 0x200}
    assert result.verdict.value == "fail"


def test_offset_of_dump_write_is_not_this_rules_matter() -> None:
    script = Script()
    script.write(0x1000, DATA, exit=side(0x2000, [mdl(4096)]))
    assert outcome(script.judge(), "DF-READ-001") == ("not exercised", 0)


@pytest.mark.parametrize("where", ["entry", "exit"])
def test_offset_unreadable_is_incomplete(where: str) -> None:
    script = Script()
    call = script.read(0x1000, DATA)
    gone = replace(getattr(call, where), disk_byte_offset=Piece(OFFSET_ADDRESS, b"", 8, "not present"))
    script.records[-1] = replace(call, **{where: gone})
    result = script.judge()
    assert outcome(result, "DF-READ-001") == ("incomplete", 0)
    when = {"entry": "at entry", "exit": "at return"}[where]
    assert rule_result(result, "DF-READ-001").reasons == (
        f"call 0 (Dump_Read): *DiskByteOffset {when}: unreadable: 0 of 8 bytes at 0xffffab0000002590, "
        "not present",
    )


def test_a_read_that_did_not_return_is_incomplete() -> None:
    script = Script()
    script.read(0x1000, DATA, exit=None, unreturned="the target ended")
    result = script.judge()
    assert outcome(result, "DF-READ-001") == ("incomplete", 0)
    assert outcome(result, "DF-READ-002") == ("incomplete", 0)
    assert result.verdict.value == "incomplete"


def with_mdl(script: Script, after: Piece) -> Call:
    call = script.read(0x1000, DATA)
    assert call.exit is not None
    call = replace(call, exit=replace(call.exit, mdls=(after,)))
    script.records[-1] = call
    return call


def test_mdl_unchanged_passes() -> None:
    script = Script()
    with_mdl(script, mdl(4096))
    assert outcome(script.judge(), "DF-READ-002") == ("pass", 1)


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (mdl(4096, pfns=[0x2000]), "MDL.PFN[0] from 0x1000 to 0x2000"),
        (mdl(2048), "MDL.ByteCount from 4096 to 2048"),
        (mdl(4096, flags=3), "MDL.MdlFlags from 0x1 to 0x3"),
        (mdl(4096, next_mdl=0xFFFFAB0000007000), "MDL.Next from 0x0 to 0xffffab0000007000"),
        (mdl(4096, process=0), "MDL.Process from 0xffffab000d1e5080 to 0x0"),
        (mdl(4096, start_va=0), f"MDL.StartVa from {MAPPED:#x} to 0x0"),
        (mdl(4096, mapped=0), f"MDL.MappedSystemVa from {MAPPED:#x} to 0x0"),
        (mdl(4096, size=0x100), "MDL.Size from 56 to 256"),
    ],
    ids=["PFN", "ByteCount", "MdlFlags", "Next", "Process", "StartVa", "MappedSystemVa", "Size"],
)
def test_any_changed_field_fails_and_is_named(after: Piece, message: str) -> None:
    script = Script()
    with_mdl(script, after)
    result = script.judge()
    assert outcome(result, "DF-READ-002") == ("fail", 1)
    (finding,) = findings(result, "DF-READ-002")
    assert message in finding.message


def test_one_finding_lists_all_changes() -> None:
    script = Script()
    with_mdl(script, mdl(4096, pfns=[0x2000], start_va=0))
    (finding,) = findings(script.judge(), "DF-READ-002")
    assert "(and 1 more changes)" in finding.message
    assert finding.evidence == {
        "changes": [
            {"structure": "MDL", "field": "StartVa", "before": f"{MAPPED:#x}", "after": "0x0"},
            {"structure": "MDL", "field": "PFN[0]", "before": "0x1000", "after": "0x2000"},
        ],
        "count": 2,
    }


def test_a_change_in_a_chained_mdl_is_found() -> None:
    script = Script()
    first = mdl(4096, next_mdl=0xFFFFAB0000005000)
    second = mdl(512, address=0xFFFFAB0000005000)
    buffers = [script.memory.buffer(DATA), script.memory.buffer(b"e" * 512)]
    script.read(
        0,
        b"",
        entry=side(0, [first, second], buffers),
        exit=side(0, [first, mdl(512, address=0xFFFFAB0000005000, pfns=[9])], buffers),
    )
    (finding,) = findings(script.judge(), "DF-READ-002")
    assert "MDL 1 of the chain.PFN[0] from 0x1000 to 0x9" in finding.message


def test_a_next_that_leads_elsewhere_is_one_change() -> None:
    """What another MDL in the second place holds is no change of the first one there."""
    script = Script()
    second = mdl(512, address=0xFFFFAB0000005000)
    other = mdl(1024, address=0xFFFFAB0000006000, pfns=[9])
    buffers = [script.memory.buffer(DATA), script.memory.buffer(b"e" * 512)]
    script.read(
        0,
        b"",
        entry=side(0, [mdl(4096, next_mdl=0xFFFFAB0000005000), second], buffers),
        exit=side(0, [mdl(4096, next_mdl=0xFFFFAB0000006000), other], buffers),
    )
    (finding,) = findings(script.judge(), "DF-READ-002")
    assert finding.evidence["count"] == 1
    assert "MDL.Next from 0xffffab0000005000 to 0xffffab0000006000" in finding.message


def test_a_chain_that_was_captured_in_part_is_incomplete() -> None:
    script = Script()
    first = mdl(4096, next_mdl=0xFFFFAB0000005000)
    second = mdl(512, address=0xFFFFAB0000005000)
    buffers = [script.memory.buffer(DATA), script.memory.buffer(b"e" * 512)]
    script.read(0, b"", entry=side(0, [first, second], buffers), exit=side(0, [first], buffers[:1]))
    result = script.judge()
    assert outcome(result, "DF-READ-002") == ("incomplete", 0)
    assert "2 MDLs captured at entry, 1 at return" in rule_result(result, "DF-READ-002").reasons[0]


def test_an_mdl_that_could_not_be_read_is_incomplete() -> None:
    script = Script()
    with_mdl(script, Piece(MDL_ADDRESS, mdl(4096).data[:8], 0x38, "not present"))
    result = script.judge()
    assert outcome(result, "DF-READ-002") == ("incomplete", 0)
    assert "the MDL at return: unreadable: 8 of 48 bytes" in rule_result(result, "DF-READ-002").reasons[0]


def test_page_frame_numbers_that_were_not_captured_are_incomplete() -> None:
    script = Script()
    call = script.read(0x1000, DATA)
    short = replace(mdl(4096), data=mdl(4096).data[:0x30], asked=0x30)
    assert call.exit is not None
    script.records[-1] = replace(
        call, entry=replace(call.entry, mdls=(short,)), exit=replace(call.exit, mdls=(short,))
    )
    assert outcome(script.judge(), "DF-READ-002") == ("incomplete", 0)


def test_findings_are_capped_and_counted() -> None:
    script = Script()
    for _ in range(25):
        with_mdl(script, mdl(4096, flags=3))
    one = rule_result(script.judge(), "DF-READ-002")
    assert (one.found, len(one.findings)) == (25, 20)
    assert one.reasons == ("and 5 more findings that are not listed",)
