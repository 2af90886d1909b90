"""From a recording on disk to a verdict."""

import os
from dataclasses import dataclass
from typing import Callable, Optional, Tuple, Union

from .errors import RecordingError
from .recording import Header, LoadedModule, Progress, open_recording
from .rules import Judge, Result, Verdict, Waiver
from .structures import Machine

__all__ = ["EXIT_FAIL", "EXIT_PASS", "EXIT_UNDECIDED", "CheckResult", "Report", "WaiverUse", "check"]

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
        modules: the copies of the filter that were loaded, by number.
    """

    path: str
    header: Header
    result: Result
    damage: Tuple[str, ...] = ()
    modules: Tuple[LoadedModule, ...] = ()

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


@dataclass(frozen=True)
class WaiverUse:
    """What became of one waiver.

    Attributes:
        state: "used", "unused" (no finding of any recording is one that it accepts) or "expired" (it accepts
            nothing any more).
        findings: how many findings it accepted, or would accept had it not expired.
    """

    waiver: Waiver
    state: str
    findings: int = 0


@dataclass(frozen=True)
class Report:
    """What one run says: all formats of a report are made from this.

    Attributes:
        results: the recordings, in the order they were asked for.
        waivers: every waiver that was given, in the order of their file.
    """

    results: Tuple[CheckResult, ...]
    waivers: Tuple[WaiverUse, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where any recording fails, else 3 where any does not pass, else 0."""
        codes = {result.exit_code for result in self.results}
        return EXIT_FAIL if EXIT_FAIL in codes else max(codes, default=EXIT_PASS)


def check(
    path: "Union[str, os.PathLike[str]]", progress: Optional[Callable[[Progress], None]] = None
) -> CheckResult:
    """Judge a recording by all rules, in one pass.

    Args:
        path: the recording's folder.
        progress: called now and then with how far it has come, and at the end.

    Raises:
        RecordingError: there is no recording, its header cannot be read, or a newer version made it.
        SpoolError: there is no room for temporary data.
    """
    with open_recording(path) as recording:
        engine = Judge(recording, _machine(recording.header))
        for number, record in enumerate(recording, 1):
            engine.feed(record)
            if progress is not None and number % _PROGRESS_EVERY == 0:
                progress(recording.progress)
        if progress is not None:
            progress(recording.progress)
        footer = recording.footer
        damage = tuple(recording.damage)
        result = engine.finish(damage, footer.lost if footer else 0)
        modules = tuple(recording.modules[number] for number in sorted(recording.modules))
        return CheckResult(os.fspath(path), recording.header, result, damage, modules)


def _machine(header: Header) -> Machine:
    try:
        return Machine(header.machine)
    except ValueError:
        known = ", ".join(machine.value for machine in Machine)
        raise RecordingError(
            f"the recording is of an unknown machine {header.machine!r}; this version knows {known}"
        ) from None
