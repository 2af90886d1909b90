"""``scrub`` as one types it."""

import subprocess
import sys
from pathlib import Path
from typing import Tuple

import pytest

from pykd_dumpfilt.cli import main
from pykd_dumpfilt.recording import read_recording

from .recording.examples import write_small
from .reports.examples import failing, passing, write

ROOT = Path(__file__).resolve().parent.parent


def run(capsys: "pytest.CaptureFixture[str]", *arguments: object) -> Tuple[int, str, str]:
    code = main(["scrub", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_it_says_what_was_done_and_what_is_judged(
    tmp_path: Path, capsys: "pytest.CaptureFixture[str]"
) -> None:
    path = write(tmp_path / "bad", failing())
    code, out, err = run(capsys, path, "-o", tmp_path / "new")
    assert code == 0
    assert (
        err.splitlines()[0]
        == f"scrubbed: {tmp_path / 'new.dumpfilt'}, 6 pages (0 of zeros); judged as before"
    )
    assert "texts were not looked at" in err
    assert out.startswith(f"FAIL  {tmp_path / 'new.dumpfilt'}\n")
    assert "DF-TRIP-001: 1 finding" in out
    assert main(["check", str(tmp_path / "new")]) == 1


def test_a_key_is_made_and_told_and_then_used(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    path, key = write(tmp_path / "good", passing()), tmp_path / "my.key"
    code, _, err = run(capsys, path, "-o", tmp_path / "one", "--key", key)
    assert (code, err.splitlines()[0]) == (
        0,
        f"new key: {key}. Keep it to yourself: with it contents can be read again",
    )
    code, _, err = run(capsys, path, "-o", tmp_path / "two", "--key", key)
    assert code == 0
    assert "new key" not in err
    one, two = (read_recording(tmp_path / name).header.scrubbed for name in ("one", "two"))
    assert one is not None
    assert one == two
    assert (tmp_path / "one.dumpfilt" / "pages.bin").read_bytes() == (
        tmp_path / "two.dumpfilt" / "pages.bin"
    ).read_bytes()


def test_mistakes_are_told_without_a_traceback(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    path, short = write(tmp_path / "good", passing()), tmp_path / "short.key"
    short.write_bytes(b"too short")
    for arguments, told in (
        ((path, "-o", path), "already exists"),
        ((tmp_path / "none", "-o", tmp_path / "new"), "is not a recording"),
        ((path, "-o", tmp_path / "new", "--key", short), "is no key"),
        ((path, "-o", tmp_path / "new", "--key", tmp_path), "key"),
        ((path, "-o", tmp_path / "no" / "new"), "there is no folder"),
    ):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("dumpfilt: error: ")
        assert told in err
    assert sorted(one.name for one in tmp_path.iterdir()) == ["good.dumpfilt", "short.key"]


def test_of_a_damaged_recording_it_says_so(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    path = write(tmp_path / "cut", passing(), close=False)
    code, out, err = run(capsys, path, "-o", tmp_path / "new")
    assert code == 0
    assert "it was damaged, and the new recording says so: there is no footer" in err
    assert out.startswith("INCOMPLETE")


def test_a_recording_of_all_kinds_of_records(tmp_path: Path, capsys: "pytest.CaptureFixture[str]") -> None:
    path = write_small(tmp_path / "small")
    code, _, err = run(capsys, path, "-o", tmp_path / "new")
    assert code == 0, err
    old, new = list(read_recording(path)), list(read_recording(tmp_path / "new"))
    assert [type(one) for one in new] == [type(one) for one in old]
    assert [one for one in new if not hasattr(one, "entry")] == [
        one for one in old if not hasattr(one, "entry")
    ]


def test_the_readme_s_and_the_help_s_example(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pykd_dumpfilt", "scrub", "fixtures/forgets_last_sector.dumpfilt"),
            *("-o", str(tmp_path / "to_send")),
        ],
        cwd=str(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "DF-TRIP-001: 5 findings" in done.stdout
