"""The emulated kernel: its images, its lists in guest memory, and the dispatch of its functions.

Layouts: KLDR_DATA_TABLE_ENTRY and KDDEBUGGER_DATA64 as a debugger reads them (wdbgexts.h, public nt PDBs),
KPCR and KPRCB as far as a debugger or a driver looks (ntddk.h).
"""

import re
import struct
from dataclasses import dataclass
from typing import Dict, Iterable, List, Tuple

from ..debugger import PAGE_SIZE, MemoryReadError
from . import layout
from .cpu import Cpu
from .errors import GuestStop
from .events import LoadedImage
from .image import DriverImage
from .image_builder import TIMESTAMP, BuiltImage, build_image
from .kernel_exports import DATA, FUNCTIONS, KernelCall
from .pool import Pool

__all__ = ["BUGCHECK_FIRST", "BUGCHECK_SECOND", "CONTROL_C", "Kernel", "Processor"]

_STUB = b"\xc3".ljust(16, b"\xcc")  # ret
_BREAK_STUB = b"\xcc\xc3".ljust(16, b"\xcc")  # int3; ret
_BREAKS = ("DbgBreakPoint", "DbgBreakPointWithStatus")
# What DbgBreakPointWithStatus is given (DBG_STATUS_* in wdm.h).
CONTROL_C, BUGCHECK_FIRST, BUGCHECK_SECOND = 1, 3, 4
_RET = 0xC3

# crashdmp: a place to rest, then one call site per reason in FilterCallback:
# sub rsp, 28h; call rax; add rsp, 28h; ret
# The first 16 bytes keep a rest address off the page's start (see Cpu.run).
_REST = b"\xcc" * 16 + b"\xeb\xfe".ljust(16, b"\xcc")
_SITE = b"\x48\x83\xec\x28\xff\xd0\x48\x83\xc4\x28\xc3".ljust(16, b"\xcc")
SITES = ("DriverEntry", "Dump_Start", "Dump_Write", "Dump_Read", "Dump_Finish", "Dump_Unload")

# In nt's .data.
_MODULE_LIST, _DATA_LIST, _PHYSICAL_PAGES, _PROCESSORS, _KDBG = 0x00, 0x20, 0x30, 0x80, 0x100
_BUG_CHECK, _VARIABLES = 0x480, 0x500
_KDBG_SIZE = 0x360
_KPRCB, _GDT_AT = 0x180, layout.PCR_SIZE - PAGE_SIZE
_VARIABLE_SIZE = 16

_ENTRY_SIZE, _ENTRY_PATH, _ENTRY_NAME = 0x400, 0x100, 0x280
_DRIVERS = "\\SystemRoot\\System32\\Drivers\\"
_MAX_DEBUG_LINES = 10000
_DISPATCH_LEVEL = 2
_PAGE_FAULT_IN_NONPAGED_AREA, _DRIVER_IRQL_NOT_LESS_OR_EQUAL = 0x50, 0xD1

# The descriptors that x64 Windows has by selector: 0x10 and 0x18 kernel code and data, 0x20 to 0x30 user code
# of 32 bits, data, code of 64 bits, 0x50 user FS. A debugger looks up CS there; the processor here does not.
_GDT = {
    0x10: 0x00209B00_00000000,
    0x18: 0x00409300_00000000,
    0x20: 0x00CFFB00_0000FFFF,
    0x28: 0x00CFF300_0000FFFF,
    0x30: 0x0020FB00_00000000,
    0x50: 0x0040F300_00003C00,
}
_GDT_SIZE = 0x58


@dataclass(frozen=True)
class Processor:
    """What each processor has for itself: KPCR and KPRCB, the descriptor table in the former, the thread that
    runs, and the end of its stack."""

    number: int
    kpcr: int
    kprcb: int
    gdt: int
    thread: int
    stack_top: int


class Kernel:
    """An x64 kernel that has just booted: nt and crashdmp are loaded, nothing runs.

    ``imports`` are the names that the filter imports: those that nt does not have get an address too, and
    an error that names them when they are called.
    """

    def __init__(self, seed: int, imports: Iterable[str], processors: int = 1) -> None:
        self.cpu = Cpu(seed)
        self.memory = self.cpu.memory
        self.pool = Pool(self.memory)
        self.debug_output: List[str] = _Lines()
        self._functions: Dict[int, str] = {}
        self._entries: List[Tuple[int, LoadedImage]] = []
        nt = self._build_nt(sorted(set(imports) - set(FUNCTIONS) - set(DATA) - set(_BREAKS)))
        data = layout.KERNEL_BASE + nt.data
        self.ps_loaded_module_list = data + _MODULE_LIST
        self.debugger_data_list = data + _DATA_LIST
        self.bug_check_data = data + _BUG_CHECK
        """KiBugCheckData: code and parameters, five quad-words."""
        self._map_built(layout.KERNEL_BASE, nt)
        for number, name in enumerate(sorted(DATA)):
            self.memory.write_virtual(data + _VARIABLES + _VARIABLE_SIZE * number, DATA[name])
        self.exports = {name: layout.KERNEL_BASE + rva for name, rva in nt.exports.items()}
        self.break_address = self.exports["DbgBreakPointWithStatus"]
        thread = self.pool.allocate(0x800, zeroed=True)
        self.device_object = self.pool.allocate(0x150, zeroed=True)
        kpcr = self._write_processor(0, thread)
        self._write_shared_data()
        self._processor_block = data + _PROCESSORS
        """KiProcessorBlock: the KPRCB of each processor."""
        self._write_debugger_data(data + _KDBG, data + _PHYSICAL_PAGES)
        self._list(
            self._image("nt", "ntoskrnl.exe", r"\SystemRoot\system32\ntoskrnl.exe", layout.KERNEL_BASE, nt)
        )
        crashdmp = self._build_crashdmp()
        self._map_built(layout.CRASHDMP_BASE, crashdmp)
        self.crashdmp_data = layout.CRASHDMP_BASE + crashdmp.data
        """crashdmp's .data, one page, zeroed."""
        path = _DRIVERS + "crashdmp.sys"
        self._list(self._image("crashdmp", "crashdmp.sys", path, layout.CRASHDMP_BASE, crashdmp))
        self.rest_address = layout.CRASHDMP_BASE + crashdmp.text + 16
        self.processors = [self._start_processor(0, kpcr, thread)]
        """Those that there are, in the order of their numbers."""
        # The others come last: with one processor, nothing is elsewhere than it always was.
        for number in range(1, processors):
            thread = self.pool.allocate(0x800, zeroed=True)
            kpcr = self._write_processor(number, thread)
            self.processors.append(self._start_processor(number, kpcr, thread))
        self.running = self.processors[0]
        """The one that executes; the others are frozen."""
        self.cpu.set("rsp", self.running.stack_top - 0x100)
        self.cpu.set("rip", self.break_address)
        first, last = min(self._functions), max(self._functions)
        self.cpu.hook(first, last + 1, self._on_function)

    # Images

    @property
    def physical_memory(self) -> int:
        """Bytes of RAM."""
        return self.memory.size

    @property
    def gdt_limit(self) -> int:
        """The last byte of a processor's descriptor table."""
        return _GDT_SIZE - 1

    def modules(self) -> List[LoadedImage]:
        """Every loaded image, in load order."""
        return [image for _, image in self._entries]

    def site(self, callback: str) -> int:
        """The address of crashdmp's code that calls a callback of that name: it calls RAX."""
        return self.rest_address + 16 * (1 + SITES.index(callback))

    def load(self, driver: DriverImage, file_name: str, base: int) -> LoadedImage:
        """Map a driver at a free place, bind its imports, put it on the list."""
        addresses = {entry.slot: self.exports[entry.kernel_name] for entry in driver.imports}
        content = driver.bind(base, addresses)
        for number, (writable, executable) in enumerate(driver.protection):
            at = number * PAGE_SIZE
            self.memory.map_new(base + at, PAGE_SIZE, writable=writable, executable=executable)
            self.memory.write_virtual(base + at, content[at : at + PAGE_SIZE])
            if executable:
                self.cpu.watch_code(base + at, bytes(content[at : at + PAGE_SIZE + 3]))
        image = LoadedImage(
            name=re.sub(r"\W", "_", file_name.rsplit(".", 1)[0], flags=re.ASCII),
            file_name=file_name,
            path=_DRIVERS + file_name,
            base=base,
            size=driver.size,
            entry_point=base + driver.entry_point,
            timestamp=driver.timestamp,
            checksum=driver.checksum,
            exports={name: base + rva for name, rva in driver.exports.items()},
        )
        self._list(image)
        return image

    def load_built(self, built: BuiltImage, file_name: str, base: int) -> LoadedImage:
        """Map an image that was built here, put it on the list."""
        self._map_built(base, built)
        image = self._image(file_name.rsplit(".", 1)[0], file_name, _DRIVERS + file_name, base, built)
        self._list(image)
        return image

    def loader_entry(self, image: LoadedImage) -> int:
        """The address of a loaded image's KLDR_DATA_TABLE_ENTRY."""
        return next(block for block, listed in self._entries if listed is image)

    def unload(self, image: LoadedImage) -> None:
        """Take a driver off the list and out of memory."""
        for number, (block, listed) in enumerate(self._entries):
            if listed is image:
                del self._entries[number]
                self.pool.free(block)
                break
        self._link()
        self.cpu.forget_code(image.base, image.size)
        self.memory.unmap_free(image.base, -(-image.size // PAGE_SIZE) * PAGE_SIZE)

    def locate(self, address: int) -> str:
        """An address as "module+0x123"; plain hexadecimal outside every module."""
        for image in self.modules():
            if image.base <= address < image.base + image.size:
                return f"{image.name}+{address - image.base:#x}"
        return f"{address:#x}"

    def caller(self) -> str:
        """Where the function at whose first instruction RIP is was called from."""
        try:
            return self.locate(self.cpu.read_u64(self.cpu.get("rsp")))
        except MemoryReadError:
            return "nowhere (the stack is not mapped)"

    def routine(self, name: str) -> int:
        """The address of an nt export that works; 0 for others."""
        return self.exports[name] if name in FUNCTIONS or name in DATA or name in _BREAKS else 0

    def physical_page(self, pfn: int, what: str) -> bytes:
        """The content of a page frame; a stop of the machine where ``what`` names one that is not RAM."""
        try:
            return self.memory.read_physical(pfn * PAGE_SIZE, PAGE_SIZE)
        except MemoryReadError:
            raise GuestStop("fault", f"{what} names page frame {pfn:#x}, which is not memory") from None

    # Processor state

    @property
    def current_thread(self) -> int:
        """KeGetCurrentThread."""
        return self.running.thread

    @property
    def stack_top(self) -> int:
        """The end of the stack that the running processor is on."""
        return self.running.stack_top

    @property
    def irql(self) -> int:
        return self.cpu.get("cr8")

    @irql.setter
    def irql(self, level: int) -> None:
        self.cpu.set("cr8", level)

    def raise_irql(self, level: int) -> int:
        """Set the IRQL; gives the old one."""
        old, self.irql = self.irql, level
        return old

    def bug_check(self, code: int, parameters: Tuple[int, ...]) -> GuestStop:
        """The signal for a bug check, to be raised."""
        text = ", ".join(f"{value:#x}" for value in parameters)
        return GuestStop("bugcheck", f"0x{code:08X} ({text})", code, parameters)

    def note_bug_check(self, code: int, parameters: Tuple[int, ...]) -> None:
        """Write KiBugCheckData, as the kernel does before it breaks into a debugger."""
        self.memory.write_virtual(self.bug_check_data, struct.pack("<5Q", code, *parameters))

    def break_in(self, status: int) -> None:
        """Put the processor where a debugger finds it when the kernel breaks in: at
        nt!DbgBreakPointWithStatus, with its argument."""
        self.cpu.set("rcx", status)
        self.cpu.set("rip", self.break_address)

    def page_fault(self, detail: str, address: int, rip: int) -> GuestStop:
        """The signal for a page fault in the guest. The bug check is the one that Windows raises for it; what
        kind of access it was is not known here, and given as a read."""
        if self.irql >= _DISPATCH_LEVEL:
            check = _DRIVER_IRQL_NOT_LESS_OR_EQUAL, (address, self.irql, 0, rip)
        else:
            check = _PAGE_FAULT_IN_NONPAGED_AREA, (address, 0, rip, 0)
        return GuestStop("fault", detail, *check)

    def _on_function(self, address: int) -> None:
        name = self._functions.get(address)
        if name is None or self.memory.read_virtual(address, 1)[0] != _RET:
            return  # not a first byte, or a debugger's int3, which comes first
        function = FUNCTIONS.get(name)
        if function is None:
            raise GuestStop(
                "unknown import",
                f"nt!{name} was called from {self.caller()}: the emulator does not have this kernel function",
            )
        result = function(KernelCall(self, name))
        if result is not None:
            self.cpu.set("rax", result)
        stack = self.cpu.get("rsp")
        self.cpu.set("rsp", stack + 8)
        self.cpu.set("rip", self.cpu.read_u64(stack))

    # Building

    def _build_nt(self, unknown: List[str]) -> BuiltImage:
        text = bytearray()
        exports: Dict[str, int] = {}
        for name in [*sorted(FUNCTIONS), *unknown]:
            exports[name] = PAGE_SIZE + len(text)
            self._functions[layout.KERNEL_BASE + exports[name]] = name
            text += _STUB
        for name in _BREAKS:
            exports[name] = PAGE_SIZE + len(text)
            text += _BREAK_STUB
        data = PAGE_SIZE + -(-len(text) // PAGE_SIZE) * PAGE_SIZE
        for number, name in enumerate(sorted(DATA)):
            exports[name] = data + _VARIABLES + _VARIABLE_SIZE * number
        exports["PsLoadedModuleList"] = data + _MODULE_LIST
        return build_image(
            "ntoskrnl.exe", layout.KERNEL_BASE, bytes(text), _VARIABLES + _VARIABLE_SIZE * len(DATA), exports
        )

    def _build_crashdmp(self) -> BuiltImage:
        text = _REST + _SITE * len(SITES)
        return build_image(
            "crashdmp.sys", layout.CRASHDMP_BASE, text, PAGE_SIZE, {"FilterCallback": PAGE_SIZE + len(_REST)}
        )

    def _map_built(self, base: int, image: BuiltImage) -> None:
        for at in range(0, len(image.content), PAGE_SIZE):
            executable = image.text <= at < image.text + image.text_size
            writable = image.data <= at < image.data + image.data_size
            self.memory.map_new(base + at, PAGE_SIZE, writable=writable, executable=executable)
            self.memory.write_virtual(base + at, image.content[at : at + PAGE_SIZE])

    def _image(self, name: str, file_name: str, path: str, base: int, image: BuiltImage) -> LoadedImage:
        exports = {symbol: base + rva for symbol, rva in image.exports.items()}
        return LoadedImage(
            name, file_name, path, base, len(image.content), base + image.entry_point, TIMESTAMP, 0, exports
        )

    def run_on(self, number: int) -> None:
        """Go on with another processor; its other registers are the business of who lets it run."""
        self.running = self.processors[number]
        self.cpu.set("gsbase", self.running.kpcr)

    def _write_processor(self, number: int, thread: int) -> int:
        """A KPCR with a KPRCB and a descriptor table in it; gives its address."""
        kpcr = layout.PCR_BASE + number * layout.PCR_SIZE
        kprcb, gdt = kpcr + _KPRCB, kpcr + _GDT_AT
        self.memory.map_new(kpcr, layout.PCR_SIZE)
        self.memory.write_virtual(kpcr, struct.pack("<Q", gdt))
        self.memory.write_virtual(kpcr + 0x18, struct.pack("<QQ", kpcr, kprcb))
        for selector, descriptor in _GDT.items():
            self.memory.write_virtual(gdt + selector, struct.pack("<Q", descriptor))
        # MxCsr, LegacyNumber, CurrentThread; Number.
        self.memory.write_virtual(kprcb, struct.pack("<IIQ", 0x1F80, number, thread))
        self.memory.write_virtual(kprcb + 0x24, struct.pack("<I", number))
        if number == 0:
            self.cpu.set("gsbase", kpcr)
        return kpcr

    def _start_processor(self, number: int, kpcr: int, thread: int) -> Processor:
        stack_top = self.cpu.map_stack(layout.STACK_BASE + number * layout.STACK_DISTANCE, layout.STACK_SIZE)
        self.memory.write_virtual(self._processor_block + 8 * number, struct.pack("<Q", kpcr + _KPRCB))
        return Processor(number, kpcr, kpcr + _KPRCB, kpcr + _GDT_AT, thread, stack_top)

    def _write_shared_data(self) -> None:
        """KUSER_SHARED_DATA: wdm.h reads clocks from it without a call. They stand still here."""
        data = bytearray(PAGE_SIZE)
        for field in (0x08, 0x14):  # InterruptTime, SystemTime: low, high, high again
            low, high = self.cpu.timestamp() & 0xFFFFFFFF, 0x01DA5000
            struct.pack_into("<III", data, field, low, high, high)
        struct.pack_into("<I", data, 0x260, 19041)
        struct.pack_into("<II", data, 0x26C, 10, 0)
        self.memory.map_new(layout.SHARED_DATA, PAGE_SIZE, writable=False)
        self.memory.write_virtual(layout.SHARED_DATA, bytes(data))

    def _write_debugger_data(self, block: int, physical_pages: int) -> None:
        data = bytearray(_KDBG_SIZE)
        struct.pack_into(
            "<QQ4sI", data, 0, self.debugger_data_list, self.debugger_data_list, b"KDBG", _KDBG_SIZE
        )
        struct.pack_into("<QQ", data, 0x18, layout.KERNEL_BASE, self.break_address)
        struct.pack_into("<Q", data, 0x48, self.ps_loaded_module_list)
        struct.pack_into("<Q", data, 0x88, self.bug_check_data)
        struct.pack_into("<Q", data, 0xF8, physical_pages)
        struct.pack_into("<Q", data, 0x218, self._processor_block)
        self.memory.write_virtual(physical_pages, struct.pack("<Q", self.physical_memory // PAGE_SIZE))
        self.memory.write_virtual(block, bytes(data))
        self.memory.write_virtual(self.debugger_data_list, struct.pack("<QQ", block, block))

    def _list(self, image: LoadedImage) -> None:
        """Add a KLDR_DATA_TABLE_ENTRY to PsLoadedModuleList."""
        block = self.pool.allocate(_ENTRY_SIZE, zeroed=True)
        entry = bytearray(_ENTRY_SIZE)
        struct.pack_into("<QQI", entry, 0x30, image.base, image.entry_point, image.size)
        for field, text_at, text in ((0x48, _ENTRY_PATH, image.path), (0x58, _ENTRY_NAME, image.file_name)):
            encoded = text.encode("utf-16-le")
            entry[text_at : text_at + len(encoded)] = encoded
            struct.pack_into("<HHIQ", entry, field, len(encoded), len(encoded) + 2, 0, block + text_at)
        struct.pack_into("<IH", entry, 0x68, 0, 1)
        struct.pack_into("<I", entry, 0x78, image.checksum)
        struct.pack_into("<I", entry, 0x9C, image.timestamp)
        self.memory.write_virtual(block, bytes(entry))
        self._entries.append((block, image))
        self._link()

    def _link(self) -> None:
        ring = [self.ps_loaded_module_list, *(block for block, _ in self._entries)]
        for number, address in enumerate(ring):
            links = struct.pack("<QQ", ring[(number + 1) % len(ring)], ring[number - 1])
            self.memory.write_virtual(address, links)


class _Lines(List[str]):
    """Debug output; a filter that prints without end must not fill the host's memory."""

    def append(self, line: str) -> None:
        if len(self) < _MAX_DEBUG_LINES:
            super().append(line)
