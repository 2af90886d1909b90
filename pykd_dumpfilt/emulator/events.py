"""What a debugger sees of the emulated machine: loaded images and the events that stop it."""

from dataclasses import dataclass, field
from typing import Mapping, Tuple, Union

__all__ = [
    "BreakpointHit",
    "DebugRegisterHit",
    "Event",
    "LoadedImage",
    "ModuleLoaded",
    "ModuleUnloaded",
    "Running",
    "SingleStep",
    "Spent",
    "Stopped",
]


@dataclass(frozen=True)
class LoadedImage:
    """An image in the loaded-module list.

    Attributes:
        name: the debugger's module name: "hiber_aes_xts".
        file_name: BaseDllName: "hiber_aes_xts.sys".
        path: FullDllName.
        base: guest virtual address of the headers.
        size: SizeOfImage, bytes.
        entry_point: guest virtual address.
        timestamp: TimeDateStamp of the file header.
        checksum: CheckSum of the optional header.
        exports: guest virtual addresses by exported name.
    """

    name: str
    file_name: str
    path: str
    base: int
    size: int
    entry_point: int
    timestamp: int
    checksum: int
    exports: Mapping[str, int] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class BreakpointHit:
    """A breakpoint was hit: an int3 was executed, and RIP is at it, as after the kernel's own correction; or
    it is a :class:`DebugRegisterHit`."""

    address: int


@dataclass(frozen=True)
class DebugRegisterHit(BreakpointHit):
    """Execution reached an address that a debug register holds; the instruction there has not run, and DR6
    says which register."""


@dataclass(frozen=True)
class SingleStep:
    """One instruction was executed."""


@dataclass(frozen=True)
class Running:
    """The instructions that were asked for are used up and nothing happened."""


@dataclass(frozen=True)
class ModuleLoaded:
    """A module is mapped and in the list; its DriverEntry has not run."""

    module: LoadedImage


@dataclass(frozen=True)
class ModuleUnloaded:
    """A module is about to be unmapped."""

    module: LoadedImage


@dataclass(frozen=True)
class Stopped:
    """The machine runs no more; it stands at nt!DbgBreakPointWithStatus.

    Attributes:
        reason: "ended" (the scenario ran to its end), "bugcheck", "fault" (an exception in the guest, or
            something that no real machine survives), "unknown import" (a kernel function that the emulator
            lacks was called), "budget" (one guest call ran too long).
        detail: a sentence for people.
        code: of the bug check, for "fault" of the one that Windows raises for such an exception; 0 where
            there is none.
        parameters: the four bug check parameters; empty where there is no bug check.
        callback: which callback of the filter was running; empty where none was.
        call: which of the filter's calls that was, from 1 on; 0 where none was.
    """

    reason: str
    detail: str = ""
    code: int = 0
    parameters: Tuple[int, ...] = ()
    callback: str = ""
    call: int = 0


@dataclass(frozen=True)
class Spent:
    """What a call of the filter has taken of its budget: instructions, exactly or at least."""

    instructions: int
    exactly: bool

    def __str__(self) -> str:
        return f"{'' if self.exactly else 'more than '}{self.instructions}"


Event = Union[BreakpointHit, DebugRegisterHit, SingleStep, Running, ModuleLoaded, ModuleUnloaded, Stopped]
"""What :meth:`Target.resume` and :meth:`Target.step` come back with."""
