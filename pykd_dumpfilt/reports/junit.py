"""The report as JUnit XML, for CI systems: the xunit2 form (junit-10.xsd of Jenkins' xUnit plugin).

A test suite is a recording, a test case is a rule over it. What a CI job makes of a rule's outcome:

==================== ======================================================================================
fail, at level error ``failure``
fail, else           passed, with the findings in ``system-out``: a warning fails nothing here as elsewhere
waived               ``skipped``, with the waiver
not exercised        ``skipped``: nobody asked this rule, and it must not look like a pass
incomplete           ``error``: something that belongs to the recording could not be looked at, and a job
                     that goes green on it would hide what it lost
==================== ======================================================================================

Each suite begins with a case of its own for the recording as a whole: ``error`` where it is damaged or
incomplete, which no single rule may show, and ``skipped`` where it says nothing about Dump_Read. What cannot
be read at all is a suite with one ``error``.
"""

from pathlib import PurePath
from typing import Iterable, Iterator, List, Optional, Sequence
from xml.etree import ElementTree

from ..checking import CheckResult, Report, Unreadable, WaiverUse
from ..recording import PACKED_SUFFIX
from ..rules import Finding, Level, Outcome, RuleResult, Verdict
from ._phrases import counted, evidence_pairs, scrubbed
from ._printable import printable
from ._waivers import describe_use, describe_waiver, waived_by

__all__ = ["render_junit"]

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render_junit(report: Report) -> str:
    """The report as XML, with its declaration, in UTF-8."""
    suites = [_suite(result, name) for result, name in zip(report.results, _names(report.results))]
    suites += [_unreadable(one) for one in report.unreadable]
    if report.waivers:
        suites.append(_waivers(report.waivers))
    root = ElementTree.Element("testsuites", {"name": "pykd-dumpfilt"})
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    _break_lines(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _names(results: Sequence[CheckResult]) -> List[str]:
    """The class name of each recording's cases. Jenkins takes what is before the last dot as a package: the
    filter. CI systems merge cases of equal names, so recordings of one name are told apart by their path."""
    stems = [_stem(result.path) or result.path for result in results]
    names = []
    for result, stem in zip(results, stems):
        name = stem if stems.count(stem) == 1 else result.path
        names.append(f"{_undotted(result.filter)}.{_undotted(name)}")
    return [name if names.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(names, 1)]


def _stem(path: str) -> str:
    """The recording's own name, packed or not."""
    name = PurePath(path).name
    return name[: -len(PACKED_SUFFIX)] if name.endswith(PACKED_SUFFIX) else PurePath(path).stem


def _undotted(text: str) -> str:
    return printable(text).replace(".", "_")


def _suite(checked: CheckResult, class_name: str) -> ElementTree.Element:
    header = checked.header
    suite = ElementTree.Element("testsuite", {"name": printable(checked.path)})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("verdict", checked.verdict.value),
        ("filter", checked.filter),
        ("scenario", checked.scenario),
        ("machine", header.machine),
        ("timestamp", header.created),
        ("calls", str(checked.calls)),
        ("tool", header.tool),
        ("debugger", " ".join(header.debugger.get(key, "") for key in ("engine", "version")).strip()),
        ("target", header.debugger.get("target", "")),
        ("scrubbed", scrubbed(header)),
    ):
        if value is not None:
            ElementTree.SubElement(properties, "property", {"name": name, "value": printable(value)})
    _whole(suite, class_name, checked)
    for rule in checked.result.rules:
        _rule(suite, class_name, rule)
    # To the second and without a zone, as the schemas of some readers want it.
    _finish(suite, timestamp=printable(header.created)[:19])
    return suite


def _whole(suite: ElementTree.Element, class_name: str, checked: CheckResult) -> None:
    case = _case(suite, class_name, "The recording is complete, and Dump_Read was exercised")
    reasons = checked.result.reasons
    if checked.verdict is Verdict.INCOMPLETE or checked.damage:
        _outcome(case, "error", "incomplete", checked.damage[:1] or reasons[:1], reasons)
    elif checked.verdict is Verdict.NOT_EXERCISED:
        _outcome(case, "skipped", "not exercised", reasons[:1], reasons)


def _rule(suite: ElementTree.Element, class_name: str, rule: RuleResult) -> None:
    case = _case(suite, class_name, f"{rule.rule} {rule.statement.rstrip('.')}")
    waived = [finding for finding in rule.findings if finding.waiver is not None]
    open_ones = [finding for finding in rule.findings if finding.waiver is None]
    if rule.outcome is Outcome.FAIL and rule.level is Level.ERROR:
        first = open_ones[0].message if open_ones else rule.statement
        more = rule.found - rule.waived - 1
        head = f"{first} (and {counted(more, 'more finding')})" if more > 0 else first
        _outcome(case, "failure", rule.rule, [head], _findings(open_ones, rule))
    elif rule.outcome is Outcome.INCOMPLETE:
        _outcome(case, "error", "incomplete", rule.reasons[:1], rule.reasons)
    elif rule.outcome is Outcome.NOT_EXERCISED:
        why = rule.reasons[:1] or ["not exercised: the recording holds no call that this rule could judge"]
        _outcome(case, "skipped", "not exercised", why, rule.reasons[1:])
    elif rule.outcome is Outcome.WAIVED:
        texts = dict.fromkeys(waived_by(one.waiver) for one in waived if one.waiver is not None)
        _outcome(case, "skipped", "waived", ["waived " + "; ".join(texts)], ())
    beside: List[str] = []
    if rule.outcome is Outcome.FAIL and rule.level is not Level.ERROR:
        beside += [f"{rule.level.value}: {counted(rule.found - rule.waived, 'finding')}"]
        beside += _findings(open_ones, rule)
    beside += _findings(waived, None)
    beside += [f"note: {note}" for note in rule.notes]
    if beside:
        ElementTree.SubElement(case, "system-out").text = _lines(beside)


def _findings(findings: Sequence[Finding], rule: Optional[RuleResult]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.level.value} {finding.rule}, call {finding.call}, {finding.callback}"
        yield f"  {finding.message}"
        for key, value in evidence_pairs(finding):
            yield f"  {key}: {value}"
        if finding.waiver is not None:
            yield f"  waived {waived_by(finding.waiver)}"
    if rule is not None:
        yield from rule.reasons
        yield f"source: {rule.source}"


def _unreadable(one: Unreadable) -> ElementTree.Element:
    suite = ElementTree.Element("testsuite", {"name": printable(one.path)})
    case = _case(suite, _undotted(_stem(one.path)), "The recording can be read")
    _outcome(case, "error", "unreadable", [one.reason], ())
    _finish(suite)
    return suite


def _waivers(uses: Sequence[WaiverUse]) -> ElementTree.Element:
    """A waiver that is out of date fails nothing by itself: the finding that it no longer covers does."""
    suite = ElementTree.Element("testsuite", {"name": "waivers"})
    for use in uses:
        case = _case(suite, "waivers", describe_waiver(use.waiver))
        told = f"{describe_use(use)} (reason: {use.waiver.reason})"
        if use.state == "used":
            ElementTree.SubElement(case, "system-out").text = _lines([told])
        else:
            _outcome(case, "skipped", use.state, [told], ())
    _finish(suite)
    return suite


def _case(suite: ElementTree.Element, class_name: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": class_name, "name": printable(name)})


def _outcome(
    case: ElementTree.Element, kind: str, what: str, message: Sequence[str], body: Iterable[str]
) -> None:
    element = ElementTree.SubElement(
        case, kind, {"type": what, "message": printable(message[0] if message else what)}
    )
    element.text = _lines(body) or None


def _finish(suite: ElementTree.Element, **attributes: str) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in _COUNTED.items():
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", "0")
    for name, value in attributes.items():
        suite.set(name, value)


def _lines(texts: Iterable[str]) -> str:
    """What XML can hold: every line is free of control characters, and of what is no character."""
    return "\n".join(printable(text) for text in texts)


def _break_lines(root: ElementTree.Element) -> None:
    """One element a line, so that two reports can be compared by lines. Only where no text is."""
    for element in root.iter():
        if len(element):
            element.text = "\n"
            for child in element:
                child.tail = "\n"
