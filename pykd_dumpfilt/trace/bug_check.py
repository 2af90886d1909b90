"""Telling the break of a bug check from every other break.

A kernel that bug-checks breaks into its debugger twice: before the dump is written and after it. Both are at
nt!DbgBreakPointWithStatus; its argument tells them apart (DBG_STATUS_BUGCHECK_FIRST and _SECOND in wdm.h).
"""

from ..debugger import Debugger, Module
from ..errors import TargetError

__all__ = ["at_bug_check"]

_FIRST = 3  # DBG_STATUS_BUGCHECK_FIRST
_INT3 = b"\xcc"


def at_bug_check(debugger: Debugger) -> bool:
    """Whether the target stands at a bug check whose dump has yet to be written. x64 targets only: where
    something needed for an answer cannot be read, the answer is no."""
    try:
        registers = debugger.read_registers(("rip", "rcx"))
        if registers.get("rcx", 0) & 0xFFFFFFFF != _FIRST:
            return False
        nt = next((module for module in debugger.modules() if module.name.lower() == "nt"), None)
        rip = registers.get("rip", 0)
        return nt is not None and _is_break(debugger, nt, rip) and debugger.bug_check() is not None
    except TargetError:
        return False


def _is_break(debugger: Debugger, nt: Module, rip: int) -> bool:
    known = debugger.symbol(nt, "DbgBreakPointWithStatus")
    if known is not None:
        return int(known) == rip
    # The function is int3 and ret, and no other int3 of nt's gets a 3 in RCX by design.
    return rip in nt and debugger.read_virtual(nt.base + (rip - nt.base), 1) == _INT3
