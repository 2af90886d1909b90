"""The processor: unicorn with paging on, and the reasons why it stopped.

Unicorn's habits that shape this module (2.1.4, by experiment): the ``until`` address of a run, and the byte
before it, must be executable, else a page fault of its own is left pending and the guest's next fault becomes
a double fault; a run with ``count`` is four to five times slower than one without; CR8 is not kept in 64-bit
guests; RDTSC gives the host's clock; what is written from outside does not reach code that was translated.
"""

import enum
import struct
import sys
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

import unicorn as _unicorn
from unicorn import x86_const as x86

from ..debugger import PAGE_SIZE
from ..errors import EmulatorError
from .errors import GuestStop
from .instructions import execute, find_emulated
from .memory import Memory

unicorn: Any = _unicorn  # it has no types

__all__ = ["Counter", "Cpu", "Exit", "ExitKind"]

_NAMED = {
    **{
        name: getattr(x86, f"UC_X86_REG_{name.upper()}")
        for name in (
            *("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip"),
            *(f"r{number}" for number in range(8, 16)),
            *("cr0", "cr2", "cr3", "cr4"),
        )
    },
    "efl": x86.UC_X86_REG_EFLAGS,
    "gsbase": x86.UC_X86_REG_GS_BASE,
}
_XMM = tuple(getattr(x86, f"UC_X86_REG_XMM{number}") for number in range(16))
_XMM_NAMES = {f"xmm{number}": register for number, register in enumerate(_XMM)}

# Kept beside the processor: with a flat 64-bit kernel they mean nothing to it, a debugger shows them
# (selectors as in every x64 Windows kernel), and CR8 has to be emulated (see the module's docstring).
_BESIDE = {
    "cs": 0x10,
    "ss": 0x18,
    "ds": 0x2B,
    "es": 0x2B,
    "fs": 0x53,
    "gs": 0x2B,
    "cr8": 0,
    "dr0": 0,
    "dr1": 0,
    "dr2": 0,
    "dr3": 0,
    "dr6": 0xFFFF0FF0,
    "dr7": 0x400,
}

_CR0 = 0x80010033  # PG, WP, NE, ET, MP, PE
_CR4 = 0x620  # PAE, OSFXSR, OSXMMEXCPT
_EFER = (0xC0000080, 0xD01)  # NXE, LMA, LME, SCE
_MASK = (1 << 64) - 1

# DR7: two enable bits and, from bit 16 on, two bits of condition and two of length for each register. An
# execution breakpoint has condition 0 (AMD64 manual volume 2, 13.1.1). The resume flag suppresses it once.
_DEBUG_ADDRESSES = ("dr0", "dr1", "dr2", "dr3")
_DR6_HITS = 0xF
_RESUME_FLAG = 0x10000

_MAX_HOOKS = 16384
_TSC_STEP = 1000


class ExitKind(enum.Enum):
    """Why a run came back."""

    UNTIL = "until"
    """RIP is at the address to run until."""
    BREAKPOINT = "breakpoint"
    """int3; RIP is at it."""
    DEBUG_REGISTER = "debug register"
    """RIP is where a debug register wants to stop, and the instruction has not run; DR6 says which."""
    EXCEPTION = "exception"
    """Another interrupt or exception: ``vector``."""
    BUS_ERROR = "bus error"
    """A mapped page whose frame is not RAM was touched."""
    HALTED = "halted"
    """hlt; RIP is behind it."""
    COUNT = "count"
    """The instructions or the time that were given are used up."""
    AGAIN = "again"
    """Translated code was written; run on."""


@dataclass(frozen=True)
class Exit:
    """How one run ended."""

    kind: ExitKind
    vector: int = 0


@dataclass
class Counter:
    """How many instructions are left to be executed; below 0 when there were more."""

    left: int


class Cpu:
    """One x64 processor and its memory."""

    def __init__(self, seed: int) -> None:
        self.uc: Any = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        # Has AES and SSE4.2, and neither AVX (which unicorn lacks) nor RDRAND (not repeatable).
        self.uc.ctl_set_cpu_model(x86.UC_CPU_X86_WESTMERE)
        self.memory = Memory(self.uc, seed)
        self._beside = dict(_BESIDE)
        self._hooks: Dict[int, Tuple[int, Callable[[int], None], Any]] = {}
        self._debug: Dict[int, Any] = {}
        self._resuming: Optional[int] = None
        self._exit: Optional[Exit] = None
        self._error: Optional[BaseException] = None
        self.hook_calls_left = sys.maxsize
        """How often hooks may be called: they are thousands of times slower than instructions."""
        self._counting = False
        self._tsc = 0x1000_0000
        self.uc.reg_write(x86.UC_X86_REG_CR3, self.memory.root)
        self.uc.reg_write(x86.UC_X86_REG_CR4, _CR4)
        self.uc.reg_write(x86.UC_X86_REG_MSR, _EFER)
        self.uc.reg_write(x86.UC_X86_REG_CR0, _CR0)
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._on_interrupt)

    # Registers

    def get(self, name: str) -> int:
        """A register by lower-case name, XMM registers as integers too; KeyError for one that is not kept."""
        if name in self._beside:
            return self._beside[name]
        if name in _XMM_NAMES:
            return int(self.uc.reg_read(_XMM_NAMES[name]))
        return int(self.uc.reg_read(_NAMED[name]))

    def set(self, name: str, value: int) -> None:
        """Set a register; KeyError for one that is not kept."""
        if name in self._beside:
            self._beside[name] = value & _MASK
        else:
            self.uc.reg_write(_NAMED[name], value & _MASK)

    def get_xmm(self, number: int) -> bytes:
        """The 16 bytes of an XMM register."""
        return int(self.uc.reg_read(_XMM[number])).to_bytes(16, "little")

    def set_xmm(self, number: int, value: bytes) -> None:
        """Set an XMM register from its 16 bytes."""
        if len(value) != 16:
            raise ValueError("an XMM register has 16 bytes")
        self.uc.reg_write(_XMM[number], int.from_bytes(value, "little"))

    def timestamp(self) -> int:
        """A clock that goes on with every look, and never with the host's."""
        self._tsc += _TSC_STEP
        return self._tsc

    def halt(self) -> None:
        """End the run that is under way: the processor waits for an interrupt."""
        self._exit = Exit(ExitKind.HALTED)
        self.uc.emu_stop()

    # Hooks

    def hook(self, begin: int, end: int, callback: Callable[[int], None]) -> None:
        """Call ``callback(address)`` instead of the instructions from ``begin`` to ``end`` - 1; it moves RIP
        on, or leaves it and then the instruction runs. What it raises ends the run and comes out of
        :meth:`run`.

        The instruction cannot simply run after the callback: a run that ends in between would call the
        callback again when it is taken up.
        """

        def on_code(_uc: Any, address: int, _size: int, _data: Any) -> None:
            try:
                self.charge(1)
                callback(address)
            except BaseException as error:
                self._error = error
                self.uc.emu_stop()
            if self.memory.code_changed:
                self._exit = self._exit or Exit(ExitKind.AGAIN)
                self.uc.emu_stop()
            self._settle(running=True)

        handle = self.uc.hook_add(unicorn.UC_HOOK_CODE, on_code, None, begin, end - 1)
        self._hooks[begin] = (end, callback, handle)
        self.memory.code_changed = True

    def charge(self, calls: int) -> None:
        """Charge the filter's call for what a hook does, in hooks that do little.

        Raises:
            GuestStop: it has used up what it may.
        """
        self.hook_calls_left -= calls
        if self.hook_calls_left < 0:
            raise GuestStop("budget", "one call of the filter made the kernel work too much")

    def unhook(self, begin: int) -> None:
        """Undo :meth:`hook`."""
        self.uc.hook_del(self._hooks.pop(begin)[2])
        self.memory.code_changed = True

    def watch_code(self, address: int, code: bytes) -> None:
        """Look for instructions that unicorn gets wrong in a page of new code, and emulate them. ``code``
        may go on a little beyond the page: an instruction may cross the border."""
        for offset, length in find_emulated(code):
            if offset >= PAGE_SIZE:
                break
            if len(self._hooks) >= _MAX_HOOKS:
                raise EmulatorError("the image holds too many instructions that need emulation")
            self.hook(address + offset, address + offset + 1, self._emulation(code[offset : offset + length]))

    def _emulation(self, code: bytes) -> Callable[[int], None]:
        def emulate(address: int) -> None:
            # A debugger's breakpoint comes first: one in a debug register, or an int3 over it.
            if address in self._debug and address != self._resuming:
                return
            if self.memory.read_virtual(address, len(code)) == code:
                execute(self, code)
                self.set("rip", address + len(code))

        return emulate

    def forget_code(self, address: int, size: int) -> None:
        """Undo :meth:`watch_code` for a range."""
        for at in [known for known in self._hooks if address <= known < address + size]:
            self.unhook(at)

    def count_instructions(self, limit: int) -> "Counter":
        """Count from here on, a thousand times slower than without; past the limit a run ends with
        :class:`~.errors.GuestStop`."""
        counter = Counter(limit)

        def count(_uc: Any, _address: int, _size: int, _data: Any) -> None:
            counter.left -= 1
            if counter.left < 0:
                self._error = GuestStop("budget", "all that can be counted was executed")
                self.uc.emu_stop()

        self.uc.hook_add(unicorn.UC_HOOK_CODE, count, None, 1, 0)
        self.memory.code_changed = True
        return counter

    # Debug registers

    def _debug_addresses(self) -> Dict[int, int]:
        """Where execution is to stop, and the bits of DR6 that say so."""
        found: Dict[int, int] = {}
        dr7 = self._beside["dr7"]
        for number, name in enumerate(_DEBUG_ADDRESSES):
            if dr7 >> 2 * number & 3 and not dr7 >> 16 + 4 * number & 3:
                address = self._beside[name]
                found[address] = found.get(address, 0) | 1 << number
        return found

    def _arm_debug_registers(self) -> None:
        wanted = self._debug_addresses()
        if wanted.keys() == self._debug.keys():
            return
        for address in [one for one in self._debug if one not in wanted]:
            self.uc.hook_del(self._debug.pop(address))
        for address in wanted:
            if address not in self._debug:
                self._debug[address] = self.uc.hook_add(
                    unicorn.UC_HOOK_CODE, self._on_debug_address, None, address, address
                )
        # Code that was translated without the hook would never call it.
        self.memory.code_changed = True

    def _on_debug_address(self, _uc: Any, address: int, _size: int, _data: Any) -> None:
        if self._resuming == address:
            self._resuming = None
            return
        self._note_debug_hit(address)
        self.uc.emu_stop()

    def _note_debug_hit(self, address: int) -> None:
        self._beside["dr6"] = self._beside["dr6"] & ~_DR6_HITS | self._debug_addresses()[address]
        self._exit = Exit(ExitKind.DEBUG_REGISTER)

    # Running

    def run(self, until: int, count: int = 0, milliseconds: int = 0) -> Exit:
        """Run from RIP up to ``until`` (executable, as must be the byte before it), at most ``count``
        instructions or ``milliseconds`` where those are given."""
        self._forget_exit()
        self._arm_debug_registers()
        self._settle()
        rip = self.get("rip")
        self._resuming = None
        if rip in self._debug:
            flags = self.get("efl")
            if not flags & _RESUME_FLAG:
                self._note_debug_hit(rip)
                assert self._exit is not None
                return self._exit
            self.set("efl", flags & ~_RESUME_FLAG)
            self._resuming = rip
        if count == 1 and self._call_hook(rip):
            return self._exit or Exit(ExitKind.COUNT)
        if count and not self._counting:
            # Code that was translated for a run without a count would never be counted.
            self.uc.ctl_flush_tb()
        self._counting = bool(count)
        failure = 0
        try:
            self.uc.emu_start(rip, until, timeout=milliseconds * 1000, count=count)
        except unicorn.UcError as error:
            failure = int(error.errno)
        if self._error is not None:
            raise self._error
        if self._exit is not None:
            return self._exit
        if failure:
            if failure == unicorn.UC_ERR_INSN_INVALID:
                return Exit(ExitKind.EXCEPTION, 6)
            return Exit(ExitKind.BUS_ERROR)
        if self.get("rip") == until:
            return Exit(ExitKind.UNTIL)
        if count or (milliseconds and self.uc.query(unicorn.UC_QUERY_TIMEOUT)):
            return Exit(ExitKind.COUNT)
        return Exit(ExitKind.HALTED)

    def _forget_exit(self) -> None:
        self._exit = self._error = None

    def _call_hook(self, rip: int) -> bool:
        for begin, (end, callback, _) in self._hooks.items():
            if begin <= rip < end:
                self.charge(1)
                callback(rip)
                return self.get("rip") != rip
        return False

    def _on_interrupt(self, _uc: Any, vector: int, _data: Any) -> None:
        if vector == 3:
            self.set("rip", self.get("rip") - 1)
            self._exit = Exit(ExitKind.BREAKPOINT)
        else:
            self._exit = Exit(ExitKind.EXCEPTION, vector)
        self.uc.emu_stop()

    def _settle(self, running: bool = False) -> None:
        """Make the processor notice what was written behind its back. Translations cannot be thrown away
        while one of them runs: who writes code from within a hook must stop the run."""
        memory = self.memory
        if memory.mapping_changed:
            self.uc.reg_write(x86.UC_X86_REG_CR3, memory.root)
            memory.mapping_changed = False
            memory.code_changed |= not running
        if memory.code_changed and not running:
            self.uc.ctl_flush_tb()
            memory.code_changed = False

    def read_u64(self, address: int) -> int:
        """A quad-word of mapped memory."""
        return int(struct.unpack("<Q", self.memory.read_virtual(address, 8))[0])

    def map_stack(self, base: int, size: int) -> int:
        """Map a kernel stack with nothing mapped below it; gives its top."""
        self.memory.map_new(base, size - size % PAGE_SIZE)
        return base + size - size % PAGE_SIZE
