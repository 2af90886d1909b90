"""Words that several reports use."""

from typing import Optional

from ..rules import Level, Outcome, RuleResult
from ._printable import printable

__all__ = ["outcome_word", "show_command"]


def outcome_word(rule: RuleResult) -> str:
    """A rule's outcome. A warning is not called a failure: it fails nothing."""
    if rule.outcome is Outcome.FAIL and rule.level is not Level.ERROR:
        return str(rule.level.value)
    return str(rule.outcome.value)


def show_command(path: str, call: Optional[int] = None) -> str:
    """The command that shows a recording, or one of its calls."""
    path = printable(path)
    if " " in path:
        # Double quotes are quotes to every shell that this runs in.
        path = f'"{path}"'
    return f"dumpfilt show {path}" + ("" if call is None else f" --call {call}")
