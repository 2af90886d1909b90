"""The report for a terminal."""

import datetime
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pykd_dumpfilt.checking import CheckResult, Report, Unreadable, check, use_of_waivers
from pykd_dumpfilt.recording import LoadedModule
from pykd_dumpfilt.reports import render_text, show_command
from pykd_dumpfilt.rules import Waiver

from ..rules.examples import Script
from .examples import HEADER, TODAY, failing, passing, waiver, write


def test_a_failing_recording(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    result = replace(check(path), path="bad.dumpfilt")
    text = render_text(Report((result,)))
    assert text.startswith(
        "FAIL  bad.dumpfilt\n"
        "  filter myfilt, hibernate, x64, 2 calls (1 Dump_Write, 1 Dump_Read)\n"
        "  - DF-TRIP-001: 1 finding\n"
        "\n"
        "Findings\n"
        "  error DF-TRIP-001, call 1, Dump_Read\n"
        "    Dump_Read gave back other bytes than Dump_Write was given: call 1, disk offset 0x2000, page 1\n"
        "    (PFN 0x1001), byte 0x0: expected 01000000001000000100000008100000, got\n"
        "    cccccccccccccccccccccccccccccccc; 512 of 4608 bytes differ, from disk offset 0x2000 to 0x21ff;\n"
        "    call 0 wrote them\n"
        "\n"
        "Rules\n"
    )
    assert "\n  DF-TRIP-001   fail                 1 checked  Dump_Read gives back" in text
    assert text.endswith(
        "\n\nNext\n  look at the first error: dumpfilt show bad.dumpfilt --call 1\n"
        "  read why it is one, with wrong and right code: dumpfilt rule DF-TRIP-001"
    )


def test_a_passing_recording_has_nothing_to_do_next(tmp_path: Path) -> None:
    text = render_text(Report((check(write(tmp_path / "good", passing())),)))
    assert text.startswith("PASS  ")
    assert "Next" not in text
    assert "Findings" not in text


@pytest.mark.skipif(os.name == "nt", reason="there is no sh")
@pytest.mark.parametrize(
    "path",
    [
        "my run.dumpfilt",
        "$(touch pwned).dumpfilt",
        "`touch pwned`.dumpfilt",
        "a;touch pwned;.dumpfilt",
        'it\'s & "that" > pwned.dumpfilt',
        "$HOME*?[a]!~#.dumpfilt",
        "süß.dumpfilt",
    ],
)
def test_whatever_a_path_holds_the_advice_can_be_run(tmp_path: Path, path: str) -> None:
    result = replace(check(write(tmp_path / "bad", failing())), path=path)
    text = render_text(Report((result,)))
    (command,) = re.findall(r"look at the first error: dumpfilt (show .* --call 1)", text)
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {command}"], cwd=str(tmp_path), stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.decode().splitlines() == ["show", path, "--call", "1"]
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (r"C:\runs\a-1.dumpfilt", r"C:\runs\a-1.dumpfilt"),
        (r"C:\my runs\a.dumpfilt", r'"C:\my runs\a.dumpfilt"'),
        ("a;.crash;.dumpfilt", '"a;.crash;.dumpfilt"'),
        ("a&calc.dumpfilt", '"a&calc.dumpfilt"'),
    ],
)
def test_and_on_windows_and_in_windbg(monkeypatch: pytest.MonkeyPatch, path: str, word: str) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("os.name", "nt")
        command = show_command(path, 1)
    assert command == f"dumpfilt show {word} --call 1"
    assert show_command(path, 1, "!py -g -m pykd_dumpfilt") == f"!py -g -m pykd_dumpfilt show {word} --call 1"


def test_a_warning_is_not_called_a_failure(tmp_path: Path) -> None:
    script = passing()
    script.records[0] = LoadedModule(0, "dump_myfilt", 0xFFFFF80031000000, 0x7000)
    text = render_text(Report((check(write(tmp_path / "odd", script)),)))
    assert text.startswith("PASS  ")
    assert "  DF-ARGS-002   warning" in text
    assert "  warning DF-ARGS-002, call 0, Dump_Write\n" in text


def test_why_it_is_incomplete_and_what_to_do(tmp_path: Path) -> None:
    text = render_text(Report((check(write(tmp_path / "torn", passing(), close=False)),)))
    assert text.startswith("INCOMPLETE  ")
    assert "  - there is no footer" in text
    assert "Next\n  record again" in text


def test_notes_say_what_is_legal_and_worth_knowing(tmp_path: Path) -> None:
    script = passing()
    script.plain("Dump_Start", status=0xC0210001)
    text = render_text(Report((check(write(tmp_path / "note", script)),)))
    assert "Notes\n  DF-CALL-001: Dump_Start returned STATUS_FVE_NOT_ENCRYPTED" in text


def test_several_recordings_end_with_a_sum(tmp_path: Path) -> None:
    results = [
        check(write(tmp_path / "good", passing())),
        check(write(tmp_path / "bad", failing())),
        check(write(tmp_path / "none", Script())),
    ]
    assert render_text(Report(tuple(results))).endswith("\n\n3 recordings: 1 fail, 1 not exercised, 1 pass")


def waived(path: Path, *waivers: Waiver) -> str:
    """The report on one recording, with waivers."""
    result: CheckResult = replace(check(path, waivers=waivers, today=TODAY), path="run.dumpfilt")
    return render_text(Report((result,), use_of_waivers(waivers, [result], TODAY)))


def test_a_waived_finding_is_shown_and_does_not_fail(tmp_path: Path) -> None:
    text = waived(write(tmp_path / "bad", failing()), waiver())
    assert text.startswith(
        "PASS (1 finding waived)  run.dumpfilt\n"
        "  filter myfilt, hibernate, x64, 2 calls (1 Dump_Write, 1 Dump_Read)\n"
        "  - DF-TRIP-001: 1 finding waived until 2027-01-31 (owner: Kim Lee; reason: ticket 4711)\n"
        "\n"
        "Findings\n"
        "  waived error DF-TRIP-001, call 1, Dump_Read\n"
        "    Dump_Read gave back other bytes"
    )
    assert (
        "    call 0 wrote them\n"
        "      waived until 2027-01-31 (owner: Kim Lee; reason: ticket 4711)\n"
        "\n"
        "Rules\n"
    ) in text
    assert "\n  DF-TRIP-001   waived               1 checked  Dump_Read gives back" in text
    # Nothing to do next, and nothing to say on a waiver that does its work.
    assert "Next" not in text
    assert "Waivers" not in text


def test_waived_findings_come_after_the_others(tmp_path: Path) -> None:
    script = failing()
    script.plain("Dump_Finish", status=0x103)
    text = waived(write(tmp_path / "bad", script), waiver())
    assert text.startswith("FAIL (1 finding waived)  run.dumpfilt\n")
    assert "\n\nFindings\n  error DF-CALL-001, call 2, Dump_Finish\n" in text
    assert "\n  waived error DF-TRIP-001, call 1, Dump_Read\n" in text
    assert text.endswith(
        "\n  look at the first error: dumpfilt show run.dumpfilt --call 2\n"
        "  read why it is one, with wrong and right code: dumpfilt rule DF-CALL-001"
    )


def test_an_expired_waiver_is_told_beside_the_finding_and_at_the_end(tmp_path: Path) -> None:
    old = waiver(expires=datetime.date(2026, 11, 30), callback="Dump_Read", platform="x64", line=7)
    text = waived(write(tmp_path / "bad", failing()), old)
    assert text.startswith("FAIL  run.dumpfilt\n")
    assert "\n      was waived until 2026-11-30 (owner: Kim Lee; reason: ticket 4711)\n" in text
    assert text.endswith(
        "\n\nWaivers\n"
        "  DF-TRIP-001 of myfilt at Dump_Read on x64, line 7: expired on 2026-11-30 (owner: Kim Lee); 1\n"
        "    finding that it would accept: mend the filter or renew the waiver"
    )


def test_waivers_that_are_no_longer_needed(tmp_path: Path) -> None:
    text = waived(
        write(tmp_path / "good", passing()),
        waiver(),
        waiver(filter="other", line=9),
        waiver("DF-CALL-001", expires=datetime.date(2026, 11, 30), line=17),
    )
    assert text.startswith("PASS  run.dumpfilt\n")
    assert text.endswith(
        "\n\nWaivers\n"
        "  DF-TRIP-001 of myfilt, line 1: unused; it accepts no finding here: remove it if the filter is\n"
        "    mended\n"
        "  DF-TRIP-001 of other, line 9: unused; no recording of this filter and platform was checked\n"
        "  DF-CALL-001 of myfilt, line 17: expired on 2026-11-30 (owner: Kim Lee); nothing here needs it:\n"
        "    remove it"
    )


def test_of_many_stale_waivers_the_first_are_listed(tmp_path: Path) -> None:
    text = waived(
        write(tmp_path / "good", passing()), *(waiver(filter=f"other{at}", line=at + 1) for at in range(23))
    )
    assert text.count("unused") == 20
    assert text.endswith("\n  and 3 more: --format json lists them")


def test_several_recordings_count_what_is_waived(tmp_path: Path) -> None:
    results = [check(write(tmp_path / name, failing()), waivers=[waiver()], today=TODAY) for name in "ab"]
    assert render_text(Report(tuple(results))).endswith("\n\n2 recordings: 2 pass; 2 findings waived")


def test_hostile_waivers_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    evil = "\x1b[2J\x07\u202e"
    path = write(tmp_path / "bad", failing(), replace(HEADER, filter=evil))
    old = waiver(filter=evil, reason=evil, owner=evil, expires=datetime.date(2026, 11, 30))
    for given in (old, replace(old, expires=TODAY), replace(old, filter=evil + "x", platform=evil)):
        text = waived(path, given)
        assert all(line.isprintable() for line in text.split("\n"))
        assert "\\x1b[2J" in text


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    gone = Unreadable("go\x1bne", "there is no\x1b such folder")
    text = render_text(Report((check(write(tmp_path / "good", passing())),), unreadable=(gone,)))
    assert text.endswith(
        "\n\nUNREADABLE  go\\x1bne\n  - there is no\\x1b such folder\n\n2 recordings: 1 pass, 1 unreadable"
    )


def test_lines_fit_a_terminal(tmp_path: Path) -> None:
    text = render_text(Report((replace(check(write(tmp_path / "bad", failing())), path="bad.dumpfilt"),)))
    assert max(len(line) for line in text.splitlines()) <= 100


def test_hostile_names_do_not_reach_the_terminal_raw(tmp_path: Path) -> None:
    script = passing()
    evil = "\x1b[2J\x1b]0;owned\x07\r\n\u202e\x9b31m"
    script.records[0] = LoadedModule(0, "hiber_" + evil, 0, 0)
    script.read(0x1000, b"", exit=None, status=None, unreturned=evil)
    header = replace(HEADER, filter=evil, tool=evil)
    text = render_text(Report((check(write(tmp_path / "evil", script, header)),)))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b[2J" in text
