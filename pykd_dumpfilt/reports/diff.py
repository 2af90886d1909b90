"""What differs between two recordings: for people, and for programs ("dumpfilt-diff/1", which
diff.schema.json describes: keys may be added; what is here keeps its meaning)."""

from typing import Any, Dict, Iterator, Optional

from ..checking import CheckResult
from ..handling import Comparison, Difference, Value
from ..rules import Finding
from ._json_text import json_text
from ._phrases import show_command
from ._printable import printable, wrapped

__all__ = ["comparison_json", "render_comparison"]

FORMAT = "dumpfilt-diff/1"

_FINDINGS = "Findings"
_LISTED = 60


def render_comparison(comparison: Comparison) -> str:
    """The facts that differ, by what they are about, and a line on what is the same."""
    return "\n".join(_lines(comparison))


def comparison_json(comparison: Comparison) -> str:
    """The same as indented ASCII text, keys in a stable order."""
    sides = (("a", comparison.before.checked), ("b", comparison.after.checked))
    found: Dict[str, Any] = {"format": FORMAT}
    for side, checked in sides:
        found[side] = {"path": checked.path, "created": checked.header.created}
    found["equal"] = not comparison.differences
    found["differences"] = [
        {"section": one.section, "name": one.name, "a": one.before, "b": one.after}
        for one in comparison.differences
    ]
    found["same"] = list(comparison.same)
    found["first_findings"] = [
        _finding_object(side, finding)
        for one in comparison.differences
        if one.section == _FINDINGS
        for side, checked in sides
        for finding in [_first(checked, one.name)]
        if finding is not None
    ]
    return json_text(found)


def _lines(comparison: Comparison) -> Iterator[str]:
    for side, summary in (("A", comparison.before), ("B", comparison.after)):
        yield f"{side}  {printable(summary.checked.path)}, {printable(summary.checked.header.created)}"
    for section in dict.fromkeys(one.section for one in comparison.differences):
        yield ""
        yield section
        found = [one for one in comparison.differences if one.section == section]
        for one in found[:_LISTED]:
            yield from wrapped(_difference(one), "      ", "  ")
            if section == _FINDINGS:
                yield from _first_findings(comparison, one.name)
        if len(found) > _LISTED:
            yield f"  and {len(found) - _LISTED} more: --format json lists them"
    yield ""
    if not comparison.differences:
        yield "nothing differs"
    yield from wrapped(", ".join(comparison.same) or "nothing", "  ", "the same: ")


def _difference(one: Difference) -> str:
    mark = " (new)" if one.before is None else " (gone)" if one.after is None else ""
    return f"{one.name}: {_text(one.before, one.after)} -> {_text(one.after, one.before)}{mark}"


def _text(value: Optional[Value], other: Optional[Value]) -> str:
    if value is None:
        return "0" if isinstance(other, int) else "absent"
    return str(value)


def _first_findings(comparison: Comparison, name: str) -> Iterator[str]:
    for side, summary in (("A", comparison.before), ("B", comparison.after)):
        first = _first(summary.checked, name)
        if first is not None:
            place = f"the first in {side}: {first.level.value}, call {first.call}"
            yield from wrapped(f"{place}: {first.message}", "      ", "    ")
            # Not wrapped: commands are to be copied whole.
            yield f"      {show_command(summary.checked.path, first.call)}"


def _first(checked: CheckResult, name: str) -> Optional[Finding]:
    """The first of the findings that a difference is about."""
    return next((one for one in checked.result.findings if f"{one.rule}, {one.callback}" == name), None)


def _finding_object(side: str, finding: Finding) -> Dict[str, Any]:
    return {
        "recording": side,
        "rule": finding.rule,
        "level": finding.level.value,
        "call": finding.call,
        "callback": finding.callback,
        "message": finding.message,
    }
