"""Two runs held against each other."""

import json
from dataclasses import replace
from pathlib import Path
from typing import List, Tuple

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.handling import Difference, compare, pack, sum_up
from pykd_dumpfilt.recording import Call, Header

from ..reports.examples import HEADER, failing, passing, write
from ..rules.examples import HIBER, Script, mdl, pattern

NEWER = replace(HEADER, created="2025-01-01T00:00:00Z", debugger={**HEADER.debugger, "target": "22621"})


def differences(
    tmp_path: Path, before: Script, after: Script, old: Header = HEADER, new: Header = HEADER
) -> List[Difference]:
    one, other = write(tmp_path / "a", before, old), write(tmp_path / "b", after, new)
    return list(compare(sum_up(one), sum_up(other)).differences)


def test_two_runs_of_the_same(tmp_path: Path) -> None:
    later = replace(HEADER, created="2025-01-01T00:00:00Z")
    moved = passing()
    moved.records[0] = replace(HIBER, base=0xFFFFF80055500000)
    one, other = write(tmp_path / "a", passing()), write(tmp_path / "b", moved, later)
    found = compare(sum_up(one), sum_up(other))
    assert found.differences == ()
    assert found.same == (
        "Verdict",
        "Rules",
        "Recorded",
        "Copies",
        "Calls",
        "Statuses",
        "MdlFlags",
        "Transfers",
        "FILTER_EXTENSION",
        "Ending",
    )


def test_a_filter_that_breaks_on_the_next_build(tmp_path: Path) -> None:
    assert differences(tmp_path, passing(), failing(), HEADER, NEWER) == [
        Difference("Verdict", "verdict", "pass", "fail"),
        Difference("Findings", "DF-TRIP-001, Dump_Read", None, 1),
        Difference("Rules", "DF-TRIP-001", "pass", "fail"),
        Difference("Recorded", "target", "x64 kernel", "22621"),
    ]


def test_another_flag_status_and_build(tmp_path: Path) -> None:
    changed = passing()
    read = changed.records[-1]
    assert isinstance(read, Call)
    entry = replace(read.entry, mdls=(mdl(4608, flags=3),))
    changed.records[-1] = replace(read, entry=entry, status=0xC000000D)
    changed.records[0] = replace(HIBER, timestamp=0x65A0B1C2)
    found = differences(tmp_path, passing(), changed)
    assert Difference("Copies", "hiber_myfilt TimeDateStamp", "unknown", "0x65a0b1c2") in found
    assert Difference("Statuses", "Dump_Read STATUS_SUCCESS", 1, None) in found
    assert Difference("Statuses", "Dump_Read STATUS_INVALID_PARAMETER", None, 1) in found
    assert Difference("MdlFlags", "Dump_Read entry, MDL_PAGES_LOCKED", None, 1) in found
    assert not any(one.section in ("Calls", "Transfers", "Recorded", "Ending") for one in found)


def test_options_and_ending(tmp_path: Path) -> None:
    one = write(tmp_path / "a", passing(), replace(HEADER, options={"every": 4, "around": 0}))
    other = write(tmp_path / "b", passing(), replace(HEADER, options={"every": 2, "around": 0}), close=False)
    found = compare(sum_up(one), sum_up(other))
    assert [one for one in found.differences if one.section in ("Options", "Ending")] == [
        Difference("Options", "every", "4", "2"),
        Difference("Ending", "closed in good order", "yes", "no"),
        Difference("Ending", "reason", "the target ended", None),
        Difference("Ending", "lost calls", 0, None),
        Difference("Ending", "calls left out", 0, None),
        Difference("Ending", "sentences on damage", 0, 1),
    ]


def run(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Tuple[int, str, str]:
    code = main(["diff", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_prints_what_differs(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    one, other = write(tmp_path / "a", passing()), write(tmp_path / "b", failing(), NEWER)
    code, out, err = run(capsys, str(one), str(other))
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[:9] == [
        f"A  {one}, 2024-05-01T12:00:00Z",
        f"B  {other}, 2025-01-01T00:00:00Z",
        "",
        "Verdict",
        "  verdict: pass -> fail",
        "",
        "Findings",
        "  DF-TRIP-001, Dump_Read: 0 -> 1 (new)",
        "    the first in B: error, call 1: Dump_Read gave back other bytes than Dump_Write was given: call",
    ]
    assert lines[-9:] == [
        f"      dumpfilt show {other} --call 1",
        "",
        "Rules",
        "  DF-TRIP-001: pass -> fail",
        "",
        "Recorded",
        "  target: x64 kernel -> 22621",
        "",
        "the same: Copies, Calls, Statuses, MdlFlags, Transfers, FILTER_EXTENSION, Ending",
    ]


def test_both_ways(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    one, other = write(tmp_path / "a", failing()), write(tmp_path / "b", passing())
    code, out, _ = run(capsys, str(one), str(other))
    assert code == 1
    assert "\n  DF-TRIP-001, Dump_Read: 1 -> 0 (gone)\n    the first in A: error, call 1: " in out


def test_the_same_folder_and_its_zip(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    folder = write(tmp_path / "a", failing())
    packed = pack(folder).path
    code, out, err = run(capsys, str(folder), str(packed))
    assert (code, err) == (0, "")
    assert out.splitlines()[2:] == [
        "",
        "nothing differs",
        "the same: Verdict, Findings, Rules, Recorded, Copies, Calls, Statuses, MdlFlags, Transfers,",
        "  FILTER_EXTENSION, Ending",
    ]


def test_json(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    one, other = write(tmp_path / "a", passing()), write(tmp_path / "b", failing(), NEWER)
    code, out, _ = run(capsys, str(one), str(other), "--format", "json")
    assert code == 1
    found = json.loads(out)
    (first,) = found.pop("first_findings")
    assert first.pop("message").startswith("Dump_Read gave back other bytes")
    assert first == {
        "recording": "b",
        "rule": "DF-TRIP-001",
        "level": "error",
        "call": 1,
        "callback": "Dump_Read",
    }
    assert found == {
        "format": "dumpfilt-diff/1",
        "a": {"path": str(one), "created": "2024-05-01T12:00:00Z"},
        "b": {"path": str(other), "created": "2025-01-01T00:00:00Z"},
        "equal": False,
        "differences": [
            {"section": "Verdict", "name": "verdict", "a": "pass", "b": "fail"},
            {"section": "Findings", "name": "DF-TRIP-001, Dump_Read", "a": None, "b": 1},
            {"section": "Rules", "name": "DF-TRIP-001", "a": "pass", "b": "fail"},
            {"section": "Recorded", "name": "target", "a": "x64 kernel", "b": "22621"},
        ],
        "same": ["Copies", "Calls", "Statuses", "MdlFlags", "Transfers", "FILTER_EXTENSION", "Ending"],
    }


def test_long_lists_are_cut_and_say_so(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    many = Script()
    for number in range(100):
        many.plain("Dump_Start", status=0xE0000000 + number)
    one, other = write(tmp_path / "a", Script()), write(tmp_path / "b", many)
    code, out, _ = run(capsys, str(one), str(other))
    assert code == 1
    assert "\n  Dump_Start 0xE000003B: 0 -> 1 (new)\n  and 40 more: --format json lists them\n" in out
    _, out, _ = run(capsys, str(one), str(other), "--format", "json")
    statuses = [one for one in json.loads(out)["differences"] if one["section"] == "Statuses"]
    assert len(statuses) == 100


def test_one_that_cannot_be_read(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    folder = write(tmp_path / "a", passing())
    for arguments in ((str(folder), str(tmp_path / "gone")), (str(tmp_path / "gone"), str(folder))):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert err.startswith(f"dumpfilt: error: {tmp_path / 'gone'} is not a recording")


def test_more_transfers_and_other_sizes(tmp_path: Path) -> None:
    more = passing()
    more.write(0x9000, pattern(512))
    found = differences(tmp_path, passing(), more)
    assert [one for one in found if one.section in ("Calls", "Transfers")] == [
        Difference("Calls", "Dump_Write", 1, 2),
        Difference("Transfers", "Dump_Write bytes in all", 4608, 5120),
        Difference("Transfers", "Dump_Write bytes, least", 4608, 512),
        Difference("Transfers", "Dump_Write with a chain of 1 MDL", 1, 2),
        Difference("Transfers", "Dump_Write MDLs with ByteOffset 0", 0, 1),
    ]
