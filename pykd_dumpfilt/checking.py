"""From a recording on disk to a verdict."""

import os
from dataclasses import dataclass
from typing import Callable, Iterable, Optional, Tuple, Union

from .errors import RecordingError
from .recording import Header, open_recording
from .rules import Judge, Result, Verdict
from .structures import Machine

__all__ = ["EXIT_FAIL", "EXIT_PASS", "EXIT_UNDECIDED", "CheckResult", "check", "overall_exit_code"]

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_UNDECIDED = 3

_PROGRESS_EVERY = 256


@dataclass(frozen=True)
class CheckResult:
    """One recording, judged.

    Attributes:
        path: as given.
        header: the recording's first line.
        damage: what is missing or wrong in the recording, as sentences.
    """

    path: str
    header: Header
    result: Result
    damage: Tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Pass, fail, incomplete or not exercised."""
        return self.result.verdict

    @property
    def filter(self) -> str:
        """The driver's plain name."""
        return self.header.filter

    @property
    def scenario(self) -> str:
        """Which stacks' copies were at work."""
        return self.result.scenario

    @property
    def calls(self) -> int:
        """Calls judged."""
        return self.result.calls

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 incomplete or not exercised."""
        return {Verdict.PASS: EXIT_PASS, Verdict.FAIL: EXIT_FAIL}.get(self.verdict, EXIT_UNDECIDED)


def check(
    path: "Union[str, os.PathLike[str]]", progress: Optional[Callable[[int], None]] = None
) -> CheckResult:
    """Judge a recording by all rules, in one pass.

    Args:
        path: the recording's folder.
        progress: called now and then with the number of records judged so far.

    Raises:
        RecordingError: there is no recording, its header cannot be read, or a newer version made it.
    """
    with open_recording(path) as recording:
        engine = Judge(recording, _machine(recording.header))
        for number, record in enumerate(recording, 1):
            engine.feed(record)
            if progress is not None and number % _PROGRESS_EVERY == 0:
                progress(number)
        footer = recording.footer
        damage = tuple(recording.damage)
        result = engine.finish(damage, footer.lost if footer else 0)
        return CheckResult(os.fspath(path), recording.header, result, damage)


def overall_exit_code(results: Iterable[CheckResult]) -> int:
    """1 where any recording fails, else 3 where any does not pass, else 0."""
    codes = {result.exit_code for result in results}
    return EXIT_FAIL if EXIT_FAIL in codes else max(codes, default=EXIT_PASS)


def _machine(header: Header) -> Machine:
    try:
        return Machine(header.machine)
    except ValueError:
        known = ", ".join(machine.value for machine in Machine)
        raise RecordingError(
            f"the recording is of an unknown machine {header.machine!r}; this version knows {known}"
        ) from None
