"""dumpfilt-report/1, to the letter."""

import json
from pathlib import Path

from pykd_dumpfilt.checking import Report, Unreadable, check
from pykd_dumpfilt.reports import render_json

from .examples import failing, passing, write


def test_the_whole_report_of_a_failing_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    report = json.loads(render_json(Report((check(path),))))
    assert list(report) == ["format", "recordings", "unreadable"]
    assert report["format"] == "dumpfilt-report/1"
    (recording,) = report["recordings"]
    statements = [rule.pop("statement") for rule in recording["rules"]]
    assert all(statement.endswith(".") for statement in statements)
    assert recording == {
        "path": str(path),
        "verdict": "fail",
        "reasons": ["DF-TRIP-001: 1 finding"],
        "filter": "myfilt",
        "scenario": "hibernate",
        "calls": 2,
        "rules": [
            _rule("DF-REG-001", "error", "not exercised", 0),
            _rule("DF-REG-002", "error", "not exercised", 0),
            _rule("DF-REG-003", "error", "not exercised", 0),
            _rule("DF-REG-004", "error", "not exercised", 0),
            _rule("DF-REG-005", "note", "not exercised", 0),
            _rule("DF-CALL-001", "error", "pass", 2),
            _rule("DF-CALL-002", "error", "pass", 2),
            _rule("DF-CALL-003", "error", "pass", 2),
            _rule("DF-WRITE-001", "error", "pass", 1),
            _rule("DF-WRITE-002", "error", "pass", 1),
            _rule("DF-WRITE-003", "error", "pass", 1),
            _rule("DF-WRITE-004", "error", "not exercised", 0),
            _rule("DF-WRITE-005", "error", "pass", 1),
            _rule("DF-WRITE-006", "warning", "pass", 1),
            _rule("DF-READ-001", "error", "pass", 1),
            _rule("DF-READ-002", "error", "pass", 1),
            _rule("DF-READ-003", "error", "pass", 1),
            _rule("DF-READ-004", "error", "not exercised", 0),
            _rule("DF-TRIP-001", "error", "fail", 1),
            _rule("DF-SEQ-001", "warning", "pass", 2),
            _rule("DF-ARGS-001", "warning", "pass", 2),
            _rule("DF-ARGS-002", "warning", "pass", 2),
            _rule("DF-ARGS-003", "warning", "pass", 2),
            _rule("DF-ARGS-004", "warning", "pass", 2),
            _rule("DF-ARGS-005", "warning", "not exercised", 0),
        ],
        "findings": [
            {
                "rule": "DF-TRIP-001",
                "level": "error",
                "call": 1,
                "callback": "Dump_Read",
                "message": (
                    "Dump_Read gave back other bytes than Dump_Write was given: call 1, disk offset 0x2000, "
                    "page 1 (PFN 0x1001), byte 0x0: expected 01000000001000000100000008100000, got "
                    "cccccccccccccccccccccccccccccccc; 512 of 4608 bytes differ, from disk offset 0x2000 to "
                    "0x21ff; call 0 wrote them"
                ),
                "evidence": {
                    "disk_offset": 0x2000,
                    "last_disk_offset": 0x21FF,
                    "mdl": 0,
                    "page": 1,
                    "byte": 0,
                    "pfn": "0x1001",
                    "expected": "01000000001000000100000008100000",
                    "got": "cccccccccccccccccccccccccccccccc",
                    "differing_bytes": 512,
                    "compared_bytes": 4608,
                    "unmatched_bytes": 0,
                    "written_by_call": 0,
                },
            }
        ],
        "damage": [],
    }


def test_several_recordings_in_order(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, passing()) for name in ("b", "a")]
    report = json.loads(render_json(Report(tuple(check(path) for path in paths))))
    assert [one["path"] for one in report["recordings"]] == [str(path) for path in paths]
    assert [one["verdict"] for one in report["recordings"]] == ["pass", "pass"]


def test_what_cannot_be_read_is_told() -> None:
    report = json.loads(render_json(Report((), unreadable=(Unreadable("gone", "gone is not a recording"),))))
    assert report == {
        "format": "dumpfilt-report/1",
        "recordings": [],
        "unreadable": [{"path": "gone", "reason": "gone is not a recording"}],
    }


def test_damage_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "torn", passing(), close=False)
    (recording,) = json.loads(render_json(Report((check(path),))))["recordings"]
    assert recording["verdict"] == "incomplete"
    assert "there is no footer" in recording["damage"][0]


def test_the_text_is_ascii(tmp_path: Path) -> None:
    path = write(tmp_path / "gr\u00fcn", passing())
    assert render_json(Report((check(path),))).isascii()


def _rule(name: str, level: str, outcome: str, checked: int) -> object:
    return {
        "id": name,
        "level": level,
        "outcome": outcome,
        "calls_checked": checked,
        "reasons": [],
        "notes": [],
    }
