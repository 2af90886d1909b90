"""Which recordings a run judges, and putting their tests among its tests.

Tests of recordings are no files that pytest could walk to: they hang below the session, wherever the
recordings are. What pytest makes of them then (-k, --lf, xdist, JUnit) is as for any test.
"""

import difflib
import os
from pathlib import Path
from typing import Any, Dict, Generator, List, Optional, Sequence

import pytest

from ..errors import DumpfiltError
from ._items import RecordingFile, RecordingItem
from ._judging import Judging
from ._options import names_a_recording
from ._outcomes import WHOLE
from ._search import find_recordings, is_recording, without_doubles

__all__ = ["RecordingTests"]

Wanted = Dict[Path, Optional[List[str]]]
"""Recordings, and of each the names of tests; None for all."""


class RecordingTests:
    """A plugin for a run that asks for recordings.

    Args:
        config: whose ``args`` lose what names recordings: pytest takes ``folder::name`` for a mistake.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._named: Wanted = {}
        self._others: List[str] = []
        for argument in config.args:
            if not self._take(argument):
                self._others.append(argument)
        # Whether the user said at all what to run; testpaths is what is run where nobody says.
        self._said = config.args_source is config.ArgsSource.ARGS
        config.args[:] = self._others

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Find mistakes before anything runs."""
        judging = Judging.of(self._config)
        try:
            self._wanted = self._find(judging)
        except DumpfiltError as error:
            raise pytest.UsageError(str(error)) from error
        names = [WHOLE, *(rule.id for rule in judging.rules)]
        for path, wanted in self._named.items():
            for name in wanted or ():
                if name not in names:
                    near = difflib.get_close_matches(name, names, 1)
                    hint = f"; do you mean {near[0]}?" if near else f": there are {', '.join(names)}"
                    raise pytest.UsageError(f"{judging.shown(path)} has no test {name}{hint}")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> "Generator[None, Any, None]":
        """Put the recordings below the session."""
        outcome = yield
        if isinstance(collector, pytest.Session):
            report = outcome.get_result()
            if report.passed:
                files = [RecordingFile.make(collector, path, names) for path, names in self._wanted.items()]
                report.result = [*report.result, *files]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> "Generator[None, Any, None]":
        """A skipped test is at its recording, not in this plugin."""
        outcome = yield
        report = outcome.get_result()
        if isinstance(item, RecordingItem) and report.skipped and isinstance(report.longrepr, tuple):
            report.longrepr = (*item.skipped_at(), report.longrepr[2])

    def _take(self, argument: str) -> bool:
        name, _, test = argument.partition("::")
        path = Path(os.path.normpath(self._config.invocation_params.dir / name))
        if not names_a_recording(argument) or not is_recording(path):
            return False
        if not test:
            self._named[path] = None
        else:
            tests = self._named.setdefault(path, [])
            if tests is not None:
                tests.append(test)
        return True

    def _find(self, judging: Judging) -> Wanted:
        """What is named on the command line. An id narrows what --dumpfilt names to itself; what the
        configuration file names is as if its tests were in these folders."""
        options = judging.options
        asked = _all(options.asked)
        if not asked and not (self._said and self._named and not self._others):
            asked = [path for path in _all(options.usual) if not self._said or self._is_under_argument(path)]
        if self._named and {*map(os.path.realpath, self._named)} <= {*map(os.path.realpath, asked)}:
            asked = []
        wanted: Wanted = {}
        for path in without_doubles([*self._named, *asked]):
            wanted[path] = self._named.get(path)
        return wanted

    def _is_under_argument(self, path: Path) -> bool:
        here = self._config.invocation_params.dir
        folders = [os.path.normpath(here / argument) for argument in self._others]
        return any(Path(folder) in (path, *path.parents) for folder in folders)


def _all(paths: Sequence[Path]) -> List[Path]:
    return [Path(os.path.normpath(one)) for path in paths for one in find_recordings(path)]
