"""The only door to a target."""

from .port import (
    PAGE_SIZE,
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
    "PAGE_SIZE",
    "Breakpoint",
    "BugCheckData",
    "Debugger",
    "DebuggerInfo",
    "HitHandler",
    "MemoryReadError",
    "Module",
    "ModuleHandler",
    "PhysicalAddress",
    "Stop",
    "StopReason",
    "Subscription",
    "VirtualAddress",
]
