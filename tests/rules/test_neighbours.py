"""DF-READ-003 and DF-WRITE-001 on the pages next to a buffer, where a recording has them."""

from dataclasses import replace
from typing import List, Optional, Tuple, Type

import pytest

from pykd_dumpfilt.recording import Buffer, Call, Piece, Side
from pykd_dumpfilt.rules import Rule
from pykd_dumpfilt.rules.read_outside import ReadStaysInBuffer
from pykd_dumpfilt.rules.write import WriteKeepsSource

from .examples import AT_ENTRY, AT_RETURN, MAPPED, Script, findings, mdl, outcome, pattern, side
from .transfers_by_hand import judged

DATA = pattern(8192)
QUIET = b"\x5a" * 4096
BOTH = [("Dump_Read", ReadStaysInBuffer), ("Dump_Write", WriteKeepsSource)]


def pages(script: Script, contents: List[Optional[bytes]]) -> Buffer:
    numbers = tuple(None if one is None else script.memory.store.put(one) for one in contents)
    unreadable = {index: "not present" for index, one in enumerate(contents) if one is None}
    return Buffer("virtual", 0, 4096 * len(numbers), numbers, unreadable)


def transfer(
    script: Script,
    callback: str,
    before: List[Optional[bytes]],
    after: List[Optional[bytes]],
    mdls: Optional[Tuple[Piece, ...]] = None,
) -> Call:
    """A transfer of two whole pages that changes nothing but what lies next to its buffer."""
    one = mdls or (mdl(len(DATA)),)
    sides: List[Side] = []
    for contents, registers in ((before, AT_ENTRY), (after, AT_RETURN)):
        quiet = [pages(script, [QUIET, QUIET]) for _ in one[1:]]
        base = side(0x1000, one, [script.memory.buffer(DATA) for _ in one])
        sides.append(replace(base, registers=registers, around=(pages(script, contents), *quiet)))
    entry, done = sides
    return script.call(Call(0, 0, (callback,), 0xFFFFF80020001016, (0, 0, 0), entry, done, 0))


def changed(at: int) -> bytes:
    return QUIET[:at] + b"\x5b" + QUIET[at + 1 :]


@pytest.mark.parametrize(("callback", "rule"), BOTH)
def test_neighbours_that_stay_as_they_are_pass(callback: str, rule: Type[Rule]) -> None:
    script = Script()
    transfer(script, callback, [QUIET, QUIET], [QUIET, QUIET])
    assert outcome(judged(script, rule), rule.id) == ("pass", 1)


@pytest.mark.parametrize(("callback", "rule"), BOTH)
@pytest.mark.parametrize(
    ("after", "page", "address", "place"),
    [
        ([QUIET, changed(0)], 2, MAPPED + 0x2000, "0 bytes behind the buffer's last page"),
        ([QUIET, changed(7)], 2, MAPPED + 0x2007, "7 bytes behind the buffer's last page"),
        ([changed(4095), QUIET], -1, MAPPED - 1, "1 bytes before the buffer's first page"),
    ],
)
def test_one_byte_next_to_the_buffer_fails(
    callback: str,
    rule: Type[Rule],
    after: List[Optional[bytes]],
    page: int,
    address: int,
    place: str,
) -> None:
    script = Script()
    transfer(script, callback, [QUIET, QUIET], after)
    (finding,) = findings(judged(script, rule), rule.id)
    assert f"1 bytes in a page next to it, {place} (at {address:#x})" in finding.message
    assert (finding.evidence["page"], finding.evidence["address"]) == (page, f"{address:#x}")
    assert (finding.evidence["before"][:2], finding.evidence["after"][:2]) == ("5a", "5b")


@pytest.mark.parametrize(("callback", "rule"), BOTH)
@pytest.mark.parametrize(
    ("before", "after"), [([None, QUIET], [QUIET, QUIET]), ([QUIET], [QUIET, changed(0)])]
)
def test_what_was_not_read_on_both_sides_proves_nothing(
    callback: str, rule: Type[Rule], before: List[Optional[bytes]], after: List[Optional[bytes]]
) -> None:
    script = Script()
    transfer(script, callback, before, after)
    assert outcome(judged(script, rule), rule.id) == ("pass", 1)


@pytest.mark.parametrize(("callback", "rule"), BOTH)
def test_a_neighbour_that_is_the_next_buffer_of_the_chain_is_no_neighbour(
    callback: str, rule: Type[Rule]
) -> None:
    script = Script()
    behind = mdl(4096, pfns=[0x3000], mapped=MAPPED + 0x2000, address=0xFFFFAB0000002600)
    chain = (mdl(len(DATA), next_mdl=0xFFFFAB0000002600), behind)
    transfer(script, callback, [QUIET, QUIET], [QUIET, changed(0)], chain)
    assert not [one for one in findings(judged(script, rule), rule.id) if "next to" in one.message]


@pytest.mark.parametrize(("callback", "rule"), BOTH)
def test_a_neighbour_that_holds_the_call_s_stack_is_left_out(callback: str, rule: Type[Rule]) -> None:
    script = Script()
    at = AT_ENTRY["rsp"] % 4096
    stack = QUIET[:at] + (0xFFFFF80020001016).to_bytes(8, "little") + QUIET[at + 8 :]
    transfer(script, callback, [stack, QUIET], [changed(0), QUIET])
    assert outcome(judged(script, rule), rule.id) == ("pass", 1)
