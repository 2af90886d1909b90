"""The report for a terminal: the verdict first, then why, then what to do."""

from typing import Iterator, List, Sequence

from ..checking import CheckResult, Report, Unreadable, WaiverUse
from ..rules import Finding, Level, RuleResult, Verdict
from ._finding import finding_lines
from ._links import Line, Link, plain
from ._phrases import counted, has_page, left_out, outcome_word, rule_command, scrubbed, show_command
from ._printable import printable, wrapped
from ._waivers import describe_use, describe_waiver

__all__ = ["render_text", "text_lines"]

_ID_WIDTH = 12
_OUTCOME_WIDTH = 13
_LISTED_REASONS = 12
_LISTED_FINDINGS = 10
_LISTED_WAIVERS = 20


def render_text(report: Report) -> str:
    """One section for each recording, one for waivers that are expired or unused, and a last line where
    there are several recordings."""
    return "\n".join(plain(line) for line in text_lines(report, "dumpfilt"))


def text_lines(report: Report, program: str) -> List[Line]:
    """The same, with the commands that it names as links.

    Args:
        program: how the user calls us.
    """
    sections: List[List[Line]] = [list(_section(result, program)) for result in report.results]
    sections += [[[line] for line in _unreadable(one)] for one in report.unreadable]
    recordings = len(sections)
    stale = [use for use in report.waivers if use.state != "used"]
    if stale:
        sections.append([[line] for line in _waivers(stale)])
    if recordings > 1:
        sections.append([[_summary(report)]])
    lines: List[Line] = []
    for section in sections:
        lines += [[""], *section] if lines else section
    return lines


def _unreadable(one: Unreadable) -> Iterator[str]:
    yield f"UNREADABLE  {printable(one.path)}"
    yield from wrapped(one.reason, "    ", "  - ")


def _section(checked: CheckResult, program: str) -> Iterator[Line]:
    yield from ([line] for line in _judged(checked))
    advice = _advice(checked, program)
    if advice:
        yield [""]
        yield ["Next"]
        # Not wrapped: commands are to be copied whole.
        yield from (["  ", *line] for line in advice)


def _judged(checked: CheckResult) -> Iterator[str]:
    result = checked.result
    waived = f" ({counted(result.waived, 'finding')} waived)" if result.waived else ""
    yield f"{result.verdict.value.upper()}{waived}  {printable(checked.path)}"
    yield (
        f"  filter {printable(checked.filter)}, {result.scenario}, {printable(checked.header.machine)}, "
        f"{_calls(checked)}"
    )
    replaced = scrubbed(checked.header)
    if replaced is not None:
        yield from wrapped(f"scrubbed: {replaced}", "    ", "  ")
    less = left_out(checked)
    if less is not None:
        yield from wrapped(f"captured less on purpose: {less}", "    ", "  ")
    for reason in result.reasons[:_LISTED_REASONS]:
        yield from wrapped(reason, "    ", "  - ")
    if len(result.reasons) > _LISTED_REASONS:
        yield f"  - and {len(result.reasons) - _LISTED_REASONS} more"
    if result.findings:
        yield ""
        yield "Findings"
        for finding in sorted(result.findings, key=_is_waived)[:_LISTED_FINDINGS]:
            yield from finding_lines(finding)
        if len(result.findings) > _LISTED_FINDINGS:
            yield f"  and {len(result.findings) - _LISTED_FINDINGS} more: --format json lists them"
    yield ""
    yield "Rules"
    for rule in result.rules:
        yield from _rule(rule)
    notes = [(rule.rule, note) for rule in result.rules for note in rule.notes]
    if notes:
        yield ""
        yield "Notes"
        for rule_id, note in notes:
            yield from wrapped(f"{rule_id}: {note}", "    ", "  ")


def _calls(checked: CheckResult) -> str:
    if not checked.calls:
        return "no calls"
    hits = ", ".join(f"{count} {printable(name)}" for name, count in checked.result.hits.items())
    return f"{checked.calls} calls ({hits})"


def _is_waived(finding: Finding) -> bool:
    return finding.waiver is not None


def _rule(rule: RuleResult) -> Iterator[str]:
    head = (
        f"  {rule.rule:{_ID_WIDTH}}  {outcome_word(rule):{_OUTCOME_WIDTH}}  {rule.calls_checked:>7} checked  "
    )
    yield from wrapped(rule.statement, " " * len(head), head)
    for reason in rule.reasons:
        yield from wrapped(reason, "      ", "    - ")


def _advice(checked: CheckResult, program: str) -> List[Line]:
    errors = [one for one in checked.result.findings if one.level is Level.ERROR and not one.waiver]
    if errors:
        show = Link(show_command(checked.path, errors[0].call, program))
        lines: List[Line] = [["look at the first error: ", show]]
        if has_page(errors[0].rule):
            link = Link(rule_command(errors[0].rule, program))
            lines.append(["read why it is one, with wrong and right code: ", link])
        return lines
    if checked.verdict is Verdict.INCOMPLETE:
        return [["record again, or see what is there: ", Link(show_command(checked.path, program=program))]]
    return []


def _waivers(stale: Sequence[WaiverUse]) -> Iterator[str]:
    yield "Waivers"
    for use in stale[:_LISTED_WAIVERS]:
        yield from wrapped(f"{describe_waiver(use.waiver)}: {describe_use(use)}", "    ", "  ")
    if len(stale) > _LISTED_WAIVERS:
        yield f"  and {len(stale) - _LISTED_WAIVERS} more: --format json lists them"


def _summary(report: Report) -> str:
    parts = []
    for verdict in (Verdict.FAIL, Verdict.INCOMPLETE, Verdict.NOT_EXERCISED, Verdict.PASS):
        number = sum(result.verdict is verdict for result in report.results)
        if number:
            parts.append(f"{number} {verdict.value}")
    if report.unreadable:
        parts.append(f"{len(report.unreadable)} unreadable")
    waived = sum(result.waived for result in report.results)
    recordings = len(report.results) + len(report.unreadable)
    told = f"; {counted(waived, 'finding')} waived" if waived else ""
    return f"{recordings} recordings: {', '.join(parts)}{told}"
