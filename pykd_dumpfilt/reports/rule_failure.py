"""What one rule found in one recording, with the bytes: for those who show a rule at a time."""

from typing import Iterator, List, Optional

from ..checking import CheckResult
from ..decoded import DecodedRecording, open_recording
from ..errors import DumpfiltError
from ..rules import Finding, RuleResult
from ._comparison import comparison_lines, comparisons
from ._finding import finding_lines
from ._phrases import counted, evidence_pairs, has_page, rule_command, show_command
from ._printable import printable, wrapped

__all__ = ["render_rule_failure"]

_LISTED_FINDINGS = 2
_LISTED_CALLS = 12
_LISTED_FACTS = 16
_MAX_FACT = 120
_COMPARED = frozenset({"expected", "got", "before", "after", "then", "now", "mapped", "physical"})
"""Keys of evidence whose values a comparison shows better."""


def render_rule_failure(checked: CheckResult, rule: RuleResult, program: str = "dumpfilt") -> str:
    """The findings of a rule, those first that no waiver accepts: each with its evidence and a hexdump of its
    place, where the recording can still be read; and the commands that show more.

    Args:
        program: how the user calls us.
    """
    return "\n".join(_lines(checked, rule, program))


def _lines(checked: CheckResult, rule: RuleResult, program: str) -> Iterator[str]:
    yield from wrapped(rule.statement, "  ", f"{rule.rule}: ")
    waived = f" ({rule.waived} waived)" if rule.waived else ""
    yield (
        f"{counted(rule.found, 'finding')}{waived} in {printable(checked.path)}: filter "
        f"{printable(checked.filter)}, {checked.scenario}, {printable(checked.header.machine)}"
    )
    findings = sorted(rule.findings, key=lambda one: one.waiver is not None)
    shown, rest = findings[:_LISTED_FINDINGS], findings[_LISTED_FINDINGS:]
    yield from _findings(checked, shown)
    if rule.found > len(shown):
        yield ""
        yield f"  and {counted(rule.found - len(shown), 'more finding')}{_calls(rest)}"
    if rule.unjudged:
        yield ""
        yield from (line for reason in rule.reasons for line in wrapped(reason, "    ", "  - "))
    yield ""
    yield "Next"
    # Not wrapped: commands are to be copied whole.
    if shown:
        yield f"  look at the call: {show_command(checked.path, shown[0].call, program)}"
    if has_page(rule.rule):
        yield f"  read why, with wrong and right code: {rule_command(rule.rule, program)}"
    else:
        yield from wrapped(f"the rule is yours; its source: {rule.source}", "    ", "  ")


def _findings(checked: CheckResult, findings: List[Finding]) -> Iterator[str]:
    try:
        recording = open_recording(checked.path)
    except (DumpfiltError, OSError, ValueError):
        # It was there when it was checked; what was found then is still true.
        for finding in findings:
            yield from _finding(finding, None)
        return
    with recording:
        # Findings are of the recording that was checked, and of no other.
        same = recording if recording.header == checked.header else None
        for finding in findings:
            yield from _finding(finding, same)


def _finding(finding: Finding, recording: Optional[DecodedRecording]) -> Iterator[str]:
    yield ""
    yield from finding_lines(finding)
    bytes_shown = comparisons(finding, recording)
    facts = [
        f"{printable(key)}: {printable(value, _MAX_FACT)}"
        for key, value in evidence_pairs(finding)
        if not (bytes_shown and key in _COMPARED)
    ]
    if facts:
        yield from wrapped("; ".join(facts[:_LISTED_FACTS]), "      ", "    ")
    for one in bytes_shown:
        yield from (f"    {line}" for line in comparison_lines(one))


def _calls(findings: List[Finding]) -> str:
    numbers = list(dict.fromkeys(finding.call for finding in findings))
    if not numbers:
        return ""
    more = ", ..." if len(numbers) > _LISTED_CALLS else ""
    return f": calls {', '.join(map(str, numbers[:_LISTED_CALLS]))}{more}"
