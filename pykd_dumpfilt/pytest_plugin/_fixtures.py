"""Recordings for tests of the user's own."""

import contextlib
from pathlib import Path
from typing import Iterator, List

import pytest

from ..checking import CheckResult, Unreadable
from ..decoded import DecodedRecording, open_recording
from ..errors import DumpfiltError
from ..reports import printable
from ._judging import Judging, problems_of
from ._outcomes import Kind, of_recording
from ._search import find_recordings, matching, shown_path, without_doubles

__all__ = ["judged", "opened", "parametrize", "path_of"]

_NONE = (
    "no recording is named for this test: mark it with "
    '@pytest.mark.dumpfilt("recordings/*.dumpfilt"), run pytest --dumpfilt PATH, or write '
    "dumpfilt = PATH in pytest's configuration file"
)


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a recording once for each."""
    config = metafunc.config
    patterns = _patterns(metafunc.definition)
    paths = _marked(patterns, config.rootpath) if patterns else _asked(config)
    if paths:
        ids = [shown_path(path, config.rootpath) for path in paths]
        metafunc.parametrize("dumpfilt_path", paths, ids=ids, indirect=True)


def path_of(request: pytest.FixtureRequest) -> Path:
    """The recording that this run of the test is for."""
    path = getattr(request, "param", None)
    if path is None:
        pytest.fail(_NONE, pytrace=False)
    return Path(path)


@contextlib.contextmanager
def opened(path: Path, config: pytest.Config) -> Iterator[DecodedRecording]:
    """An open recording that is whole, unless that does not matter."""
    judging = _judging(config)
    shown = printable(judging.shown(path))
    try:
        recording = open_recording(path)
    except DumpfiltError as error:
        pytest.fail(printable(str(error)), pytrace=False)
    with recording:
        if judging.options.strict:
            problems = problems_of(recording.raw)
            if problems:
                lines = [f"{shown} is not whole (--dumpfilt-lenient lets that pass):"]
                lines += [f"  - {printable(one)}" for one in problems]
                pytest.fail("\n".join(lines), pytrace=False)
        yield recording


def judged(path: Path, config: pytest.Config) -> CheckResult:
    """What the rules say of a recording that is whole, unless that does not matter."""
    judging = _judging(config)
    result = judging.judged(path)
    said = of_recording(result, judging.options.strict)
    if isinstance(result, Unreadable) or said.kind is Kind.FAILED:
        pytest.fail(said.text, pytrace=False)
    return result


def _judging(config: pytest.Config) -> Judging:
    try:
        return Judging.of(config)
    except pytest.UsageError as error:
        # A run that judges nothing has not met its rules and waivers before.
        pytest.fail(str(error), pytrace=False)


def _patterns(definition: pytest.Item) -> List[object]:
    """Of the nearest markers: a test's own replace those of its module."""
    marked = list(definition.iter_markers_with_node("dumpfilt"))
    return [one for node, mark in marked if node is marked[0][0] for one in mark.args]


def _marked(patterns: List[object], root: Path) -> List[Path]:
    found: List[Path] = []
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern:
            raise pytest.Collector.CollectError(
                f"pytest.mark.dumpfilt takes patterns such as 'recordings/*.dumpfilt', not {pattern!r}"
            )
        one = matching(pattern, root)
        if not one:
            raise pytest.Collector.CollectError(
                f"pytest.mark.dumpfilt({pattern!r}): no recording matches in {root}"
            )
        found += one
    return sorted(without_doubles(found))


def _asked(config: pytest.Config) -> List[Path]:
    options = Judging.of(config).options
    try:
        found = [one for path in options.asked or options.usual for one in find_recordings(path)]
    except DumpfiltError as error:
        raise pytest.UsageError(str(error)) from error
    return without_doubles(found)
