"""The port on the emulator: a debugger with no wire between it and its target.

It works as DbgEng does: breakpoints are int3 bytes, or addresses in debug registers, that are there only
while the target runs, and the one that the target stands at is stepped over first.
"""

import signal
import struct
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Optional, Sequence

import unicorn as _unicorn

from ..debugger import (
    DEBUG_REGISTERS,
    BreakHandler,
    BugCheckData,
    DebuggerInfo,
    HitHandler,
    Module,
    ModuleHandler,
    PhysicalAddress,
    Stop,
    StopReason,
    VirtualAddress,
)
from ..errors import TargetError
from ..structures import Machine
from .events import (
    BreakpointHit,
    Event,
    LoadedImage,
    ModuleLoaded,
    ModuleUnloaded,
    SingleStep,
    Stopped,
)
from .target import Target

__all__ = ["EmulatorDebugger"]

unicorn: Any = _unicorn  # it has no types

_INT3 = b"\xcc"
_DR7_NONE = 0x400
_BUG_CHECK_DATA = struct.Struct("<5Q")


class EmulatorDebugger:
    """A debugger attached to a :class:`Target`. It does not own the target's past: of a life, it sees what
    follows the moment at which it attaches."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._breakpoints: List[_Breakpoint] = []
        self._watches: List[_Watch] = []
        self._break_watches: List[_BreakWatch] = []
        self._skip_int3: Optional[int] = None
        self._interrupted = False
        self._ended: Optional[Stop] = None

    @property
    def machine(self) -> Machine:
        return Machine.X64

    def describe(self) -> DebuggerInfo:
        scenario = self._target.scenario
        attached = "" if scenario.attach == "start" else f" attached at {scenario.attach}"
        what = (
            f"emulated x64 kernel, {scenario.kind}{attached}, seed {scenario.seed}, {scenario.calls} writes, "
            f"{scenario.pages} pages"
        )
        return DebuggerInfo("emulator", _unicorn_version(), what)

    def modules(self) -> List[Module]:
        return [_module(image) for image in self._target.modules()]

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        for image in self._target.modules():
            if image.base == module.base:
                address = image.exports.get(name)
                return None if address is None else VirtualAddress(address)
        raise TargetError(f"the module {module.name} is not loaded")

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        values = {}
        for name in names:
            try:
                values[name] = self._target.get_register(name)
            except KeyError:
                continue
        return values

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        return self._target.read_virtual(address, size)

    def read_physical(self, address: PhysicalAddress, size: int) -> bytes:
        return self._target.read_physical(address, size)

    def bug_check(self) -> Optional[BugCheckData]:
        data = self._target.read_virtual(self._target.bug_check_data, _BUG_CHECK_DATA.size)
        code, *parameters = _BUG_CHECK_DATA.unpack(data)
        first, second, third, fourth = parameters
        return BugCheckData(code, (first, second, third, fourth)) if code else None

    def physical_memory(self) -> Optional[int]:
        return self._target.physical_memory

    def set_breakpoint(
        self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False
    ) -> "_Breakpoint":
        self._target.read_virtual(address, 1)
        if hardware and not self.free_debug_registers():
            raise TargetError(f"no debug register is free for a breakpoint at {int(address):#x}")
        breakpoint_ = _Breakpoint(self, VirtualAddress(address), on_hit, hardware)
        self._breakpoints.append(breakpoint_)
        return breakpoint_

    def free_debug_registers(self) -> int:
        return DEBUG_REGISTERS - sum(one.hardware for one in self._breakpoints)

    def watch_modules(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> "_Watch":
        watch = _Watch(self, on_load, on_unload)
        self._watches.append(watch)
        return watch

    def watch_breaks(self, on_break: BreakHandler) -> "_BreakWatch":
        watch = _BreakWatch(self, on_break)
        self._break_watches.append(watch)
        return watch

    def run(self) -> Stop:
        """As :meth:`pykd_dumpfilt.debugger.Debugger.run`. What a handler raises comes out of here, with the
        target as it should be: stopped, no int3 of ours in it, ready to run on."""
        with self._ctrl_c():
            while True:
                stop = self._handle(self._resume())
                if stop is not None:
                    return stop
                if self._interrupted:
                    return Stop(StopReason.INTERRUPTED, "Ctrl+C")

    def _resume(self) -> Event:
        target = self._target
        rip = target.get_register("rip")
        if self._skip_int3 == rip:
            target.set_register("rip", rip + 1)
        elif any(breakpoint_.address == rip for breakpoint_ in self._breakpoints):
            event = target.step()
            if not isinstance(event, SingleStep):
                return event
        self._skip_int3 = None
        with self._inserted():
            return target.resume()

    @contextmanager
    def _inserted(self) -> Iterator[None]:
        target = self._target
        originals: Dict[int, bytes] = {}
        registers = [int(one.address) for one in self._breakpoints if one.hardware]
        try:
            for number, address in enumerate(registers):
                target.set_register(f"dr{number}", address)
            target.set_register("dr7", _DR7_NONE | sum(1 << 2 * n for n in range(len(registers))))
            for breakpoint_ in self._breakpoints:
                address = int(breakpoint_.address)
                if not breakpoint_.hardware and address not in originals:
                    original = target.read_virtual(address, 1)
                    target.write_virtual(address, _INT3)
                    originals[address] = original
            yield
        finally:
            target.set_register("dr7", _DR7_NONE)
            for address, original in originals.items():
                target.write_virtual(address, original)

    def _handle(self, event: Event) -> Optional[Stop]:
        """What to do about an event; None to run on."""
        if isinstance(event, BreakpointHit):
            return self._hit(event.address)
        if isinstance(event, ModuleLoaded):
            for watch in list(self._watches):
                watch.loaded(_module(event.module))
        elif isinstance(event, ModuleUnloaded):
            module = _module(event.module)
            try:
                for watch in list(self._watches):
                    watch.unloaded(module)
            finally:
                # Its pages go away: an int3 could no longer be written there.
                self._breakpoints = [known for known in self._breakpoints if known.address not in module]
        elif isinstance(event, Stopped):
            self._broke()
            return Stop(StopReason.STUCK if event.reason == "budget" else StopReason.ENDED, self._told(event))
        # Running: somebody asked the target to stop. Whether it was Ctrl+C is known to run().
        return None

    def _told(self, stopped: Stopped) -> str:
        """A stop of the machine as a sentence: what happened, in which call, and what that had taken."""
        if stopped.reason == "ended":
            return stopped.detail
        told = f"{stopped.reason}: {stopped.detail}"
        if stopped.call:
            told += f"; in {stopped.callback}, the filter's call {stopped.call}"
            spent = self._target.spent()
            if spent is not None:
                told += f", after {spent} of {self._target.scenario.budget} instructions"
        return told

    def _hit(self, address: int) -> Optional[Stop]:
        if self._target.read_virtual(address, 1) == _INT3:
            # One that is part of the code: whoever resumes goes on behind it.
            self._skip_int3 = address
        ours = [breakpoint_ for breakpoint_ in self._breakpoints if breakpoint_.address == address]
        wanted = False
        failure: Optional[BaseException] = None
        for breakpoint_ in ours:
            if breakpoint_ not in self._breakpoints:
                continue  # an earlier handler removed it
            try:
                wanted = bool(breakpoint_.on_hit()) or wanted
            except BaseException as error:
                failure = failure or error
        if failure is not None:
            raise failure
        if wanted:
            return Stop(StopReason.BREAK, f"breakpoint at {address:#x}")
        if not ours:
            self._broke()
            return Stop(StopReason.BREAK, f"the target itself executed int3 at {address:#x}")
        return None

    def _broke(self) -> None:
        for watch in list(self._break_watches):
            watch.on_break()

    @contextmanager
    def _ctrl_c(self) -> Iterator[None]:
        """Turn Ctrl+C into a request, so that no handler and no guest function is cut in half."""
        self._interrupted = False
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(_signal: int, _frame: object) -> None:
            self._interrupted = True
            self._target.interrupt()

        before = signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


class _Breakpoint:
    def __init__(
        self, debugger: EmulatorDebugger, address: VirtualAddress, on_hit: HitHandler, hardware: bool
    ) -> None:
        self._debugger = debugger
        self._address = address
        self.on_hit = on_hit
        self.hardware = hardware

    @property
    def address(self) -> VirtualAddress:
        return self._address

    def remove(self) -> None:
        if self in self._debugger._breakpoints:
            self._debugger._breakpoints.remove(self)


class _Watch:
    def __init__(self, debugger: EmulatorDebugger, loaded: ModuleHandler, unloaded: ModuleHandler) -> None:
        self._debugger = debugger
        self.loaded = loaded
        self.unloaded = unloaded

    def remove(self) -> None:
        if self in self._debugger._watches:
            self._debugger._watches.remove(self)


class _BreakWatch:
    def __init__(self, debugger: EmulatorDebugger, on_break: BreakHandler) -> None:
        self._debugger = debugger
        self.on_break = on_break

    def remove(self) -> None:
        if self in self._debugger._break_watches:
            self._debugger._break_watches.remove(self)


def _unicorn_version() -> str:
    return ".".join(str(part) for part in unicorn.version_bind()[:2])


def _module(image: LoadedImage) -> Module:
    return Module(image.name, VirtualAddress(image.base), image.size)
