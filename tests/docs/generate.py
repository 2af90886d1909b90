"""``docs/rules``: the registry, the pages' prose and the faulty filters, for readers of the repository."""

import re
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Type

from pykd_dumpfilt.reports import rule_prose
from pykd_dumpfilt.rules import RULES, Rule

from .pages import Fault, faults

__all__ = ["FOLDER", "documents", "stale", "write"]

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "rules"
_FILTERS = "../../tests/lab/filters"
_INDEX = "README.md"
_HEAD = "<!-- Made by python -m tests.docs from pykd_dumpfilt/rules: change these, not this file. -->"
_ID = re.compile(r"DF-[A-Z]+-\d{3}")
_ABOUT = f"""\
`dumpfilt rule ID` prints a rule's page, inside WinDbg too. Errors make a verdict fail; warnings and notes do
not. Rules of the family "environment" judge the system's side and are never held against a filter.

A finding that must be lived with for a while is waived in a file, and stays visible: see
[Waivers](../waivers.md).

The wrong code on a page is an excerpt of a lab filter, and the right code is complete. Both are compiled and
run by the tests, with the `dumpfilt emulate` commands of the page: the wrong one is caught by its rule, the
right one has no finding. What they call (`state_of`, `transfer_data`, `good_read` and so on) is defined in
the harness that they share, [stream_filter.h]({_FILTERS}/stream_filter.h).
"""


def documents() -> Dict[str, str]:
    """Each file of the folder, by its name."""
    broken = faults()
    pages = {f"{rule.id}.md": _text(_page(rule, broken.get(rule.id, []))) for rule in RULES}
    return {_INDEX: _text(_index(broken)), **pages}


def stale(folder: Path = FOLDER) -> List[str]:
    """The names of files that are not what they should be, or should not be there at all."""
    expected = documents()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}
    return sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))


def write(folder: Path = FOLDER) -> List[str]:
    """Renew the folder; returns the names of the files that changed."""
    changed = stale(folder)
    expected = documents()
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in expected:
            (folder / name).write_bytes(expected[name].encode("utf-8"))
        else:
            (folder / name).unlink()
    return changed


def _text(lines: Iterator[str]) -> str:
    return "\n".join(lines) + "\n"


def _index(broken: Dict[str, List[Fault]]) -> Iterator[str]:
    yield _HEAD
    yield "# Rules"
    yield ""
    yield from _ABOUT.splitlines()
    yield ""
    yield from _table(
        ("rule", "level", "statement", "faulty filters"),
        [
            (_link(rule.id), rule.level.value, _escaped(rule.statement), str(len(broken.get(rule.id, []))))
            for rule in RULES
        ],
    )


def _page(rule: Type[Rule], broken: Sequence[Fault]) -> Iterator[str]:
    yield _HEAD
    yield f"# {rule.id}"
    yield ""
    yield f"**{_escaped(rule.statement)}**"
    yield ""
    yield from _table(
        ("level", "family", "judged"), [(rule.level.value, rule.family, ", ".join(rule.callbacks))]
    )
    yield ""
    yield f"Source: <{rule.source}>"
    yield ""
    yield from _linked(rule_prose(rule), rule.id).rstrip("\n").splitlines()
    if rule.evidence:
        yield ""
        yield "## What a finding reports"
        yield ""
        yield from _table(
            ("key", "what it holds"), [(f"`{key}`", _escaped(what)) for key, what in rule.evidence.items()]
        )
    if broken:
        yield ""
        yield "## Lab filters that break it"
        yield ""
        for one in broken:
            end = f" Ends early: {_escaped(one.end)}." if one.end else ""
            yield f"- [{one.name.rpartition('/')[2]}]({_FILTERS}/{one.name}.c): {_escaped(one.how)}{end}"
    yield ""
    yield f"[All rules]({_INDEX})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(row)} |"


def _escaped(text: str) -> str:
    """Plain text as Markdown: *DiskByteOffset is no emphasis."""
    return re.sub(r"[*|<\\]", r"\\\g<0>", text)


def _link(rule_id: str) -> str:
    return f"[{rule_id}]({rule_id}.md)"


def _linked(prose: str, own: str) -> str:
    """Prose whose mentions of other rules lead to their pages; code stays as it is."""
    parts = re.split(r"(^```.*?^```$|`[^`\n]*`)", prose, flags=re.MULTILINE | re.DOTALL)
    return "".join(
        part if index % 2 else _ID.sub(lambda one: one[0] if one[0] == own else _link(one[0]), part)
        for index, part in enumerate(parts)
    )
