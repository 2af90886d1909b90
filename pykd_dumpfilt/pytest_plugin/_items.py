"""The tests of one recording, as pytest's items."""

from pathlib import Path
from typing import Any, Iterator, Optional, Sequence, Tuple, Type

import pytest

from ..recording import CALLS_NAME
from ..rules import Rule
from . import DumpfiltWarning
from ._judging import Judging
from ._outcomes import WHOLE, Kind, Said, of_recording, of_rule
from ._search import shown_path

__all__ = ["RecordingFile", "RecordingItem"]

_SECTION = "dumpfilt"


class BrokenError(Exception):
    """A test of a recording failed."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.text)
        self.said = said


class RecordingFile(pytest.File):
    """A recording; collecting it reads nothing.

    Attributes:
        names: of the tests that are wanted; None for all.
    """

    names: Optional[Sequence[str]]
    judging: Judging

    @classmethod
    def make(cls, session: pytest.Session, path: Path, names: Optional[Sequence[str]]) -> "RecordingFile":
        """One, below the session and no folder: a recording may be anywhere."""
        node_id = shown_path(path, session.config.rootpath)
        found: RecordingFile = cls.from_parent(session, path=path, name=node_id, nodeid=node_id)
        found.names, found.judging = names, Judging.of(session.config)
        return found

    def collect(self) -> Iterator[pytest.Item]:
        """First whether it is whole, then the rules."""
        rules: Sequence[Optional[Type[Rule]]] = [None, *self.judging.rules]
        for rule in rules:
            name = WHOLE if rule is None else rule.id
            if self.names is None or name in self.names:
                item = RecordingItem.from_parent(self, name=name)
                item.rule = rule
                item.add_marker(pytest.mark.dumpfilt)
                yield item


class RecordingItem(pytest.Item):
    """What one rule says of a recording; without a rule, whether the recording is whole."""

    rule: Optional[Type[Rule]]

    def runtest(self) -> None:
        """Judge the recording, unless another test has had that done."""
        said = self._said()
        if said.kind is Kind.FAILED:
            raise BrokenError(said)
        if said.kind is Kind.XFAILED:
            # By its option --runxfail pytest makes xfail() do nothing.
            if not self.config.getoption("runxfail"):
                pytest.xfail(said.line)
            raise BrokenError(said)
        if said.kind is Kind.SKIPPED:
            pytest.skip(said.line)
        if said.kind is Kind.WARNED:
            try:
                self.warn(DumpfiltWarning(f"{self.name}: {said.line}"))
            except DumpfiltWarning:
                # It is the user's wish that warnings are errors.
                raise BrokenError(said) from None
        if said.text:
            self.add_report_section("call", _SECTION, said.text)

    def repr_failure(self, excinfo: "pytest.ExceptionInfo[BaseException]", style: Any = None) -> Any:
        """The report's text, and no traceback. In one line where pytest has but one."""
        if not isinstance(excinfo.value, BrokenError):
            return super().repr_failure(excinfo, style)
        # Of pytest's own kinds, for xdist sends no other from process to process.
        shown: Any = excinfo.getrepr(style="value", chain=False)
        if shown.reprcrash is not None:
            said = excinfo.value.said
            shown.reprcrash.message = said.line
            shown.reprcrash.path, shown.reprcrash.lineno = self._place(said)
        return shown

    def reportinfo(self) -> Tuple[Path, int, str]:
        """Where it is, and its title."""
        return self.path, 0, f"{self.name}: {self._parent_id}"

    def skipped_at(self) -> Tuple[str, int]:
        """The place that pytest tells where it is skipped."""
        return self._place(Said(Kind.SKIPPED))

    @property
    def _parent_id(self) -> str:
        return self.nodeid.rpartition("::")[0]

    def _place(self, said: Said) -> Tuple[str, int]:
        path = self.path if said.place == 0 else self.path / CALLS_NAME
        return str(path), max(1, said.place)

    def _said(self) -> Said:
        judging = Judging.of(self.config)
        judged, strict = judging.judged(self.path), judging.options.strict
        if self.rule is None:
            return of_recording(judged, strict)
        return of_rule(judged, self.rule, f"{self._parent_id}::{WHOLE}", strict)
