"""Judging each recording of a run once, however many tests ask."""

import dataclasses
from pathlib import Path
from typing import Dict, Tuple, Type, Union

import pytest

from ..checking import CheckResult, Unreadable, check
from ..errors import DumpfiltError
from ..recording import Fault, Recording
from ..rules import RULES, Problems, Rule, Waiver, load_rules, load_waivers
from ._options import Options
from ._search import shown_path

__all__ = ["Judging", "problems_of"]


class Judging:
    """The rules and waivers of a run, and what they say of its recordings. Made by :meth:`of`.

    Attributes:
        options: what the user said.
        root: what ids are relative to.
        own: the user's rules.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.options = Options.of(config)
        self.root = config.rootpath
        self._here = config.invocation_params.dir
        try:
            self.own: Tuple[Type[Rule], ...] = load_rules(*self.options.rules)
            self._waivers: Tuple[Waiver, ...] = ()
            for path in self.options.waivers:
                self._waivers = load_waivers(path, self.own)
        except DumpfiltError as error:
            raise pytest.UsageError(str(error)) from error
        self._judged: Dict[Path, Union[CheckResult, Unreadable]] = {}

    @classmethod
    def of(cls, config: pytest.Config) -> "Judging":
        """The one of a run.

        Raises:
            pytest.UsageError: rules or waivers cannot be read.
        """
        if _KEY not in config.stash:
            config.stash[_KEY] = cls(config)
        return config.stash[_KEY]

    @property
    def rules(self) -> Tuple[Type[Rule], ...]:
        """All that judge, in the order of reports."""
        return (*RULES, *self.own)

    def shown(self, path: Path) -> str:
        """A recording as the user types it where he started pytest."""
        return shown_path(path, self._here)

    def judged(self, path: Path) -> Union[CheckResult, Unreadable]:
        """What the rules say of a recording, or why it cannot be judged."""
        if path not in self._judged:
            self._judged[path] = self._judge(path)
        return self._judged[path]

    def _judge(self, path: Path) -> Union[CheckResult, Unreadable]:
        try:
            result = check(path, waivers=self._waivers, seal=True, own=self.own)
        except (DumpfiltError, OSError) as error:
            return Unreadable(self.shown(path), str(error))
        return dataclasses.replace(result, path=self.shown(path))


def problems_of(recording: Recording) -> Tuple[str, ...]:
    """Why a recording is not whole; sentences. Reads all its lines."""
    problems = Problems()
    for record in recording:
        if isinstance(record, Fault):
            problems.fault(record)
    footer = recording.footer
    return problems.sentences(recording.damage, 0 if footer is None else footer.lost)


_KEY: "pytest.StashKey[Judging]" = pytest.StashKey()
