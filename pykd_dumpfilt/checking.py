"""From a recording on disk to a verdict."""

import datetime
import os
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type, Union

from .decoded import machine_of
from .recording import Call, Header, LoadedModule, Progress, Record, Recording, read_recording
from .rules import RULES, Judge, Result, Rule, Verdict, Waiver, Waivers, utc_today

__all__ = [
    "EXIT_FAIL",
    "EXIT_PASS",
    "EXIT_UNDECIDED",
    "EXIT_UNREADABLE",
    "CheckResult",
    "Report",
    "Seal",
    "Unreadable",
    "WaiverUse",
    "check",
    "check_recording",
    "use_of_waivers",
]

EXIT_PASS = 0
EXIT_FAIL = 1
EXIT_UNREADABLE = 2
EXIT_UNDECIDED = 3

_PROGRESS_EVERY = 256


@dataclass(frozen=True)
class Seal:
    """A recording's files as they are on disk, for whoever must know later that it is still the same one.

    Attributes:
        digests: SHA-256 of each whole file, by file name, as hexadecimal digits.
        problems: what does not agree with the digests that the recording itself holds; sentences.
    """

    digests: Mapping[str, str]
    problems: Tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckResult:
    """One recording, judged.

    Attributes:
        path: the recording's folder, or the zip that it is packed in.
        header: the recording's first line.
        result: what the rules say, one by one.
        damage: what is missing or wrong in the recording, as sentences.
        modules: the copies of the filter that were loaded, by number.
        lines: for each call that a finding names, the line of calls.jsonl that holds it, from 1.
        seal: None where it was not asked for.
        left_out: calls that were seen and, by the wish of who recorded, not captured.
        packed: whether it is in a zip.
    """

    path: str
    header: Header
    result: Result
    damage: Tuple[str, ...] = ()
    modules: Tuple[LoadedModule, ...] = ()
    lines: Mapping[int, int] = field(default_factory=dict)
    seal: Optional[Seal] = None
    left_out: int = 0
    packed: bool = False

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
    def waived(self) -> int:
        """Findings that waivers accept."""
        return self.result.waived

    @property
    def exit_code(self) -> int:
        """0 pass, 1 fail, 3 incomplete or not exercised."""
        return {Verdict.PASS: EXIT_PASS, Verdict.FAIL: EXIT_FAIL}.get(self.verdict, EXIT_UNDECIDED)


@dataclass(frozen=True)
class Unreadable:
    """What was asked for and could not be judged at all.

    Attributes:
        path: as it was given.
        reason: why not, a sentence.
    """

    path: str
    reason: str


@dataclass(frozen=True)
class WaiverUse:
    """What became of one waiver.

    Attributes:
        waiver: which one.
        state: "used", "unused" (no finding of any recording is one that it accepts) or "expired" (it accepts
            nothing any more).
        findings: how many findings it accepted (another waiver may accept them too), or would accept had it
            not expired.
        recordings: how many of the run's recordings are of its filter and platform.
    """

    waiver: Waiver
    state: str
    findings: int = 0
    recordings: int = 0


@dataclass(frozen=True)
class Report:
    """What one run says: all formats of a report are made from this.

    Attributes:
        results: the recordings, in the order they were asked for.
        waivers: every waiver that was given, in the order of their file.
        unreadable: what was asked for and is in no result.
    """

    results: Tuple[CheckResult, ...]
    waivers: Tuple[WaiverUse, ...] = ()
    unreadable: Tuple[Unreadable, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where any recording fails, else 2 where any cannot be read, else 3 where any does not pass,
        else 0."""
        codes = {result.exit_code for result in self.results}
        if self.unreadable:
            codes.add(EXIT_UNREADABLE)
        order = (EXIT_FAIL, EXIT_UNREADABLE, EXIT_UNDECIDED)
        return next((code for code in order if code in codes), EXIT_PASS)


def check(
    path: "Union[str, os.PathLike[str]]",
    progress: Optional[Callable[[Progress], None]] = None,
    waivers: Sequence[Waiver] = (),
    today: Optional[datetime.date] = None,
    seal: bool = False,
    own: Sequence[Type[Rule]] = (),
) -> CheckResult:
    """Judge a recording by all rules, in one pass::

        result = check("run.dumpfilt")
        if result.verdict is not Verdict.PASS:
            for finding in result.result.findings:
                print(finding.rule, finding.call, finding.message)

    Args:
        path: the recording's folder, or the zip that it is packed in.
        progress: called now and then with how far it has come (of a packed recording, first with how much of
            it is unpacked), and at the end.
        waivers: which findings do not count, for this recording and others.
        today: the day by which waivers expire; UTC's by default.
        seal: whether to hash and verify the whole recording as well, which reads all of it again.
        own: rules of one's own (:func:`~pykd_dumpfilt.rules.load_rules`), beside those of the package.

    Raises:
        RecordingError: there is no recording, its header cannot be read, or a newer version made it.
        SpoolError: there is no room for temporary data.
    """
    with read_recording(path, progress=progress) as recording:
        return check_recording(recording, progress, waivers, today, seal, own)


def check_recording(
    recording: Recording,
    progress: Optional[Callable[[Progress], None]] = None,
    waivers: Sequence[Waiver] = (),
    today: Optional[datetime.date] = None,
    seal: bool = False,
    own: Sequence[Type[Rule]] = (),
    observe: Optional[Callable[[Record], object]] = None,
) -> CheckResult:
    """The same of a recording that is open, and stays so.

    Args:
        observe: is given each record, before it is judged.

    Raises:
        RecordingError: it cannot be read.
        SpoolError: there is no room for temporary data.
    """
    header = recording.header
    engine = Judge(recording, machine_of(header), (*RULES, *own), Waivers(waivers, header, today))
    lines: Dict[int, int] = {}
    for number, record in enumerate(recording, 1):
        if observe is not None:
            observe(record)
        if engine.feed(record) and isinstance(record, Call):
            lines.setdefault(record.number, recording.line)
        if progress is not None and number % _PROGRESS_EVERY == 0:
            progress(recording.progress)
    if progress is not None:
        progress(recording.progress)
    footer = recording.footer
    damage = tuple(recording.damage)
    result = engine.finish(damage, footer.lost if footer else 0)
    modules = recording.modules
    return CheckResult(
        path=str(recording.path),
        header=header,
        result=result,
        damage=damage,
        modules=tuple(modules[number] for number in sorted(modules)),
        lines=_lines(recording, result, lines),
        seal=_seal(recording) if seal else None,
        left_out=footer.left_out if footer else 0,
        packed=recording.packed,
    )


def use_of_waivers(
    waivers: Sequence[Waiver], results: Sequence[CheckResult], today: Optional[datetime.date] = None
) -> Tuple[WaiverUse, ...]:
    """What became of each waiver over the recordings of a run, in the order of ``waivers``."""
    today = utc_today() if today is None else today
    uses: List[WaiverUse] = []
    for waiver in waivers:
        concerned = [result for result in results if waiver.concerns(result.header)]
        findings = sum(
            count
            for result in concerned
            for rule in result.result.rules
            for callback, count in rule.by_callback.items()
            if waiver.covers(rule.rule, callback)
        )
        state = "expired" if waiver.expired(today) else "used" if findings else "unused"
        uses.append(WaiverUse(waiver, state, findings, len(concerned)))
    return tuple(uses)


def _lines(recording: Recording, result: Result, passed: Mapping[int, int]) -> Mapping[int, int]:
    """Of the calls that findings name. ``passed``: those that were noted when they were judged."""
    lines = {}
    for number in {finding.call for finding in result.findings}:
        # A rule may find at one call, or at the end, what was wrong with another.
        line = passed[number] if number in passed else recording.line_of(number)
        if line is not None:
            lines[number] = line
    return lines


def _seal(recording: Recording) -> Seal:
    # The verdict is made before and does not change: every format of a report gives the same one.
    return Seal(recording.digests(), tuple(recording.verify()))
