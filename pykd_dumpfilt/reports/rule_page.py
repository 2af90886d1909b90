"""A rule's page: the facts from the registry, the prose from ``pykd_dumpfilt/rules/pages/ID.md``."""

import pkgutil
from typing import Iterator, List, Type

from .. import rules
from ..errors import DumpfiltError
from ..rules import Rule
from ._printable import wrapped

__all__ = ["render_rule", "rule_prose"]

_FENCE = "```"
_HEADING = "## "
_ESSENTIAL = "a recording passes only if this rule judged at least one of its calls"


def rule_prose(rule: Type[Rule]) -> str:
    """What the registry does not say of a rule, in Markdown: sections that begin with ``##``.

    Raises:
        DumpfiltError: the package was installed without it.
    """
    name = f"pages/{rule.id}.md"
    try:
        found = pkgutil.get_data(rules.__name__, name)
    except OSError:
        found = None
    if found is None:
        raise DumpfiltError(f"the page of {rule.id} ({name}) is not installed; install pykd-dumpfilt again")
    return found.decode("utf-8").replace("\r\n", "\n")


def render_rule(rule: Type[Rule]) -> str:
    """The page for a terminal of 100 columns.

    Raises:
        DumpfiltError: see :func:`rule_prose`.
    """
    return "\n".join([*_facts(rule), "", *_plain(rule_prose(rule).splitlines()), *_evidence(rule)])


def _facts(rule: Type[Rule]) -> Iterator[str]:
    yield f"{rule.id}  ({rule.level.value}, {rule.family})"
    yield from wrapped(rule.statement, "  ")
    yield ""
    yield from _fact("judged", ", ".join(rule.callbacks))
    # Not wrapped: an address is to be copied whole.
    yield f"  {'source':9} {rule.source}"
    if rule.essential:
        yield from _fact("essential", _ESSENTIAL)


def _fact(label: str, text: str) -> List[str]:
    return wrapped(text, " " * 12, f"  {label:9} ")


def _evidence(rule: Type[Rule]) -> Iterator[str]:
    if not rule.evidence:
        return
    yield from ("", "What a finding reports", "")
    width = max(map(len, rule.evidence))
    for key, what in rule.evidence.items():
        yield from wrapped(what, " " * (width + 4), f"  {key:{width}}  ")


def _plain(lines: List[str]) -> Iterator[str]:
    """Markdown without its marks: headings at the margin, prose indented, code further."""
    code = False
    for line in lines:
        if line.startswith(_FENCE):
            code = not code
        elif not line:
            yield ""
        elif code:
            yield f"    {line}"
        elif line.startswith(_HEADING):
            yield line[len(_HEADING) :]
        else:
            yield f"  {line}"
