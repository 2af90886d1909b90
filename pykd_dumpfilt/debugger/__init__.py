"""The only door to a target: what a tracer asks of a debugger.

To trace with an engine of one's own, implement :class:`Debugger` and give it to
:func:`pykd_dumpfilt.record`. Addresses are :class:`VirtualAddress` or :class:`PhysicalAddress`, which are
integers that cannot be mixed up unseen; sizes are bytes; what fails raises :class:`TargetError`.
"""

from ..errors import TargetError
from ..structures import Machine
from .port import (
    DEBUG_REGISTERS,
    PAGE_SIZE,
    READ_SIZE,
    BreakHandler,
    Breakpoint,
    BugCheckData,
    Debugger,
    DebuggerInfo,
    HitHandler,
    MemoryReadError,
    Module,
    ModuleHandler,
    PhysicalAddress,
    Stop,
    StopReason,
    Subscription,
    VirtualAddress,
)

__all__ = [
    "DEBUG_REGISTERS",
    "PAGE_SIZE",
    "READ_SIZE",
    "BreakHandler",
    "Breakpoint",
    "BugCheckData",
    "Debugger",
    "DebuggerInfo",
    "HitHandler",
    "Machine",
    "MemoryReadError",
    "Module",
    "ModuleHandler",
    "PhysicalAddress",
    "Stop",
    "StopReason",
    "Subscription",
    "TargetError",
    "VirtualAddress",
]
