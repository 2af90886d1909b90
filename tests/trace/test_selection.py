"""Capturing less on purpose: what is left out is said, and held against nobody."""

import hashlib
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

import pytest

from pykd_dumpfilt.checking import CheckResult, Report, check
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Target
from pykd_dumpfilt.errors import UsageError
from pykd_dumpfilt.recording import Call, Footer, Header, read_recording
from pykd_dumpfilt.reports import render_json, render_text
from pykd_dumpfilt.reports.markdown import render_markdown
from pykd_dumpfilt.trace import Data, Hardware, Selection, record

from ..emulator.code import ALL_FIVE
from ..emulator.pe_writer import dump_filter

SCENARIO = Scenario("hibernate", seed=3, calls=12, pages=2)


class Recorded:
    """One run of a good filter, captured as chosen."""

    def __init__(self, folder: Path, selection: Optional[Selection] = None) -> None:
        target = Target(dump_filter(ALL_FIVE).image(), "probe", SCENARIO)
        summary = record(
            EmulatorDebugger(target), "probe", folder / "run", selection=selection, hardware=Hardware.AUTO
        )
        self.status = summary.status
        with read_recording(summary.path) as recording:
            self.header: Header = recording.header
            self.calls: List[Call] = [one for one in recording if isinstance(one, Call)]
            footer = recording.footer
        assert footer is not None
        self.footer: Footer = footer
        self.result: CheckResult = check(summary.path)

    def named(self, name: str) -> List[Call]:
        return [call for call in self.calls if call.callbacks == (name,)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return Recorded(tmp_path_factory.mktemp("whole"))


def accused(run: Recorded) -> Set[Tuple[str, int]]:
    return {(finding.rule, finding.call) for finding in run.result.result.findings}


def numbers(calls: Sequence[Call]) -> List[int]:
    return [call.number for call in calls]


def offset_of(call: Call) -> int:
    assert call.entry.disk_byte_offset is not None
    return int.from_bytes(call.entry.disk_byte_offset.data, "little")


def test_all_of_it_by_default(whole: Recorded) -> None:
    assert whole.footer.left_out == 0
    assert set(whole.header.options) == {"limits", "callbacks", "hardware"}
    assert [call.number for call in whole.calls] == list(range(len(whole.calls)))
    # It encrypts in place, which is one fault, told once for each write.
    assert {rule for rule, _ in accused(whole)} == {"DF-WRITE-001"}


def test_every_third_transfer(tmp_path: Path, whole: Recorded) -> None:
    some = Recorded(tmp_path, Selection(every=3))
    for name in ("Dump_Write", "Dump_Read"):
        assert numbers(some.named(name)) == numbers(whole.named(name))[::3]
    # Calls without a buffer are captured all, and numbers are those of the whole run.
    assert numbers(some.named("Dump_Start")) == numbers(whole.named("Dump_Start"))
    assert some.footer.left_out == len(whole.calls) - len(some.calls) == some.status.left_out
    assert some.header.options["every"] == 3
    # What was written in between is not known: nobody is accused of it.
    assert accused(some) <= accused(whole)


def test_a_range_of_the_disk(tmp_path: Path, whole: Recorded) -> None:
    wanted = (1 << 32, 20 << 30)
    some = Recorded(tmp_path, Selection(offset=wanted))
    expected = [
        call
        for call in whole.named("Dump_Write")
        if offset_of(call) < wanted[1] and offset_of(call) + call.entry.buffers[0].size > wanted[0]
    ]
    assert 0 < len(expected) < len(whole.named("Dump_Write"))
    assert numbers(some.named("Dump_Write")) == numbers(expected)
    assert accused(some) <= accused(whole)


def test_only_some_callbacks(tmp_path: Path, whole: Recorded) -> None:
    some = Recorded(tmp_path, Selection(callbacks=("Dump_Read",)))
    assert {call.callbacks[0] for call in some.calls} == {"DriverEntry", "Dump_Read"}
    assert len(some.named("Dump_Read")) == len(whole.named("Dump_Read"))
    assert some.result.result.findings == ()
    assert some.result.verdict.value == "not exercised"


def sides(call: Call) -> Tuple[str, str]:
    assert call.exit is not None
    found = []
    for side in (call.entry, call.exit):
        (buffer,) = side.buffers
        kept = "pages" if buffer.pages else "hashes" if buffer.hashes else "nothing"
        assert (buffer.truncated is None) == (kept == "pages")
        found.append(kept)
    return found[0], found[1]


@pytest.mark.parametrize(
    ("data", "expected", "pages"),
    [
        (Data.AFTER, ("nothing", "pages"), True),
        (Data.HASH, ("hashes", "hashes"), False),
        (Data.NONE, ("nothing", "nothing"), False),
    ],
)
def test_less_of_each_buffer(
    tmp_path: Path, whole: Recorded, data: Data, expected: Tuple[str, str], pages: bool
) -> None:
    some = Recorded(tmp_path, Selection(data=data))
    assert {sides(call) for call in some.named("Dump_Read")} == {expected}
    assert (some.footer.pages > 0) is pages
    assert some.header.options["data"] == data.value
    assert len(some.calls) == len(whole.calls)
    # Nothing is accused, and nothing is acquitted.
    assert some.result.result.findings == ()
    assert some.result.verdict.value == "incomplete"
    assert any(f"(--data {data.value})" in reason for reason in some.result.result.reasons)


def test_hashes_are_those_of_the_pages(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    hashes = tmp_path / "hashes"
    pages.mkdir()
    hashes.mkdir()
    Recorded(pages)
    some = Recorded(hashes, Selection(data=Data.HASH))
    with read_recording(pages / "run.dumpfilt") as recording:
        for call in recording:
            if isinstance(call, Call) and call.entry.buffers:
                expected = [
                    hashlib.blake2b(recording.page(page), digest_size=16).hexdigest()
                    for page in call.entry.buffers[0].pages
                    if page is not None
                ]
                twin = next(one for one in some.calls if one.number == call.number)
                assert list(twin.entry.buffers[0].hashes) == expected


def test_so_many_calls_and_no_more(tmp_path: Path, whole: Recorded) -> None:
    some = Recorded(tmp_path, Selection(max_hits=5))
    assert some.calls == whole.calls[:5]
    assert some.footer.reason == "5 calls were captured, as many as wanted"
    assert not some.status.armed
    assert some.status.breakpoints == 0


def test_a_budget_that_is_spent(tmp_path: Path) -> None:
    some = Recorded(tmp_path, Selection(budget=1e-9))
    assert some.footer.reason == "the budget of 1e-09 seconds is used up"
    # The transfer that started the clock was captured: a call is never cut.
    assert [call.callbacks[0] for call in some.calls] == ["DriverEntry", "Dump_Start"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"every": 0}, "from 1 on is possible"),
        ({"offset": (5, 5)}, "write the smaller number first"),
        ({"offset": (-1, 5)}, "write the smaller number first"),
        ({"max_hits": 0}, "from 1 on is possible"),
        ({"budget": 0.0}, "give more"),
        ({"budget": float("nan")}, "give more"),
    ],
)
def test_what_makes_no_sense_is_said(wrong: Dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Selection(**wrong)


@pytest.mark.parametrize("selection", [Selection(every=3), Selection(data=Data.NONE)])
def test_every_report_says_what_was_left_out(tmp_path: Path, selection: Selection) -> None:
    some = Recorded(tmp_path, selection)
    report = Report((some.result,))
    said = f"{some.footer.left_out} calls not captured, by the options "
    said += "every 3" if selection.every == 3 else 'data "none"'
    assert f"captured less on purpose: {said}" in render_text(report)
    assert f"| Left out on purpose | {said} |" in render_markdown(report)
    assert json.loads(render_json(report))["recordings"][0]["left_out"] == some.footer.left_out


def test_nothing_is_said_where_all_was_captured(whole: Recorded) -> None:
    report = Report((whole.result,))
    assert "captured less" not in render_text(report)
    assert "| Left out on purpose | nothing |" in render_markdown(report)
