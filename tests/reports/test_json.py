"""dumpfilt-report/1, to the letter."""

import datetime
import json
from pathlib import Path

from pykd_dumpfilt.checking import Report, Unreadable, check, use_of_waivers
from pykd_dumpfilt.reports import render_json

from .examples import TODAY, failing, passing, waiver, write


def test_the_whole_report_of_a_failing_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    report = json.loads(render_json(Report((check(path),))))
    assert list(report) == ["format", "recordings", "waivers", "unreadable"]
    assert report["waivers"] == report["unreadable"] == []
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
        "left_out": 0,
        "scrubbed": None,
        "rules": [
            _rule("DF-REG-001", "error", "not exercised", 0),
            _rule("DF-REG-002", "error", "not exercised", 0),
            _rule("DF-REG-003", "error", "not exercised", 0),
            _rule("DF-REG-004", "error", "not exercised", 0),
            _rule("DF-REG-005", "note", "not exercised", 0),
            _rule("DF-CALL-001", "error", "pass", 2),
            _rule("DF-CALL-002", "error", "pass", 2),
            _rule("DF-CALL-003", "error", "pass", 2),
            _rule("DF-CALL-004", "error", "not exercised", 0),
            _rule("DF-CALL-005", "error", "pass", 2),
            _rule("DF-CALL-006", "error", "pass", 2),
            _rule("DF-WRITE-001", "error", "pass", 1),
            _rule("DF-WRITE-002", "error", "pass", 1),
            _rule("DF-WRITE-003", "error", "pass", 1),
            _rule("DF-WRITE-004", "error", "not exercised", 0),
            _rule("DF-WRITE-005", "error", "pass", 1),
            _rule("DF-WRITE-006", "warning", "pass", 1),
            _rule(
                "DF-WRITE-007",
                "warning",
                "pass",
                1,
                "hiber_myfilt: Dump_Write left 1 of 1 transfers as they were",
            ),
            _rule("DF-READ-001", "error", "pass", 1),
            _rule("DF-READ-002", "error", "pass", 1),
            _rule("DF-READ-003", "error", "pass", 1),
            _rule("DF-READ-004", "error", "not exercised", 0),
            _rule("DF-TRIP-001", "error", "fail", 1, found=1),
            _rule("DF-SEQ-001", "warning", "pass", 2),
            _rule("DF-ARGS-001", "warning", "pass", 2),
            _rule("DF-ARGS-002", "warning", "pass", 2),
            _rule("DF-ARGS-003", "warning", "pass", 2),
            _rule("DF-ARGS-004", "warning", "pass", 2),
            _rule("DF-ARGS-005", "warning", "not exercised", 0),
            _rule(
                "DF-ARGS-006",
                "note",
                "pass",
                2,
                "Dump_Write: 1 transfer of 4608 bytes; ByteOffset is not 0 in 1",
                "Dump_Write: StartVa is the page of MappedSystemVa in 1",
                "Dump_Write: MdlFlags are 0x0001 (MDL_MAPPED_TO_SYSTEM_VA) in 1",
                "Dump_Read: 1 transfer of 4608 bytes",
                "Dump_Read: StartVa is the page of MappedSystemVa in 1",
                "Dump_Read: MdlFlags are 0x0001 (MDL_MAPPED_TO_SYSTEM_VA) in 1",
            ),
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
                    "known_shape": None,
                },
                "waiver": None,
                "expired_waiver": None,
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
        "waivers": [],
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


def test_a_path_that_is_no_utf_8_is_written_in_letters() -> None:
    """Half of a surrogate pair is no text, and some readers refuse a whole file for it."""
    text = render_json(Report((), unreadable=(Unreadable("a\udcff\U0001f600", "a\udcff is gone"),)))
    (one,) = json.loads(text)["unreadable"]
    assert one == {"path": "a\\udcff\U0001f600", "reason": "a\\udcff is gone"}


def test_waivers(tmp_path: Path) -> None:
    holds, old = waiver(), waiver(expires=datetime.date(2026, 11, 30), callback="Dump_Read", line=9)
    path = write(tmp_path / "bad", failing())
    for given, name in ((holds, "waiver"), (old, "expired_waiver")):
        result = check(path, waivers=[given], today=TODAY)
        report = json.loads(render_json(Report((result,), use_of_waivers([given], [result], TODAY))))
        (recording,) = report["recordings"]
        (rule,) = [one for one in recording["rules"] if one["id"] == "DF-TRIP-001"]
        used = given is holds
        assert recording["verdict"] == ("pass" if used else "fail")
        assert (rule["outcome"], rule["found"], rule["waived"]) == (
            ("waived", 1, 1) if used else ("fail", 1, 0)
        )
        expected = {
            "rule": "DF-TRIP-001",
            "filter": "myfilt",
            "reason": "ticket 4711",
            "owner": "Kim Lee",
            "expires": "2027-01-31" if used else "2026-11-30",
            "platform": None,
            "callback": None if used else "Dump_Read",
            "line": 1 if used else 9,
        }
        (finding,) = recording["findings"]
        assert {key: finding[key] for key in ("waiver", "expired_waiver")} == {
            "waiver": None,
            "expired_waiver": None,
            name: expected,
        }
        assert report["waivers"] == [
            {"waiver": expected, "state": "used" if used else "expired", "findings": 1, "recordings": 1}
        ]


def _rule(name: str, level: str, outcome: str, checked: int, *notes: str, found: int = 0) -> object:
    return {
        "id": name,
        "level": level,
        "outcome": outcome,
        "calls_checked": checked,
        "found": found,
        "waived": 0,
        "reasons": [],
        "notes": list(notes),
    }
