"""wdm.h: the memory descriptor list (MDL) and the page frame numbers behind it.

Sources: wdm.h as mingw-w64 declares it; Microsoft's pages "Using MDLs", MmGetMdlPfnArray and
MmInitializeMdl. The kernel says "partially opaque": newer x64 symbols name the padding after MdlFlags
(AllocationProcessorNumber, Reserved), the documented structure does not.
"""

import struct
from functools import lru_cache
from typing import List, Tuple

from construct import Array, Construct, Int16sl, Int16ul, Int32ul, Padding

from ..errors import StructureError
from ._flags import flag_names
from ._layout import Buffer, Layout
from ._machine import Machine
from ._record import Record
from .ntdef import pointer

__all__ = [
    "MAX_PFNS",
    "MDL_FLAGS",
    "MDL_MAPPED_TO_SYSTEM_VA",
    "MDL_PAGES_LOCKED",
    "MDL_PARTIAL",
    "MDL_SOURCE_IS_NONPAGED_POOL",
    "mdl",
    "mdl_flag_names",
    "mdl_size",
    "pfn_array",
    "pfn_array_interpreted",
    "span_pages",
]

PAGE_SIZE = 0x1000
MAX_PFNS = 0x10000
"""The most page frame numbers that one call decodes: 256 MiB of memory, far above any dump transfer."""

MDL_MAPPED_TO_SYSTEM_VA = 0x0001
MDL_PAGES_LOCKED = 0x0002
MDL_SOURCE_IS_NONPAGED_POOL = 0x0004
MDL_PARTIAL = 0x0010

MDL_FLAGS: Tuple[Tuple[int, str], ...] = (
    (MDL_MAPPED_TO_SYSTEM_VA, "MDL_MAPPED_TO_SYSTEM_VA"),
    (MDL_PAGES_LOCKED, "MDL_PAGES_LOCKED"),
    (MDL_SOURCE_IS_NONPAGED_POOL, "MDL_SOURCE_IS_NONPAGED_POOL"),
    (0x0008, "MDL_ALLOCATED_FIXED_SIZE"),
    (MDL_PARTIAL, "MDL_PARTIAL"),
    (0x0020, "MDL_PARTIAL_HAS_BEEN_MAPPED"),
    (0x0040, "MDL_IO_PAGE_READ"),
    (0x0080, "MDL_WRITE_OPERATION"),
    (0x0100, "MDL_PARENT_MAPPED_SYSTEM_VA"),
    (0x0200, "MDL_FREE_EXTRA_PTES"),
    (0x0400, "MDL_DESCRIBES_AWE"),
    (0x0800, "MDL_IO_SPACE"),
    (0x1000, "MDL_NETWORK_HEADER"),
    (0x2000, "MDL_MAPPING_CAN_FAIL"),
    (0x4000, "MDL_ALLOCATED_MUST_SUCCEED"),
    (0x8000, "MDL_INTERNAL"),
)
"""Every bit of MdlFlags and its name in wdm.h."""


def mdl_flag_names(flags: int) -> Tuple[str, ...]:
    """The names of the bits in MdlFlags; a signed value, as the header's SHORT gives it, will do."""
    return flag_names(flags, MDL_FLAGS, 16)


def mdl(machine: Machine) -> Layout:
    """The header of an MDL; the page frame numbers follow it in memory (see :func:`pfn_array`).

    ``Size`` is signed, as declared: the bytes of the header and of room for page frame numbers, maybe more
    than are in use, and wrapped for an MDL above 32767 bytes. ``MdlFlags`` is declared signed too but is
    given unsigned, because it is a set of bits.
    """
    return _mdl(machine.pointer_size)


def span_pages(address: int, size: int) -> int:
    """ADDRESS_AND_SIZE_TO_SPAN_PAGES: how many pages ``size`` bytes at ``address`` touch.

    Only the address's low 12 bits count, so an MDL's ByteOffset will do.
    """
    return ((address & (PAGE_SIZE - 1)) + size + PAGE_SIZE - 1) // PAGE_SIZE


def mdl_size(machine: Machine, pages: int) -> int:
    """Bytes of an MDL that describes ``pages`` pages: the header and the page frame numbers."""
    return mdl(machine).size + pages * machine.pointer_size


def pfn_array(machine: Machine, data: Buffer, count: int) -> Tuple[int, ...]:
    """The first ``count`` page frame numbers of ``data``, the memory after an MDL's header.

    A PFN_NUMBER is a ULONG_PTR: 8 bytes on x64 and ARM64, 4 on x86. Bytes after them are ignored.

    Raises:
        StructureError: fewer bytes than that, or ``count`` is not in 0 to :data:`MAX_PFNS`.
    """
    _check_pfns(machine, data, count)
    return struct.unpack_from(f"<{count}{'I' if machine.pointer_size == 4 else 'Q'}", data)


def pfn_array_interpreted(machine: Machine, data: Buffer, count: int) -> Tuple[int, ...]:
    """What :func:`pfn_array` gives, by construct's interpreter: the oracle for tests."""
    _check_pfns(machine, data, count)
    return tuple(Array(count, pointer(machine.pointer_size)).parse(bytes(data)))


def _check_pfns(machine: Machine, data: Buffer, count: int) -> None:
    if not 0 <= count <= MAX_PFNS:
        raise StructureError(f"{count} page frame numbers asked for: at most {MAX_PFNS} are decoded at once")
    needed = count * machine.pointer_size
    if len(data) < needed:
        raise StructureError(
            f"{count} page frame numbers ({machine.value}) need {needed} bytes, {len(data)} given: "
            "read more, or ask for fewer"
        )


@lru_cache(maxsize=None)
def _mdl(pointer_size: int) -> Layout:
    address = pointer(pointer_size)
    members: List[Construct] = ["Next" / address, "Size" / Int16sl, "MdlFlags" / Int16ul]
    if pointer_size == 8:
        members.append(Padding(4))
    members += [
        "Process" / address,
        "MappedSystemVa" / address,
        "StartVa" / address,
        "ByteCount" / Int32ul,
        "ByteOffset" / Int32ul,
    ]
    return Layout("MDL", f"{pointer_size * 8}-bit", Record(*members))
