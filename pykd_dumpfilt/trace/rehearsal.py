"""A call as the tracer would see it, on a target that is not there: what would be read, in which order.

The tracer is the real one. What it finds is made up: one filter with symbols whose Dump_Write or Dump_Read
gets a buffer of 16 pages, described by one MDL, mapped, its page frames side by side; its structures lie in
one page. Other calls cost otherwise.
"""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..debugger import (
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
    VirtualAddress,
)
from ..debugger.spelled import Named, SpelledDebugger, Step
from ..errors import TargetError
from ..recording import CALLBACKS, MemoryPageStore, Record
from ..structures import (
    MDL_MAPPED_TO_SYSTEM_VA,
    Layout,
    Machine,
    filter_contexts,
    filter_extension,
    filter_initialization_data,
    mdl,
    mdl_size,
    ntimage,
)
from .tracer import Sink, Tracer

__all__ = ["PAGES", "Rehearsal", "moment_of", "rehearse"]

PAGES = 16
"""Of the buffer that is made up."""

_BASE, _IMAGE_SIZE, _ENTRY_POINT = 0xFFFFF80031000000, 0x10000, 0x5000
_STACK = 0xFFFFAB0000060000
_PAGE = 0xFFFFAB0000020000
_CONTEXT = _PAGE + 0x410
_MDL = _PAGE + 0x4D0
_OFFSET = _PAGE + 0x590
_BUFFER = 0xFFFFC20000100000
_FIRST_PFN = 0x12345
_RETURN = 0xFFFFF80020001016
_DUMP_DATA = 0xFFFFAB0000050000
_MACHINE = Machine.X64
# In the script: whichever copy came.
_MODULE = 'at["module"]'


class Rehearsal(NamedTuple):
    """What is done at one moment: "loaded", "dump_write_entered", "dump_write_returned" and so on,
    "unloaded"."""

    moment: str
    steps: Tuple[Step, ...]


def moment_of(callback: str, end: str = "entered") -> str:
    """The moment's name: Dump_Write's "entered" is "dump_write_entered"."""
    return f"{callback.lower()}_{end}"


def rehearse(
    filter_name: str, make_tracer: Callable[[SpelledDebugger, Sink], Tracer], prefix: str = "hiber_"
) -> List[Rehearsal]:
    """What the tracer does from the load of a copy to its end.

    Args:
        filter_name: the driver's plain name.
        make_tracer: makes the tracer as it would be made for the real target.
        prefix: which copy.
    """
    target = _Target(prefix + filter_name)
    target.call("DriverEntry")
    spelled = SpelledDebugger(target, target.names(), modules={target.module.name: _MODULE})
    tracer = make_tracer(spelled, _Nowhere())
    tracer.arm()
    spelled.take()
    found = []
    assert spelled.on_load is not None
    spelled.on_load(target.module)
    found.append(Rehearsal("loaded", tuple(spelled.take())))
    for callback in CALLBACKS:
        target.call(callback)
        spelled.names = target.names()
        handler = spelled.handlers.get(target.address(callback))
        if handler is None:
            continue  # the options leave it out
        handler()
        # The tracer remembers its arguments; in WinDbg they have to be kept somewhere.
        kept = Step("r $t0 = @rcx; r $t1 = @rdx; r $t2 = @r8", "")
        found.append(Rehearsal(moment_of(callback), (*spelled.take(), kept)))
        back = spelled.handlers.get(_RETURN)
        if back is None:
            continue
        target.give_back(callback)
        spelled.names = target.names(at_return=True)
        back()
        found.append(Rehearsal(moment_of(callback, "returned"), tuple(spelled.take())))
    assert spelled.on_unload is not None
    spelled.on_unload(target.module)
    found.append(Rehearsal("unloaded", tuple(spelled.take())))
    tracer.disarm("the rehearsal is over")
    return found


class _Nowhere(MemoryPageStore):
    def write(self, record: Record) -> None:
        """Records of calls that never were are not kept."""


class _Target:
    """The made-up target; what is in its memory is just what a tracer looks at."""

    def __init__(self, name: str) -> None:
        self.machine = _MACHINE
        self.module = Module(name, VirtualAddress(_BASE), _IMAGE_SIZE)
        self._context = filter_contexts(_MACHINE)[1]
        self._extension = _CONTEXT + self._context.filter_extension
        self._registers: Dict[str, int] = {}
        self._memory: Dict[int, bytes] = {}
        self._callback = ""

    def address(self, callback: str) -> int:
        """Where a callback is."""
        if callback == "DriverEntry":
            return _BASE + _ENTRY_POINT
        return _BASE + 0x1000 + 0x100 * CALLBACKS.index(callback)

    def call(self, callback: str) -> None:
        """Stand at a callback's first instruction."""
        self._callback = callback
        self._registers = dict.fromkeys(("rbx", "rbp", "rsi", "rdi", "efl", "cr8", "rax"), 0)
        self._registers.update({f"r{number}": 0 for number in range(8, 16)})
        self._registers.update({f"xmm{number}": 0 for number in range(16)})
        second = _CONTEXT if callback == "DriverEntry" else _OFFSET
        self._registers.update(rcx=self._extension, rdx=second, r8=_MDL, rsp=_STACK)
        count = PAGES * PAGE_SIZE
        header = _filled(
            mdl(_MACHINE),
            Size=mdl_size(_MACHINE, PAGES),
            MdlFlags=MDL_MAPPED_TO_SYSTEM_VA,
            MappedSystemVa=_BUFFER,
            StartVa=_BUFFER,
            ByteCount=count,
        )
        pfns = b"".join((_FIRST_PFN + page).to_bytes(8, "little") for page in range(PAGES))
        structures = bytearray(PAGE_SIZE)
        for address, content in ((_CONTEXT, self._registration()), (_MDL, header + pfns)):
            structures[address - _PAGE : address - _PAGE + len(content)] = content
        self._memory = {
            _BASE: _headers(),
            _STACK: _RETURN.to_bytes(8, "little").ljust(0x40, b"\0"),
            _PAGE: bytes(structures),
            # One page more on either side.
            _BUFFER - 4 * PAGE_SIZE: bytes(count + 8 * PAGE_SIZE),
        }

    def give_back(self, callback: str) -> None:
        """Stand where it returned to."""
        self._registers["rsp"] += 8

    def names(self, at_return: bool = False) -> List[Named]:
        """How its addresses are written: by registers at an entry, by what was kept of them at a return."""
        first, second, third = ("@$t0", "@$t1", "@$t2") if at_return else ("@rcx", "@rdx", "@r8")
        name = self.module.name
        driver_entry = self._callback == "DriverEntry"
        table = [Named(_CONTEXT, self._context.filter_extension, _CONTEXT, second, 'at["rdx"]')]
        pfns = mdl(_MACHINE).size
        return [
            Named(_BASE, 0x1000, _BASE, name, f"base({_MODULE})"),
            *[self._callback_name(one) for one in CALLBACKS],
            Named(_STACK, 0x40, _STACK, "@rsp", 'at["rsp"]'),
            *(table if driver_entry else []),
            Named(_OFFSET, 8, _OFFSET, second, 'at["rdx"]'),
            Named(_MDL, _OFFSET - _MDL, _MDL, third, 'at["r8"]'),
            Named(_PAGE, _MDL - _PAGE, self._extension, first, 'at["rcx"]'),
            Named(
                _BUFFER - 4 * PAGE_SIZE,
                (PAGES + 8) * PAGE_SIZE,
                _BUFFER,
                f"poi({third}+18)",
                'pykd.ptrPtr(at["r8"] + 0x18)',
            ),
            Named(
                _RETURN,
                1,
                _RETURN,
                "poi(@rsp)",
                "pykd.getIP()" if at_return else 'pykd.ptrPtr(at["rsp"])',
                handler=moment_of(self._callback, "returned"),
            ),
            *[
                Named(
                    (_FIRST_PFN + page) * PAGE_SIZE,
                    PAGE_SIZE,
                    (_FIRST_PFN + page) * PAGE_SIZE,
                    f"poi({third}+{pfns + 8 * page:x})*1000",
                    f'pykd.ptrPtr(at["r8"] + {pfns + 8 * page:#x}) * 0x1000',
                    physical=True,
                )
                for page in range(PAGES)
            ],
        ]

    def _callback_name(self, callback: str) -> Named:
        address, name = self.address(callback), self.module.name
        windbg, pykd = f"{name}!{callback}", f"symbol({_MODULE}, {callback!r})"
        if callback == "DriverEntry":
            # Where the image's headers say that it begins, whatever its symbol is called.
            windbg, pykd = f"$iment({name})", f"entry_point({_MODULE})"
        return Named(address, 1, address, windbg, pykd, handler=moment_of(callback))

    def _registration(self) -> bytes:
        table = _filled(
            filter_initialization_data(_MACHINE),
            MajorVersion=2,
            MaxPagesPerWrite=PAGES,
            DumpData=_DUMP_DATA,
            DumpStart=self.address("Dump_Start"),
            DumpWrite=self.address("Dump_Write"),
            DumpRead=self.address("Dump_Read"),
            DumpFinish=self.address("Dump_Finish"),
            DumpUnload=self.address("Dump_Unload"),
        )
        return table + _filled(filter_extension(_MACHINE), DumpType=2, DumpData=_DUMP_DATA)

    # The port, as far as a tracer uses it.

    def describe(self) -> DebuggerInfo:
        return DebuggerInfo("rehearsal", "", "no target")

    def modules(self) -> List[Module]:
        return []

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        return VirtualAddress(self.address(name)) if name in CALLBACKS else None

    def read_registers(self, names: Sequence[str]) -> Dict[str, int]:
        return {name: self._registers[name] for name in names if name in self._registers}

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        for begin, content in self._memory.items():
            if begin <= address and address + size <= begin + len(content):
                return content[address - begin :][:size]
        raise MemoryReadError(address, size, b"", "nothing is made up there")

    def read_physical(self, address: PhysicalAddress, size: int) -> bytes:
        return bytes(size)

    def bug_check(self) -> Optional[BugCheckData]:
        return None

    def set_breakpoint(self, address: VirtualAddress, on_hit: HitHandler, hardware: bool = False) -> "_No":
        raise TargetError("there is no target to set a breakpoint in")

    def free_debug_registers(self) -> int:
        return DEBUG_REGISTERS

    def physical_memory(self) -> Optional[int]:
        return None

    def watch_breaks(self, on_break: BreakHandler) -> "_No":
        raise TargetError("there is no target that could break in")

    def watch_modules(self, on_load: ModuleHandler, on_unload: ModuleHandler) -> "_No":
        raise TargetError("there is no target whose modules could be watched")

    def run(self) -> Stop:
        raise TargetError("there is no target to run")


class _No:
    @property
    def address(self) -> VirtualAddress:
        return VirtualAddress(0)

    @property
    def hardware(self) -> bool:
        return False

    def remove(self) -> None:
        pass


def _filled(layout: Layout, **values: int) -> bytes:
    data = bytearray(layout.size)
    for path, value in values.items():
        field = layout.fields[path]
        data[field.offset : field.offset + field.size] = value.to_bytes(field.size, "little")
    return bytes(data)


def _headers() -> bytes:
    """Enough of an image's headers to find its entry point; no debug directory."""
    at = 0x80
    dos = bytearray(_filled(ntimage.IMAGE_DOS_HEADER, e_magic=ntimage.IMAGE_DOS_SIGNATURE, e_lfanew=at))
    file_header = _filled(ntimage.IMAGE_FILE_HEADER, Machine=ntimage.IMAGE_FILE_MACHINE_AMD64)
    optional = _filled(
        ntimage.IMAGE_OPTIONAL_HEADER64,
        Magic=ntimage.IMAGE_NT_OPTIONAL_HDR64_MAGIC,
        AddressOfEntryPoint=_ENTRY_POINT,
    )
    signature = ntimage.IMAGE_NT_SIGNATURE.to_bytes(4, "little")
    return bytes((dos.ljust(at, b"\0") + signature + file_header + optional).ljust(0x1000, b"\0"))
