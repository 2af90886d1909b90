"""The rules, for people."""

from typing import Sequence, Type

from ..rules import RULES, Rule
from ._printable import wrapped

__all__ = ["render_rules"]


def render_rules(rules: Sequence[Type[Rule]] = RULES) -> str:
    """Id, level and statement of each rule, and its source; then how to learn more."""
    lines = []
    for rule in rules:
        lines += wrapped(rule.statement, " " * 22, f"{rule.id:12} {rule.level.value:8} ")
        # Not wrapped: an address is to be copied whole.
        lines.append(f"{'':22}{rule.source}")
    lines += ["", "the page of one, with wrong and right code: dumpfilt rule ID"]
    return "\n".join(lines)
