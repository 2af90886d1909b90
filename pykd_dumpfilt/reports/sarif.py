"""The report as SARIF 2.1.0, for code scanning.

One run holds all recordings. A result is a finding; its place is the line of calls.jsonl that holds the call,
and the callback of the filter. Text of a recording cannot become a link or a placeholder there.
"""

import os
from pathlib import PurePath
from typing import Any, Dict, Iterator, List
from urllib.parse import quote

from .. import __version__
from ..checking import EXIT_FAIL, EXIT_PASS, EXIT_UNREADABLE, CheckResult, Report, Unreadable
from ..recording import CALLS_NAME
from ..rules import RULES, Finding, RuleResult, Waiver
from ._fingerprint import FINGERPRINT, fingerprint
from ._json_text import json_text
from ._links import web_address
from ._phrases import scrubbed
from ._printable import printable
from ._waivers import describe_use, describe_waiver, waived_by

__all__ = ["render_sarif", "sarif_object"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NOTIFICATIONS = {
    "damage": "Part of a recording is missing or wrong.",
    "verdict": "Why the verdict on a recording is no pass.",
    "rule": "What a rule could not look at, and what else it has to say.",
    "unreadable": "A recording that was asked for could not be judged at all.",
}
_EXIT = {
    EXIT_PASS: "every recording passes",
    EXIT_FAIL: "a recording fails",
    EXIT_UNREADABLE: "a recording cannot be read",
}


def render_sarif(report: Report) -> str:
    """The report as indented ASCII text."""
    return json_text(sarif_object(report))


def sarif_object(report: Report) -> Dict[str, Any]:
    """The report as JSON values."""
    rules = _rules(report)
    order = [rule["id"] for rule in rules]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": _driver(rules)},
                "invocations": [_invocation(report)],
                "artifacts": [_artifact(result) for result in report.results],
                "results": [
                    _result(checked, index, finding, order)
                    for index, checked in enumerate(report.results)
                    for finding in checked.result.findings
                ],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _rules(report: Report) -> List[Dict[str, Any]]:
    """All of the package, and rules of the user's own that judged something."""
    known = [rule().finish() for rule in RULES]
    found = [rule for checked in report.results for rule in checked.result.rules]
    by_id = {rule.rule: rule for rule in [*known, *found]}
    return [_descriptor(rule) for rule in by_id.values()]


def _driver(rules: List[Dict[str, Any]]) -> Dict[str, Any]:
    return {
        "name": "pykd-dumpfilt",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": rules,
        "notifications": [
            {"id": name, "shortDescription": {"text": text}} for name, text in _NOTIFICATIONS.items()
        ],
    }


def _descriptor(rule: RuleResult) -> Dict[str, Any]:
    evidence = "".join(f" {key}: {what.rstrip('.')}." for key, what in rule.meanings.items())
    address = web_address(rule.source)
    return {
        "id": rule.rule,
        "shortDescription": _message(rule.statement),
        "fullDescription": _message(f"{rule.statement} Stated in {rule.source}.{evidence}"),
        **({"helpUri": address} if address else {}),
        "defaultConfiguration": {"level": rule.level.value},
        "properties": {"tags": [rule.family]},
    }


def _result(checked: CheckResult, artifact: int, finding: Finding, order: List[str]) -> Dict[str, Any]:
    physical: Dict[str, Any] = {"artifactLocation": {"uri": _place(checked), "index": artifact}}
    line = checked.lines.get(finding.call)
    # In a zip there is no file whose line it could be.
    if line is not None and not checked.packed:
        physical["region"] = {"startLine": line}
    name = printable(checked.filter)
    callback = printable(finding.callback)
    return {
        "ruleId": finding.rule,
        "ruleIndex": order.index(finding.rule) if finding.rule in order else -1,
        "level": finding.level.value,
        "message": _message(finding.message),
        "locations": [
            {
                "physicalLocation": physical,
                "logicalLocations": [
                    {"name": callback, "fullyQualifiedName": f"{name}!{callback}", "kind": "function"}
                ],
            }
        ],
        "partialFingerprints": {FINGERPRINT: fingerprint(checked.filter, finding)},
        # An empty list says that it was looked for a suppression and that there is none.
        "suppressions": [] if finding.waiver is None else [_suppression(finding.waiver)],
        "properties": {"call": finding.call, "filter": name, "evidence": dict(finding.evidence)},
    }


def _suppression(waiver: Waiver) -> Dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": printable(f"waived {waived_by(waiver)}"),
        "properties": {"owner": waiver.owner, "expires": waiver.expires.isoformat()},
    }


def _artifact(checked: CheckResult) -> Dict[str, Any]:
    header = checked.header
    artifact: Dict[str, Any] = {
        "location": {"uri": _place(checked)},
        "roles": ["analysisTarget"],
        "properties": {
            "verdict": checked.verdict.value,
            "filter": printable(checked.filter),
            "scenario": checked.scenario,
            "machine": printable(header.machine),
            "calls": checked.calls,
            "created": printable(header.created),
            "tool": printable(header.tool),
        },
    }
    replaced = scrubbed(header)
    if replaced is not None:
        artifact["properties"]["scrubbed"] = printable(replaced)
    if checked.seal is not None and CALLS_NAME in checked.seal.digests:
        artifact["hashes"] = {"sha-256": checked.seal.digests[CALLS_NAME]}
    return artifact


def _invocation(report: Report) -> Dict[str, Any]:
    notifications: List[Dict[str, Any]] = []
    for checked in report.results:
        notifications += _notifications(checked)
    notifications += [_unreadable(one) for one in report.unreadable]
    code = report.exit_code
    for use in report.waivers:
        if use.state != "used":
            told = f"the waiver of {describe_waiver(use.waiver)}: {describe_use(use)}"
            notifications.append(_notification("rule", "warning", told))
    return {
        "executionSuccessful": not report.unreadable,
        "exitCode": code,
        "exitCodeDescription": _EXIT.get(code, "nothing failed, but a recording does not pass"),
        "toolExecutionNotifications": notifications,
    }


def _notifications(checked: CheckResult) -> Iterator[Dict[str, Any]]:
    where = _place(checked)
    for text in checked.damage:
        yield _notification("damage", "error", text, where)
    for text in checked.result.reasons:
        # Damage is a reason too.
        if text not in checked.damage:
            yield _notification("verdict", "warning", text, where)
    for rule in checked.result.rules:
        for text in rule.reasons:
            yield _notification("rule", "note", f"{rule.rule}: {text}", where)


def _unreadable(one: Unreadable) -> Dict[str, Any]:
    return _notification("unreadable", "error", one.reason, _uri(PurePath(one.path) / CALLS_NAME))


def _notification(kind: str, level: str, text: str, uri: str = "") -> Dict[str, Any]:
    found: Dict[str, Any] = {"descriptor": {"id": kind}, "level": level, "message": _message(text)}
    if uri:
        found["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]
    return found


def _message(text: str) -> Dict[str, str]:
    """Plain text: braces doubled, as SARIF 2.1.0 3.11.5 says, and the end of a would-be link's text as an
    escape. The backslash of 3.11.6 would not do: one more before it in the text takes its effect away, and
    viewers are about that look for ``](`` alone."""
    plain = printable(text).replace("{", "{{").replace("}", "}}")
    return {"text": plain.replace("](", "\\x5d(")}


def _place(checked: CheckResult) -> str:
    """The file that holds the calls of a recording."""
    path = PurePath(checked.path)
    return _uri(path if checked.packed else path / CALLS_NAME)


def _uri(path: PurePath) -> str:
    """Of a file: relative where the path is, for a reader that has it at another place."""
    if path.is_absolute():
        return path.as_uri()
    return quote(os.fsencode(path.as_posix()), safe="/")
