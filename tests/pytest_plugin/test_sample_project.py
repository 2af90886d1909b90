"""docs/sample-project and docs/pytest.md do what they say, in a fresh environment."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest

from pykd_dumpfilt import check
from pykd_dumpfilt.rules import RULES

from ..once import once_in_a_run

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "docs" / "sample-project"
README = (SAMPLE / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
_PROGRAMS = Path("venv", "Scripts" if os.name == "nt" else "bin")
# pip's words where it gets at no index.
_UNREACHABLE = (
    "No matching distribution",
    "Could not find a version",
    "connection",
    "Network is unreachable",
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def done(command: List[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        command,
        cwd=str(folder),
        env={**kept, "COLUMNS": "80", "PYTHONPATH": "", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a virtual environment that holds what README.md installs, and xdist."""
    return once_in_a_run(tmp_path_factory, "fresh-environment", install) / _PROGRAMS


def install(folder: Path) -> None:
    """Make the environment in an empty folder."""
    source = folder / "source"
    source.mkdir()
    # pip builds beside the sources, and these may be in use by others.
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(str(ROOT / name), str(source / name))
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(str(ROOT / "pykd_dumpfilt"), str(source / "pykd_dumpfilt"), ignore=unwanted)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / _PROGRAMS / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    installed = done([*pip, f"{source}[pytest,waivers]", "pytest-xdist"], folder)
    if installed.returncode != 0:
        unreachable = any(word in installed.stderr for word in _UNREACHABLE)
        if unreachable and os.environ.get("DUMPFILT_LIVE") != "required":
            pytest.skip("pip reaches no package index, so nothing can be installed in a fresh environment")
        pytest.fail(installed.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the sample project."""
    unwanted = shutil.ignore_patterns("__pycache__", ".venv", ".pytest_cache")
    shutil.copytree(str(SAMPLE), str(tmp_path / "acme"), ignore=unwanted)
    return tmp_path / "acme"


@pytest.fixture
def run(environment: Path, project: Path) -> Run:
    """Runs pytest of the fresh environment in the copy."""

    def go(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return done([str(environment / "python"), "-m", "pytest", *arguments], project)

    return go


def outcomes(result: "subprocess.CompletedProcess[str]") -> Dict[str, str]:
    """Of a run with -v."""
    found = re.findall(r"^(\S+::\S+) (PASSED|FAILED|SKIPPED|XFAIL|ERROR)", result.stdout, re.MULTILINE)
    return {name: "xfailed" if word == "XFAIL" else word.lower() for name, word in found}


def promised(name: str) -> str:
    """What the table of README.md says of a test."""
    for pattern, outcome in re.findall(r"^\| `([^`]+)` \| (\w+) \|", README, re.MULTILINE):
        if fnmatchcase(name, pattern):
            return str(outcome)
    return "passed"


def test_it_passes_as_described(run: Run) -> None:
    result = run("-v")
    assert result.returncode == 0, result.stdout + result.stderr
    found = outcomes(result)
    assert found == {name: promised(name) for name in found}
    assert len(found) == 8 + 3 * (2 + len(RULES))
    assert set(found.values()) == {"passed", "skipped", "xfailed"}
    assert found["recordings/release-2.0.dumpfilt::ACME-001"] == "passed"


def test_the_nightly_build_fails_as_described(run: Run) -> None:
    result = run("-v", "--dumpfilt", "nightly")
    assert result.returncode == 1
    found = outcomes(result)
    assert found == {name: promised(name) for name in found}
    assert [name for name, outcome in found.items() if outcome == "failed"] == [
        "nightly/acmefilt-nightly.dumpfilt::DF-TRIP-001"
    ]


def test_in_parallel(run: Run) -> None:
    alone, parallel = run("-v"), run("-v", "-n", "2", "--dist", "loadfile")
    assert parallel.returncode == 0
    told = re.findall(r"(PASSED|SKIPPED|XFAIL)[^\n]* (\S+::\S+)", parallel.stdout)
    assert {name for _, name in told} == set(outcomes(alone))


def test_a_cut_recording_fails(run: Run, project: Path) -> None:
    lines = project / "recordings" / "release-2.0.dumpfilt" / "calls.jsonl"
    lines.write_bytes(lines.read_bytes()[:-200])
    result = run("-v", "recordings/release-2.0.dumpfilt")
    assert result.returncode == 1
    assert set(outcomes(result).values()) == {"failed"}


def console_blocks() -> List[Any]:
    found = []
    for name, text in (("README.md", README), ("pytest.md", PAGE)):
        for command, shown in re.findall(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", text, re.M | re.S):
            found.append(pytest.param(command, shown, id=f"{name}: {command}"))
    return found


@pytest.mark.parametrize(("command", "shown"), console_blocks())
def test_what_is_shown_is_real(run: Run, command: str, shown: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "pytest"
    rest = run(*arguments).stdout
    for part in shown.split("...\n"):
        place = rest.find(part)
        assert place >= 0, f"not in the output, or not in this order:\n{part}"
        rest = rest[place + len(part) :]


def python_blocks() -> Tuple[str, str, str]:
    """Of docs/pytest.md: a test of results, a test of one's own, a rule."""
    first, second, third = re.findall(r"^```python\n(.*?)^```$", PAGE, re.M | re.S)
    return first, second, third


def test_the_examples_of_the_page(run: Run, project: Path) -> None:
    result, own, rule = python_blocks()
    assert len([line for line in rule.splitlines() if line]) == 10
    (project / "tests" / "test_result.py").write_text(result)
    (project / "tests" / "test_own.py").write_text(own)
    (project / "whole_sectors.py").write_text(rule)
    found = outcomes(run("-v", "tests/test_own.py"))
    assert list(found.values()) == ["passed"] * 3
    found = outcomes(run("-v", "tests/test_result.py"))
    assert {name.partition("[")[2]: outcome for name, outcome in found.items()} == {
        "recordings/release-1.0.dumpfilt]": "passed",
        "recordings/release-2.0-crash.dumpfilt]": "failed",
        "recordings/release-2.0.dumpfilt]": "passed",
    }
    found = outcomes(
        run("-v", "--dumpfilt", "nightly", "--dumpfilt-rules", "whole_sectors.py", "-k", "ACME-002")
    )
    assert found == {"nightly/acmefilt-nightly.dumpfilt::ACME-002": "passed"}


def test_the_configuration_that_is_shown() -> None:
    (shown,) = re.findall(r"^```ini\n(.*?)^```$", PAGE, re.M | re.S)
    assert set(shown.splitlines()) <= set((SAMPLE / "pytest.ini").read_text().splitlines())
    (steps,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)
    assert "**/*.dumpfilt/** -text\n" in PAGE
    assert "**/*.dumpfilt/** -text\n" in (SAMPLE / ".gitattributes").read_text()
    workflow = (SAMPLE / "github-actions.yml").read_text()
    assert all(f"      {line}\n" in workflow for line in steps.splitlines())


def test_every_file_that_is_linked_to_is_there() -> None:
    for text, folder in ((README, SAMPLE), (PAGE, ROOT / "docs")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
            assert (folder / target).exists(), target


def test_the_recordings_are_small() -> None:
    recordings = sorted(SAMPLE.glob("*/*.dumpfilt"))
    assert len(recordings) == 4
    for path in recordings:
        assert sum(file.stat().st_size for file in path.iterdir()) < 100_000


def test_the_recordings_are_of_the_driver(tmp_path: Path) -> None:
    """What driver/record.sh makes is judged as what is there."""
    if shutil.which("x86_64-w64-mingw32-gcc") is None or shutil.which("bash") is None:
        pytest.skip("no compiler: apt-get install gcc-mingw-w64-x86-64")
    shutil.copytree(str(SAMPLE / "driver"), str(tmp_path / "driver"))
    program = tmp_path / "dumpfilt"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pykd_dumpfilt "$@"\n')
    program.chmod(0o755)
    for name in ("recordings", "nightly"):
        (tmp_path / name).mkdir()
    made = done(
        ["bash", "driver/record.sh"],
        tmp_path,
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=str(ROOT),
        HEADERS=str(ROOT / "tests" / "lab" / "filters"),
    )
    assert made.returncode == 0, made.stderr
    for path in sorted(SAMPLE.glob("*/*.dumpfilt")):
        there, new = check(path).result, check(tmp_path / path.relative_to(SAMPLE)).result
        assert [finding.message for finding in new.findings] == [one.message for one in there.findings]
        assert (new.verdict, new.hits, new.reasons) == (there.verdict, there.hits, there.reasons)
