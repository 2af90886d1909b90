"""The rules, for people."""

from typing import Sequence, Type

from ..rules import RULES, Rule
from ._printable import wrapped

__all__ = ["render_rules"]


def render_rules(rules: Sequence[Type[Rule]] = RULES) -> str:
    """Id, level and statement of each rule, and its source."""
    lines = []
    for rule in rules:
        lines += wrapped(rule.statement, " " * 22, f"{rule.id:12} {rule.level.value:8} ")
        # Not wrapped: an address is to be copied whole.
        lines.append(f"{'':22}{rule.source}")
    return "\n".join(lines)
