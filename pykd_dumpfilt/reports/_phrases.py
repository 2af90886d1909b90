"""Sentences and values that several formats say in the same way; not yet escaped for any of them."""

import json
from typing import Any, Iterator, Tuple

from ..rules import Finding, Waiver

__all__ = ["counted", "evidence_pairs", "waiver_text"]

_MAX_VALUE = 1000


def counted(count: int, what: str) -> str:
    """ "1 finding", "2 findings"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def evidence_pairs(finding: Finding) -> Iterator[Tuple[str, str]]:
    """The evidence for people: name and value, whole numbers in both decimal and hexadecimal digits."""
    for key, value in finding.evidence.items():
        text = _value(value)
        yield key, text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + "..."


def waiver_text(waiver: Waiver) -> str:
    """Why a breach is accepted, by whom, and until when."""
    return f"{waiver.reason} (accepted by {waiver.owner} until {waiver.expires.isoformat()})"


def _value(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 9:
        return f"{value} ({value:#x})"
    return json.dumps(value)
