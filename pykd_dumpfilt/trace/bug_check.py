"""Telling the breaks of a bug check from every other break.

A kernel that bug-checks breaks into its debugger twice: before the dump is written and after it. Both are at
nt!DbgBreakPointWithStatus; its argument tells them apart.
"""

import enum
from typing import Optional

from ..debugger import Debugger, Module
from ..errors import TargetError

__all__ = ["BugCheckBreak", "bug_check_break"]

_INT3 = b"\xcc"


class BugCheckBreak(enum.Enum):
    """A break of a bug check; the values are DBG_STATUS_BUGCHECK_FIRST and _SECOND (wdm.h)."""

    BEFORE_DUMP = 3
    AFTER_DUMP = 4


def bug_check_break(debugger: Debugger) -> Optional[BugCheckBreak]:
    """Which break of a bug check the target stands at; None for neither. x64 targets only: where something
    needed for an answer cannot be read, the answer is None."""
    try:
        registers = debugger.read_registers(("rip", "rcx"))
        status = registers.get("rcx", 0) & 0xFFFFFFFF
        which = next((one for one in BugCheckBreak if one.value == status), None)
        if which is None:
            return None
        nt = next((module for module in debugger.modules() if module.name.lower() == "nt"), None)
        stands = nt is not None and _is_break(debugger, nt, registers.get("rip", 0))
        return which if stands and debugger.bug_check() is not None else None
    except TargetError:
        return None


def _is_break(debugger: Debugger, nt: Module, rip: int) -> bool:
    known = debugger.symbol(nt, "DbgBreakPointWithStatus")
    if known is not None:
        return int(known) == rip
    # The function is int3 and ret, and RCX of these values is no other int3's of nt's by design.
    return rip in nt and debugger.read_virtual(nt.base + (rip - nt.base), 1) == _INT3
