"""From what the rules say of a recording to what pytest says of a test."""

import enum
from dataclasses import dataclass
from typing import Tuple, Type, Union

from ..checking import CheckResult, Unreadable
from ..reports import counted, how_to_exercise, printable, render_rule_failure, show_command, waived_by
from ..rules import Finding, Level, Outcome, Rule, RuleResult, Verdict

__all__ = ["WHOLE", "Kind", "Said", "of_recording", "of_rule"]

WHOLE = "recording"
"""Name of the test that a recording is whole."""

_LISTED = 20
_MAX_FAULT = 8000


class Kind(enum.Enum):
    """What becomes of a test."""

    PASSED = "passed"
    WARNED = "warned"
    """Passed, with something that pytest's summary of warnings shows."""
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    FAILED = "failed"


@dataclass(frozen=True)
class Said:
    """What becomes of a test, and why.

    Attributes:
        line: the reason in one line; empty where there is none.
        text: all that is to be told; ``line`` where that is all.
        place: of the first finding: the line of calls.jsonl, from 1; 0 where there is none.
    """

    kind: Kind
    line: str = ""
    text: str = ""
    place: int = 0


def of_recording(judged: Union[CheckResult, Unreadable], strict: bool) -> Said:
    """Of the test that the recording is whole."""
    if isinstance(judged, Unreadable):
        return _said(Kind.FAILED, f"cannot be read: {judged.reason}")
    problems = _problems(judged)
    if problems:
        path = printable(judged.path)
        listed = [f"  - {printable(one)}" for one in problems[:_LISTED]]
        if len(problems) > _LISTED:
            listed.append(f"  - and {len(problems) - _LISTED} more")
        line = f"the recording is not whole: {printable(problems[0])}"
        text = [f"{path} is not whole:", *listed]
        if not strict:
            return Said(Kind.WARNED, line, "\n".join(text))
        text += [
            "",
            "Next",
            f"  see what is there: {show_command(judged.path)}",
            "  judge it as far as it can be read: pytest --dumpfilt-lenient",
        ]
        return Said(Kind.FAILED, line, "\n".join(text))
    if judged.verdict is Verdict.NOT_EXERCISED:
        return _said(Kind.SKIPPED, f"not exercised: {'; '.join(judged.result.reasons)}")
    calls = counted(judged.calls, "call")
    told = f"{judged.verdict.value.upper()}  {judged.path}: {calls}, {judged.scenario}"
    return Said(Kind.PASSED, text=printable(told))


def of_rule(judged: Union[CheckResult, Unreadable], judge: Type[Rule], whole: str, strict: bool) -> Said:
    """Of the test of one rule.

    Args:
        judge: the rule.
        whole: the id of the test that the recording is whole.
    """
    if isinstance(judged, Unreadable):
        return _said(Kind.FAILED, f"not judged: the recording cannot be read; see {whole}")
    rule = next(one for one in judged.result.rules if one.rule == judge.id)
    if rule.fault:
        return _fault(rule)
    if rule.outcome is Outcome.FAIL and rule.level is Level.ERROR:
        return _breach(Kind.FAILED, judged, rule)
    if strict:
        if rule.unjudged:
            return _incomplete(Kind.FAILED, rule)
        if _problems(judged):
            return _said(Kind.FAILED, f"cannot pass: the recording is not whole; see {whole}")
    if rule.outcome is Outcome.FAIL:
        return _breach(Kind.WARNED if rule.level is Level.WARNING else Kind.PASSED, judged, rule)
    if rule.outcome is Outcome.WAIVED:
        return _waived(judged, rule)
    if rule.outcome is Outcome.INCOMPLETE:
        return _incomplete(Kind.SKIPPED, rule)
    if rule.outcome is Outcome.NOT_EXERCISED:
        return _said(Kind.SKIPPED, _not_exercised(judged, rule, judge))
    return Said(Kind.PASSED)


def _problems(judged: CheckResult) -> Tuple[str, ...]:
    """Why a recording is not whole; what the digests say comes last."""
    seal = () if judged.seal is None else judged.seal.problems
    return tuple(dict.fromkeys((*judged.result.problems, *seal)))


def _said(kind: Kind, line: str) -> Said:
    return Said(kind, printable(line), printable(line))


def _incomplete(kind: Kind, rule: RuleResult) -> Said:
    what = f"{rule.rule} could not look at everything:"
    reasons = [f"  - {printable(one)}" for one in rule.reasons]
    return Said(kind, f"{what} {printable(rule.reasons[0])}", "\n".join([what, *reasons]))


def _not_exercised(judged: CheckResult, rule: RuleResult, judge: Type[Rule]) -> str:
    called = {name for names in judged.result.hits for name in names.split("|")}
    how = how_to_exercise(rule, called) or f"it judged no call of {' or '.join(judge.callbacks)}"
    return f"{rule.rule} not exercised: {how}"


def _fault(rule: RuleResult) -> Said:
    line = f"{rule.rule} has a fault: {printable(rule.fault.strip().splitlines()[-1])}"
    shown = [printable(one) for one in rule.fault[-_MAX_FAULT:].rstrip().splitlines()]
    return Said(Kind.FAILED, line, "\n".join([line, "", *shown]))


def _breach(kind: Kind, judged: CheckResult, rule: RuleResult) -> Said:
    first = next((one for one in rule.findings if one.waiver is None), None)
    line = f"{rule.rule}: {counted(rule.counting, 'finding')}" if first is None else _line(first)
    text = render_rule_failure(judged, rule)
    return Said(kind, line, text, 0 if first is None else judged.lines.get(first.call, 0))


def _line(finding: Finding) -> str:
    expired = "" if finding.expired_waiver is None else f" (waiver expired {finding.expired_waiver.expires})"
    return printable(f"call {finding.call}, {finding.callback}{expired}: {finding.message}")


def _waived(judged: CheckResult, rule: RuleResult) -> Said:
    waivers = dict.fromkeys(one.waiver for one in rule.findings if one.waiver is not None)
    line = f"{counted(rule.waived, 'finding')} waived {'; '.join(map(waived_by, waivers))}"
    return Said(Kind.XFAILED, printable(line), render_rule_failure(judged, rule))
