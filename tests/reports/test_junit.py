"""JUnit XML: what a CI system makes of each outcome, to the letter."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Tuple
from xml.etree import ElementTree

import pytest

from pykd_dumpfilt.checking import CheckResult, Report, Unreadable, WaiverUse, check
from pykd_dumpfilt.reports.junit import render_junit
from pykd_dumpfilt.rules import RULES

from ..rules.examples import Script
from .examples import failing, passing, write
from .report_examples import EVIL, WAIVER, hostile, judged, undecided, waived, warned, whole_report

FIRST = "The recording is complete, and Dump_Read was exercised"


def parsed(*results: CheckResult) -> ElementTree.Element:
    return ElementTree.fromstring(render_junit(Report(results)).encode("utf-8"))


def case(root: ElementTree.Element, name: str) -> ElementTree.Element:
    (found,) = (one for one in root.iter("testcase") if (one.get("name") or "").startswith(name))
    return found


def outcome(one: ElementTree.Element) -> Optional[Tuple[str, Dict[str, str]]]:
    """The child that tells what became of a case, and its attributes."""
    told = [child for child in one if child.tag in ("failure", "error", "skipped")]
    assert len(told) <= 1
    return (told[0].tag, dict(told[0].attrib)) if told else None


def counts(suite: ElementTree.Element) -> Tuple[str, ...]:
    return tuple(suite.attrib[name] for name in ("tests", "failures", "errors", "skipped"))


def test_the_first_lines_of_a_failing_recording(tmp_path: Path) -> None:
    text = render_junit(Report((judged(tmp_path, "bad", failing()),)))
    # How many rules there are, and how many a small recording exercises, is not what this test is about.
    text = re.sub(r' (tests|skipped)="\d+"', r' \1="N"', text)
    assert text.startswith(
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<testsuites name="pykd-dumpfilt" tests="N" failures="1" errors="0">\n'
        '<testsuite name="bad.dumpfilt" tests="N" failures="1" errors="0" skipped="N" time="0"'
        ' timestamp="2024-05-01T12:00:00">\n'
        "<properties>\n"
        '<property name="verdict" value="fail" />\n'
        '<property name="filter" value="myfilt" />\n'
        '<property name="scenario" value="hibernate" />\n'
        '<property name="machine" value="x64" />\n'
        '<property name="timestamp" value="2024-05-01T12:00:00Z" />\n'
        '<property name="calls" value="2" />\n'
        '<property name="tool" value="pykd-dumpfilt 0.1.0" />\n'
        '<property name="debugger" value="emulator 2.1.1" />\n'
        '<property name="target" value="x64 kernel" />\n'
        "</properties>\n"
        f'<testcase classname="myfilt.bad" name="{FIRST}" />\n'
    )


def test_an_error_is_a_failure_with_its_evidence(tmp_path: Path) -> None:
    one = case(parsed(judged(tmp_path, "bad", failing())), "DF-TRIP-001")
    assert dict(one.attrib) == {
        "classname": "myfilt.bad",
        "name": "DF-TRIP-001 Dump_Read gives back, for each disk offset, the bytes that Dump_Write was given "
        "for it",
    }
    message = (
        "Dump_Read gave back other bytes than Dump_Write was given: call 1, disk offset 0x2000, page 1 (PFN "
        "0x1001), byte 0x0: expected 01000000001000000100000008100000, got cccccccccccccccccccccccccccccccc; "
        "512 of 4608 bytes differ, from disk offset 0x2000 to 0x21ff; call 0 wrote them"
    )
    assert outcome(one) == ("failure", {"type": "DF-TRIP-001", "message": message})
    body = (one[0].text or "").splitlines()
    assert body[:5] == [
        "error DF-TRIP-001, call 1, Dump_Read",
        f"  {message}",
        "  disk_offset: 8192 (0x2000)",
        "  last_disk_offset: 8703 (0x21ff)",
        "  mdl: 0",
    ]
    assert body[-1].startswith("source: https://learn.microsoft.com/")


def test_more_findings_than_one_are_counted_in_the_message(tmp_path: Path) -> None:
    script = failing()
    for _ in range(30):
        script.read(0x1000, b"\xcc" * 512)
    told = outcome(case(parsed(judged(tmp_path, "long", script)), "DF-TRIP-001"))
    assert told is not None
    assert told[1]["message"].endswith("call 0 wrote them (and 30 more findings)")


def test_a_warning_fails_nothing_and_can_be_seen(tmp_path: Path) -> None:
    root = parsed(warned(judged(tmp_path, "warned", passing())))
    one = case(root, "DF-WRITE-006")
    assert outcome(one) is None
    assert (one.findtext("system-out") or "").splitlines()[:4] == [
        "warning: 1 finding",
        "warning DF-WRITE-006, call 0, Dump_Write",
        "  Dump_Write changed *DiskByteOffset",
        "  before: 16 (0x10)",
    ]
    assert root.get("failures") == "0"


def test_a_rule_that_nobody_asked_is_skipped(tmp_path: Path) -> None:
    assert outcome(case(parsed(judged(tmp_path, "good", passing())), "DF-REG-001")) == (
        "skipped",
        {
            "type": "not exercised",
            "message": "not exercised: the recording holds no call that this rule could judge",
        },
    )


def test_a_recording_without_reads_is_skipped_as_a_whole_too(tmp_path: Path) -> None:
    root = parsed(judged(tmp_path, "none", Script()))
    told = outcome(case(root, FIRST))
    assert told == (
        "skipped",
        {
            "type": "not exercised",
            "message": "no call of Dump_Read that returned was seen, so nothing is known about it",
        },
    )
    cases = str(len(RULES) + 1)
    assert counts(root[0]) == (cases, "0", "0", cases)


def test_what_could_not_be_looked_at_is_an_error(tmp_path: Path) -> None:
    root = parsed(undecided(judged(tmp_path, "unsure", passing())))
    assert outcome(case(root, "DF-READ-003")) == (
        "error",
        {"type": "incomplete", "message": "call 1 (Dump_Read): page 3 is damaged"},
    )
    told = outcome(case(root, FIRST))
    assert told is not None
    assert told[0] == "error"
    assert (root.get("failures"), root.get("errors")) == ("0", "2")


def test_a_torn_recording_is_an_error_though_every_rule_holds(tmp_path: Path) -> None:
    root = parsed(check(write(tmp_path / "torn", passing(), close=False)))
    told = outcome(case(root, FIRST))
    assert told is not None
    assert told[0] == "error"
    assert told[1]["message"].startswith("there is no footer")
    assert root.get("errors") == "1"


def test_a_torn_recording_that_fails_is_both(tmp_path: Path) -> None:
    root = parsed(check(write(tmp_path / "torn", failing(), close=False)))
    told = outcome(case(root, FIRST))
    assert told is not None
    assert told[1]["message"].startswith("there is no footer")
    assert (root.get("failures"), root.get("errors")) == ("1", "1")


def test_a_recording_that_is_the_current_folder_has_a_name(tmp_path: Path) -> None:
    root = parsed(replace(judged(tmp_path, "good", passing()), path="."))
    assert root[0][1].get("classname") == "myfilt._"


def test_waived_findings_are_skipped_with_the_waiver(tmp_path: Path) -> None:
    root = parsed(waived(judged(tmp_path, "bad", failing())))
    one = case(root, "DF-TRIP-001")
    assert outcome(one) == (
        "skipped",
        {
            "type": "waived",
            "message": "waived until 2030-01-31 (owner: qa@example.com; reason: the last sector is padding)",
        },
    )
    assert "call 1, Dump_Read" in (one.findtext("system-out") or "")
    assert root.get("failures") == "0"


def test_a_rule_of_which_some_findings_are_waived_fails_with_the_others(tmp_path: Path) -> None:
    one = case(parsed(hostile(judged(tmp_path, "bad", failing()))), "DF-TRIP-001")
    told = outcome(one)
    assert told is not None
    assert told[0] == "failure"
    assert "waived" not in (one.findtext("failure") or "")
    assert "waived until " in (one.findtext("system-out") or "")


def test_waivers_have_a_suite_of_their_own(tmp_path: Path) -> None:
    uses = (WaiverUse(WAIVER, "used", 2), WaiverUse(replace(WAIVER, platform="x86"), "expired"))
    root = ElementTree.fromstring(render_junit(Report((), uses)))
    assert [(one.get("name"), outcome(one)) for one in root.iter("testcase")] == [
        ("DF-TRIP-001 of myfilt, line 3", None),
        (
            "DF-TRIP-001 of myfilt on x86, line 3",
            (
                "skipped",
                {
                    "type": "expired",
                    "message": "expired on 2030-01-31 (owner: qa@example.com); nothing here needs it: remove "
                    "it (reason: the last sector is padding)",
                },
            ),
        ),
    ]


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    report = Report((), unreadable=(Unreadable("runs/gone.dumpfilt", "gone is not a recording"),))
    (suite,) = ElementTree.fromstring(render_junit(report))
    assert (suite.get("name"), counts(suite)) == ("runs/gone.dumpfilt", ("1", "0", "1", "0"))
    (one,) = suite
    assert (one.get("classname"), outcome(one)) == (
        "gone",
        ("error", {"type": "unreadable", "message": "gone is not a recording"}),
    )


def test_cases_of_several_recordings_have_different_names(tmp_path: Path) -> None:
    good = judged(tmp_path, "good", passing())
    results = [
        replace(good, path=path) for path in ("a/run.dumpfilt", "b/run.dumpfilt.zip", "c.d.dumpfilt.zip")
    ]
    names = [suite[1].get("classname") for suite in parsed(*results, results[0], results[0])]
    assert names == [
        "myfilt.a/run_dumpfilt (1)",
        "myfilt.b/run_dumpfilt_zip",
        "myfilt.c_d",
        "myfilt.a/run_dumpfilt (4)",
        "myfilt.a/run_dumpfilt (5)",
    ]


def test_counts_are_those_of_the_cases(tmp_path: Path) -> None:
    root = ElementTree.fromstring(render_junit(whole_report(tmp_path)).encode("utf-8"))
    for suite in root:
        cases = suite.findall("testcase")
        told: List[Optional[Tuple[str, Dict[str, str]]]] = [outcome(one) for one in cases]
        kinds = [one[0] for one in told if one is not None]
        assert counts(suite) == (
            str(len(cases)),
            *(str(kinds.count(kind)) for kind in ("failure", "error", "skipped")),
        )
    assert root.get("tests") == str(len(list(root.iter("testcase"))))


def test_names_that_bite_are_plain_text(tmp_path: Path) -> None:
    text = render_junit(whole_report(tmp_path))
    assert all(line.isprintable() for line in text.split("\n"))
    root = ElementTree.fromstring(text.encode("utf-8"))
    assert "script" not in {element.tag for element in root.iter()}
    assert "\\x1b[2J\\x00|`<script>alert(1)</script>" in text.replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("name", ["\x00", "\x08", "\ud800", "\ufffe", "\uffff"])
def test_what_xml_cannot_hold_is_written_as_an_escape(name: str, tmp_path: Path) -> None:
    result = replace(judged(tmp_path, "good", passing()), path=f"a{name}.dumpfilt")
    assert parsed(result)[0].get("name") == f"a{ascii(name)[1:-1]}.dumpfilt"
    assert EVIL.startswith("\x1b")
