"""The emulated machine as a debugger sees it."""

import re
from typing import List, Optional, Sequence, Tuple, Union

from ..errors import TargetError, UsageError
from .cpu import Exit, ExitKind
from .errors import GuestStop
from .events import BreakpointHit, DebugRegisterHit, Event, LoadedImage, Running, SingleStep, Spent, Stopped
from .image import read_image
from .kernel import Kernel, Processor
from .scenario import Scenario
from .steps import GuestCall, Moment
from .story import Story
from .stream import Stream

__all__ = ["Target"]

_NAME = re.compile(r'[^\x00-\x1f\\/:*?"<>|]{1,64}')
_TRAP_FLAG = 0x100
_PRESERVED = ("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15")
_SCRATCH = ("r10", "r11")
_ARGUMENTS = ("rcx", "rdx", "r8", "r9")

# A run without a count of instructions is several times faster. So each call of the filter gets that much
# wall-clock time first; what takes longer is counted from there on.
_FAST_SLICES = 8
_SLICE_MILLISECONDS = 500
_SLICE_INSTRUCTIONS = 20_000_000
_FAST_BUDGET = 100_000_000
_STOP_COST = 100_000
_HOOK_COST = 10_000
_COUNTED = 1_000_000

# What Windows raises for an exception that nobody handles (bug check code reference).
_KMODE_EXCEPTION_NOT_HANDLED, _UNEXPECTED_KERNEL_MODE_TRAP, _KERNEL_SECURITY_CHECK_FAILURE = 0x1E, 0x7F, 0x139
_EXCEPTION_CODES = {0: 0xC0000094, 6: 0xC000001D, 13: 0xC0000005, 17: 0x80000002, 19: 0xC00002B5}
_STATUS_BREAKPOINT = 0x80000003
_DOUBLE_FAULT, _PAGE_FAULT, _FAST_FAIL = 8, 14, 0x29

_VECTORS = {
    0: "divide error",
    1: "debug exception",
    6: "invalid instruction",
    8: "double fault",
    13: "general protection fault",
    16: "floating-point error",
    17: "alignment check",
    19: "SIMD floating-point error",
}


class Target:
    """One emulated x64 machine with one filter and one scenario; it stands at
    nt!DbgBreakPointWithStatus, as at the initial break of a kernel debugger. What is past when the debugger
    attaches (see :class:`Scenario`) has been executed.

    The same image, name and scenario give the same addresses, bytes and events on every run.

    Args:
        image: the .sys file's bytes.
        name: the filter's plain name, without prefix and extension.
        scenario: what is to happen.
        processors: how many; with more than one, they take turns at the calls of the filter, each on a stack
            of its own, and all others are frozen meanwhile.

    Raises:
        ImageError: the image cannot be run.
        UsageError: the name cannot be a file's name.
    """

    def __init__(self, image: bytes, name: str, scenario: Scenario, processors: int = 1) -> None:
        if not _NAME.fullmatch(name) or name != name.strip(" ."):
            raise UsageError(f"{name!r} cannot be the name of a driver: 1 to 64 characters of a file's name")
        driver = read_image(image)
        self.scenario = scenario
        self._arguments = (image, name, scenario, processors)
        self._kernel = Kernel(scenario.seed, (entry.kernel_name for entry in driver.imports), processors)
        self._cpu = self._kernel.cpu
        self._registers = Stream("registers", scenario.seed)
        self._story = Story(self._kernel, driver, name, scenario)
        self._steps = self._story.run()
        self._answer: Optional[int] = None
        self._in_call = False
        self._callback = ""
        self._entered = 0
        self._used_up = False
        self._fast = 0
        self._left = 0
        self._stopped: Optional[Stopped] = None
        self._interrupted = False
        self._awaited = None if scenario.attach == "start" else scenario.attach
        if self._awaited is not None:
            self._live_through()

    # Places

    @property
    def kernel_base(self) -> int:
        return self._kernel.modules()[0].base

    @property
    def ps_loaded_module_list(self) -> int:
        return self._kernel.ps_loaded_module_list

    @property
    def debugger_data_list(self) -> int:
        return self._kernel.debugger_data_list

    @property
    def processors(self) -> Sequence[Processor]:
        """All of them, by number."""
        return self._kernel.processors

    @property
    def running(self) -> Processor:
        """The processor that executes; registers are its."""
        return self._kernel.running

    @property
    def kpcr(self) -> int:
        return self.running.kpcr

    @property
    def kprcb(self) -> int:
        return self.running.kprcb

    @property
    def current_thread(self) -> int:
        return self.running.thread

    @property
    def bug_check_data(self) -> int:
        """The address of KiBugCheckData."""
        return self._kernel.bug_check_data

    @property
    def physical_memory(self) -> int:
        """Bytes of RAM."""
        return self._kernel.physical_memory

    @property
    def gdt(self) -> Tuple[int, int]:
        """What the GDTR holds: base and limit."""
        return self.running.gdt, self._kernel.gdt_limit

    @property
    def debug_output(self) -> List[str]:
        """What the guest gave to DbgPrint, one string per call."""
        return self._kernel.debug_output

    def modules(self) -> List[LoadedImage]:
        """Every loaded image, in load order."""
        return self._kernel.modules()

    # Memory and registers

    def read_virtual(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes, else :class:`~pykd_dumpfilt.debugger.MemoryReadError` with what came."""
        return self._kernel.memory.read_virtual(address, size)

    def read_physical(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes, else :class:`~pykd_dumpfilt.debugger.MemoryReadError` with what came."""
        return self._kernel.memory.read_physical(address, size)

    def translate(self, address: int) -> Optional[int]:
        """The physical address behind a virtual one; None where nothing is mapped."""
        return self._kernel.memory.translate(address)

    def write_virtual(self, address: int, data: bytes) -> None:
        """Write whatever the protection; :class:`~pykd_dumpfilt.errors.TargetError`, and nothing is
        written, where not all is mapped."""
        self._kernel.memory.write_virtual(address, data)

    def write_physical(self, address: int, data: bytes) -> None:
        """Write to RAM; :class:`~pykd_dumpfilt.errors.TargetError` where it is not wholly there."""
        self._kernel.memory.write_physical(address, data)

    def get_register(self, name: str) -> int:
        """A register by lower-case name; KeyError for others."""
        return self._cpu.get(name)

    def set_register(self, name: str, value: int) -> None:
        """Set a register; KeyError for others. The trap flag in EFLAGS is dropped: use :meth:`step`."""
        self._cpu.set(name, value & ~_TRAP_FLAG if name == "efl" else value)

    def get_xmm(self, number: int) -> bytes:
        """The 16 bytes of an XMM register."""
        return self._cpu.get_xmm(number)

    def set_xmm(self, number: int, value: bytes) -> None:
        """Set an XMM register from its 16 bytes."""
        self._cpu.set_xmm(number, value)

    # Running

    def interrupt(self) -> None:
        """Make the :meth:`resume` that is under way, or else the next one, come back with ``Running`` soon
        (within half a second). May be called from another thread or a signal handler."""
        self._interrupted = True

    def resume(self, max_instructions: Optional[int] = None) -> Event:
        """Run until something happens that a debugger would see; ``Running`` when ``max_instructions`` are
        used up. Without that limit the machine runs several times faster; see :meth:`interrupt`."""
        remaining = max_instructions
        while self._stopped is None:
            if self._interrupted:
                self._interrupted = False
                return Running()
            if not self._in_call:
                event = self._advance()
                if event is not None:
                    return event
            if remaining is not None and remaining <= 0:
                return Running()
            count, milliseconds = self._slice(remaining)
            if self._in_call:
                event = self._run(count, milliseconds)
                if event is not None:
                    return event
            if remaining is not None:
                remaining -= count
        return self._stopped

    def step(self) -> Event:
        """Execute one instruction. Where the guest has none to execute (between two calls of the filter), go
        on to the first instruction of the next call, or to the event before it."""
        if self._stopped is not None:
            return self._stopped
        if not self._in_call:
            return self._advance() or SingleStep()
        self._left -= 1
        return self._run(1, 0) or SingleStep()

    def restart_dump_stack(self, base: int) -> None:
        """Take the dump stack down where it stands, in a call or between two, as Windows does when crash
        dumps are turned off or a hibernation is given up. The filter's image goes next; then the scenario
        begins anew, with the image at ``base``. A call that is under way never returns."""
        self._steps = self._story.restart(base)
        self._in_call = False
        self._answer = None

    def spent(self) -> Optional[Spent]:
        """What the call had taken of its budget in which the machine stopped; None where it stopped in none.

        A machine that runs fast does not count. So another one plays the same again, and counts in its last
        call up to a million; where somebody changed this one's memory or registers, the answer may be None.
        """
        stopped = self._stopped
        if stopped is None or not stopped.call:
            return None
        if self._used_up:
            return Spent(self.scenario.budget, exactly=True)
        again = Target(*self._arguments)
        again._play_to(stopped.call)
        if again._stopped is not None:
            return None
        counter = again._cpu.count_instructions(_COUNTED)
        again._play_to(stopped.call + 1)
        if counter.left < 0:
            return Spent(_COUNTED, exactly=False)
        return Spent(_COUNTED - counter.left, exactly=True) if again._stopped == stopped else None

    def _play_to(self, call: int) -> None:
        """Go on to a call of the filter, by its number, past whatever a debugger would see."""
        while self._stopped is None and self._entered < call:
            if not self._in_call:
                self._advance()
            elif isinstance(self._run(*self._slice(None)), BreakpointHit):
                self._cpu.set("rip", self._cpu.get("rip") + 1)

    def _slice(self, remaining: Optional[int]) -> Tuple[int, int]:
        """Instructions and milliseconds for the next run; 0 for no limit."""
        if remaining is None and self._fast > 0:
            self._fast -= 1
            return 0, _SLICE_MILLISECONDS
        count = min(_SLICE_INSTRUCTIONS, max(self._left, 2), max(remaining or _SLICE_INSTRUCTIONS, 1))
        self._left -= count
        return count, 0

    def _run(self, count: int, milliseconds: int) -> Optional[Event]:
        try:
            exit_ = self._cpu.run(self._kernel.rest_address, count, milliseconds)
        except GuestStop as stop:
            return self._stop(stop)
        except TargetError as error:
            # The emulated kernel itself stumbled, for example over a stack that is gone.
            return self._stop(GuestStop("fault", f"{error} (RIP {self._where()})"))
        if exit_.kind == ExitKind.UNTIL:
            self._in_call = False
            self._answer = self._cpu.get("rax")
            return None
        if exit_.kind in (ExitKind.BREAKPOINT, ExitKind.DEBUG_REGISTER, ExitKind.AGAIN):
            # How much of the slice was used is not known. A stop is charged as if it had taken long, so that
            # a callback that meets breakpoints for ever comes to an end, and the rest is given back.
            # (Of a small budget it takes a thousandth.)
            self._left += max(0, count - min(_STOP_COST, self.scenario.budget // 1000))
        if exit_.kind == ExitKind.BREAKPOINT:
            return BreakpointHit(self._cpu.get("rip"))
        if exit_.kind == ExitKind.DEBUG_REGISTER:
            return DebugRegisterHit(self._cpu.get("rip"))
        if exit_.kind in (ExitKind.COUNT, ExitKind.AGAIN):
            if self._left <= 0:
                limit = self.scenario.budget
                detail = f"one call of the filter took more than {limit} instructions; RIP is {self._where()}"
                self._used_up = True
                return self._stop(GuestStop("budget", detail))
            return None
        return self._stop(self._fault(exit_))

    def _advance(self) -> Optional[Event]:
        """Go on with the scenario up to the next event, or None with a call of the filter under way."""
        while True:
            try:
                step: Union[GuestCall, Moment, Event]
                if self._answer is None:
                    step = next(self._steps)
                else:
                    answer, self._answer = self._answer, None
                    step = self._steps.send(answer)
            except StopIteration:
                return self._stop(GuestStop("ended", self._story.outcome))
            except GuestStop as stop:
                return self._stop(stop)
            except TargetError as error:
                # The emulated kernel itself stumbled, over memory of its own that the filter took away.
                return self._stop(GuestStop("fault", str(error)))
            if isinstance(step, Moment):
                if not step.breaks_in and step.name != self._awaited:
                    continue
                if step.name == self._awaited:
                    self._awaited = None
                self._kernel.break_in(step.status)
                return BreakpointHit(self._kernel.break_address)
            if isinstance(step, GuestCall):
                self._enter(step)
                return None
            self._cpu.set("rip", self._kernel.rest_address)
            return step

    def _live_through(self) -> None:
        """Execute what is past when the debugger attaches."""
        while self._awaited is not None and self._stopped is None:
            event = self.resume()
            at_break = isinstance(event, BreakpointHit) and event.address == self._kernel.break_address
            if isinstance(event, BreakpointHit) and not at_break:
                # Nobody is there to take it.
                rip = self._cpu.get("rip")
                detail = f"int3 at {self._where()}, and no debugger was attached"
                parameters = (_STATUS_BREAKPOINT, rip, 0, 0)
                self._stop(GuestStop("fault", detail, _KMODE_EXCEPTION_NOT_HANDLED, parameters))
        # A debugger hears what is printed while it is there.
        self._kernel.debug_output.clear()

    def _enter(self, call: GuestCall) -> None:
        """Put the processor in front of crashdmp's call instruction."""
        cpu, kernel = self._cpu, self._kernel
        kernel.run_on(self._entered % len(kernel.processors))
        self._entered += 1
        for register in (*_PRESERVED, *_SCRATCH):
            cpu.set(register, int.from_bytes(self._registers.bytes(8), "little"))
        for number in range(16):
            cpu.set_xmm(number, self._registers.bytes(16))
        for number, register in enumerate(_ARGUMENTS):
            # Registers beyond the callback's arguments hold something, as they would.
            value = int.from_bytes(self._registers.bytes(8), "little")
            cpu.set(register, call.arguments[number] if number < len(call.arguments) else value)
        stack = kernel.stack_top - 0x100 - 8
        kernel.memory.write_virtual(stack - 0x80, self._registers.bytes(0x80))
        kernel.memory.write_virtual(stack, kernel.rest_address.to_bytes(8, "little"))
        cpu.set("rsp", stack)
        cpu.set("rax", call.function)
        cpu.set("rip", kernel.site(call.callback))
        cpu.set("efl", 0x202 if kernel.irql == 0 else 0x2)
        self._in_call = True
        self._callback = call.callback
        self._left = self.scenario.budget
        self._fast = _FAST_SLICES if self._left >= _FAST_BUDGET else 0
        cpu.hook_calls_left = max(1000, self._left // _HOOK_COST)

    def _stop(self, stop: GuestStop) -> Stopped:
        if stop.code:
            self._kernel.note_bug_check(stop.code, stop.parameters)
        where = (self._callback, self._entered) if self._in_call else ("", 0)
        self._in_call = False
        self._stopped = Stopped(stop.reason, stop.detail, stop.code, stop.parameters, *where)
        self._cpu.set("rip", self._kernel.break_address)
        return self._stopped

    def _where(self) -> str:
        return self._kernel.locate(self._cpu.get("rip"))

    def _fault(self, exit_: Exit) -> GuestStop:
        """The signal for an end that no driver wants, with the bug check that Windows would raise."""
        rip = self._cpu.get("rip")
        if exit_.kind == ExitKind.HALTED:
            where = self._kernel.locate(rip - 1)
            return GuestStop("fault", f"the processor was halted (hlt) at {where} and nothing would wake it")
        if exit_.kind == ExitKind.BUS_ERROR:
            return GuestStop(
                "fault", f"access at {self._where()} to a mapped page whose page frame is not memory"
            )
        if exit_.kind == ExitKind.EXCEPTION and exit_.vector == _PAGE_FAULT:
            address = self._cpu.get("cr2")
            detail = f"page fault at {self._where()}: accessing {address:#x}"
            if address == rip:
                detail = f"page fault executing {self._where()}, called from {self._kernel.caller()}"
            return self._kernel.page_fault(detail, address, rip)
        if exit_.kind == ExitKind.EXCEPTION and exit_.vector == _FAST_FAIL:
            code = self._cpu.get("rcx") & 0xFFFFFFFF
            detail = f"fast fail {code} at {self._where()}"
            return GuestStop("fault", detail, _KERNEL_SECURITY_CHECK_FAILURE, (code, 0, 0, 0))
        name = _VECTORS.get(exit_.vector, f"interrupt {exit_.vector:#x}")
        detail = f"{name} at {self._where()}"
        if exit_.vector == _DOUBLE_FAULT:
            return GuestStop("fault", detail, _UNEXPECTED_KERNEL_MODE_TRAP, (exit_.vector, 0, 0, 0))
        exception = _EXCEPTION_CODES.get(exit_.vector, 0)
        return GuestStop("fault", detail, _KMODE_EXCEPTION_NOT_HANDLED, (exception, rip, 0, 0))
