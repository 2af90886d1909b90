"""A debugger that writes down what it is asked for, in the words of WinDbg and of pykd.

What it spells out is what was really asked, so a tracer that runs on it tells what it would do. Reads go to
the debugger behind it; breakpoints are set in no target.
"""

import itertools
from dataclasses import dataclass
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..errors import TargetError
from ..structures import Machine
from .port import (
    PAGE_SIZE,
    BreakHandler,
    Breakpoint,
    BugCheckData,
    Debugger,
    DebuggerInfo,
    HitHandler,
    Module,
    ModuleHandler,
    PhysicalAddress,
    Stop,
    Subscription,
    VirtualAddress,
)

__all__ = ["Named", "SpelledDebugger", "Step", "windbg_number"]


class Step(NamedTuple):
    """One thing done: a command of WinDbg, and a line of Python with pykd. The latter leans on a few names
    that the script around it defines: read(address, size, physical=False), registers(names), symbol(module,
    name), arm(address, handler, *kind), remove(address), Modules(names)."""

    windbg: str
    pykd: str


@dataclass(frozen=True)
class Named:
    """A stretch of memory whose addresses are written as an expression and a distance.

    Attributes:
        begin: its first address.
        size: bytes.
        origin: the address that the expression gives.
        windbg: the expression in WinDbg's (MASM) syntax.
        pykd: the same in Python.
        physical: which address space.
        handler: in Python, the function that a breakpoint there calls.
    """

    begin: int
    size: int
    origin: int
    windbg: str
    pykd: str
    physical: bool = False
    handler: str = "entered"


class SpelledDebugger:
    """See above.

    Args:
        debugger: who is asked for what is read.
        names: how addresses are written; others as numbers.
        watched: names of the modules that one wants to see coming.
        modules: how names of modules are written in Python; others as text.

    Attributes:
        steps: what was done so far.
        handlers: by address, what would be called at a breakpoint there; the number of the breakpoint.
        on_load: what would be called when a module comes.
        on_unload: what would be called when one goes.
    """

    def __init__(
        self,
        debugger: Debugger,
        names: Sequence[Named] = (),
        watched: Sequence[str] = (),
        modules: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._debugger = debugger
        self._watched = watched
        self._modules = modules or {}
        self._numbers: Set[int] = set()
        self._in_registers: Set[int] = set()
        self.names = list(names)
        self.steps: List[Step] = []
        self.handlers: Dict[int, HitHandler] = {}
        self.on_load: Optional[ModuleHandler] = None
        self.on_unload: Optional[ModuleHandler] = None

    def take(self) -> List[Step]:
        """The steps since the last time."""
        steps, self.steps = self.steps, []
        return steps

    @property
    def machine(self) -> Machine:
        return self._debugger.machine

    def describe(self) -> DebuggerInfo:
        return self._debugger.describe()

    def modules(self) -> List[Module]:
        self.steps.append(Step("lm", 'pykd.dbgCommand("lm")'))
        return self._debugger.modules()

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        written = self._modules.get(module.name, repr(module.name))
        self.steps.append(Step(f"x {module.name}!{name}", f"symbol({written}, {name!r})"))
        return self._debugger.symbol(module, name)

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        plain = [name for name in names if not name.startswith("xmm")]
        wide = ",".join(f"{name}:uq" for name in names if name.startswith("xmm"))
        if plain:
            self.steps.append(Step("r " + ", ".join(plain), f"registers({' '.join(plain)!r})"))
        if wide:
            # pykd.reg() does not know these.
            self.steps.append(Step(f"r {wide}", f'pykd.dbgCommand("r {wide}")'))
        return self._debugger.read_registers(names)

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        windbg, pykd = self._spelled(address)
        if size >= PAGE_SIZE:
            command = f".writemem virtual.bin {windbg} L?{size:x}"
        else:
            command = f"db {windbg} L{size:x}"
        self.steps.append(Step(command, f"read({pykd}, {size:#x})"))
        return self._debugger.read_virtual(address, size)

    def read_physical(self, address: PhysicalAddress, size: int) -> bytes:
        windbg, pykd = self._spelled(address)
        self.steps.append(Step(f"!db {windbg} L{size:x}", f"read({pykd}, {size:#x}, physical=True)"))
        return self._debugger.read_physical(address, size)

    def bug_check(self) -> Optional[BugCheckData]:
        self.steps.append(Step(".bugcheck", 'pykd.dbgCommand(".bugcheck")'))
        return self._debugger.bug_check()

    def set_breakpoint(
        self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False
    ) -> Breakpoint:
        windbg, pykd = self._spelled(address)
        number = next(free for free in itertools.count() if free not in self._numbers)
        self._numbers.add(number)
        if hardware:
            self._in_registers.add(number)
        kind = f"ba{number} e1" if hardware else f"bp{number}"
        name = self._name(address, False)
        handler = "entered" if name is None else name.handler
        # One byte, to be executed: pykd's breakpointAccess.
        more = ", 1, 4" if hardware else ""
        self.steps.append(Step(f"{kind} {windbg}", f"arm({pykd}, {handler}{more})"))
        self.handlers[int(address)] = on_hit
        return _Written(self, address, number)

    def free_debug_registers(self) -> int:
        return self._debugger.free_debug_registers() - len(self._in_registers)

    def physical_memory(self) -> Optional[int]:
        return self._debugger.physical_memory()

    def watch_breaks(self, on_break: BreakHandler) -> Subscription:
        # Whoever types the commands sees a break without a word.
        return _Watch()

    def watch_modules(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> Subscription:
        self.on_load, self.on_unload = on_load, on_unload
        commands = "; ".join(f"sxe ld:{name}" for name in self._watched)
        self.steps.append(Step(commands, f"watch = Modules({list(self._watched)!r})"))
        return _Watch()

    def run(self) -> Stop:
        raise TargetError("nothing runs here: what would be done is only written down")

    def _spelled(self, address: int) -> Tuple[str, str]:
        name = self._name(address, isinstance(address, PhysicalAddress))
        if name is None:
            return windbg_number(int(address)), f"{int(address):#x}"
        distance = int(address) - name.origin
        if not distance:
            return name.windbg, name.pykd
        sign = "+" if distance > 0 else "-"
        return f"{name.windbg}{sign}{abs(distance):x}", f"{name.pykd} {sign} {abs(distance):#x}"

    def _name(self, address: int, physical: bool) -> Optional[Named]:
        return next(
            (
                name
                for name in self.names
                if name.physical == physical and name.begin <= int(address) < name.begin + name.size
            ),
            None,
        )


def windbg_number(value: int) -> str:
    """An address as WinDbg writes it: fffff800`12345678."""
    return f"{value >> 32:08x}`{value & 0xFFFFFFFF:08x}"


class _Written:
    """A breakpoint that is in no target."""

    def __init__(self, debugger: SpelledDebugger, address: VirtualAddress, number: int) -> None:
        self._debugger: Optional[SpelledDebugger] = debugger
        self._address = address
        self._number = number

    @property
    def address(self) -> VirtualAddress:
        return self._address

    @property
    def hardware(self) -> bool:
        return self._debugger is not None and self._number in self._debugger._in_registers

    def remove(self) -> None:
        debugger, self._debugger = self._debugger, None
        if debugger is not None:
            _, pykd = debugger._spelled(self._address)
            debugger.steps.append(Step(f"bc {self._number}", f"remove({pykd})"))
            debugger.handlers.pop(int(self._address), None)
            debugger._numbers.discard(self._number)
            debugger._in_registers.discard(self._number)


class _Watch:
    def remove(self) -> None:
        pass
