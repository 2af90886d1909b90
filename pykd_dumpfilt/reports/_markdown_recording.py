"""What the checklist says of one recording."""

import datetime
import json
from typing import Iterator, List, Sequence, Tuple

from .. import __version__
from ..checking import CheckResult
from ..recording import CALLBACKS, CALLS_NAME, PAGES_NAME, LoadedModule
from ..rules import Finding, Level, Outcome, RuleResult, Verdict
from ._links import web_address
from ._markdown import escaped, table
from ._phrases import counted, evidence_pairs, how_to_exercise, left_out, scrubbed
from ._waivers import waived_by

__all__ = ["recording_section"]

_VERDICTS = {
    Verdict.PASS: "every rule held, and Dump_Read was exercised",
    Verdict.FAIL: "a rule at level error was broken",
    Verdict.INCOMPLETE: "nothing failed, but something could not be judged",
    Verdict.NOT_EXERCISED: "Dump_Read was never judged, so nothing is known about it",
}
_STACKS = (
    ("crash", "Crash dump stack: the `dump_` copy was at work"),
    ("hibernate", "Hibernation stack: the `hiber_` copy was at work"),
)
_LISTED_COPIES = 50
_LISTED_FINDINGS = 5


def recording_section(checked: CheckResult, number: int) -> Iterator[str]:
    """The lines of one recording's chapter."""
    verdict = checked.verdict
    yield f"## {number}. {escaped(checked.filter)}, {checked.scenario}: {verdict.value.upper()}"
    yield ""
    waived = counted(checked.waived, "finding")
    but = f", but for {waived} that waivers accept" if checked.waived else ""
    yield f"**{verdict.value.upper()}**: {_VERDICTS[verdict]}{but}."
    yield ""
    replaced = scrubbed(checked.header)
    if replaced is not None:
        yield f"**SCRUBBED**: {escaped(replaced)}."
        yield ""
    yield from _bullets(checked.result.reasons)
    yield from _environment(checked)
    yield from _filter(checked)
    yield from _steps(checked)
    yield from _rules(checked.result.rules)
    yield from _findings(checked.result.rules)
    yield from _not_exercised(checked.result.rules)
    yield from _remarks("Not judged", [(rule, rule.reasons) for rule in checked.result.rules])
    yield from _remarks("Notes and census", [(rule, rule.notes) for rule in checked.result.rules])


def _environment(checked: CheckResult) -> Iterator[str]:
    header = checked.header
    engine, version, target = (
        escaped(header.debugger.get(key, "unknown")) for key in ("engine", "version", "target")
    )
    rows = [
        ("Recording", escaped(checked.path)),
        ("Recorded", escaped(header.created)),
        ("Recorded with", escaped(header.tool)),
        ("Judged with", f"pykd-dumpfilt {__version__}"),
        ("Debugger engine", f"{engine} {version}"),
        ("Target", target),
        ("Machine", escaped(header.machine)),
        ("Trace options", escaped(json.dumps(header.options, sort_keys=True))),
        ("Left out on purpose", escaped(left_out(checked) or "nothing")),
        ("Contents", "**scrubbed**: not the machine's" if header.scrubbed else "as they were read"),
    ]
    seal = checked.seal
    if seal is None:
        rows.append(("Integrity", "not looked at"))
    else:
        for name in (CALLS_NAME, PAGES_NAME):
            digest = seal.digests.get(name)
            rows.append((f"SHA-256 of {name}", f"`{digest}`" if digest else "**the file cannot be read**"))
        problems = "; ".join(escaped(one) for one in seal.problems)
        rows.append(
            (
                "Integrity",
                f"**does not verify**: {problems}"
                if problems
                else "verifies: both files are as they were when the recording was closed",
            )
        )
    yield "### Environment"
    yield ""
    yield from table(("Item", "Value"), rows)


def _filter(checked: CheckResult) -> Iterator[str]:
    yield "### Filter"
    yield ""
    yield f"Driver {escaped(checked.filter)}. Copies that were loaded: {len(checked.modules)}."
    yield ""
    yield from table(
        ("Copy", "Base", "Size", "TimeDateStamp", "CheckSum", "PDB"),
        [_copy(module) for module in checked.modules[:_LISTED_COPIES]],
    )
    if len(checked.modules) > _LISTED_COPIES:
        yield f"and {len(checked.modules) - _LISTED_COPIES} more."
        yield ""
    yield "A linker that makes reproducible builds puts a hash in the place of the date."
    yield ""


def _copy(module: LoadedModule) -> Tuple[str, ...]:
    stamp = "unknown"
    if module.timestamp is not None:
        date = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=module.timestamp)
        stamp = f"{module.timestamp:#010x}" + (f" ({date.isoformat(' ')} UTC)" if module.timestamp else "")
    pdb = "none"
    if module.pdb is not None:
        pdb = f"{escaped(module.pdb.name)}, GUID {escaped(module.pdb.guid)}, age {module.pdb.age}"
    return (
        escaped(module.name),
        f"{module.base:#x}",
        f"{module.size:#x}",
        stamp,
        "unknown" if module.checksum is None else f"{module.checksum:#x}",
        pdb,
    )


def _steps(checked: CheckResult) -> Iterator[str]:
    yield "### Steps done"
    yield ""
    for name, told in _STACKS:
        yield f"- [{'x' if name in checked.scenario.split('+') else ' '}] {told}"
    hits = dict(checked.result.hits)
    for name in CALLBACKS:
        count = hits.pop(name, 0)
        yield f"- [{'x' if count else ' '}] {name}: {counted(count, 'call') if count else 'no call'}"
    for name, count in hits.items():
        yield f"- [x] {escaped(name)} (one address for several callbacks): {counted(count, 'call')}"
    yield ""


def _rules(rules: Tuple[RuleResult, ...]) -> Iterator[str]:
    yield "### Rules"
    yield ""
    yield from table(
        # What cannot be broken into lines keeps the column as wide as an id.
        ("Rule" + "&nbsp;" * 14, "Outcome", "Calls judged", "Findings", "Obligation"),
        [
            (
                _linked(rule),
                _outcome(rule),
                str(rule.calls_checked),
                f"{rule.found}" + (f" ({rule.waived} waived)" if rule.waived else ""),
                escaped(rule.statement),
            )
            for rule in rules
        ],
    )


def _linked(rule: RuleResult) -> str:
    address = web_address(rule.source)
    return f"[{escaped(rule.rule)}]({address})" if address else escaped(rule.rule)


def _outcome(rule: RuleResult) -> str:
    if rule.outcome is Outcome.FAIL:
        return "**FAIL**" if rule.level is Level.ERROR else f"**{rule.level.value}**"
    return f"**{rule.outcome.value}**" if rule.outcome is Outcome.INCOMPLETE else rule.outcome.value


def _findings(rules: Tuple[RuleResult, ...]) -> Iterator[str]:
    yield "### Findings"
    yield ""
    broken = [rule for rule in rules if rule.findings]
    if not broken:
        yield "None."
        yield ""
    for rule in broken:
        # What is still open first.
        findings = sorted(rule.findings, key=lambda finding: finding.waiver is not None)
        yield f"**{escaped(rule.rule)}** ({rule.level.value}), {counted(rule.found, 'finding')}:"
        yield ""
        for finding in findings[:_LISTED_FINDINGS]:
            yield from _finding(finding)
        if rule.found > _LISTED_FINDINGS:
            yield f"- and {rule.found - _LISTED_FINDINGS} more; the first 20 are in the JSON report"
        yield ""


def _finding(finding: Finding) -> Iterator[str]:
    yield f"- Call {finding.call}, {escaped(finding.callback)}: {escaped(finding.message)}"
    if finding.evidence:
        pairs = "; ".join(f"{escaped(key)}: {escaped(value)}" for key, value in evidence_pairs(finding))
        yield f"    - Evidence: {pairs}"
    if finding.waiver is not None:
        yield f"    - Waived {escaped(waived_by(finding.waiver))}"


def _not_exercised(rules: Tuple[RuleResult, ...]) -> Iterator[str]:
    yield "### Not exercised"
    yield ""
    missing = [rule for rule in rules if rule.outcome is Outcome.NOT_EXERCISED]
    if not missing:
        yield "None: every rule judged at least one call."
    else:
        yield (
            "Nobody asked these rules anything, so they say nothing about the filter. Some ask for more than "
            "a call: for a buffer that the filter puts in, for data that is read twice."
        )
        yield ""
    for rule in missing:
        how = how_to_exercise(rule)
        yield f"- [ ] {escaped(rule.rule)}: {escaped(rule.statement)}" + (f" How: {how}." if how else "")
    yield ""


def _remarks(title: str, remarks: List[Tuple[RuleResult, Tuple[str, ...]]]) -> Iterator[str]:
    lines = [f"{rule.rule}: {text}" for rule, texts in remarks for text in texts]
    if lines:
        yield f"### {title}"
        yield ""
        yield from _bullets(lines)


def _bullets(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield f"- {escaped(text)}"
    if texts:
        yield ""
