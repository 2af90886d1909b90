"""What a user sees where a recording cannot be written: start, status, stop and emulate."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, List

import pytest

from pykd_dumpfilt import spool
from pykd_dumpfilt.checking import check
from pykd_dumpfilt.cli import main
from pykd_dumpfilt.emulator import Scenario
from pykd_dumpfilt.recording import Call, Record, read_recording

from .failing_places import POSIX, ROOT, finished, forbidden_folder, image, small_file_system
from .recording.failing_disk import FAULTS, FailingDisk
from .test_watching import LOOKS_ON, Windbg, plain

FULL = FAULTS[1]


def test_a_full_disk_is_told_at_once_and_by_status_and_stop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    windbg = Windbg(monkeypatch, LOOKS_ON, Scenario("hibernate", calls=4, pages=2))
    path = tmp_path / "run.dumpfilt"
    windbg.typed("start", "probe", "-o", str(path))
    with FailingDisk(12, FULL):
        said = plain(windbg.g())
    kept = sum(isinstance(one, Call) for one in read_recording(path))
    failed = f"RECORDING FAILED: cannot write {path}"
    assert 0 < kept < 8
    told = [line for line in said.splitlines() if failed in line]
    assert len(told) == 1
    assert "No space left on device" in told[0]
    assert f"Kept so far in {path}: {kept} calls, " in told[0]
    assert "make room (or record to another disk) and trace again" in told[0]
    assert told[0].endswith("the target goes on, and what it does is lost")
    said = plain(windbg.typed("status"))
    assert failed in said
    lost = int(said[: said.index(" LOST")].split()[-1])
    assert windbg.code == 0
    said = plain(windbg.typed("stop"))
    assert "no breakpoint of ours is left" in said
    assert failed in said
    assert f"INCOMPLETE  {path}" in said
    assert f"{lost} calls happened and could not be recorded" in said
    assert windbg.code == 3
    assert windbg.debugger._breakpoints == []


def test_stop_gives_the_verdict_though_the_recording_cannot_be_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    windbg = Windbg(monkeypatch, LOOKS_ON, Scenario("hibernate", calls=4, pages=2))
    path = tmp_path / "run.dumpfilt"
    windbg.typed("start", "probe", "-o", str(path))
    assert windbg.g() == ""
    with FailingDisk("fsync"):
        said = plain(windbg.typed("stop"))
    assert windbg.code == 3
    assert "disarmed: 0 breakpoints taken out, no breakpoint of ours is left" in said
    assert f"RECORDING FAILED: cannot finish {path}: No space left on device." in said
    assert f"INCOMPLETE  {path}" in said
    assert "there is no footer" in said
    assert windbg.debugger._breakpoints == []


def test_start_where_the_recording_cannot_be_made_says_how_to_choose_a_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    windbg = Windbg(monkeypatch, LOOKS_ON, Scenario("hibernate", calls=4, pages=2))
    monkeypatch.chdir(tmp_path)
    with FailingDisk(0, FULL):
        said = windbg.typed("start", "probe")
    assert windbg.code == 2
    assert f"dumpfilt: error: cannot create a recording in {tmp_path}" in said
    assert said.endswith("; choose a folder that is there, may be written to and has room: -o DIR\n")
    assert list(tmp_path.iterdir()) == []
    assert windbg.debugger._breakpoints == []


def test_status_goes_on_where_the_recording_was_taken_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    windbg = Windbg(monkeypatch, LOOKS_ON, Scenario("hibernate", calls=4, pages=2))
    path = tmp_path / "run.dumpfilt"
    windbg.typed("start", "probe", "-o", str(path))
    path.rename(tmp_path / "elsewhere")
    said = plain(windbg.typed("status"))
    assert windbg.code == 0
    assert f"recording: {path}, which is out of reach" in said
    said = plain(windbg.typed("stop"))
    assert windbg.code == 2
    assert "no breakpoint of ours is left" in said
    assert f"dumpfilt: error: {path} is not a recording: cannot read its calls.jsonl" in said


def test_no_room_for_temporary_data_ends_the_judging_and_not_the_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    windbg = Windbg(monkeypatch, LOOKS_ON, Scenario("hibernate", calls=4, pages=2))
    path = tmp_path / "run.dumpfilt"
    windbg.typed("start", "probe", "-o", str(path))
    with monkeypatch.context() as patch:
        patch.setattr(spool, "_IN_MEMORY", 10)
        patch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        said = plain(windbg.g())
        assert said.startswith("dumpfilt: judging ended: SpoolError: cannot keep temporary data in ")
        assert said.endswith("tracing goes on, and stop judges all of it\n")
        said = plain(windbg.typed("stop"))
        assert windbg.code == 2
        assert "no breakpoint of ours is left" in said
        assert "dumpfilt: error: cannot keep temporary data" in said
    windbg.typed("stop")
    assert windbg.code == 0
    assert read_recording(path).verify() == []


# -- emulate, as a process of its own ------------------------------------------------------------------------


@pytest.fixture
def driver(tmp_path: Path) -> Path:
    path = tmp_path / "probe.sys"
    path.write_bytes(image())
    return path


def emulate(driver: Path, output: Path, calls: int = 12) -> List[str]:
    scenario = ["--calls", str(calls), "--pages", "4"]
    return ["emulate", str(driver), "-o", str(output), *scenario]


def records_of(path: Path) -> List[Record]:
    with read_recording(path) as recording:
        return list(recording)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with small_file_system() as folder:
        yield folder


def check_cut_short(code: int, out: str, err: str, path: Path, whole: List[Record], why: str) -> None:
    """What is to be said of a run that the disk cut short, and what is to be left of it."""
    kept = records_of(path)
    assert kept == whole[: len(kept)]
    calls = sum(isinstance(one, Call) for one in kept)
    assert code == 3, out + err
    assert "Traceback" not in err
    noted, told = err.splitlines()
    assert noted.startswith(f"{calls} calls recorded in {path} (")
    assert told.startswith("dumpfilt: error: cannot ")
    assert why in told
    assert f"Kept so far in {path}: {calls} calls, " in told
    assert out.startswith(f"INCOMPLETE  {path}\n")
    recording = read_recording(path)
    if recording.footer is None:
        assert "there is no footer" in out
    else:
        assert f"{recording.footer.lost} calls happened and could not be recorded" in out


@POSIX
def test_emulate_on_a_disk_that_fills_up(driver: Path, tmp_path: Path, small_disk: Path) -> None:
    finished(emulate(driver, tmp_path / "whole"))
    whole = records_of(tmp_path / "whole.dumpfilt")
    path = small_disk / "run.dumpfilt"
    check_cut_short(*finished(emulate(driver, path)), path, whole, "No space left on device")
    # The disk is full, and its content can be looked at all the same.
    code, out, _ = finished(["show", str(path)])
    assert (code, "Dump_Write" in out) == (0, True)
    # Nothing of a recording that cannot even be begun is left behind.
    code, out, err = finished(emulate(driver, small_disk / "second"))
    assert (code, out) == (2, "")
    assert err.startswith(
        f"dumpfilt: error: cannot create {'a recording in '}{small_disk / 'second.dumpfilt'}: "
    )
    assert [one.name for one in small_disk.iterdir()] == ["run.dumpfilt"]


@POSIX
def test_emulate_where_files_may_not_grow(driver: Path, tmp_path: Path) -> None:
    finished(emulate(driver, tmp_path / "whole"))
    folder = tmp_path / "whole.dumpfilt"
    whole = records_of(folder)
    lines = (folder / "calls.jsonl").stat().st_size
    pages = (folder / "pages.bin").stat().st_size
    # In the first lines, within pages and lines, and in the footer alone.
    sizes = (2000, pages // 2 + 77, pages - 4096, lines // 2, lines - 3)
    for number, size in enumerate(sorted(one for one in sizes if one < max(lines, pages))):
        limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
        path = tmp_path / f"run{number}.dumpfilt"
        check_cut_short(*finished(emulate(driver, path), limit), path, whole, "File too large")


@POSIX
def test_emulate_killed_at_any_moment(driver: Path, tmp_path: Path) -> None:
    finished(emulate(driver, tmp_path / "whole", calls=100))
    whole = records_of(tmp_path / "whole.dumpfilt")
    for wanted in (1, 3, 40, 150):
        path = tmp_path / f"run{wanted}.dumpfilt"
        process = subprocess.Popen(
            [sys.executable, "-m", "pykd_dumpfilt", *emulate(driver, path, calls=100)],
            cwd=str(ROOT),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seen = wait_for_lines(process, path / "calls.jsonl", wanted)
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
        kept = records_of(path)
        # The header is a line too.
        assert len(kept) >= seen - 1
        assert kept == whole[: len(kept)]
        with read_recording(path) as recording:
            for call in recording.calls():
                sides = [side for side in (call.entry, call.exit) if side is not None]
                for buffer in (one for side in sides for one in side.buffers):
                    assert all(page is None or len(recording.page(page)) == 4096 for page in buffer.pages)
        code, out, err = finished(["check", str(path)])
        assert (code, err) == (3, "")
        assert out.startswith(f"INCOMPLETE  {path}\n")
        assert "there is no footer: the recording was not closed in good order" in out


def wait_for_lines(process: "subprocess.Popen[bytes]", file: Path, wanted: int) -> int:
    """Wait until the file has that many lines; how many it has."""
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        lines = file.read_bytes().count(b"\n") if file.exists() else 0
        if lines >= wanted:
            return lines
    raise AssertionError(f"it ended, or hung, before {file} had {wanted} lines")


# -- places where one may not write --------------------------------------------------------------------------


@pytest.fixture
def forbidden() -> Iterator[Path]:
    with forbidden_folder() as folder:
        yield folder


@POSIX
def test_a_recording_where_one_may_not_write(forbidden: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    before = sorted(one.name for one in forbidden.iterdir())
    code = main(["emulate", str(forbidden / "probe.sys"), "-o", str(forbidden / "run"), "--calls", "2"])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err == (
        f"dumpfilt: error: cannot create {forbidden / 'run.dumpfilt'}: Permission denied; choose a folder "
        "that is there, may be written to and has room\n"
    )
    assert sorted(one.name for one in forbidden.iterdir()) == before


@POSIX
@pytest.mark.parametrize("name", ["new.json", "old.json"])
def test_a_report_where_one_may_not_write(
    name: str, forbidden: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    before = sorted(one.name for one in forbidden.iterdir())
    code = main(["check", str(forbidden / "aes_xts.dumpfilt"), "-o", str(forbidden / name)])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith(f"dumpfilt: error: cannot write {forbidden / name}: permission denied for ")
    assert sorted(one.name for one in forbidden.iterdir()) == before
    assert (forbidden / "old.json").read_text() == "old"


@POSIX
def test_a_recording_that_one_may_not_read(forbidden: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    mine = os.geteuid()
    os.seteuid(forbidden.stat().st_uid)
    (forbidden / "aes_xts.dumpfilt" / "calls.jsonl").chmod(stat.S_IWUSR)
    os.seteuid(mine)
    code = main(["check", str(forbidden / "aes_xts.dumpfilt")])
    _, err = capsys.readouterr()
    assert code == 2
    assert "cannot read its calls.jsonl: Permission denied" in err
    assert "Traceback" not in err


def test_the_whole_of_it_passes(driver: Path, tmp_path: Path) -> None:
    """What is cut short above is incomplete for that reason and no other."""
    assert finished(emulate(driver, tmp_path / "run"))[0] == 0
    assert check(tmp_path / "run.dumpfilt").exit_code == 0
