"""Two recordings held against each other: what is not the same between two runs of a filter."""

import json
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Tuple

from ._summary import Summary
from ._survey import Facts, Value

__all__ = ["Comparison", "Difference", "compare"]


@dataclass(frozen=True)
class Difference:
    """One fact that is not the same in both recordings.

    Attributes:
        section: what it is about.
        name: of the fact, unique in its section.
        before: in the first recording; None where it has no such fact.
        after: in the second one.
    """

    section: str
    name: str
    before: Optional[Value]
    after: Optional[Value]


@dataclass(frozen=True)
class Comparison:
    """Two recordings.

    Attributes:
        before: the first one.
        after: the second one.
        differences: by section, in a fixed order of sections.
        same: the sections in which nothing differs, and something is known.
    """

    before: Summary
    after: Summary
    differences: Tuple[Difference, ...]
    same: Tuple[str, ...]


def compare(before: Summary, after: Summary) -> Comparison:
    """Hold two recordings against each other.

    What differs in every run is not looked at: when and where it was recorded, addresses, contents of pages,
    and the words of findings. Of findings it is looked at how many each rule has of each callback.
    """
    differences: List[Difference] = []
    same: List[str] = []
    after_facts = dict(_sections(after))
    for section, facts in _sections(before):
        other = after_facts[section]
        found = list(_differences(section, facts, other))
        differences += found
        if not found and (facts or other):
            same.append(section)
    return Comparison(before, after, tuple(differences), tuple(same))


def _differences(section: str, before: Facts, after: Facts) -> Iterator[Difference]:
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name), after.get(name)
        if one != other:
            yield Difference(section, name, one, other)


def _sections(summary: Summary) -> Iterator[Tuple[str, Facts]]:
    """The same sections in the same order for every recording."""
    result = summary.checked.result
    header = summary.checked.header
    yield "Verdict", {"verdict": result.verdict.value}
    yield "Findings", dict(_findings(summary))
    yield "Rules", {rule.rule: rule.outcome.value for rule in result.rules}
    yield (
        "Recorded",
        {
            "filter": header.filter,
            "machine": header.machine,
            "scenario": result.scenario,
            **{name: header.debugger.get(name, "unknown") for name in ("engine", "version", "target")},
            "tool": header.tool,
            "format version": summary.version,
            "scrubbed": "no" if header.scrubbed is None else f"by key {header.scrubbed.key}",
        },
    )
    yield "Options", {name: json.dumps(value, sort_keys=True) for name, value in header.options.items()}
    yield from summary.facts
    yield "Ending", dict(_ending(summary))


def _findings(summary: Summary) -> Iterator[Tuple[str, Value]]:
    for rule in summary.checked.result.rules:
        for callback, count in rule.by_callback.items():
            yield f"{rule.rule}, {callback}", count


def _ending(summary: Summary) -> Iterator[Tuple[str, Value]]:
    footer = summary.footer
    ending: Dict[str, Value] = {"closed in good order": "no" if footer is None else "yes"}
    if footer is not None:
        ending.update({"reason": footer.reason, "lost calls": footer.lost, "calls left out": footer.left_out})
    ending["sentences on damage"] = len(summary.checked.damage)
    yield from ending.items()
