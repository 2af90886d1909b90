"""Output that is not taken: a full disk behind ``>``, a closed stream, the file of a report."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import pytest

from pykd_dumpfilt.cli import main

from .failing_places import POSIX, ROOT, finished, forbidden_folder, small_file_system

pytestmark = POSIX

GOOD = "fixtures/aes_xts.dumpfilt"
BAD = "fixtures/forgets_last_sector.dumpfilt"
FULL = Path("/dev/full")


def shell(arguments: str, redirected: str) -> Tuple[int, str, str]:
    command = f'"{sys.executable}" -m pykd_dumpfilt {arguments} {redirected}'
    done = subprocess.run(
        ["sh", "-c", command], cwd=str(ROOT), capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments", [f"check {GOOD}", f"check {BAD}", f"show {GOOD}", f"show {GOOD} --call 3 --all", "rules"]
)
def test_results_that_cannot_be_printed_are_an_error_and_no_verdict(arguments: str) -> None:
    code, _, err = shell(arguments, ">/dev/full")
    assert (code, err) == (
        2,
        "dumpfilt: error: cannot print: No space left on device; what was printed is not all of it\n",
    )


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("path", "expected"), [(GOOD, 0), (BAD, 1), ("no-such.dumpfilt", 2)])
def test_notes_that_cannot_be_printed_cost_nothing(path: str, expected: int, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    code, out, _ = shell(f"check {path} -o {report}", "2>/dev/full")
    assert (code, out, report.exists()) == (expected, "", True)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize(("path", "expected"), [(GOOD, 0), (BAD, 1), ("no-such.dumpfilt", 2)])
def test_closed_streams_cost_nothing(path: str, expected: int, closed: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert shell(f"check {path} -o {report}", closed)[0] == expected
    assert report.read_text().rstrip().endswith("}")
    code, _, err = shell(f"check {path}", closed)
    assert code == expected
    assert "Traceback" not in err


def test_a_mistake_with_closed_streams_is_still_exit_code_2() -> None:
    assert shell("check", ">&- 2>&-")[0] == 2
    assert shell("--help", ">&- 2>&-")[0] == 0


# -- the file of a report ------------------------------------------------------------------------------------


def check_to(report: Path, program: str = "") -> Tuple[int, str, str]:
    return finished(["check", BAD, "-o", str(report)], program)


def left(folder: Path) -> List[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize("name", ["report.json", "report.xml", "report.sarif", "report.md", "report.html"])
def test_a_disk_that_fills_up_leaves_the_old_report(name: str, tmp_path: Path) -> None:
    report = tmp_path / name
    report.write_text("old")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))"
    if name == "report.html":
        # matplotlib keeps a cache of fonts.
        limit += f"; import os; os.environ['MPLCONFIGDIR'] = {str(tmp_path / 'fonts')!r}"
    code, out, err = check_to(report, limit)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"dumpfilt: error: cannot write {report}: File too large"
    assert report.read_text() == "old"
    assert [one for one in left(tmp_path) if one != "fonts"] == [name]


def test_a_disk_that_is_full_leaves_the_old_report() -> None:
    with small_file_system() as disk:
        report = disk / "report.json"
        report.write_text("old")
        (disk / "filler").write_bytes(bytes(240 * 1024))
        code, out, err = check_to(report)
        assert (code, out) == (2, "")
        assert err == f"dumpfilt: error: cannot write {report}: No space left on device\n"
        assert report.read_text() == "old"
        assert left(disk) == ["filler", "report.json"]


def test_killed_while_it_is_written_leaves_the_old_report(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text("old")
    code, _, _ = check_to(report, "import os; os.fsync = lambda file: os.kill(os.getpid(), 9)")
    assert code == -signal.SIGKILL
    assert report.read_text() == "old"
    # What it had written so far stands beside it, under a name that no other run takes.
    assert [one for one in left(tmp_path) if not one.startswith(".report.json.")] == ["report.json"]
    assert check_to(report)[0] == 1
    assert report.read_text().startswith("{")


def test_a_place_that_is_taken_away_during_the_work(capsys: "pytest.CaptureFixture[str]") -> None:
    """Asked beforehand one may write there; when it is written one may not any more."""
    if os.getuid() != 0:
        pytest.skip("only root can be two users at once")
    with forbidden_folder() as folder:
        # Asking looks at who we are (root), writing at whose rights we have (nobody's).
        os.setresuid(0, os.geteuid(), 0)
        code = main(["check", str(folder / "aes_xts.dumpfilt"), "-o", str(folder / "old.json")])
        out, err = capsys.readouterr()
        assert (code, out) == (2, "")
        assert err == f"dumpfilt: error: cannot write {folder / 'old.json'}: Permission denied\n"
        assert (folder / "old.json").read_text() == "old"
