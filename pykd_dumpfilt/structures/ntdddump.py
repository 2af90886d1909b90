"""ntdddump.h: the structures that a dump filter shares with crashdmp.

Sources: ntdddump.h of the Windows 7 kit (c) 2003 and of a Windows 8 kit (c) 2009, and Microsoft's pages
"FILTER_EXTENSION structure", "FILTER_INITIALIZATION_DATA structure" and "FILTER_DUMP_TYPE enumeration". The
member DumpPreReadWrite is from the newest copy of that page only; which Windows build first has it is not
documented. Sizes and offsets are asserted against a compiler's.
"""

from functools import lru_cache
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from construct import Construct, Enum, Int32ul, Padding

from ..errors import StructureError
from ._flags import flag_names
from ._layout import Layout
from ._machine import Machine
from ._record import Record
from .ntdddisk import DISK_GEOMETRY, DISK_PARTITION_INFO
from .ntdef import LONGLONG, pointer

__all__ = [
    "DUMP_FILTER_CRITICAL",
    "DUMP_FILTER_EXTENSION_SIZE_V1",
    "DUMP_FILTER_EXTENSION_SIZE_V2",
    "DUMP_FILTER_EXT_FLAG_DUMP_DEVICE_POWER_OFF",
    "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX",
    "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ",
    "DUMP_FILTER_MAJOR_VERSION",
    "DUMP_FILTER_MAJOR_VERSION_1",
    "DUMP_FILTER_MINOR_VERSION",
    "FILTER_DUMP_TYPE",
    "FilterContext",
    "filter_contexts",
    "filter_extension",
    "filter_extension_flag_names",
    "filter_initialization_data",
    "filter_initialization_data_flag_names",
    "filter_initialization_data_sizes",
]

DUMP_FILTER_MAJOR_VERSION = 2
"""As the Windows 8 kit defines it; 1 before."""
DUMP_FILTER_MAJOR_VERSION_1 = 1
DUMP_FILTER_MINOR_VERSION = 0

DUMP_FILTER_CRITICAL = 0x1
"""FILTER_INITIALIZATION_DATA.Flags: if DriverEntry fails, loading the dump stack fails."""
DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ = 0x1
"""FILTER_INITIALIZATION_DATA.Flags: the filter supports Dump_Read. The same bit as DUMP_FILTER_CRITICAL."""
DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX = 0x2
DUMP_FILTER_EXT_FLAG_DUMP_DEVICE_POWER_OFF = 0x1
"""FILTER_EXTENSION.Flags."""

DUMP_FILTER_EXTENSION_SIZE_V1: Mapping[Machine, int] = {
    Machine.X64: 0x50,
    Machine.ARM64: 0x50,
    Machine.X86: 0x44,
}
"""FIELD_OFFSET(FILTER_EXTENSION, Size). On x86 that is not sizeof the old structure, which is padded to
0x48."""
DUMP_FILTER_EXTENSION_SIZE_V2: Mapping[Machine, int] = {
    Machine.X64: 0x58,
    Machine.ARM64: 0x58,
    Machine.X86: 0x50,
}
"""sizeof(FILTER_EXTENSION) since Windows 8."""

FILTER_DUMP_TYPE = {"DumpTypeUndefined": 0, "DumpTypeCrashdump": 1, "DumpTypeHibernation": 2}
"""The names of FILTER_DUMP_TYPE."""

# Bit 0 has two names and nothing in the value tells which was meant, so both are given.
_INITIALIZATION_FLAGS: Tuple[Tuple[int, str], ...] = (
    (DUMP_FILTER_CRITICAL, "DUMP_FILTER_CRITICAL"),
    (DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ, "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_READ"),
    (
        DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX,
        "DUMP_FILTER_FLAG_SYSTEM_SUPPORT_FILTER_EXTENSION_EX",
    ),
)
_EXTENSION_FLAGS: Tuple[Tuple[int, str], ...] = (
    (DUMP_FILTER_EXT_FLAG_DUMP_DEVICE_POWER_OFF, "DUMP_FILTER_EXT_FLAG_DUMP_DEVICE_POWER_OFF"),
)


def filter_initialization_data_flag_names(flags: int) -> Tuple[str, ...]:
    """The names in FILTER_INITIALIZATION_DATA.Flags; bit 0 gives both of its names, bits without a name give
    one hexadecimal number."""
    return flag_names(flags, _INITIALIZATION_FLAGS, 32)


def filter_extension_flag_names(flags: int) -> Tuple[str, ...]:
    """The names in FILTER_EXTENSION.Flags; bits without a name give one hexadecimal number."""
    return flag_names(flags, _EXTENSION_FLAGS, 32)


def filter_extension(machine: Machine, version: int = 2) -> Layout:
    """FILTER_EXTENSION: ``version`` 2 (Windows 8 on, with Size and Flags) or 1 (before).

    Raises:
        StructureError: no such version.
    """
    if version not in (1, 2):
        raise StructureError(f"FILTER_EXTENSION has versions 1 and 2, not {version}")
    return _filter_extension(machine.pointer_size, version)


def filter_initialization_data_sizes(machine: Machine) -> Tuple[int, int, int]:
    """The three sizes of FILTER_INITIALIZATION_DATA in bytes, smallest first: up to Windows 7; with DumpRead
    (Windows 8); with DumpPreReadWrite. The structure does not hold its own size."""
    return (0x24, 0x28, 0x2C) if machine.pointer_size == 4 else (0x38, 0x40, 0x48)


def filter_initialization_data(machine: Machine, size: Optional[int] = None) -> Layout:
    """FILTER_INITIALIZATION_DATA in the form that has ``size`` bytes (see
    :func:`filter_initialization_data_sizes`); by default the form with DumpRead.

    Raises:
        StructureError: no form has that size.
    """
    sizes = filter_initialization_data_sizes(machine)
    if size is None:
        size = sizes[1]
    if size not in sizes:
        known = ", ".join(f"{known:#x}" for known in sizes)
        raise StructureError(
            f"FILTER_INITIALIZATION_DATA has {known} bytes on {machine.value}, not {size:#x}: "
            "choose one of these"
        )
    return _filter_initialization_data(machine.pointer_size, sizes.index(size))


class FilterContext(NamedTuple):
    """crashdmp's record of one filter, FILTER_CONTEXT: offsets in bytes from its start, where
    FILTER_INITIALIZATION_DATA lies.

    Inferred for 64-bit machines: what was seen in listings is x86 only. ``filter_extension`` is therefore
    where to look for FILTER_INITIALIZATION_DATA before a FILTER_EXTENSION, no more.
    """

    filter_initialization_data_size: int
    filter_extension: int
    list_entry: int


def filter_contexts(machine: Machine) -> Tuple[FilterContext, FilterContext, FilterContext]:
    """FILTER_CONTEXT for each size of FILTER_INITIALIZATION_DATA, in the order of those sizes.

    On x86 the two older forms put FILTER_EXTENSION at the same distance (0x28): its alignment is 8.
    """
    if machine.pointer_size == 4:
        return (
            FilterContext(0x24, 0x28, 0x70),
            FilterContext(0x28, 0x28, 0x78),
            FilterContext(0x2C, 0x30, 0x80),
        )
    return (
        FilterContext(0x38, 0x38, 0x88),
        FilterContext(0x40, 0x40, 0x98),
        FilterContext(0x48, 0x48, 0xA0),
    )


@lru_cache(maxsize=None)
def _filter_extension(pointer_size: int, version: int) -> Layout:
    wide = pointer_size == 8
    members: List[Construct] = ["DumpType" / Enum(Int32ul, **FILTER_DUMP_TYPE)]
    if wide:
        members.append(Padding(4))
    members += [
        "DeviceObject" / pointer(pointer_size),
        "Geometry" / DISK_GEOMETRY,
        "DiskSize" / LONGLONG,
        "PartitionInfo" / DISK_PARTITION_INFO,
        "DumpData" / pointer(pointer_size),
    ]
    if version == 2:
        members += ["Size" / Int32ul, "Flags" / Int32ul]
    if not wide:
        # The structure is aligned to 8 on x86 too: it holds LARGE_INTEGERs.
        members.append(Padding(4))
    return Layout("FILTER_EXTENSION", f"version {version}, {pointer_size * 8}-bit", Record(*members))


_FORMS: Dict[int, str] = {0: "version 1", 1: "with DumpRead", 2: "with DumpPreReadWrite"}


@lru_cache(maxsize=None)
def _filter_initialization_data(pointer_size: int, form: int) -> Layout:
    address = pointer(pointer_size)
    members: List[Construct] = [
        "MajorVersion" / Int32ul,
        "MinorVersion" / Int32ul,
        "DumpStart" / address,
        "DumpWrite" / address,
        "DumpFinish" / address,
        "DumpUnload" / address,
        "DumpData" / address,
        "MaxPagesPerWrite" / Int32ul,
        "Flags" / Int32ul,
    ]
    if form >= 1:
        members.append("DumpRead" / address)
    if form >= 2:
        members.append("DumpPreReadWrite" / address)
    variant = f"{_FORMS[form]}, {pointer_size * 8}-bit"
    return Layout("FILTER_INITIALIZATION_DATA", variant, Record(*members))
