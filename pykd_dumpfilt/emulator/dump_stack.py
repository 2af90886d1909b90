"""The dump stack: calls a filter as crashdmp does, around a virtual disk.

What is known of crashdmp's conduct comes from listings of older builds; what had to be inferred for Windows 8
and later is marked [INF]. The layouts are those of ntdddump.h, ntdddisk.h and wdm.h for x64.
"""

import struct
from typing import Generator, Optional

from ..debugger import PAGE_SIZE
from . import layout
from .content import NEIGHBOUR, header_page, page_content
from .disk import Disk
from .errors import GuestStop
from .events import LoadedImage, ModuleLoaded, ModuleUnloaded
from .filter_list import FilterList
from .image import DriverImage
from .kernel import CONTROL_C, Kernel
from .scenario import DISK_SIZE, Plan, Scenario, Transfer
from .steps import GuestCall, Moment, Status, Step, Steps
from .stream import Stream

__all__ = ["ENDED_WELL", "DumpStack"]

ENDED_WELL = "the scenario ran to its end"

_PASSIVE_LEVEL, _HIGH_LEVEL = 0, 15
_READ_SUPPORT = _CRITICAL = 0x1  # one and the same bit in ntdddump.h
_EXTENSION_SIZE = 0x58
_CONTEXT_REST = 0x28  # LIST_ENTRY, flags, crashdmp's context, the filter's loader entry
_MDL_HEADER = 0x30
_STALE_PROCESS = 0xFFFFAB00_0D1E5080
_STALE_START_VA = 0x000001F4_5A3C0000
# FILTER_INITIALIZATION_DATA: where each callback stands.
_CALLBACKS = {
    "Dump_Start": 0x08,
    "Dump_Write": 0x10,
    "Dump_Finish": 0x18,
    "Dump_Unload": 0x20,
    "Dump_Read": 0x38,
}


class DumpStack:
    """One dump stack with one filter: load it, write with it, read with it, unload it.

    Args:
        scenario: of one stack.
        filters: crashdmp's list that the filter is put on.
        base: where the filter's image is loaded.
    """

    def __init__(
        self,
        kernel: Kernel,
        driver: DriverImage,
        name: str,
        scenario: Scenario,
        filters: FilterList,
        base: int = layout.FILTER_BASE,
    ) -> None:
        self._kernel = kernel
        self._driver = driver
        self._file_name = f"{scenario.prefix}{name}.sys"
        self._scenario = scenario
        self.filters = filters
        self._base = base
        self._image: Optional[LoadedImage] = None
        self._listed = False
        self.disk = Disk(DISK_SIZE, scenario.sector_size)
        self._content = Stream("content", scenario.kind, scenario.seed)
        self._places = Stream("places", scenario.kind, scenario.seed)
        self._disabled = False
        self.outcome = ENDED_WELL
        """How it went, for people."""
        # Both structures side by side, as crashdmp's FILTER_CONTEXT has them on x86; [INF] for x64.
        context = kernel.pool.allocate(scenario.table + _EXTENSION_SIZE + _CONTEXT_REST, zeroed=True)
        self._table = context
        self._extension = context + scenario.table
        self._links = self._extension + _EXTENSION_SIZE
        # Both are used again for every transfer, as the kernel does.
        self._mdl = kernel.pool.allocate(_MDL_HEADER + 8 * (scenario.pages + 1), zeroed=True)
        self._offset = kernel.pool.allocate(8, zeroed=True)

    @property
    def plan(self) -> Plan:
        """The transfers of this stack."""
        return self._scenario.plan()

    def load(self) -> "Generator[Step, int, bool]":
        """Load the filter and call its DriverEntry; whether the stack can be used."""
        kernel = self._kernel
        image = self._image = kernel.load(self._driver, self._file_name, self._base)
        yield ModuleLoaded(image)
        kernel.irql = _PASSIVE_LEVEL
        self._write_context(image)
        status = yield GuestCall("DriverEntry", image.entry_point, (self._extension, self._table))
        critical = False
        if _failed(status):
            # Flags is read after DriverEntry: CRITICAL fails the whole stack, else only this filter is out.
            critical = bool(self._u32(self._table + 0x34) & _CRITICAL)
            self._disabled = True
            how = "critical, so the dump stack was not loaded" if critical else "not used"
            self.outcome = f"DriverEntry failed with 0x{status & 0xFFFFFFFF:08X}: the filter is {how}"
        else:
            kernel.memory.write_virtual(self._extension + 0x48, self._read(self._table + 0x28, 8))
        return not critical

    def unload(self) -> Steps:
        """Call Dump_Unload and take the filter out."""
        self._kernel.irql = _PASSIVE_LEVEL
        yield from self._call("Dump_Unload")
        yield from self.take_down()

    def take_down(self) -> Steps:
        """Take the filter out without a word to it; nothing happens where it is not loaded."""
        image = self._image
        if image is not None:
            yield ModuleUnloaded(image)
            self._image = None
            if self._listed:
                self.filters.remove(self._links)
            self._kernel.pool.free(self._table)
            self._kernel.unload(image)

    def write_image(self) -> Steps:
        """Write a dump, or a hibernation image."""
        self._kernel.irql = _HIGH_LEVEL
        yield from self._call("Dump_Start")
        for number, transfer in enumerate(self.plan.writes):
            yield from self._write(number, transfer)
        yield from self._call("Dump_Finish")

    def read_image(self) -> Steps:
        """Read the hibernation image again."""
        # The machine was off in between; the resuming kernel starts the dump stack anew. [INF] that
        # Dump_Start and Dump_Finish are called then, too.
        self._kernel.irql = _HIGH_LEVEL
        yield from self._call("Dump_Start")
        yield Moment("resume", CONTROL_C)
        reads = self.plan.reads
        for number, transfer in enumerate(reads):
            if number == len(reads) // 2:
                yield Moment("reading", CONTROL_C)
            yield from self._read_transfer(transfer)
        yield from self._call("Dump_Finish")

    def _call(self, callback: str, *arguments: int) -> Status:
        """Call one callback with the filter's extension. A NULL one is left out; an error takes the filter
        out of use and is otherwise ignored, as older crashdmp does; [INF] for Dump_Read, and for Dump_Unload
        being among the callbacks that a filter out of use does not get."""
        function = self._u64(self._table + _CALLBACKS[callback])
        if self._disabled or not function:
            return 0
        status = yield GuestCall(callback, function, (self._extension, *arguments))
        if _failed(status):
            self._disabled = True
            error = f"0x{status & 0xFFFFFFFF:08X}"
            self.outcome = f"{callback} failed with {error}: the filter was not called again"
        return status

    def _write(self, number: int, transfer: Transfer) -> Steps:
        buffer = _Buffer(self._kernel, transfer, self._scenario, self._places)
        buffer.fill(self._source(number, transfer.size))
        self._write_mdl(transfer, buffer)
        yield from self._call("Dump_Write", self._offset, self._mdl)
        data = self._described()
        (offset,) = struct.unpack("<q", self._read(self._offset, 8))
        # What no disk would take is lost, as it would be: crashdmp does not report it to the filter.
        self.disk.write(offset, data)
        buffer.release()

    def _read_transfer(self, transfer: Transfer) -> Steps:
        buffer = _Buffer(self._kernel, transfer, self._scenario, self._places)
        buffer.fill(self.disk.read(transfer.offset, transfer.size))
        self._write_mdl(transfer, buffer)
        if self._reads_supported():
            yield from self._call("Dump_Read", self._offset, self._mdl)
        buffer.release()

    def _reads_supported(self) -> bool:
        """All three that the documentation of FILTER_INITIALIZATION_DATA asks for."""
        version, flags = self._u32(self._table), self._u32(self._table + 0x34)
        return version == 2 and bool(flags & _READ_SUPPORT) and self._u64(self._table + 0x38) != 0

    def _source(self, number: int, size: int) -> bytes:
        pages = -(-size // PAGE_SIZE)
        data = [page_content(self._content) for _ in range(pages)]
        if number == 0:
            data = [header_page(self._scenario.kind, page) for page in range(pages)]
        return b"".join(data)[:size]

    def _described(self) -> bytes:
        """What the port driver writes: the memory that the MDL describes by now, through its PFNs."""
        length, offset = struct.unpack("<II", self._read(self._mdl + 0x28, 8))
        limit = (self._scenario.pages + 1) * PAGE_SIZE
        if offset + length > limit:
            raise GuestStop(
                "fault",
                f"the MDL after Dump_Write has ByteCount {length:#x} and ByteOffset {offset:#x}: "
                f"it has no room for as many page frame numbers",
            )
        data = bytearray()
        for page in range(-(-(offset + length) // PAGE_SIZE)):
            pfn = self._u64(self._mdl + _MDL_HEADER + 8 * page)
            data += self._kernel.physical_page(pfn, "the MDL after Dump_Write")
        return bytes(data[offset : offset + length])

    def _write_mdl(self, transfer: Transfer, buffer: "_Buffer") -> None:
        memory = self._kernel.memory
        start = {"page": buffer.address & ~0xFFF, "zero": 0, "stale": _STALE_START_VA}[transfer.start_va]
        size = _MDL_HEADER + 8 * len(buffer.frames)
        header = struct.pack(
            "<QhHIQQQII",
            0,
            size,
            transfer.flags,
            0,
            _STALE_PROCESS,
            buffer.address,
            start,
            transfer.size,
            transfer.byte_offset,
        )
        memory.write_virtual(self._mdl, header + struct.pack(f"<{len(buffer.frames)}Q", *buffer.frames))
        memory.write_virtual(self._offset, struct.pack("<q", transfer.offset))

    def _write_context(self, image: LoadedImage) -> None:
        """FILTER_INITIALIZATION_DATA as crashdmp presets it, FILTER_EXTENSION behind it, and the rest of
        FILTER_CONTEXT."""
        scenario, memory = self._scenario, self._kernel.memory
        table = bytearray(scenario.table)
        struct.pack_into("<II", table, 0x00, 2, 0)
        struct.pack_into("<II", table, 0x30, scenario.pages, 0)
        sector = scenario.sector_size
        geometry = struct.pack("<qIIII", DISK_SIZE // (255 * 63 * sector), 12, 255, 63, sector)
        disk_id = bytes.fromhex("7a1d6b5e3c2f4180a9c4d6f01b2e3d4c")
        partition = struct.pack("<II16s", 0x18, 1, disk_id)
        extension = struct.pack(
            "<IIQ24sq24sQII",
            1 if scenario.kind == "crash" else 2,
            0,
            self._kernel.device_object,
            geometry,
            DISK_SIZE,
            partition,
            0,
            _EXTENSION_SIZE,
            0,
        )
        rest = struct.pack("<QQQQQ", 0, 0, 0, self.filters.owner, self._kernel.loader_entry(image))
        memory.write_virtual(self._table, bytes(table) + extension + rest)
        self.filters.append(self._links)
        self._listed = True

    def _read(self, address: int, size: int) -> bytes:
        return self._kernel.memory.read_virtual(address, size)

    def _u32(self, address: int) -> int:
        return int.from_bytes(self._read(address, 4), "little")

    def _u64(self, address: int) -> int:
        return int.from_bytes(self._read(address, 8), "little")


class _Buffer:
    """The pages of one transfer, mapped with a known page on either side."""

    def __init__(self, kernel: Kernel, transfer: Transfer, scenario: Scenario, places: Stream) -> None:
        self._memory = kernel.memory
        self._transfer = transfer
        pages = -(-(transfer.byte_offset + transfer.size) // PAGE_SIZE)
        run = self._memory.allocate_contiguous(pages + 2) if transfer.contiguous else None
        if run is None:
            all_frames = [self._memory.allocate() for _ in range(pages + 2)]
        else:
            all_frames = list(range(run, run + pages + 2))
        self._all_frames = all_frames
        self.frames = all_frames[1:-1]
        slot = places.below(8) * (scenario.pages + 4) * PAGE_SIZE
        self._base = layout.TRANSFER_BASE + slot
        self.address = self._base + PAGE_SIZE + transfer.byte_offset
        for number, pfn in enumerate(all_frames):
            self._memory.map(self._base + number * PAGE_SIZE, pfn)

    def fill(self, data: bytes) -> None:
        around = bytearray(NEIGHBOUR * len(self._all_frames))
        begin = PAGE_SIZE + self._transfer.byte_offset
        around[begin : begin + len(data)] = data
        self._memory.write_virtual(self._base, bytes(around))

    def release(self) -> None:
        self._memory.unmap_free(self._base, len(self._all_frames) * PAGE_SIZE)


def _failed(status: int) -> bool:
    """NT_SUCCESS is a signed test of the low 32 bits."""
    return bool(status & 0x80000000)
