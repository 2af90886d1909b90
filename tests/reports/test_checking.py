"""From a recording on disk to a verdict and an exit code."""

from pathlib import Path
from typing import List

import pytest

from pykd_dumpfilt.checking import Report, check
from pykd_dumpfilt.errors import RecordingError
from pykd_dumpfilt.recording import Header, Progress, RecordingWriter

from ..rules.examples import Script
from .examples import HEADER, failing, passing, write


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


def test_the_writer_is_the_real_one(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "empty", HEADER) as writer:
        path = writer.path
    assert check(path).verdict.value == "not exercised"
