"""A finding's evidence in words: what each key holds, and tables for lists."""

from dataclasses import dataclass
from itertools import islice
from typing import Any, List, Mapping, Tuple

from ...rules import Finding
from .._phrases import value_text

__all__ = ["EvidenceTable", "Fact", "evidence_of"]

_MAX_ROWS = 64
_MAX_FACTS = 40
_MAX_TEXT = 300


@dataclass(frozen=True)
class Fact:
    """One key of the evidence, what it holds, and its value."""

    key: str
    meaning: str
    value: str


@dataclass(frozen=True)
class EvidenceTable:
    """A list of things of one kind."""

    key: str
    columns: Tuple[str, ...]
    rows: Tuple[Tuple[str, ...], ...]
    left_out: int


def evidence_of(finding: Finding, meanings: Mapping[str, str]) -> Tuple[List[Fact], List[EvidenceTable]]:
    """What the evidence says, in the order of its keys; ``meanings`` is what the rule says of each."""
    facts, tables = [], []
    for key, value in islice(finding.evidence.items(), _MAX_FACTS):
        if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
            tables.append(_table(key, value))
        else:
            facts.append(Fact(key, meanings.get(key, ""), _text(value)))
    return facts, tables


def _table(key: str, entries: List[Mapping[str, Any]]) -> EvidenceTable:
    columns = tuple(dict.fromkeys(str(name) for entry in entries[:_MAX_ROWS] for name in entry))
    rows = tuple(tuple(_text(entry.get(column, "")) for column in columns) for entry in entries[:_MAX_ROWS])
    return EvidenceTable(key, columns, rows, max(0, len(entries) - _MAX_ROWS))


def _text(value: Any) -> str:
    text = value_text(value)
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "..."
