"""From a recording on disk to a verdict and an exit code."""

import datetime
import hashlib
from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.checking import Report, Unreadable, WaiverUse, check, use_of_waivers
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Header, Progress, RecordingWriter

from ..rules.examples import Script
from .examples import HEADER, TODAY, failing, passing, waiver, write


def test_pass(tmp_path: Path) -> None:
    path = write(tmp_path / "good", passing())
    result = check(path)
    assert (result.verdict.value, result.exit_code) == ("pass", 0)
    assert (result.path, result.filter, result.scenario, result.calls) == (
        str(path),
        "myfilt",
        "hibernate",
        2,
    )
    assert result.damage == ()


def test_fail(tmp_path: Path) -> None:
    result = check(write(tmp_path / "bad", failing()))
    assert (result.verdict.value, result.exit_code) == ("fail", 1)


def test_not_exercised(tmp_path: Path) -> None:
    result = check(write(tmp_path / "none", Script()))
    assert (result.verdict.value, result.exit_code) == ("not exercised", 3)


def test_a_recording_without_footer_is_incomplete(tmp_path: Path) -> None:
    result = check(write(tmp_path / "torn", passing(), close=False))
    assert (result.verdict.value, result.exit_code) == ("incomplete", 3)
    assert "there is no footer" in result.damage[0]
    assert result.result.reasons[0] == result.damage[0]


def test_a_damaged_page_is_incomplete_and_told(tmp_path: Path) -> None:
    script = Script()
    script.write(0, b"a" * 512)
    # Equal bytes in another page, so that the comparison must read both.
    script.read(0, b"a" * 512, byte_offset=0x400)
    path = write(tmp_path / "flipped", script)
    pages = bytearray((path / "pages.bin").read_bytes())
    pages[5] ^= 1
    (path / "pages.bin").write_bytes(bytes(pages))
    result = check(path)
    assert result.verdict.value == "incomplete"
    assert "page 0 of pages.bin is damaged" in " ".join(result.damage)


def test_lost_calls_are_incomplete(tmp_path: Path) -> None:
    result = check(write(tmp_path / "lost", passing(), lost=2))
    assert result.verdict.value == "incomplete"
    assert "2 calls happened and could not be recorded" in result.result.reasons


def test_progress_tells_bytes_and_calls(tmp_path: Path) -> None:
    script = Script()
    for _ in range(600):
        script.plain("Dump_Start")
    seen: List[Progress] = []
    path = write(tmp_path / "long", script)
    check(path, seen.append)
    size = (path / "calls.jsonl").stat().st_size
    # The first record is the module.
    assert [now.calls for now in seen] == [255, 511, 600]
    assert [now.total for now in seen] == [size] * 3
    assert 0.4 < seen[0].done / size < 0.45
    assert seen[-1].done == size


def test_what_is_no_recording_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="not a recording"):
        check(tmp_path / "nothing")


def test_an_unknown_machine_is_an_error(tmp_path: Path) -> None:
    header = Header("x", "x64", HEADER.created, "tool", HEADER.debugger)
    path = write(tmp_path / "alpha", Script(), header)
    text = (path / "calls.jsonl").read_text()
    (path / "calls.jsonl").write_text(text.replace('"x64"', '"alpha"'))
    with pytest.raises(RecordingError, match="x64, arm64, x86"):
        check(path)


def test_overall_exit_code(tmp_path: Path) -> None:
    good = check(write(tmp_path / "good", passing()))
    bad = check(write(tmp_path / "bad", failing()))
    none = check(write(tmp_path / "none", Script()))
    assert Report(()).exit_code == 0
    assert (
        Report(
            (
                good,
                good,
            )
        ).exit_code
        == 0
    )
    assert (
        Report(
            (
                good,
                none,
            )
        ).exit_code
        == 3
    )
    assert (
        Report(
            (
                none,
                bad,
                good,
            )
        ).exit_code
        == 1
    )


def test_a_waived_failure_passes(tmp_path: Path) -> None:
    path = write(tmp_path / "bad", failing())
    result = check(path, waivers=[waiver()], today=TODAY)
    assert (result.verdict.value, result.exit_code, result.waived) == ("pass", 0, 1)
    result = check(path, waivers=[waiver()], today=datetime.date(2027, 2, 1))
    assert (result.verdict.value, result.exit_code, result.waived) == ("fail", 1, 0)


def test_what_became_of_each_waiver_over_all_recordings(tmp_path: Path) -> None:
    waivers = [
        waiver("DF-CALL-001"),
        waiver(),
        waiver(platform="x64"),
        waiver(platform="arm64"),
        waiver(filter="other"),
        waiver(expires=datetime.date(2026, 11, 30)),
        waiver("DF-CALL-001", expires=datetime.date(2026, 11, 30)),
    ]
    paths = [write(tmp_path / name, failing()) for name in "ab"] + [write(tmp_path / "good", passing())]
    results = [check(path, waivers=waivers, today=TODAY) for path in paths]
    assert use_of_waivers(waivers, results, TODAY) == (
        WaiverUse(waivers[0], "unused", 0, 3),
        # Both accept the same two findings: neither can be missed by its own.
        WaiverUse(waivers[1], "used", 2, 3),
        WaiverUse(waivers[2], "used", 2, 3),
        WaiverUse(waivers[3], "unused", 0, 0),
        WaiverUse(waivers[4], "unused", 0, 0),
        WaiverUse(waivers[5], "expired", 2, 3),
        WaiverUse(waivers[6], "expired", 0, 3),
    )


def test_findings_that_are_not_listed_are_used_too(tmp_path: Path) -> None:
    script = passing()
    for _ in range(30):
        script.plain("Dump_Start", status=0x103)
    given = [waiver("DF-CALL-001")]
    result = check(write(tmp_path / "many", script), waivers=given, today=TODAY)
    assert (result.verdict.value, result.waived) == ("pass", 30)
    assert use_of_waivers(given, [result], TODAY) == (WaiverUse(given[0], "used", 30, 1),)


def test_what_cannot_be_read_weighs_more_than_what_is_undecided(tmp_path: Path) -> None:
    good = check(write(tmp_path / "good", passing()))
    bad = check(write(tmp_path / "bad", failing()))
    none = check(write(tmp_path / "none", Script()))
    gone = (Unreadable("gone", "gone is not a recording"),)
    assert Report((), unreadable=gone).exit_code == 2
    assert Report((good, none), unreadable=gone).exit_code == 2
    assert Report((none, bad), unreadable=gone).exit_code == 1


def test_the_path_is_the_folder_that_was_found(tmp_path: Path) -> None:
    path = write(tmp_path / "good", passing())
    assert check(tmp_path / "good").path == str(path)


def test_findings_have_their_lines(tmp_path: Path) -> None:
    assert check(write(tmp_path / "bad", failing())).lines == {1: 4}
    assert check(write(tmp_path / "good", passing())).lines == {}


def test_a_seal_is_what_the_files_are(tmp_path: Path) -> None:
    path = write(tmp_path / "good", passing())
    assert check(path).seal is None
    seal = check(path, seal=True).seal
    assert seal is not None
    assert seal.problems == ()
    assert seal.digests == {
        name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in ("calls.jsonl", "pages.bin")
    }


def test_a_seal_tells_damage_that_no_rule_came_across_and_leaves_the_verdict(tmp_path: Path) -> None:
    path = write(tmp_path / "good", passing())
    pages = bytearray((path / "pages.bin").read_bytes())
    # Of the page that the disk held before Dump_Read, which only the reader of the whole looks at.
    pages[-1] ^= 1
    (path / "pages.bin").write_bytes(bytes(pages))
    sealed = check(path, seal=True)
    assert sealed.seal is not None
    assert "pages.bin is not as it was when the recording was closed (SHA-256)" in sealed.seal.problems
    assert sealed.verdict is check(path).verdict


def test_the_writer_is_the_real_one(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "empty", HEADER) as writer:
        path = writer.path
    assert check(path).verdict.value == "not exercised"
