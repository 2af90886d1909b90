"""The report for programs: "dumpfilt-report/1". Keys may be added; what is here keeps its meaning, which the
JSON Schema beside this module describes."""

from typing import Any, Dict, Optional

from ..checking import CheckResult, Report, WaiverUse
from ..recording import Scrubbed
from ..rules import Finding, RuleResult, Waiver
from ._json_text import json_text
from ._schemas import load_schema

__all__ = ["FORMAT", "render_json", "report_object", "schema", "scrubbed_object"]

FORMAT = "dumpfilt-report/1"


def schema() -> Dict[str, Any]:
    """The JSON Schema (2020-12) that every report is valid against; a new dict each time."""
    return load_schema("report")


def render_json(report: Report) -> str:
    """The report as indented ASCII text, keys in a stable order."""
    return json_text(report_object(report))


def report_object(report: Report) -> Dict[str, Any]:
    """The report as JSON values."""
    return {
        "format": FORMAT,
        "recordings": [_recording(result) for result in report.results],
        "waivers": [_use(use) for use in report.waivers],
        "unreadable": [{"path": one.path, "reason": one.reason} for one in report.unreadable],
    }


def _recording(checked: CheckResult) -> Dict[str, Any]:
    result = checked.result
    return {
        "path": checked.path,
        "verdict": result.verdict.value,
        "reasons": list(result.reasons),
        "filter": checked.filter,
        "scenario": result.scenario,
        "calls": result.calls,
        "left_out": checked.left_out,
        "scrubbed": scrubbed_object(checked.header.scrubbed),
        "rules": [_rule(rule) for rule in result.rules],
        "findings": [_finding(finding) for finding in result.findings],
        "damage": list(checked.damage),
    }


def scrubbed_object(scrubbed: Optional[Scrubbed]) -> Optional[Dict[str, str]]:
    """What replaced the contents; None where nothing did."""
    return None if scrubbed is None else {"tool": scrubbed.tool, "key": scrubbed.key}


def _rule(rule: RuleResult) -> Dict[str, Any]:
    return {
        "id": rule.rule,
        "level": rule.level.value,
        "statement": rule.statement,
        "outcome": rule.outcome.value,
        "calls_checked": rule.calls_checked,
        "found": rule.found,
        "waived": rule.waived,
        "reasons": list(rule.reasons),
        "notes": list(rule.notes),
    }


def _finding(finding: Finding) -> Dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level.value,
        "call": finding.call,
        "callback": finding.callback,
        "message": finding.message,
        "evidence": dict(finding.evidence),
        "waiver": _waiver(finding.waiver),
        "expired_waiver": _waiver(finding.expired_waiver),
    }


def _use(use: WaiverUse) -> Dict[str, Any]:
    return {
        "waiver": _waiver(use.waiver),
        "state": use.state,
        "findings": use.findings,
        "recordings": use.recordings,
    }


def _waiver(waiver: Optional[Waiver]) -> Optional[Dict[str, Any]]:
    if waiver is None:
        return None
    return {
        "rule": waiver.rule,
        "filter": waiver.filter,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "expires": waiver.expires.isoformat(),
        "platform": waiver.platform,
        "callback": waiver.callback,
        "line": waiver.line,
    }
