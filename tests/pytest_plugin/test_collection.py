"""Which tests there are, and which of them run."""

import subprocess
import sys
from pathlib import Path

import pytest

from pykd_dumpfilt.rules import RULES

from .conftest import Run, ids, outcomes

BAD = "recordings/bad.dumpfilt"
GOOD = "recordings/good.dumpfilt"


def test_the_entry_point_is_there() -> None:
    # Of the installed package: python -m pip install -e '.[dev]' makes it anew.
    program = "import pytest, sys; sys.exit(pytest.main(['--version', '--version']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pykd-dumpfilt" in done.stdout + done.stderr


def test_silent_until_asked(project: Path) -> None:
    (project / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    ours = {one for one in sys.modules if one.startswith(('pykd_dumpfilt', 'construct'))}\n"
        "    assert ours == {'pykd_dumpfilt', 'pykd_dumpfilt.pytest_plugin',"
        " 'pykd_dumpfilt.pytest_plugin._options'}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=str(project), capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout


def test_one_test_for_each_rule(run: Run) -> None:
    found = ids(run("--dumpfilt", "recordings", "--collect-only", "-q"))
    names = ["recording", *(rule.id for rule in RULES)]
    assert found == [f"{path}::{name}" for path in (BAD, GOOD) for name in names]


def test_collecting_reads_nothing(run: Run, project: Path) -> None:
    (project / GOOD / "calls.jsonl").write_bytes(b"\0 no recording")
    found = ids(run("--dumpfilt", GOOD, "--collect-only", "-q"))
    assert len(found) == 1 + len(RULES)


def test_the_numbers_are_right(run: Run) -> None:
    result = run("--dumpfilt", "recordings", "-k", "TRIP")
    result.assert_outcomes(passed=1, failed=1, deselected=2 * len(RULES))
    total = 2 * len(RULES) + 2
    result.stdout.fnmatch_lines([f"collected {total} items / {total - 2} deselected / 2 selected"])


def test_with_tests_of_the_project(run: Run, project: Path) -> None:
    (project / "test_it.py").write_text("def test_it():\n    pass\n")
    result = run("--dumpfilt", GOOD, "--collect-only", "-q")
    assert ids(result)[0] == "test_it.py::test_it"
    assert len(ids(result)) == 2 + len(RULES)


@pytest.mark.parametrize("name", ["DF-TRIP-001", "recording"])
def test_an_id_is_an_argument(run: Run, name: str) -> None:
    assert list(outcomes(run("-v", f"{BAD}::{name}"))) == [f"{BAD}::{name}"]


def test_ids_and_recordings_as_arguments(run: Run, project: Path) -> None:
    (project / "test_it.py").write_text("def test_it():\n    pass\n\ndef test_other():\n    pass\n")
    assert len(ids(run(GOOD, "--collect-only", "-q"))) == 1 + len(RULES)
    mixed = run(f"{BAD}::DF-TRIP-001", "test_it.py::test_it", f"{BAD}::DF-REG-001", "--co", "-q")
    assert ids(mixed) == ["test_it.py::test_it", f"{BAD}::DF-REG-001", f"{BAD}::DF-TRIP-001"]


def test_an_id_narrows_the_option(run: Run) -> None:
    found = ids(run("--dumpfilt", "recordings", f"{BAD}::DF-TRIP-001", "--collect-only", "-q"))
    assert found == [f"{BAD}::DF-TRIP-001"]


def test_what_a_shell_makes_of_a_pattern(run: Run) -> None:
    # pytest --dumpfilt recordings/*
    assert len(ids(run("--dumpfilt", BAD, GOOD, "--collect-only", "-q"))) == 2 + 2 * len(RULES)


def test_unknown_tests_of_a_recording(run: Run) -> None:
    result = run(f"{BAD}::DF-TRIP-01")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"{BAD} has no test DF-TRIP-01; do you mean DF-TRIP-001?" in result.stderr.str()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "no recording at *nothing: no such file or folder"),
        ("empty", "no recording in *empty, nor below it"),
        ("file.txt", "no recording at *file.txt"),
    ],
)
def test_no_recording_is_an_error(run: Run, project: Path, path: str, message: str) -> None:
    (project / "empty").mkdir()
    (project / "file.txt").write_text("x")
    result = run("--dumpfilt", path)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}*"])


def test_names_without_ending_and_elsewhere(run: Run, project: Path, tmp_path: Path) -> None:
    assert ids(run("--dumpfilt", "recordings/good", "--co", "-q"))[0] == f"{GOOD}::recording"
    (project / "pytest.ini").write_text("[pytest]\n")
    away = tmp_path / "away.dumpfilt"
    (project / GOOD).rename(away)
    # pytest looks for its configuration file from whatever follows an option with a space.
    assert ids(run(f"--dumpfilt={away}", "--co", "-q"))[0] == f"{away.as_posix()}::recording"


def test_each_recording_once(run: Run) -> None:
    found = ids(run("--dumpfilt", "recordings", "--dumpfilt", f"./{BAD}", "--co", "-q", "-k", "TRIP"))
    assert found == [f"{BAD}::DF-TRIP-001", f"{GOOD}::DF-TRIP-001"]


def test_the_configuration_file(run: Run, project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\ndumpfilt = recordings/good.dumpfilt\n")
    (project / "tests").mkdir()
    (project / "tests" / "test_it.py").write_text("def test_it():\n    pass\n")
    everything = ids(run("--co", "-q"))
    assert everything[:2] == ["tests/test_it.py::test_it", f"{GOOD}::recording"]
    # What is named on the command line, and no more.
    assert ids(run("--co", "-q", "tests")) == ["tests/test_it.py::test_it"]
    assert ids(run("--co", "-q", "tests", ".")) == everything
    assert ids(run("--co", "-q", "recordings"))[0] == f"{GOOD}::recording"
    assert ids(run("--co", "-q", f"{BAD}::recording")) == [f"{BAD}::recording"]
    assert {one.partition("::")[0] for one in ids(run("--co", "-q", "--dumpfilt", BAD, "recordings"))} == {
        BAD
    }


def test_from_another_folder(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pytest.ini").write_text("[pytest]\ndumpfilt = recordings\n")
    monkeypatch.chdir(project / "recordings")
    found = outcomes(run("-v", "--rootdir", str(project), "--dumpfilt", "bad.dumpfilt", "-k", "TRIP"))
    assert found == {"bad.dumpfilt::DF-TRIP-001": "FAILED"}


def test_marks_and_the_last_failed(run: Run, project: Path) -> None:
    (project / "test_it.py").write_text("def test_it():\n    pass\n")
    assert len(ids(run("--dumpfilt", GOOD, "-m", "dumpfilt", "--co", "-q"))) == 1 + len(RULES)
    assert ids(run("--dumpfilt", GOOD, "-m", "not dumpfilt", "--co", "-q")) == ["test_it.py::test_it"]
    run("--dumpfilt", "recordings").assert_outcomes(passed=44, failed=1, skipped=18)
    run("--dumpfilt", "recordings", "--lf").assert_outcomes(failed=1)
    run("--dumpfilt", "recordings", "-x").assert_outcomes(passed=16, failed=1, skipped=8)


def test_strict_markers(run: Run) -> None:
    result = run("--strict-markers", "--strict-config", "-W", "error", "--dumpfilt", GOOD)
    assert result.ret == 0, result.stdout.str()


@pytest.mark.parametrize("mode", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_in_parallel(pytester: pytest.Pytester, project: Path, mode: str) -> None:
    pytest.importorskip("xdist")
    result = pytester.runpytest_subprocess("--dumpfilt", "recordings", "-n", "2", "--dist", mode)
    result.assert_outcomes(passed=43, failed=1, skipped=18)
    # As without: the whole text, and its first line in the summary.
    result.stdout.fnmatch_lines(
        [
            "DF-TRIP-001: Dump_Read gives back*",
            "*look at the call: dumpfilt show recordings/bad.dumpfilt --call 1",
            f"FAILED {BAD}::DF-TRIP-001 - call 1, Dump_Read: *",
        ]
    )


def test_an_id_in_parallel(pytester: pytest.Pytester, project: Path) -> None:
    pytest.importorskip("xdist")
    result = pytester.runpytest_subprocess(f"{BAD}::DF-TRIP-001", "-n", "1")
    result.assert_outcomes(failed=1)


def test_help(run: Run) -> None:
    text = run("--help").stdout.str()
    assert "recordings of dump filter drivers (pykd-dumpfilt):" in text
    for option in (
        "--dumpfilt=PATH",
        "--dumpfilt-rules=FILE",
        "--dumpfilt-waivers=FILE",
        "--dumpfilt-lenient",
    ):
        assert option in text
    for name in ("dumpfilt (linelist)", "dumpfilt_rules", "dumpfilt_waivers", "dumpfilt_strict (bool)"):
        assert name in text
    run("--markers").stdout.fnmatch_lines(["@pytest.mark.dumpfilt(pattern, ...): run the test once for *"])
    run("--fixtures").stdout.fnmatch_lines(["*recording -- *", "*dumpfilt_result -- *"])
