"""A project with two recordings: a good filter's, and one of a filter that forgets the last sector."""

import re
from pathlib import Path
from typing import Callable, Dict, List

import pytest

from ..reports.examples import failing, passing, write

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """Its folder, which is the current one."""
    folder = pytester.path / "recordings"
    folder.mkdir()
    write(folder / "bad", failing())
    write(folder / "good", passing())
    return pytester.path


@pytest.fixture
def run(pytester: pytest.Pytester, project: Path) -> Run:
    """Runs pytest there, without what other plugins do, and with warnings that are none of our own run's."""

    def go(*arguments: str) -> pytest.RunResult:
        others = ("-p", "no:hypothesispytest", "-p", "no:randomly")
        return pytester.runpytest_inprocess(*others, "-W", "default", *arguments)

    return go


def outcomes(result: pytest.RunResult) -> Dict[str, str]:
    """Of a run with -v: id and outcome."""
    found = {}
    for line in result.outlines:
        match = re.match(r"(\S+::\S+) (PASSED|FAILED|SKIPPED|XFAIL|ERROR)", line)
        if match:
            found[match.group(1)] = match.group(2)
    return found


def ids(result: pytest.RunResult) -> List[str]:
    """Of a run with --collect-only -q."""
    return [line for line in result.outlines if "::" in line]
