"""The table that proves the rules: each faulty filter is caught by its rule, no good filter is accused.

A faulty filter says in its first line which rule it breaks: ``/* breaks DF-READ-001: how */``. One after
which the machine cannot go on says so in its second line: ``/* ends early: why */``. Every filter runs in the
emulator, in both scenarios and with two seeds for each, and the recordings are judged as any other.
"""

import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple, Type

from pykd_dumpfilt.debugger import StopReason
from pykd_dumpfilt.emulator import EmulatorDebugger, Scenario, Stopped, Target
from pykd_dumpfilt.recording import read_recording
from pykd_dumpfilt.rules import RULES, Judge, Level, Result, Rule
from pykd_dumpfilt.structures import Machine
from pykd_dumpfilt.trace import Limits, record

from .errors import LabError
from .toolchain import build_filter, faulty_names, filter_names, filter_source

__all__ = ["SCENARIOS", "Row", "broken_rule", "ends_early", "prove", "render", "render_rules", "table"]

SCENARIOS = (
    Scenario("hibernate", seed=1, calls=16, pages=4),
    Scenario("hibernate", seed=2, calls=16, pages=4),
    Scenario("crash", seed=1, calls=16, pages=4),
    Scenario("crash", seed=2, calls=16, pages=4),
)
"""Enough that every size and every style of MDL is among the transfers, in both directions."""

# A fault of the lab's that is not in the folder of faulty filters.
_FAULTY_ELSEWHERE = {"forgets_last_sector": "DF-TRIP-001"}
_CLAIM = re.compile(r"/\* breaks (DF-[A-Z]+-\d{3}): \S.* \*/")
_ENDS_EARLY = re.compile(r"/\* ends early: \S.* \*/")
_AROUND = Limits(around=1)

Rules = Sequence[Type[Rule]]


@dataclass(frozen=True)
class Row:
    """What the rules say about one filter, over all scenarios.

    Attributes:
        filter: as for :func:`~tests.lab.toolchain.build_filter`.
        breaks: the rule that must catch it; None for a good filter.
        known: whether there is such a rule.
        count: findings of that rule; for a rule whose findings are notes, the notes.
        errors: findings of other rules at level error, by rule.
        warnings: the same at level warning.
        remark: what else a reader must know: where a scenario did not end, where a recording has damage.
    """

    filter: str
    breaks: Optional[str] = None
    known: bool = True
    count: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    remark: str = ""

    @property
    def caught(self) -> str:
        """Plain words for the table."""
        if self.breaks is None:
            return "ACCUSED" if self.errors else "good"
        if not self.known:
            return "no such rule yet"
        return "caught" if self.count else "NOT CAUGHT"

    @property
    def failed(self) -> bool:
        """Whether the rules do not do what they are for."""
        if self.remark:
            return True
        if self.breaks is None:
            return bool(self.errors)
        return self.known and not self.count


def broken_rule(name: str) -> Optional[str]:
    """The rule that a filter breaks, from the first line of its source; None for a good filter.

    Raises:
        LabError: there is no such filter, or a faulty one does not say which rule it breaks.
    """
    source = filter_source(name)
    if name not in faulty_names():
        return _FAULTY_ELSEWHERE.get(name)
    match = _CLAIM.fullmatch(_lines(source)[0])
    if match is None:
        raise LabError(
            f"{name}.c does not say what it breaks: its first line must be /* breaks DF-XXX-NNN: how */"
        )
    return match.group(1)


def ends_early(name: str) -> bool:
    """Whether a faulty filter's source says that the machine cannot go on after its fault."""
    return name in faulty_names() and _ENDS_EARLY.fullmatch(_lines(filter_source(name))[1]) is not None


def prove(name: str, rules: Rules = RULES, scenarios: Optional[Iterable[Scenario]] = None) -> Row:
    """Run one filter, in :data:`SCENARIOS` where nothing else is asked for, and judge what was recorded.

    Raises:
        LabError: see :func:`broken_rule` and :func:`~tests.lab.toolchain.build_filter`.
    """
    breaks = broken_rule(name)
    image = build_filter(name).read_bytes()
    count = 0
    errors: Dict[str, int] = {}
    warnings: Dict[str, int] = {}
    remarks: List[str] = []
    ended_early = False
    for scenario in SCENARIOS if scenarios is None else scenarios:
        result, stopped, problems = _run(name.rpartition("/")[2], image, scenario, rules)
        ended_early = ended_early or bool(stopped)
        if stopped and not ends_early(name):
            problems.insert(0, f"stopped: {stopped}")
        remarks += [f"{scenario.kind}, seed {scenario.seed}: {problem}" for problem in problems]
        for one in result.rules:
            if one.rule == breaks:
                count += one.found + (len(one.notes) if one.level is Level.NOTE else 0)
            elif one.found and one.level is not Level.NOTE:
                others = errors if one.level is Level.ERROR else warnings
                others[one.rule] = others.get(one.rule, 0) + one.found
    if ends_early(name) and not ended_early:
        remarks.append("every scenario ran to its end")
    return Row(
        filter=name,
        breaks=breaks,
        known=breaks is None or breaks in _ids(rules),
        count=count,
        errors=errors,
        warnings=warnings,
        remark="; ".join(remarks),
    )


def table(rules: Rules = RULES, progress: Optional[Callable[[int], None]] = None) -> List[Row]:
    """Every faulty filter in the order of the rules that they break, then every good one."""
    rows = []
    for number, name in enumerate([*faulty_names(), *filter_names()], 1):
        rows.append(prove(name, rules))
        if progress is not None:
            progress(number)
    return sorted(rows, key=lambda row: (row.breaks is None, row.breaks or "", row.filter))


def render(rows: Sequence[Row], rules: Rules = RULES) -> str:
    """The table in plain text, and what it comes to."""
    cells = [("filter", "breaks", "outcome", "findings", "findings of other rules")]
    cells += [
        (
            row.filter,
            row.breaks or "-",
            row.caught,
            "-" if row.breaks is None else str(row.count),
            _others(row),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[4]]).rstrip()
        for line in cells
    ]
    return "\n".join([*lines, "", *_total(rows, rules)]) + "\n"


def render_rules(rows: Sequence[Row], rules: Rules = RULES) -> str:
    """The same by rule, in plain text: which filters break it, and in which others it has findings."""
    lines = []
    for rule in rules:
        caught = [_short(row) for row in rows if row.breaks == rule.id and row.count]
        missed = [f"{_short(row)} (missed)" for row in rows if row.breaks == rule.id and not row.count]
        beside = [_short(row) for row in rows if rule.id in row.errors or rule.id in row.warnings]
        lines.append(f"{rule.id:<12}  {rule.level.value:<7}  {', '.join([*caught, *missed]) or '-'}")
        if beside:
            lines.append(f"{'':23}beside: {', '.join(beside)}")
    return "\n".join([*lines, "", *_total(rows, rules)]) + "\n"


def _total(rows: Sequence[Row], rules: Rules) -> Iterator[str]:
    faulty = [row for row in rows if row.breaks is not None and row.known]
    good = [row for row in rows if row.breaks is None]
    yield (
        f"{sum(row.count > 0 for row in faulty)} of {len(faulty)} faulty filters caught by their rule, "
        f"{sum(bool(row.errors) for row in good)} of {len(good)} good filters accused"
    )
    others = [sum([*row.errors.values(), *row.warnings.values()]) for row in faulty]
    yield (
        f"{sum(count > 0 for count in others)} of {len(faulty)} faulty filters have findings of other rules "
        f"too, {sum(others)} in all beside {sum(row.count for row in faulty)} of their own rule"
    )
    proven = {row.breaks for row in faulty if row.count}
    bare = [rule.id for rule in rules if rule.level is not Level.NOTE and rule.id not in proven]
    if bare:
        yield f"no fault is caught by {', '.join(bare)}"


def _short(row: Row) -> str:
    return row.filter.rpartition("/")[2]


def _lines(source: Path) -> List[str]:
    """The first two lines."""
    with source.open(encoding="ascii") as file:
        return [file.readline().rstrip("\n") for _ in range(2)]


def _run(name: str, image: bytes, scenario: Scenario, rules: Rules) -> Tuple[Result, str, List[str]]:
    """The judgement, why the machine stopped before the scenario's end (empty where it did not), and what is
    wrong with the recording."""
    target = Target(image, name, scenario)
    with tempfile.TemporaryDirectory() as folder:
        summary = record(EmulatorDebugger(target), name, Path(folder) / "run", limits=_AROUND)
        # A machine that stopped for good says so again; the debugger port does not tell a fault from an end.
        last = target.resume() if summary.stop.reason is StopReason.ENDED else None
        ended = isinstance(last, Stopped) and last.reason == "ended"
        stopped = "" if ended else summary.stop.detail or summary.stop.reason.value
        with read_recording(summary.path) as recording:
            judge = Judge(recording, Machine.X64, rules)
            for one in recording:
                judge.feed(one)
            return judge.finish(recording.damage), stopped, list(recording.damage)


def _ids(rules: Rules) -> Set[str]:
    return {rule.id for rule in rules}


def _others(row: Row) -> str:
    parts = [f"{rule} {count}" for rule, count in sorted(row.errors.items())]
    parts += [f"{rule} {count} (warning)" for rule, count in sorted(row.warnings.items())]
    if row.remark:
        parts.append(f"[{row.remark}]")
    return ", ".join(parts) or "-"
