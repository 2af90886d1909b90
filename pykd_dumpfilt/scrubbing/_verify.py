"""Whether two recordings are judged alike, but for what findings show of contents."""

from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ..checking import CheckResult
from ..rules import Finding, Outcome, RuleResult, Verdict

__all__ = ["CONTENTS", "differences"]

CONTENTS: Mapping[str, Tuple[str, ...]] = {
    "DF-ARGS-005": ("mapped", "physical"),
    "DF-CALL-003": ("registers",),
    "DF-READ-003": ("before", "after"),
    "DF-READ-004": ("then", "now"),
    "DF-TRIP-001": ("expected", "got"),
    "DF-WRITE-001": ("before", "after"),
    "DF-WRITE-004": ("mapped", "physical"),
}
"""By rule which keys of a finding's evidence hold contents, or values of registers."""

_LISTED = 8


def differences(before: CheckResult, after: CheckResult, damaged: bool) -> List[str]:
    """What is not the same, as sentences; the first of them. Of a damaged recording some rules may say that
    they cannot tell what they could tell of pages that nobody had to read."""
    found: List[str] = []
    for sentence in _differences(before, after, damaged):
        if len(found) == _LISTED:
            found.append("and more")
            break
        found.append(sentence)
    return found


def _differences(before: CheckResult, after: CheckResult, damaged: bool) -> Iterator[str]:
    one, two = before.result, after.result
    weaker = damaged and one.verdict is not Verdict.FAIL and two.verdict is Verdict.INCOMPLETE
    if one.verdict is not two.verdict and not weaker:
        yield f"the verdict is {two.verdict.value}, and was {one.verdict.value}"
    for what, old, new in (
        ("scenario", one.scenario, two.scenario),
        ("calls", one.calls, two.calls),
        ("hits", one.hits, two.hits),
        ("rules", [rule.rule for rule in one.rules], [rule.rule for rule in two.rules]),
    ):
        if old != new:
            yield f"{what}: {new}, and was {old}"
    for rule, other in zip(one.rules, two.rules):
        yield from _rule(rule, other, damaged)


def _rule(one: RuleResult, two: RuleResult, damaged: bool) -> Iterator[str]:
    name = one.rule
    weaker = damaged and one.outcome is not Outcome.FAIL and two.outcome is Outcome.INCOMPLETE
    if one.outcome is not two.outcome and not weaker:
        yield f"{name}: {two.outcome.value}, and was {one.outcome.value}"
    if dict(one.by_callback) != dict(two.by_callback):
        yield f"{name}: findings {dict(two.by_callback)}, and was {dict(one.by_callback)}"
    if not damaged:
        for what, old, new in (
            ("calls judged", one.calls_checked, two.calls_checked),
            ("not judged", one.unjudged, two.unjudged),
            ("notes", one.notes, two.notes),
        ):
            if old != new:
                yield f"{name}: {what}: {new}, and was {old}"
    for first, second in zip(one.findings, two.findings):
        if _kind(first) != _kind(second):
            yield f"{name}, call {first.call}: {_kind(second)}, and was {_kind(first)}"


def _kind(finding: Finding) -> Tuple[str, int, str, Dict[str, Any]]:
    contents = CONTENTS.get(finding.rule, ())
    evidence = {key: _shape(value) if key in contents else value for key, value in finding.evidence.items()}
    return finding.level.value, finding.call, finding.callback, evidence


def _shape(value: Any) -> Any:
    """What stays of contents: of bytes how many they are and which are 0; of registers which they are."""
    if isinstance(value, str):
        return "".join("00" if value[at : at + 2] == "00" else "xx" for at in range(0, len(value), 2))
    return [one.get("register") for one in value]
