"""What becomes of a test, and what is said."""

import datetime
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict
from xml.etree import ElementTree

import pytest

from pykd_dumpfilt.recording import Call, Fault

from ..reports.examples import HEADER, failing, passing, write
from ..reports.faulty import faulty
from .conftest import Run, outcomes

BAD = "recordings/bad.dumpfilt"
GOOD = "recordings/good.dumpfilt"


def waivers(folder: Path, expires: str) -> str:
    (folder / "waivers.toml").write_text(
        '[[waiver]]\nrule = "DF-TRIP-001"\nfilter = "myfilt"\nreason = "ticket 4711"\n'
        f'owner = "Kim Lee"\nexpires = {expires}\n'
    )
    return "waivers.toml"


def rules(folder: Path, body: str, name: str = "our_rules.py", rule: str = "ACME-001") -> str:
    (folder / name).write_text(
        "from pykd_dumpfilt import Level, Rule\n\n\nclass Mine(Rule):\n"
        f'    id = "{rule}"\n    statement = "It holds."\n    source = "ACME design 4.2"\n'
        f'    callbacks = ("Dump_Read",)\n\n'
        f"    def check(self, call):\n        self.checked()\n        {body}\n"
    )
    return name


def test_a_good_recording(run: Run) -> None:
    result = run("-v", "--dumpfilt", GOOD, "-rs")
    assert result.ret == 0
    found = outcomes(result)
    assert found[f"{GOOD}::recording"] == "PASSED"
    assert found[f"{GOOD}::DF-TRIP-001"] == "PASSED"
    assert found[f"{GOOD}::DF-REG-001"] == "SKIPPED"
    result.stdout.fnmatch_lines(
        [
            "SKIPPED [[]1[]] recordings/good.dumpfilt:1: DF-REG-001 not exercised: start the trace before *",
            "SKIPPED [[]1[]] recordings/good.dumpfilt:1: DF-READ-004 not exercised: Dump_Read was called, "
            "but not in the way that it judges: see dumpfilt rule DF-READ-004",
        ]
    )


def test_the_text_of_a_failure(run: Run) -> None:
    result = run("--dumpfilt", BAD, "-k", "TRIP")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*_ DF-TRIP-001: recordings/bad.dumpfilt _*",
            "DF-TRIP-001: Dump_Read gives back, for each disk offset, the bytes that Dump_Write was*",
            "1 finding in recordings/bad.dumpfilt: filter myfilt, hibernate, x64",
            "",
            "  error DF-TRIP-001, call 1, Dump_Read",
            "    Dump_Read gave back other bytes than Dump_Write was given: call 1, disk offset 0x2000, *",
            "    disk_offset: 8192 (0x2000); *",
            "    Disk offsets 0x1fe0 to 0x21ff: 512 of 544 bytes differ",
            "      - Given to Dump_Write, call 0",
            "      + Given back by Dump_Read, call 1",
            "      00001ff0    *",
            "      00002000  - 01 00 00 00 00 10 00 00  *",
            "                + cc cc cc cc cc cc cc cc  *",
            "                  ^^ ^^ ^^ ^^ ^^ ^^ ^^ ^^  *",
            "  look at the call: dumpfilt show recordings/bad.dumpfilt --call 1",
            "  read why, with wrong and right code: dumpfilt rule DF-TRIP-001",
            "FAILED recordings/bad.dumpfilt::DF-TRIP-001 - call 1, Dump_Read: Dump_Read ga...",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    assert len(result.outlines) < 60


def test_in_one_line(run: Run) -> None:
    lines = [line for line in run("--dumpfilt", BAD, "--tb=line").outlines if "calls.jsonl" in line]
    (line,) = lines
    # Which line of the file holds the call.
    assert "recordings/bad.dumpfilt/calls.jsonl:4: call 1, Dump_Read: Dump_Read gave back other" in line


def test_junit(run: Run, project: Path) -> None:
    waived = waivers(project, "2999-01-01")
    run("--dumpfilt", "recordings", "--junitxml=results.xml", "--dumpfilt-waivers", waived)
    cases = {
        (case.get("classname"), case.get("name")): case
        for case in ElementTree.parse(str(project / "results.xml")).getroot().iter("testcase")
    }
    assert cases["recordings.good.dumpfilt", "DF-TRIP-001"].find("skipped") is None
    skipped = cases["recordings.good.dumpfilt", "DF-REG-001"].find("skipped")
    assert skipped is not None
    assert (skipped.get("message") or "").startswith("DF-REG-001 not exercised: ")
    xfailed = cases["recordings.bad.dumpfilt", "DF-TRIP-001"].find("skipped")
    assert xfailed is not None
    assert xfailed.get("type") == "pytest.xfail"
    assert "ticket 4711" in (xfailed.get("message") or "")
    run("--dumpfilt", BAD, "--junitxml=results.xml")
    (failure,) = ElementTree.parse(str(project / "results.xml")).getroot().iter("failure")
    message = failure.get("message") or ""
    assert message.startswith("call 1, Dump_Read: Dump_Read gave back other bytes")
    assert "\n" not in message
    assert "Given to Dump_Write, call 0" in (failure.text or "")


def test_a_waiver(run: Run, project: Path) -> None:
    option = ("--dumpfilt-waivers", waivers(project, "2999-01-01"))
    result = run("-v", "--dumpfilt", "recordings", "-k", "TRIP", "-rx", *option)
    assert result.ret == 0
    assert outcomes(result) == {f"{BAD}::DF-TRIP-001": "XFAIL", f"{GOOD}::DF-TRIP-001": "PASSED"}
    result.stdout.fnmatch_lines(
        ["XFAIL *::DF-TRIP-001 - *1 finding waived until 2999-01-01 (owner: Kim Lee; reason: ticket 4711)"]
    )
    result = run("--dumpfilt", "recordings", "-k", "TRIP", "--runxfail", *option)
    result.assert_outcomes(passed=1, failed=1, deselected=60)
    result.stdout.fnmatch_lines(["*waived error DF-TRIP-001, call 1, Dump_Read"])


def test_an_expired_waiver(run: Run, project: Path) -> None:
    result = run("--dumpfilt", BAD, "-k", "TRIP", "--dumpfilt-waivers", waivers(project, "2020-01-01"))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*was waived until 2020-01-01 (owner: Kim Lee; reason: ticket 4711)"])
    assert (
        "(waiver expired 2020-01-01)"
        in run(
            "--dumpfilt", BAD, "-k", "TRIP", "--dumpfilt-waivers", "waivers.toml", "--tb=line"
        ).stdout.str()
    )


def test_a_rule_of_ones_own(run: Run, project: Path) -> None:
    name = rules(project, 'self.find(call, "it does not")')
    result = run("-v", "--dumpfilt", GOOD, "--dumpfilt-rules", name)
    assert outcomes(result)[f"{GOOD}::ACME-001"] == "FAILED"
    result.stdout.fnmatch_lines(
        ["ACME-001: It holds.", "  the rule is yours; its source: ACME design 4.2", "FAILED *::ACME-001 - *"]
    )
    other = rules(project, "pass", "more_rules.py", "ACME-002")
    result = run("-v", "--dumpfilt-rules", other, "--dumpfilt-rules", name, f"{GOOD}::ACME-002")
    assert outcomes(result) == {f"{GOOD}::ACME-002": "PASSED"}


def test_a_rule_with_a_fault(run: Run, project: Path) -> None:
    result = run("--dumpfilt", GOOD, "--dumpfilt-rules", rules(project, "1 / 0"), "--dumpfilt-lenient")
    result.assert_outcomes(failed=1, passed=22, skipped=9)
    result.stdout.fnmatch_lines(
        [
            "ACME-001 has a fault: ZeroDivisionError: division by zero",
            "*our_rules.py*, line 12, in check",
            "*1 / 0",
        ]
    )


def test_an_interrupt_in_a_rule(pytester: pytest.Pytester, project: Path) -> None:
    name = rules(project, "raise KeyboardInterrupt")
    result = pytester.runpytest_subprocess("--dumpfilt", GOOD, "--dumpfilt-rules", name)
    assert result.ret == pytest.ExitCode.INTERRUPTED


@pytest.mark.parametrize("option", ["--dumpfilt-rules", "--dumpfilt-waivers"])
def test_files_with_errors(run: Run, project: Path, option: str) -> None:
    (project / "wrong.py").write_text("1 / 0\n")
    result = run("--dumpfilt", GOOD, option, "wrong.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *wrong.py*line 1*"])
    assert run("--dumpfilt", GOOD, option, "none.py").ret == pytest.ExitCode.USAGE_ERROR


def test_two_files_with_one_rule(run: Run, project: Path) -> None:
    one, two = rules(project, "pass"), rules(project, "pass", "again.py")
    result = run("--dumpfilt", GOOD, "--dumpfilt-rules", one, "--dumpfilt-rules", two)
    result.stderr.fnmatch_lines(["ERROR: *again.py, class Mine: id ACME-001 is that of Mine, too"])


def test_a_warning_passes_and_is_shown(run: Run, project: Path) -> None:
    write(project / "faulty", faulty())
    result = run("-v", "--dumpfilt", "faulty.dumpfilt", "-k", "SEQ")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*DumpfiltWarning: DF-SEQ-001: call 8, Dump_Write: the system called *"])
    result = run("--dumpfilt", "faulty.dumpfilt", "-k", "SEQ", "-W", "error")
    result.assert_outcomes(failed=1, deselected=30)
    result.stdout.fnmatch_lines(["*warning DF-SEQ-001, call 8, Dump_Write"])
    only = "ignore::pykd_dumpfilt.pytest_plugin.DumpfiltWarning"
    assert "DumpfiltWarning:" not in run("--dumpfilt", "faulty.dumpfilt", "-W", only).stdout.str()


def test_nothing_read_back(run: Run, project: Path) -> None:
    script = passing()
    script.records = [
        one for one in script.records if not (isinstance(one, Call) and one.callbacks == ("Dump_Read",))
    ]
    write(project / "written", script)
    result = run("-v", "--dumpfilt", "written.dumpfilt", "-rs")
    assert result.ret == 0
    assert outcomes(result)["written.dumpfilt::recording"] == "SKIPPED"
    result.stdout.fnmatch_lines(
        ["*written.dumpfilt:1: not exercised: no call of Dump_Read that returned was seen*"]
    )


def cut(path: Path) -> None:
    lines = (path / "calls.jsonl").read_bytes().splitlines(keepends=True)
    (path / "calls.jsonl").write_bytes(b"".join(lines[:-1]))


def spoil_a_page(path: Path) -> None:
    data = bytearray((path / "pages.bin").read_bytes())
    data[100] ^= 1
    (path / "pages.bin").write_bytes(bytes(data))


def spoil_a_line(path: Path) -> None:
    lines = (path / "calls.jsonl").read_bytes().splitlines(keepends=True)
    lines[2] = b"{ no line\n"
    (path / "calls.jsonl").write_bytes(b"".join(lines))


def change_a_line(path: Path) -> None:
    text = (path / "calls.jsonl").read_text()
    assert "hiber_myfilt" in text
    (path / "calls.jsonl").write_text(text.replace("hiber_myfilt", "hiber_other1"))


def from_the_future(path: Path) -> None:
    lines = (path / "calls.jsonl").read_text().splitlines(keepends=True)
    header: Dict[str, Any] = json.loads(lines[0])
    header["version"] = 99
    (path / "calls.jsonl").write_text(json.dumps(header) + "\n" + "".join(lines[1:]))


def empty(path: Path) -> None:
    (path / "calls.jsonl").write_bytes(b"")


NOT_WHOLE = [
    (cut, "the recording is not whole: *"),
    (spoil_a_page, "the recording is not whole: page 0 of pages.bin is damaged*"),
    (spoil_a_line, "the recording is not whole: *"),
    (
        change_a_line,
        "the recording is not whole: calls.jsonl is not as it was when *",
    ),
]
UNREADABLE = [
    (from_the_future, "cannot be read: *made by a newer pykd-dumpfilt (recording version 99*"),
    (empty, "cannot be read: *is empty: *"),
]


@pytest.mark.parametrize(("spoil", "message"), NOT_WHOLE + UNREADABLE)
def test_strict(run: Run, project: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(project / GOOD)
    result = run("-v", "--dumpfilt", GOOD, "--tb=line")
    assert set(outcomes(result).values()) == {"FAILED"}
    result.stdout.fnmatch_lines([f"*: {message}"])
    rest = "see recordings/good.dumpfilt::recording"
    result.stdout.fnmatch_lines([f"*: *{rest}"])


@pytest.mark.parametrize(("spoil", "message"), NOT_WHOLE)
def test_lenient(run: Run, project: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(project / GOOD)
    result = run("-v", "--dumpfilt", GOOD, "--dumpfilt-lenient")
    assert "FAILED" not in outcomes(result).values()
    assert outcomes(result)[f"{GOOD}::recording"] == "PASSED"
    result.stdout.fnmatch_lines([f"*DumpfiltWarning: recording: {message}"])
    (project / "pytest.ini").write_text("[pytest]\ndumpfilt_strict = false\n")
    assert "FAILED" not in outcomes(run("-v", "--dumpfilt", GOOD)).values()


def test_lenient_is_no_cure(run: Run, project: Path) -> None:
    from_the_future(project / GOOD)
    assert set(outcomes(run("-v", "--dumpfilt", GOOD, "--dumpfilt-lenient")).values()) == {"FAILED"}


def test_findings_of_a_cut_recording_are_shown(run: Run, project: Path) -> None:
    cut(project / BAD)
    result = run("--dumpfilt", BAD, "-k", "TRIP")
    result.stdout.fnmatch_lines(["*error DF-TRIP-001, call 1, Dump_Read"])


@pytest.mark.parametrize("lost", [0, 3])
def test_what_the_tool_says_of_itself(run: Run, project: Path, lost: int) -> None:
    script = passing()
    if not lost:
        script.records.append(Fault("reading the MDL", "the debugger hung up"))
    write(project / "tool", script, lost=lost)
    result = run("-v", "--dumpfilt", "tool.dumpfilt", "--tb=line")
    assert set(outcomes(result).values()) == {"FAILED"}
    told = "3 calls happened and could not be recorded" if lost else "the tool failed while reading the MDL"
    result.stdout.fnmatch_lines([f"*the recording is not whole: {told}*"])


def test_a_call_that_never_returned(run: Run, project: Path) -> None:
    script = passing()
    last = script.records[-1]
    assert isinstance(last, Call)
    script.records[-1] = replace(last, exit=None, status=None, unreturned="the trace ended")
    write(project / "open", script)
    result = run("-v", "--dumpfilt", "open.dumpfilt")
    found = outcomes(result)
    # It is whole, as far as it goes.
    assert found["open.dumpfilt::recording"] == "PASSED"
    assert found["open.dumpfilt::DF-CALL-001"] == "FAILED"
    result.stdout.fnmatch_lines(
        ["DF-CALL-001 could not look at everything:", "  - call 1 (*): did not return: the trace ended"]
    )
    found = outcomes(run("-v", "--dumpfilt", "open.dumpfilt", "--dumpfilt-lenient"))
    assert found["open.dumpfilt::DF-CALL-001"] == "SKIPPED"


def test_hostile_names(run: Run, project: Path) -> None:
    write(project / "hostile", failing(), replace(HEADER, filter="\x1b[31mred\u202e"))
    text = run("--dumpfilt", "hostile.dumpfilt").stdout.str()
    assert "\\x1b[31mred\\u202e" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_days_of_waivers_are_days(run: Run, project: Path) -> None:
    today = datetime.datetime.now(datetime.timezone.utc).date()
    tomorrow = str(today + datetime.timedelta(days=1))
    run("--dumpfilt", BAD, "--dumpfilt-waivers", waivers(project, tomorrow)).assert_outcomes(
        passed=21, skipped=9, xfailed=1
    )


def test_the_example_is_what_the_texts_above_say() -> None:
    # pattern(): a word that is 1 and one that counts bytes.
    call = failing().records[-1]
    assert isinstance(call, Call)
    assert struct.pack("<II", 1, 0x1000) == bytes.fromhex("0100000000100000")
