"""Words, sentences and values that several formats say in the same way; not yet escaped for any of them."""

import json
import os
import re
import shlex
from typing import Any, Container, Iterator, Optional, Tuple

from ..checking import CheckResult
from ..recording import Header
from ..rules import RULES, Finding, Level, Outcome, RuleResult
from ._printable import printable

__all__ = [
    "amount",
    "counted",
    "evidence_pairs",
    "has_page",
    "how_to_exercise",
    "left_out",
    "outcome_word",
    "rule_command",
    "scrubbed",
    "show_command",
    "value_text",
]

_MAX_VALUE = 1000
# The options of a trace that make it capture less; see pykd_dumpfilt.trace.Selection.
_LESS = ("callbacks_watched", "every", "offset", "data", "max_hits", "budget")
_MAX_OPTION = 200
_PROGRAM = "dumpfilt"
_PLAIN = re.compile(r"[\w@+=:./\\~-]+")
# By a rule's family.
_JUDGED = {"write": "Dump_Write", "read": "Dump_Read", "round trip": "Dump_Read"}
_EXERCISE = {
    "registration": (
        "start the trace before a copy is loaded: before the machine hibernates (which loads hiber_), "
        "or before it boots or sets up crash dumps anew (which loads dump_)"
    ),
    "call": "hibernate and resume, or crash the machine",
    "write": "hibernate, or crash the machine",
    "read": "hibernate and resume; a crash dump is never read back",
    "round trip": "hibernate and resume; a crash dump is never read back",
    "environment": "hibernate and resume, or crash the machine",
}


def counted(count: int, what: str) -> str:
    """ "1 finding", "2 findings"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def left_out(checked: CheckResult) -> Optional[str]:
    """What the recording leaves out because its maker wanted so; None where that is nothing."""
    options = checked.header.options
    chosen = [f"{name} {json.dumps(options[name])[:_MAX_OPTION]}" for name in _LESS if name in options]
    if not chosen and not checked.left_out:
        return None
    return (
        f"{counted(checked.left_out, 'call')} not captured, by the options {', '.join(chosen) or 'not told'}"
    )


def amount(count: int) -> str:
    """Bytes for people; exact while they are few."""
    if count < 1024:
        return f"{count} bytes"
    value, units = count / 1024, ["KiB", "MiB", "GiB", "TiB"]
    while value >= 1024 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.4g} {units[0]}"


def scrubbed(header: Header) -> Optional[str]:
    """That the contents are not the machine's; None where they are."""
    if header.scrubbed is None:
        return None
    return (
        f"the contents are not the machine's: {header.scrubbed.tool} replaced bytes of memory and values of "
        f"registers, also in what findings show; what is judged is as it was (key {header.scrubbed.key})"
    )


def evidence_pairs(finding: Finding) -> Iterator[Tuple[str, str]]:
    """The evidence for people: name and value, whole numbers in both decimal and hexadecimal digits."""
    for key, value in finding.evidence.items():
        text = value_text(value)
        yield key, text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + "..."


def value_text(value: Any) -> str:
    """One value of a finding's evidence."""
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value > 9:
        return f"{value} ({value:#x})"
    return json.dumps(value)


def has_page(rule: str) -> bool:
    """Whether ``dumpfilt rule`` knows a rule; rules of the user's own have no page."""
    return any(one.id == rule for one in RULES)


def how_to_exercise(rule: RuleResult, called: Container[str] = ()) -> str:
    """What makes the system call what a rule judges; empty where that is not known.

    Args:
        called: callbacks that were called: then it takes more than a call.
    """
    callback = _JUDGED.get(rule.family)
    if callback is not None and callback in called:
        return f"{callback} was called, but not in the way that it judges: see {rule_command(rule.rule)}"
    return _EXERCISE.get(rule.family, "")


def outcome_word(rule: RuleResult) -> str:
    """A rule's outcome. A warning is not called a failure: it fails nothing."""
    if rule.outcome is Outcome.FAIL and rule.level is not Level.ERROR:
        return str(rule.level.value)
    return str(rule.outcome.value)


def show_command(path: str, call: Optional[int] = None, program: str = _PROGRAM) -> str:
    """The command that shows a recording, or one of its calls, to be copied and run: whatever a path holds,
    it is one word."""
    return f"{program} show {_word(printable(path), program)}" + ("" if call is None else f" --call {call}")


def _word(path: str, program: str) -> str:
    in_windbg = program.startswith("!")
    if not in_windbg and os.name != "nt":
        return shlex.quote(path)
    if _PLAIN.fullmatch(path):
        return path
    # Double quotes are quotes to cmd.exe, PowerShell and WinDbg, and no path holds one. PowerShell alone
    # still replaces $ within them.
    return f'"{path}"'


def rule_command(rule: str, program: str = _PROGRAM) -> str:
    """The command that explains a rule."""
    return f"{program} rule {rule}"
