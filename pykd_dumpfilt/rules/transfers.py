"""The system's side: the offset and the MDL of a transfer as Dump_Write and Dump_Read get them.

As in :mod:`.arguments`, nothing here fails a filter. What kernel-built dump MDLs are known to look like is
not taken for strange: MdlFlags without PAGES_LOCKED and NONPAGED_POOL, StartVa 0 or of another context,
Process stale, Size larger than needed. All 16 bits of MdlFlags have a name, so none is undefined; which
combinations come, and MDL chains, which no kernel was seen to build, are for the census (DF-ARGS-006).
"""

from typing import ClassVar, Iterator, Mapping, Tuple

from ..decoded import BufferView, DecodedCall, FilterInitializationData, Mdl, NoValue, missing_bytes
from ..errors import RecordingError
from ..recording import PAGE_SIZE, Piece
from ..structures import MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL, Machine, mdl_size
from ._kernel import is_kernel_address
from ._rule import Level, Rule
from ._sector import sector_size

__all__ = ["MappingAgrees", "MdlIsSane", "OffsetIsSane", "mdl_problems"]

_TRANSFERS = ("Dump_Write", "Dump_Read")
_MDL_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/kernel/using-mdls"
_MAX_SHORT = 0x7FFF
# x64 has at most 52 bits of physical address.
_MAX_PFN = 1 << 40

_Problem = Tuple[str, str]


class OffsetIsSane(Rule):
    """The offset counts from the partition's start, so the disk's end is a bound and not the exact one."""

    id = "DF-ARGS-003"
    level = Level.WARNING
    family = "environment"
    statement = "DiskByteOffset is a multiple of the sector size, and the transfer ends within the disk."
    source = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_write"
    evidence: ClassVar[Mapping[str, str]] = {
        "disk_offset": "*DiskByteOffset, bytes",
        "bytes": "bytes of the transfer, where it passes the end",
        "disk_size": "bytes of the disk, where it passes the end",
    }
    callbacks = _TRANSFERS
    returned = False

    def check(self, call: DecodedCall) -> None:
        offset, extension = call.entry.disk_byte_offset, call.entry.filter_extension
        if isinstance(offset, NoValue):
            self.cannot_tell(call, f"*DiskByteOffset: {offset}")
            return
        sector = sector_size(call)
        problem = ""
        if offset < 0:
            problem = "which is negative"
        elif sector is not None and offset % sector:
            problem = f"which is not a multiple of the sector size {sector}"
        if problem:
            self.find_once(
                call,
                problem,
                f"the system called {call.label} with *DiskByteOffset {offset:#x}, {problem}",
                {"disk_offset": offset},
            )
        length = call.byte_count
        for name, value in (("FILTER_EXTENSION", extension), ("the MDL", length)):
            if isinstance(value, NoValue):
                self.cannot_tell(call, f"{name}: {value}")
                return
        assert not isinstance(extension, NoValue)
        assert not isinstance(length, NoValue)
        self.checked()
        if 0 < extension.disk_size < offset + length:
            self.find_once(
                call,
                "past the end",
                f"the system called {call.label} for {length} bytes at {offset:#x}, past the end of a disk "
                f"of {extension.disk_size:#x} bytes",
                {"disk_offset": offset, "bytes": length, "disk_size": extension.disk_size},
            )


class MdlIsSane(Rule):
    """MDL arithmetic as MmInitializeMdl does it (wdm.h). That a dump MDL is mapped when a filter gets it was
    seen of the kernel, and VeraCrypt and DiskCryptor rely on it; no document says so."""

    id = "DF-ARGS-004"
    level = Level.WARNING
    family = "environment"
    statement = (
        "The MDL's members agree with each other, with the sector size and with MaxPagesPerWrite, and say "
        "where its data is mapped."
    )
    source = _MDL_PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "problem": "what is wrong with the MDL",
    }
    callbacks = _TRANSFERS
    returned = False

    def check(self, call: DecodedCall) -> None:
        if not call.entry.mdls:
            self.cannot_tell(call, "the MDL was not captured")
            return
        for mdl in call.entry.mdls:
            if isinstance(mdl, NoValue):
                self.cannot_tell(call, f"the MDL: {mdl}")
                return
            for what, problem in mdl_problems(mdl, call.machine):
                self._tell(call, what, problem)
        self.checked()
        length = call.byte_count
        if isinstance(length, NoValue):
            return
        sector = sector_size(call)
        if sector is not None and length % sector:
            self._tell(
                call,
                "sector",
                f"ByteCount {length} is not a multiple of the sector size {sector}",
            )
        data = call.entry.filter_initialization_data
        if isinstance(data, FilterInitializationData) and 0 < data.max_pages_per_write * PAGE_SIZE < length:
            self._tell(
                call,
                "maximum",
                f"ByteCount {length} is more than MaxPagesPerWrite ({data.max_pages_per_write} pages)",
            )

    def _tell(self, call: DecodedCall, what: str, problem: str) -> None:
        self.find_once(
            call, what, f"the system called {call.label} with an MDL whose {problem}", {"problem": problem}
        )


class MappingAgrees(Rule):
    """A filter reads through MappedSystemVa, the disk through the page frame numbers."""

    id = "DF-ARGS-005"
    level = Level.WARNING
    family = "environment"
    statement = "MappedSystemVa shows the memory that the MDL's page frame numbers name."
    source = _MDL_PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "mapped_system_va": "MappedSystemVa, an address",
        "mapped": "the first 16 bytes there, hexadecimal",
        "physical": "the first 16 bytes that the PFNs name, hexadecimal",
    }
    callbacks = _TRANSFERS
    returned = False

    def check(self, call: DecodedCall) -> None:
        for piece, view in _mapped(call):
            if view.raw.via != "physical":
                # Both would be the same reading of the same virtual memory.
                continue
            size = min(piece.asked, view.held)
            why = missing_bytes(piece, size)
            if why is not None:
                self.cannot_tell(call, f"at MappedSystemVa: {why}")
                continue
            try:
                expected = view.read(0, size)
            except RecordingError as error:
                self.cannot_tell(call, str(error))
                continue
            self.checked()
            if piece.data[:size] != expected:
                self.find_once(
                    call,
                    "mapping",
                    f"the system called {call.label} with MappedSystemVa {piece.address:#x}, and what is "
                    f"there ({piece.data[:16].hex()}) is not what the page frame numbers name "
                    f"({expected[:16].hex()})",
                    {
                        "mapped_system_va": f"{piece.address:#x}",
                        "mapped": piece.data[:16].hex(),
                        "physical": expected[:16].hex(),
                    },
                )


def _mapped(call: DecodedCall) -> Iterator[Tuple[Piece, BufferView]]:
    by_address = {
        mdl.mapped_system_va: view
        for mdl, view in zip(call.entry.mdls, call.entry.buffers)
        if isinstance(mdl, Mdl)
    }
    for piece in call.entry.mapped:
        view = by_address.get(piece.address)
        if piece.asked and view is not None:
            yield piece, view


def mdl_problems(mdl: Mdl, machine: Machine) -> Iterator[_Problem]:
    """What is wrong with an MDL alone: the member, and a sentence's end."""
    if mdl.byte_count == 0:
        yield "ByteCount", "ByteCount is 0"
    if mdl.byte_offset >= PAGE_SIZE:
        yield "ByteOffset", f"ByteOffset {mdl.byte_offset:#x} is not within a page"
    if mdl.start_va % PAGE_SIZE:
        yield "StartVa", f"StartVa {mdl.start_va:#x} is not page aligned"
    needed = mdl_size(machine, mdl.span)
    # Size is a SHORT: an MDL above 32767 bytes cannot say its size.
    if needed <= _MAX_SHORT:
        if mdl.size < needed:
            yield (
                "Size",
                f"Size {mdl.size} has no room for the {mdl.span} pages of the buffer ({needed} needed)",
            )
        elif (mdl.size - needed) % machine.pointer_size:
            yield "Size", f"Size {mdl.size} is no header with whole page frame numbers behind it"
    if mdl.next and (not is_kernel_address(mdl.next, machine) or mdl.next % machine.pointer_size):
        yield "Next", f"Next {mdl.next:#x} is no MDL's address"
    beyond = next((pfn for pfn in mdl.pfns if pfn >= _MAX_PFN), None)
    if beyond is not None:
        yield "PFN", f"page frame number {beyond:#x} is past any physical memory"
    yield from _mapping_problems(mdl, machine)


def _mapping_problems(mdl: Mdl, machine: Machine) -> Iterator[_Problem]:
    """Every dump MDL that was seen is mapped: at HIGH_LEVEL a filter cannot map it itself."""
    at = mdl.mapped_system_va
    if not mdl.mdl_flags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL):
        yield (
            "MdlFlags",
            f"MdlFlags {mdl.mdl_flags:#06x} have neither MDL_MAPPED_TO_SYSTEM_VA nor "
            "MDL_SOURCE_IS_NONPAGED_POOL: there is no address to reach the data through",
        )
    elif not is_kernel_address(at, machine):
        yield (
            "MappedSystemVa",
            f"MappedSystemVa {at:#x} is no kernel address, and MdlFlags say that it is mapped",
        )
    elif at % PAGE_SIZE != mdl.byte_offset % PAGE_SIZE:
        yield (
            "MappedSystemVa",
            f"MappedSystemVa {at:#x} does not begin at ByteOffset {mdl.byte_offset:#x} of its page",
        )
