"""What the template shows, in its order and in words: nothing is looked up or decided there."""

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from ...checking import CheckResult, Report
from ...rules import Finding, Level, RuleResult, Waiver
from .._comparison import Comparison, comparisons, shows_bytes
from .._links import web_address
from .._phrases import outcome_word, scrubbed, show_command
from .evidence import EvidenceTable, Fact, evidence_of
from .facts import Row, copies, environment
from .pictures import Picture, pictures
from .walk import Walk, walk

__all__ = ["MAX_HEXDUMPS", "FindingView", "Group", "RecordingView", "RuleView", "recording_views"]

MAX_HEXDUMPS = 50
_MAX_REASONS = 40
_MAX_COPIES = 12
_LEVELS = (Level.ERROR, Level.WARNING, Level.NOTE)


@dataclass(frozen=True)
class Reason:
    """Why the verdict is no pass, and where the findings are that it counts."""

    text: str
    anchor: str


@dataclass(frozen=True)
class RuleView:
    """A row of the table of rules; ``link`` is empty where the source is no page that may be linked to."""

    rule: RuleResult
    outcome: str
    link: str
    anchor: str


@dataclass(frozen=True)
class FindingView:
    """One finding with all that is shown of it; ``more`` says that its bytes are left out."""

    finding: Finding
    anchor: str
    facts: Sequence[Fact]
    tables: Sequence[EvidenceTable]
    command: str
    comparisons: Sequence[Comparison]
    more: bool

    @property
    def waiver(self) -> Optional[Waiver]:
        """The waiver that accepts it."""
        return self.finding.waiver


@dataclass(frozen=True)
class Group:
    """The findings of one rule; ``unlisted`` counts those that the rule did not keep."""

    rule: RuleResult
    anchor: str
    findings: Sequence[FindingView]
    unlisted: int

    @property
    def word(self) -> str:
        """What the findings are to be taken for."""
        return "waived" if self.rule.waived >= self.rule.found else str(self.rule.level.value)


@dataclass(frozen=True)
class RecordingView:
    """One recording; ``problem`` says why it could not be read once more, or not all of it, ``scrubbed`` that
    its contents were replaced (empty where they were not)."""

    checked: CheckResult
    anchor: str
    reasons: Sequence[Reason]
    reasons_left_out: int
    problem: str
    scrubbed: str
    rules: Sequence[RuleView]
    groups: Sequence[Group]
    pictures: Sequence[Picture]
    copies: Sequence[Sequence[Row]]
    copies_left_out: int
    environment: Sequence[Row]
    hexdumps_left_out: int


def recording_views(report: Report) -> Tuple[RecordingView, ...]:
    """One view for each recording of a report; reads each of them once more."""
    left = MAX_HEXDUMPS
    views = []
    for index, checked in enumerate(report.results, 1):
        view = _recording(checked, f"r{index}", left)
        left -= sum(bool(one.comparisons) for group in view.groups for one in group.findings)
        views.append(view)
    return tuple(views)


def _recording(checked: CheckResult, anchor: str, hexdumps: int) -> RecordingView:
    seen = walk(checked)
    try:
        return _view(checked, seen, anchor, hexdumps)
    finally:
        seen.close()


def _view(checked: CheckResult, seen: Walk, anchor: str, hexdumps: int) -> RecordingView:
    groups: List[Group] = []
    for rule in sorted(checked.result.rules, key=_weight):
        if rule.findings:
            group = _group(checked, rule, anchor, seen, hexdumps)
            hexdumps -= sum(bool(one.comparisons) for one in group.findings)
            groups.append(group)
    by_rule = {group.rule.rule: group.anchor for group in groups}
    reasons = checked.result.reasons
    return RecordingView(
        checked=checked,
        anchor=anchor,
        reasons=[
            Reason(reason, by_rule.get(reason.partition(":")[0], "")) for reason in reasons[:_MAX_REASONS]
        ],
        reasons_left_out=max(0, len(reasons) - _MAX_REASONS),
        problem=seen.problem,
        scrubbed=scrubbed(checked.header) or "",
        rules=[
            RuleView(rule, outcome_word(rule), web_address(rule.source), by_rule.get(rule.rule, ""))
            for rule in checked.result.rules
        ],
        groups=groups,
        pictures=pictures(checked, seen, anchor) if seen.recording is not None else (),
        copies=[copies(module, seen) for module in checked.modules[:_MAX_COPIES]],
        copies_left_out=max(0, len(checked.modules) - _MAX_COPIES),
        environment=environment(checked, seen),
        hexdumps_left_out=sum(one.more for group in groups for one in group.findings),
    )


def _weight(rule: RuleResult) -> Tuple[int, bool]:
    """Errors first, and what somebody has to act on before what is waived."""
    return _LEVELS.index(rule.level), rule.waived >= rule.found


def _group(checked: CheckResult, rule: RuleResult, anchor: str, seen: Walk, hexdumps: int) -> Group:
    views = []
    name = f"{anchor}-{rule.rule}"
    for index, finding in enumerate(sorted(rule.findings, key=lambda one: one.waiver is not None), 1):
        facts, tables = evidence_of(finding, rule.meanings)
        limited = hexdumps <= 0 and shows_bytes(finding)
        shown = [] if limited else comparisons(finding, seen.recording)
        hexdumps -= bool(shown)
        views.append(
            FindingView(
                finding=finding,
                anchor=f"{name}-{index}",
                facts=facts,
                tables=tables,
                command=show_command(checked.path, finding.call),
                comparisons=shown,
                more=limited,
            )
        )
    return Group(rule, name, views, max(0, rule.found - len(rule.findings)))
