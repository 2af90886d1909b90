"""The port on pykd: WinDbg, kd, or DbgEng loaded by a plain Python. The only module that imports pykd.

pykd's habits that shape this module (0.3.4.15, by experiment):

* A breakpoint belongs to its Python object: dropping the object deletes the breakpoint, by engine id, even
  when the id meanwhile names another breakpoint. So objects are kept until that is harmless.
* A breakpoint callback gets no arguments today and got an id in older versions; what it raises stops the
  target with a traceback; returning 1, 2 or any odd object stops it too.
* Array loads are all or nothing. ``loadChars`` decodes UTF-8 and fails on data; ``loadWChars`` is lossless.
* ``expr`` reads "afd" as a number, ``removeAllBp`` deletes the user's breakpoints, ``findMemoryRegion``
  crashes the process: none is used.
"""

import atexit
import contextlib
import re
import signal
import sys
import traceback
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from ..errors import TargetError, UsageError
from ..structures import Machine
from .dbgeng import engine
from .port import (
    DEBUG_REGISTERS,
    PAGE_SIZE,
    BreakHandler,
    BugCheckData,
    DebuggerInfo,
    HitHandler,
    MemoryReadError,
    Module,
    ModuleHandler,
    PhysicalAddress,
    Stop,
    StopReason,
    VirtualAddress,
)

try:
    import pykd
except ImportError as error:
    raise UsageError(
        "pykd is not installed in this Python. Inside WinDbg: pip install pykd into the Python 3.8 or 3.9 "
        "that !py uses (pykd has no wheels for others). To work on a recording, no debugger is needed: "
        "dumpfilt check RECORDING"
    ) from error

__all__ = ["PykdDebugger", "status_message"]

_MACHINES = {"AMD64": Machine.X64, "ARM64": Machine.ARM64, "I386": Machine.X86}

# "fffff800`10000000 fffff800`10005000   dump_filt   (deferred)"
_LM_LINE = re.compile(r"^([0-9a-f`]{8,17}) ([0-9a-f`]{8,17})\s+(\S+)", re.IGNORECASE)

# "xmm6=716eadd322e9343f acb970fb4befcf5a": upper half first.
_XMM_VALUE = re.compile(r"\b(xmm\d{1,2})=([0-9a-f]{16}) ([0-9a-f]{16})\b")
_BUG_CHECK = re.compile(r"Bugcheck code ([0-9A-Fa-f]{1,8})\s+Arguments((?:\s+[0-9A-Fa-f`]{8,17}){4})")

_DATA_BREAKPOINT = re.compile(r"^\s*\d+\s+\w+\s+[0-9a-f`]+\s+[erwi]\s*[1248]\s", re.IGNORECASE)

_NUMBER_OF_PHYSICAL_PAGES = 248  # DEBUG_DATA_MmNumberOfPhysicalPagesAddr

# pykd's breakpointAccess; an execution breakpoint has the size 1.
_EXECUTE, _EXECUTE_SIZE = 4, 1

_HitResult = Any


class PykdDebugger:
    """A kernel target that pykd is attached to.

    Raises:
        UsageError: there is no live kernel target.
    """

    def __init__(self) -> None:
        try:
            kernel = pykd.isKernelDebugging()
            dump = kernel and pykd.isDumpAnalyzing()
        except pykd.DbgException as error:
            raise UsageError(f"no target: attach to a kernel first ({_text(error)})") from error
        if not kernel:
            raise UsageError("not a kernel target: dump filters run in the kernel; attach with windbg -k")
        if dump:
            raise UsageError(
                "this target is a dump file: nothing runs in it, so no call can be traced. Attach to a live "
                "kernel (windbg -k); to look at a recording: dumpfilt check RECORDING"
            )
        name = str(pykd.getCPUType()).rsplit(".", 1)[-1]
        if name not in _MACHINES:
            raise UsageError(f"targets with a {name} processor are not supported")
        self._machine = _MACHINES[name]
        # Both sign-extend on 32-bit targets.
        self._address_mask = 0xFFFFFFFF if self._machine.pointer_size == 4 else 0xFFFFFFFFFFFFFFFF
        self._breakpoints: List[_Breakpoint] = []
        self._removed: List[Any] = []
        self._engine = engine()
        self._interrupted = False
        self._ctrl_c_pressed = False
        self._fault: Optional[str] = None
        self._registered = False

    @property
    def machine(self) -> Machine:
        return self._machine

    def describe(self) -> DebuggerInfo:
        lines = self._command("vertarget").splitlines()
        target = next((line.strip() for line in lines if line.startswith("Windows")), "unknown target")
        return DebuggerInfo("pykd", str(pykd.version), target)

    def modules(self) -> List[Module]:
        # One command for all of them: a pykd.module object apiece makes DbgEng look for symbols of each, and
        # iterating pykd's own list has been seen to crash.
        found = []
        for line in self._command("lm").splitlines():
            if line.startswith("Unloaded modules"):
                break
            match = _LM_LINE.match(line)
            if match:
                begin, end = (int(text.replace("`", ""), 16) for text in match.group(1, 2))
                found.append(Module(match.group(3), VirtualAddress(begin), end - begin))
        return found

    def reload_modules(self) -> None:
        """Have the engine walk the target's list of modules again: it knows of no more than nt and of those
        that it saw coming. Costs a few packets for each module."""
        self._command(".reload")

    def breakpoints(self) -> List[VirtualAddress]:
        """Where breakpoints of the engine are, whoever has set them."""
        try:
            return [VirtualAddress(one.getOffset() & self._address_mask) for one in _engine_breakpoints()]
        except pykd.DbgException as error:
            raise TargetError(f"cannot list the breakpoints: {_text(error)}") from error

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        if not self._engine.knows_symbols:
            return self._symbol_by_pykd(module, name)
        address = self._engine.symbol(f"{module.name}!{name}")
        if address is None or address & self._address_mask not in module:
            return None
        return VirtualAddress(address & self._address_mask)

    def _symbol_by_pykd(self, module: Module, name: str) -> Optional[VirtualAddress]:
        try:
            return VirtualAddress(pykd.module(int(module.base)).offset(name) & self._address_mask)
        except pykd.SymbolException:
            return None
        except pykd.DbgException as error:
            raise TargetError(f"cannot look up {module.name}!{name}: {_text(error)}") from error

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        given = self._engine.read_registers(names)
        return self._registers_by_pykd(names) if given is None else given

    def _registers_by_pykd(self, names: Sequence[str]) -> Dict[str, int]:
        values = {}
        wide = [name for name in names if name.startswith("xmm")]
        for name in names:
            if name not in wide:
                with contextlib.suppress(pykd.DbgException):
                    values[name] = int(pykd.reg(name))
        if wide:
            # pykd.reg() knows no type for them; DbgEng's own command does, in one go.
            with contextlib.suppress(TargetError):
                shown = self._command("r " + ",".join(f"{name}:uq" for name in wide))
                values.update({name: int(high + low, 16) for name, high, low in _XMM_VALUE.findall(shown)})
        return values

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        # Addresses of 32-bit targets are sign-extended (dbgeng.h).
        signed = self._machine.pointer_size == 4 and address & 0x80000000
        wide = int(address) | 0xFFFFFFFF00000000 if signed else int(address)
        return self._read(
            lambda: (
                _whole(address, size, self._engine.read_virtual(wide, size))
                or _load_pages(address, size, physical=False)
            )
        )

    def read_physical(self, address: PhysicalAddress, size: int) -> bytes:
        return self._read(
            lambda: (
                _whole(address, size, self._engine.read_physical(int(address), size))
                or _load_pages(address, size, physical=True)
            )
        )

    def _read(self, read: Callable[[], bytes]) -> bytes:
        while True:
            try:
                return read()
            except MemoryReadError:
                # Ctrl+Break makes every read fail, until somebody looks.
                if not self._engine.look_for_interrupt():
                    raise

    def bug_check(self) -> Optional[BugCheckData]:
        # DbgEng finds KiBugCheckData through the kernel's debugger data block, and so without symbols.
        try:
            shown = self._command(".bugcheck")
        except TargetError:
            return None
        match = _BUG_CHECK.search(shown)
        if match is None or int(match.group(1), 16) == 0:
            return None
        first, second, third, fourth = (int(text.replace("`", ""), 16) for text in match.group(2).split())
        return BugCheckData(int(match.group(1), 16), (first, second, third, fourth))

    def physical_memory(self) -> Optional[int]:
        address = self._engine.debugger_data(_NUMBER_OF_PHYSICAL_PAGES)
        if not address:
            return None
        try:
            pages = self.read_virtual(VirtualAddress(address), self._machine.pointer_size)
        except TargetError:
            return None
        return int.from_bytes(pages, "little") * PAGE_SIZE

    def set_breakpoint(
        self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False
    ) -> "_Breakpoint":
        if not self._registered:
            # Without -g the interpreter ends with the script; a breakpoint that outlives it crashes DbgEng.
            atexit.register(self._at_exit)
            self._registered = True
        if hardware and not self.free_debug_registers():
            # DbgEng would take it, and refuse to let the target go on.
            raise TargetError(f"no debug register is free for a breakpoint at {int(address):#x}")
        # Where both kinds are at one address DbgEng tells of the debug register only, and steps over int3.
        hardware = hardware and not self._has_others(address)
        breakpoint_ = _Breakpoint(self, address, on_hit, hardware)
        self._breakpoints.append(breakpoint_)
        return breakpoint_

    def _has_others(self, address: int) -> bool:
        """Whether a breakpoint that is not ours is at an address."""
        ours = {one.number for one in self._breakpoints}
        with contextlib.suppress(pykd.DbgException):
            return any(
                other.getOffset() & self._address_mask == address and other.getId() not in ours
                for other in _engine_breakpoints()
            )
        return False

    def free_debug_registers(self) -> int:
        # pykd's own client sees everybody's breakpoints: "0 e fffff800`00001000 e 1 0001 (0001) module!name".
        lines = self._command("bl").splitlines()
        return max(0, DEBUG_REGISTERS - sum(_DATA_BREAKPOINT.match(line) is not None for line in lines))

    def watch_modules(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> "_ModuleWatch":
        return _ModuleWatch(on_load, on_unload)

    def watch_breaks(self, on_break: BreakHandler) -> "_BreakWatch":
        return _BreakWatch(on_break)

    def run(self) -> Stop:
        self._interrupted = self._ctrl_c_pressed = False
        try:
            with self._ctrl_c():
                status = pykd.go()
        except pykd.DbgException as error:
            return Stop(StopReason.ENDED, _text(error))
        self._bury()
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise TargetError(f"a breakpoint handler failed: {fault}")
        if status == pykd.executionStatus.NoDebuggee:
            return Stop(StopReason.ENDED, "the target is gone")
        if self._interrupted:
            return Stop(StopReason.INTERRUPTED, "Ctrl+Break")
        return Stop(StopReason.BREAK, str(pykd.findSymbol(pykd.getIP())))

    @contextlib.contextmanager
    def _ctrl_c(self) -> Iterator[None]:
        """Turn Ctrl+C into a wish to stop at the end of the next handler, so that none is cut in half."""

        def ask(_signal: int, _frame: object) -> None:
            self._ctrl_c_pressed = True

        try:
            before = signal.signal(signal.SIGINT, ask)
        except ValueError:
            # Not the main thread of the main interpreter, as under !py: no Ctrl+C comes here.
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)

    def evaluate(self, expression: str) -> int:
        """What the debugger's own (MASM) evaluator makes of an expression: ``@rcx``, ``poi(@rsp+8)``,
        ``dump_x!Dump_Read``. Digits are hexadecimal, and a word of the letters a to f is a number.

        Raises:
            TargetError: it makes nothing of it; the engine does not tell why.
        """
        try:
            return int(pykd.expr(expression)) & self._address_mask
        except pykd.DbgException as error:
            raise TargetError(f"the debugger cannot evaluate {expression!r} ({_text(error)})") from error

    def detach(self) -> None:
        """Remove what is left of our breakpoints; for automation, before the process ends."""
        for breakpoint_ in list(self._breakpoints):
            breakpoint_.remove()

    def _at_exit(self) -> None:
        # The target may be gone by now, and an exception here would only hide the one that matters.
        with contextlib.suppress(Exception):
            self.detach()

    def _command(self, command: str) -> str:
        # Executing a command forgets Ctrl+Break.
        self._engine.look_for_interrupt()
        try:
            return pykd.dbgCommand(command) or ""
        except pykd.DbgException as error:
            raise TargetError(f"the debugger command {command!r} failed: {_text(error)}") from error

    def _hit(self, on_hit: HitHandler) -> _HitResult:
        """Run a handler as pykd's callbacks must be run: nothing raised, nothing odd returned."""
        self._bury()
        stop = interrupted = False
        self._engine.look_for_interrupt()
        try:
            stop = on_hit()
        except KeyboardInterrupt:
            interrupted = True
        except BaseException:
            # Nothing may cross into pykd: it would stop the target. run() raises it for automation.
            self._fault = traceback.format_exc()
            _complain(self._fault)
        if self._engine.interrupted() or self._ctrl_c_pressed:
            self._ctrl_c_pressed = False
            interrupted = True
        if interrupted:
            self._interrupted = stop = True
            # The engine says nothing of a stop that a private breakpoint's callback asks for.
            _complain("Ctrl+Break: stopped at a breakpoint. They all stay: g goes on.\n")
        return pykd.eventResult.Break if stop else pykd.eventResult.Proceed

    def _bury(self) -> None:
        # An object must outlive its own callback, whatever that does after removing it (pykd writes to it
        # then, and would write into freed memory); at the next callback it is safe to drop.
        self._removed.clear()


def status_message(text: str) -> None:
    """Show a line in the status bar of the debugger's window; hosts without one show nothing."""
    with contextlib.suppress(pykd.DbgException):
        pykd.setStatusMessage(text)


class _Breakpoint:
    """One breakpoint and the pykd object that owns it."""

    def __init__(
        self, debugger: PykdDebugger, address: VirtualAddress, on_hit: HitHandler, hardware: bool
    ) -> None:
        self._debugger = debugger
        self._address = address
        self._on_hit = on_hit
        self._hardware = hardware
        self._owned: Any = self._set()

    def _set(self) -> Any:
        place = (int(self._address), _EXECUTE_SIZE, _EXECUTE) if self._hardware else (int(self._address),)
        try:
            return pykd.setBp(*place, self._callback)
        except pykd.DbgException as error:
            raise TargetError(
                f"cannot set a breakpoint at {int(self._address):#x}: {_text(error)}"
            ) from error

    def _callback(self, *_: object) -> _HitResult:
        if self._hardware and self._debugger._has_others(self._address):
            # The user has put one there since, and would never be told of a hit: stop for it, and give way.
            self._debugger._hit(self._on_hit)
            self._leave_register()
            return pykd.eventResult.Break
        return self._debugger._hit(self._on_hit)

    def _leave_register(self) -> None:
        before = self._owned
        if before is None:
            return  # the handler removed it
        self._hardware = False
        with contextlib.suppress(TargetError, pykd.DbgException):
            self._owned = self._set()
            self._debugger._removed.append(before)
            before.remove()

    @property
    def hardware(self) -> bool:
        return self._hardware and self._owned is not None

    @property
    def number(self) -> Optional[int]:
        """DbgEng's number for it; None where it has none any more."""
        try:
            return None if self._owned is None else int(self._owned.getId())
        except pykd.DbgException:
            return None

    @property
    def address(self) -> VirtualAddress:
        return self._address

    def remove(self) -> None:
        owned, self._owned = self._owned, None
        if owned is None:
            return
        if self in self._debugger._breakpoints:
            self._debugger._breakpoints.remove(self)
        if not self._is_live(owned):
            # The user cleared it (bc *) or the target restarted. Its id may name someone else's breakpoint
            # by now, and dropping the object would delete that one: keep it for as long as we live.
            _STALE.append(owned)
            return
        with contextlib.suppress(pykd.DbgException):
            owned.remove()
        self._debugger._removed.append(owned)

    def _is_live(self, owned: Any) -> bool:
        with contextlib.suppress(pykd.DbgException):
            number = owned.getId()
            same = next((other for other in _engine_breakpoints() if other.getId() == number), None)
            if same is not None:
                return bool(same.getOffset() & self._debugger._address_mask == int(self._address))
        return False


_STALE: List[Any] = []


class _ModuleWatch:
    def __init__(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> None:
        self._events: Optional[_ModuleEvents] = _ModuleEvents(on_load, on_unload)

    def remove(self) -> None:
        if self._events is not None:
            # pykd has no way to unregister but the death of the object, and a reference cycle through C++
            # never dies: let go of the handlers too.
            self._events.on_load = self._events.on_unload = None
            self._events = None


class _ModuleEvents(pykd.eventHandler):  # type: ignore[misc]
    def __init__(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> None:
        super().__init__()
        self.on_load: Optional[ModuleHandler] = on_load
        self.on_unload: Optional[ModuleHandler] = on_unload
        self._loaded: Dict[int, Module] = {}

    # Every handler says NoChange: Proceed would override another client's wish to stop.

    def onLoadModule(self, base: int, name: str) -> _HitResult:  # noqa: N802 - pykd's name
        def loaded() -> None:
            module = Module(name, VirtualAddress(base), int(pykd.module(base).size()))
            self._loaded[base] = module
            if self.on_load is not None:
                self.on_load(module)

        return _contain(loaded)

    def onUnloadModule(self, base: int, name: str) -> _HitResult:  # noqa: N802 - pykd's name
        def unloaded() -> None:
            module = self._loaded.pop(base, None) or Module(name, VirtualAddress(base), 0)
            if self.on_unload is not None:
                self.on_unload(module)

        return _contain(unloaded)


class _BreakWatch:
    def __init__(self, on_break: BreakHandler) -> None:
        self._events: Optional[_BreakEvents] = _BreakEvents(on_break)

    def remove(self) -> None:
        if self._events is not None:
            self._events.on_break = None
            self._events = None


class _BreakEvents(pykd.eventHandler):  # type: ignore[misc]
    def __init__(self, on_break: BreakHandler) -> None:
        super().__init__()
        self.on_break: Optional[BreakHandler] = on_break

    def onException(self, information: Any) -> _HitResult:  # noqa: N802 - pykd's name
        # NoChange: anything else would decide for the user how the exception is handled.
        return _contain(self.on_break or (lambda: None))


def _engine_breakpoints() -> Iterator[Any]:
    """All breakpoints of the engine, ours and others', as pykd's objects; raises pykd's errors."""
    return (pykd.getBp(index) for index in range(pykd.getNumberBreakpoints()))


def _contain(action: Callable[[], None]) -> _HitResult:
    try:
        action()
    except KeyboardInterrupt:
        return pykd.eventResult.Break
    except BaseException:
        _complain(traceback.format_exc())
    return pykd.eventResult.NoChange


def _complain(text: str) -> None:
    # Not even where there is nothing to write to may anything cross into pykd.
    with contextlib.suppress(Exception):
        sys.stderr.write(text)


def _whole(address: Any, size: int, got: Optional[Tuple[bytes, int]]) -> Optional[bytes]:
    """What DbgEng read, if that is all; None where DbgEng could not be asked."""
    if got is None:
        return None
    data, result = got
    if len(data) < size:
        gap = int(address) + len(data)
        raise MemoryReadError(address, size, data, f"{gap:#x} cannot be read (HRESULT 0x{result:08x})")
    return data


def _load_pages(address: Any, size: int, physical: bool) -> bytes:
    """By pykd alone, through DbgEng's cache."""
    try:
        return _load(int(address), size, physical)
    except pykd.DbgException as error:
        reason = _text(error)
    # All or nothing: what can be had is had page by page.
    data = bytearray()
    while len(data) < size:
        at = int(address) + len(data)
        chunk = min(size - len(data), PAGE_SIZE - at % PAGE_SIZE)
        if chunk == size:
            break
        try:
            data += _load(at, chunk, physical)
        except pykd.DbgException as error:
            reason = _text(error)
            break
    if len(data) == size:
        return bytes(data)
    raise MemoryReadError(address, size, bytes(data), reason)


def _load(address: int, size: int, physical: bool) -> bytes:
    if size == 0:  # pykd raises for an empty read, even of valid memory
        return b""
    words, odd = divmod(size, 2)
    data: bytes = b""
    if words:
        data = pykd.loadWChars(address, words, physical).encode("utf-16-le", "surrogatepass")
    if odd:
        data += bytes(pykd.loadBytes(address + 2 * words, 1, physical))
    return data


def _text(error: Exception) -> str:
    return " ".join(str(error).split())
