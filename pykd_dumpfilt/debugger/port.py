"""The port: all that a tracer asks of a debugger, whatever engine stands behind it.

Two implementations exist: :mod:`pykd_dumpfilt.debugger.pykd_debugger` (WinDbg and DbgEng through pykd) and
:mod:`pykd_dumpfilt.emulator` (an emulated kernel). Nothing here decodes a structure.
"""

import enum
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Protocol, Sequence, Tuple, TypeVar

from ..errors import TargetError
from ..structures import Machine

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
    "MemoryReadError",
    "Module",
    "ModuleHandler",
    "PhysicalAddress",
    "Stop",
    "StopReason",
    "Subscription",
    "VirtualAddress",
]

PAGE_SIZE = 4096
"""Bytes in a page on every machine we trace."""

DEBUG_REGISTERS = 4
"""Debug registers that hold an address: DR0 to DR3 (AMD64 manual volume 2, 13.1.1)."""

READ_SIZE = 3944
"""Bytes that one reply to a read carries at most over KD: PACKET_MAX_SIZE 4000 less the 56 of
DBGKD_MANIPULATE_STATE64 (windbgkd.h). Engines without a wire read any number at once."""

_A = TypeVar("_A", bound="_Address")


class _Address(int):
    """An address in one address space; adding a number of bytes stays in that space."""

    __slots__ = ()

    def __add__(self: _A, size: int) -> _A:
        return type(self)(int(self) + size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int(self):#x})"

    __str__ = int.__repr__


class VirtualAddress(_Address):
    """An address as the target's code sees it."""

    __slots__ = ()


class PhysicalAddress(_Address):
    """An address on the target's memory bus: a PFN shifted left by 12, plus the byte in the page.

    Examples:
        >>> PhysicalAddress(0x1A90 << 12) + 0x10
        PhysicalAddress(0x1a90010)
    """

    __slots__ = ()


class MemoryReadError(TargetError):
    """A read that did not give all it was asked for.

    Args:
        address: first byte asked for.
        asked: bytes asked for.
        data: the bytes that came; may be empty.
        reason: why no more came, in a few words.

    Attributes:
        address: first byte asked for (:class:`VirtualAddress` or :class:`PhysicalAddress`).
        asked: bytes asked for.
        data: the bytes that could be read, from ``address`` on, without a gap; maybe none.
        reason: why the next byte could not be read, in a few words.
    """

    def __init__(self, address: _Address, asked: int, data: bytes, reason: str) -> None:
        self.address = address
        self.asked = asked
        self.data = data
        self.reason = reason
        kind = "physical" if isinstance(address, PhysicalAddress) else "virtual"
        super().__init__(
            f"cannot read {asked} bytes at {kind} address {int(address):#x}: got {len(data)}, {reason}"
        )


@dataclass(frozen=True)
class Module:
    """A loaded image as the debugger lists it. An address is ``in`` the module that it lies in.

    Attributes:
        name: the debugger's module name: without extension, characters that no symbol may hold replaced by
            ``_`` (``dump_my-filter.sys`` is ``dump_my_filter``).
        base: where the image begins.
        size: its bytes in memory.
    """

    name: str
    base: VirtualAddress
    size: int

    def __contains__(self, address: int) -> bool:
        return self.base <= address < self.base + self.size


@dataclass(frozen=True)
class DebuggerInfo:
    """Who reads the target; goes into the recording's header.

    Attributes:
        engine: "pykd", "emulator", or a name of one's own.
        version: the engine's.
        target: the target in one line, as the engine describes it.
    """

    engine: str
    version: str
    target: str


@dataclass(frozen=True)
class BugCheckData:
    """What KiBugCheckData holds.

    Attributes:
        code: the bug check's number, 32 bits.
        parameters: its four parameters, 64 bits each.
    """

    code: int
    parameters: Tuple[int, int, int, int]


class StopReason(enum.Enum):
    """Why :meth:`Debugger.run` came back."""

    BREAK = "break"
    """The target is stopped and can go on: a handler asked for it, or the target broke in by itself."""
    ENDED = "ended"
    """The target is gone, or has no more to run."""
    INTERRUPTED = "interrupted"
    """The user pressed Ctrl+Break (or Ctrl+C)."""
    STUCK = "stuck"
    """A function of the target ran for so long that it is taken to come to no end. Emulators only: with a
    real target the user decides how long is too long."""


@dataclass(frozen=True)
class Stop:
    """One stop of the target.

    Attributes:
        reason: which kind of stop.
        detail: a sentence for people, maybe empty; it becomes the recording's reason to end.
    """

    reason: StopReason
    detail: str = ""


HitHandler = Callable[[], bool]
"""Called while the target is stopped at a breakpoint. Returns True to leave it stopped. May raise
KeyboardInterrupt, which leaves it stopped too, and nothing else."""

ModuleHandler = Callable[[Module], None]
"""Called while the target is stopped because a module came or went. Must not raise."""


BreakHandler = Callable[[], None]
"""Called while the target is stopped for a reason of its own. Must not raise."""


class Breakpoint(Protocol):
    """A breakpoint that its holder owns."""

    @property
    def address(self) -> VirtualAddress:
        """Where it is."""

    @property
    def hardware(self) -> bool:
        """Whether a debug register holds it now: it may have given way to a breakpoint of the user's."""

    def remove(self) -> None:
        """Take it out of the target. A second call, or one after the target is gone, does nothing."""


class Subscription(Protocol):
    """A standing order for events."""

    def remove(self) -> None:
        """End it. A second call does nothing."""


class Debugger(Protocol):
    """What a tracer asks of a debugger. All methods but :meth:`run` are called while the target is stopped.

    Every method may raise :class:`~pykd_dumpfilt.errors.TargetError`.
    """

    @property
    def machine(self) -> Machine:
        """The target's architecture."""

    def describe(self) -> DebuggerInfo:
        """Who reads the target."""

    def modules(self) -> List[Module]:
        """Every loaded kernel module, in load order."""

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        """The address of a symbol (PDB or export); None where there is none. An engine without symbols always
        gives None: callbacks are then found in other ways.

        Args:
            module: one of :meth:`modules`.
            name: without the module: "Dump_Read".

        Raises:
            TargetError: the module is not loaded.
        """

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        """Register values, unsigned: 64 bits of a general register, 128 of an XMM one.

        Args:
            names: lower case, as DbgEng spells them: "rip", "rcx", "efl", "xmm6", "cr8".

        Returns:
            The values by name. A name that the engine does not know, or cannot give a value for, is left out.

        Raises:
            TargetError: the target gives no registers at all.
        """

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        """Exactly ``size`` bytes of virtual memory, in the address space of the target's kernel.

        Raises:
            MemoryReadError: fewer bytes can be read; it holds those.
        """

    def read_physical(self, address: PhysicalAddress, size: int) -> bytes:
        """Exactly ``size`` bytes of physical memory. An engine that cannot read it always raises: buffers are
        then read through MappedSystemVa where there is one.

        Raises:
            MemoryReadError: fewer bytes can be read; it holds those.
        """

    def bug_check(self) -> Optional[BugCheckData]:
        """The last bug check that the target's kernel noted; None where there was none, or where the engine
        cannot tell."""

    def physical_memory(self) -> Optional[int]:
        """Bytes of the target's RAM; None where the engine cannot tell."""

    def set_breakpoint(
        self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False
    ) -> Breakpoint:
        """Stop at an address, before the instruction there, and call a handler. It may be called, and
        breakpoints may be removed, from within a handler. Several may be set at one address.

        Args:
            address: of an instruction.
            on_hit: called at each stop there.
            hardware: use a debug register instead of an int3 in the code. The processor has four.

        Returns:
            The breakpoint, which its holder removes.

        Raises:
            TargetError: it cannot be set there, or no debug register is free.
        """

    def free_debug_registers(self) -> int:
        """How many breakpoints may still be set in debug registers, those of the user counted."""

    def watch_modules(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> Subscription:
        """Be told of modules that come and go. An engine that cannot tell never calls: then only copies are
        traced that are loaded when the trace begins.

        Args:
            on_load: called after a module is mapped and before its entry point runs.
            on_unload: called when it goes.

        Returns:
            The subscription, which its holder removes.
        """

    def watch_breaks(self, on_break: BreakHandler) -> Subscription:
        """Be told when the target stops for a reason of its own: a bug check, an exception, a break-in; not
        at breakpoints.

        Args:
            on_break: called at each such stop.

        Returns:
            The subscription, which its holder removes.
        """

    def run(self) -> Stop:
        """Let the target go until it stops. Only for automation that owns the session: inside WinDbg the
        user types ``g``.

        Returns:
            Why it stopped. A handler that returned True, or raised KeyboardInterrupt, is a reason.
        """
