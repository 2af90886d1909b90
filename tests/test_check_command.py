"""``check`` as a CI job uses it: formats, files, exit codes, mistakes."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import List, Tuple
from xml.etree import ElementTree

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.commands import check as command
from pykd_dumpfilt.reports import Format

from .reports.examples import failing, passing, write


@pytest.fixture
def good(tmp_path: Path) -> str:
    return str(write(tmp_path / "good", passing()))


@pytest.fixture
def bad(tmp_path: Path) -> str:
    return str(write(tmp_path / "bad", failing()))


def run(capsys: "pytest.CaptureFixture[str]", *arguments: str) -> Tuple[int, str, str]:
    code = main(["check", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def left_over(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".dumpfilt"))


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("report.json", '{\n  "format": "dumpfilt-report/1"'),
        ("report.xml", '<?xml version="1.0"'),
        ("report.sarif", '{\n  "$schema": "https://docs.oasis-open.org/sarif/'),
        ("report.md", "# Crash dump filter checklist: myfilt\n"),
        ("report.txt", "PASS  "),
        ("report", "PASS  "),
    ],
)
def test_the_file_s_ending_chooses(
    name: str, begins: str, good: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    code, out, err = run(capsys, good, "-o", str(tmp_path / name))
    assert (code, out, err) == (0, "", f"written: {tmp_path / name}\n")
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert text.endswith("\n")
    assert left_over(tmp_path) == [name]


def test_format_outweighs_the_ending(good: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    run(capsys, good, "--format", "junit", "-o", str(tmp_path / "report.json"))
    assert (tmp_path / "report.json").read_text().startswith("<?xml")


def test_several_recordings_and_one_that_cannot_be_read(
    good: str, bad: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    gone = str(tmp_path / "gone")
    code, out, err = run(capsys, good, gone, bad, "--format", "junit")
    assert code == 1
    assert [suite.get("name") for suite in ElementTree.fromstring(out)] == [good, bad, gone]
    why = "cannot read its calls.jsonl: No such file or directory"
    assert err == f"dumpfilt: error: {gone} is not a recording: {why}\n"
    code, out, _ = run(capsys, good, gone, "--format", "json")
    report = json.loads(out)
    assert (code, [one["path"] for one in report["unreadable"]]) == (2, [gone])
    code, out, _ = run(capsys, good, gone)
    assert code == 2
    assert f"UNREADABLE  {gone}\n" in out


@pytest.mark.parametrize("name", ["json", "junit", "sarif", "markdown"])
def test_nothing_but_what_cannot_be_read_is_a_report_too(
    name: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    code, out, _ = run(capsys, str(tmp_path / "gone"), "--format", name)
    assert code == 2
    assert "gone is not a recording" in out


def test_the_checklist_holds_the_hashes(good: str, capsys: "pytest.CaptureFixture[str]") -> None:
    _, out, _ = run(capsys, good, "--format", "markdown")
    assert "| Integrity | verifies: " in out


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("missing/report.json", "there is no folder"),
        (".", "name a file, not a folder"),
        ("", "name a file, not a folder"),
        ("file/report.json", "there is no folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    output: str,
    expected: str,
    good: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: "pytest.CaptureFixture[str]",
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "check_watched", lambda *_, **__: pytest.fail("began to work"))
    code, out, err = run(capsys, good, "-o", output)
    assert (code, out) == (2, "")
    assert err.startswith("dumpfilt: error: cannot write ")
    assert expected in err
    assert left_over(tmp_path) == ["file"]


@pytest.mark.parametrize("output", ["/dev/full", "/proc/report.json"])
def test_a_file_that_cannot_be_written_is_told(
    output: str, good: str, capsys: "pytest.CaptureFixture[str]"
) -> None:
    if not Path(output).parent.is_dir():
        pytest.skip(f"no {Path(output).parent} here")
    code, out, err = run(capsys, good, "-o", output)
    assert (code, out) == (2, "")
    assert err.startswith(f"dumpfilt: error: cannot write {output}: ")


def test_an_interrupted_report_leaves_the_old_one(
    good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]"
) -> None:
    report = tmp_path / "report.json"
    report.write_text("old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    code, _, _ = run(capsys, good, "-o", str(report))
    assert code == 130
    assert report.read_text() == "old"
    assert left_over(tmp_path) == ["report.json"]


def test_a_format_that_fails_leaves_the_old_report(
    good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: "pytest.CaptureFixture[str]"
) -> None:
    report = tmp_path / "report.json"
    report.write_text("old")
    monkeypatch.setattr(Format, "render", lambda *_: "\ud800")
    with pytest.raises(UnicodeEncodeError):
        run(capsys, good, "-o", str(report))
    assert report.read_text() == "old"
    assert left_over(tmp_path) == ["report.json"]


@pytest.mark.skipif(os.name == "nt", reason="modes and links are POSIX's")
def test_a_report_is_as_readable_as_any_file_and_a_link_stays_a_link(
    good: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    before = os.umask(0o027)
    try:
        run(capsys, good, "-o", str(tmp_path / "report.json"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640
    (tmp_path / "report.json").chmod(0o600)
    (tmp_path / "link.json").symlink_to("report.json")
    (tmp_path / "report.json").write_text("old")
    run(capsys, good, "-o", str(tmp_path / "link.json"))
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "report.json").read_text().startswith("{")
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_to(good: str, tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    pipe = tmp_path / "pipe.json"
    os.mkfifo(str(pipe))
    read: List[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    code, _, _ = run(capsys, good, "-o", str(pipe))
    reader.join(10)
    assert code == 0
    assert json.loads(read[0])["recordings"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_help_tells_the_formats(capsys: "pytest.CaptureFixture[str]") -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert ".xml junit" in text
    assert "-o checklist.md" in text
