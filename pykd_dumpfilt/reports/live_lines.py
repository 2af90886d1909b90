"""What is said of a call while the trace runs: a line at most."""

from typing import List, Optional, Sequence, Union

from ..decoded import DecodedCall
from ..rules import Finding
from ._links import Line, Link
from ._phrases import rule_command, show_command
from ._printable import printable
from .show import call_line

__all__ = ["live_line"]

_MAX_MESSAGE = 240


def live_line(
    path: str, program: str, findings: Sequence[Finding] = (), call: Optional[DecodedCall] = None
) -> Line:
    """One call and what it breaks.

    Args:
        path: the recording.
        program: how the user calls us.
        findings: of one call.
        call: to be shown as ``show`` lists it; left out, only what it breaks is told.
    """
    parts: List[Union[str, Link]] = []
    if call is not None:
        parts.append(call_line(call))
    if findings:
        first = findings[0]
        broken = ", ".join(f"{one.level.value} {one.rule}" for one in findings)
        head = f"call {first.call}, {printable(first.callback)}: {broken}" if call is None else f"  {broken}"
        parts += [
            f"{head}: {_cut(printable(first.message))}  ",
            Link(show_command(path, first.call, program)),
            "  ",
            Link(rule_command(first.rule, program)),
        ]
    return parts


def _cut(message: str) -> str:
    if len(message) <= _MAX_MESSAGE:
        return message
    return message[:_MAX_MESSAGE].rsplit(" ", 1)[0] + " ..."
