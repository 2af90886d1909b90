"""``rule``: one rule's page."""

import argparse
import difflib
import re
from typing import List, Type

from ..errors import UsageError
from ..reports import render_rule
from ..rules import RULES, Rule
from . import console
from ._command import Command

__all__ = ["COMMAND"]

_SHORT_FORM = re.compile(r"(?:DF)?([A-Z]+)([0-9]{1,3})")
_SEPARATORS = re.compile(r"[-_ .]")
_MAX_SHOWN = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rule", metavar="ID", help="DF-READ-003, or shorter: read-003, read-3")


def run(arguments: argparse.Namespace) -> int:
    console.show(render_rule(_find(arguments.rule)))
    return 0


def _find(text: str) -> Type[Rule]:
    """The rule that an id names, in any case, with or without ``DF``, separators and leading zeros.

    Raises:
        UsageError: there is no such rule.
    """
    match = _SHORT_FORM.fullmatch(_SEPARATORS.sub("", text.upper()))
    wanted = f"DF-{match.group(1)}-{int(match.group(2)):03}" if match else text.upper()
    for rule in RULES:
        if rule.id == wanted:
            return rule
    near = _near(wanted)
    hint = f"did you mean {', '.join(near)}? " if near else ""
    raise UsageError(
        f"there is no rule {text[:_MAX_SHOWN]!a}: {hint}{console.program_name()} rules lists all"
    )


def _near(wanted: str) -> List[str]:
    """The rules of the family that is named; else those that are written much like it."""
    ids = [rule.id for rule in RULES]
    words = _SEPARATORS.split(wanted)
    family = [one for one in ids if one.split("-")[1] in words]
    return family or difflib.get_close_matches(wanted[:_MAX_SHOWN], ids, n=3)


COMMAND = Command(
    name="rule",
    summary="show a rule's page: why it matters, wrong and right code, how to exercise it",
    description=(
        "Show a rule's page: what it demands and which document says so, why it matters, wrong and right "
        "code, how to exercise it and when it may be waived."
    ),
    add_arguments=add_arguments,
    run=run,
    examples="  dumpfilt rule DF-READ-003\n  dumpfilt rule read-3\n",
)
