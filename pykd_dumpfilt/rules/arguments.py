"""The system's side: pointers and FILTER_EXTENSION as a filter gets them.

These rules never fail a filter. A finding says that the environment is not what the documents (or what was
seen of crashdmp) lead to expect, so that other findings are read with care. The bounds are inferred from
ntdddump.h and ntdddisk.h; no document states them as rules.
"""

from typing import ClassVar, Iterator, List, Mapping, Tuple, Union

from ..decoded import DecodedCall, FilterExtension, NoValue
from ..recording import CALLBACKS
from ..structures import DUMP_FILTER_EXTENSION_SIZE_V1, Machine
from ._kernel import is_kernel_address
from ._rule import Level, Rule
from ._sector import SECTOR_SIZES

__all__ = ["ExtensionIsSane", "PointersAreSane", "extension_problems"]

_EXTENSION_PAGE = (
    "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/ns-ntdddump-_filter_extension"
)
_DUMP_TYPES = {"dump_": (1, "DumpTypeCrashdump"), "hiber_": (2, "DumpTypeHibernation")}
_SIZE_OF_PARTITION_INFO = 0x18
# MEDIA_TYPE (ntdddisk.h): all others are of floppy disks and the like.
_MEDIA_TYPES = (11, 12)
# Far above any form of the structure seen (0x58): a larger one is no size at all.
_LARGEST_EXTENSION = 0x1000

_Problem = Tuple[str, Union[int, str], str]


class PointersAreSane(Rule):
    """Arguments point into the kernel; FILTER_EXTENSION holds LARGE_INTEGERs and so is aligned to 8."""

    id = "DF-ARGS-001"
    level = Level.WARNING
    family = "environment"
    statement = "The pointers that a callback gets are kernel addresses, and FILTER_EXTENSION's is aligned."
    source = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/"
    evidence: ClassVar[Mapping[str, str]] = {
        "argument": "the parameter's name",
        "value": "what it holds, an address",
    }
    callbacks = CALLBACKS
    returned = False

    def check(self, call: DecodedCall) -> None:
        names = _argument_names(call)
        if len(call.raw.arguments) < len(names):
            self.cannot_tell(call, f"{len(call.raw.arguments)} of {len(names)} arguments were captured")
            return
        self.checked()
        for name, value in zip(names, call.raw.arguments):
            problem = ""
            if not is_kernel_address(value, call.machine):
                problem = "is no kernel address"
            elif value % _alignment(name, call.machine):
                problem = f"is not aligned to {_alignment(name, call.machine)} bytes"
            if problem:
                self.find_once(
                    call,
                    f"{name} {problem}",
                    f"the system called {call.label} with {name} {value:#x}, which {problem}",
                    {"argument": name, "value": f"{value:#x}"},
                )


class ExtensionIsSane(Rule):
    """FILTER_EXTENSION's fields are such as a dump device can have."""

    id = "DF-ARGS-002"
    level = Level.WARNING
    family = "environment"
    statement = "FILTER_EXTENSION describes a disk and the stack that the copy's name tells."
    source = _EXTENSION_PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "field": "the member's name",
        "value": "what it holds: a number, or an address",
    }
    callbacks = CALLBACKS
    returned = False

    def check(self, call: DecodedCall) -> None:
        extension = call.entry.filter_extension
        if isinstance(extension, NoValue):
            self.cannot_tell(call, f"FILTER_EXTENSION: {extension}")
            return
        self.checked()
        for field, value, problem in (
            *_dump_type_problem(call, extension),
            *extension_problems(extension, call.machine),
            *_size_problem(call, extension),
        ):
            self.find_once(
                call,
                field,
                f"the system gave {call.label} a FILTER_EXTENSION whose {field} is {value}: {problem}",
                {"field": field, "value": value},
            )


def _argument_names(call: DecodedCall) -> Tuple[str, ...]:
    if call.callback == "DriverEntry":
        return ("FilterExtension", "FilterInitializationData")
    if call.callback in ("Dump_Write", "Dump_Read"):
        return ("FilterExtension", "DiskByteOffset", "Mdl")
    return ("FilterExtension",)


def _alignment(name: str, machine: Machine) -> int:
    if name == "FilterExtension":
        return 8
    # On x86 a LARGE_INTEGER on the stack is aligned to 4 only.
    return machine.pointer_size


def _dump_type_problem(call: DecodedCall, extension: FilterExtension) -> Iterator[_Problem]:
    for prefix, (expected, name) in _DUMP_TYPES.items():
        other = extension.dump_type in (1, 2) and extension.dump_type != expected
        if other and call.module_name.lower().startswith(prefix):
            yield "DumpType", extension.dump_type, f"{name} ({expected}) is expected of a {prefix} copy"


def extension_problems(extension: FilterExtension, machine: Machine) -> Iterator[_Problem]:
    """What is wrong with a FILTER_EXTENSION alone: the member, its value, and what is expected."""
    if extension.dump_type not in (1, 2):
        yield "DumpType", extension.dump_type, "1 (crash dump) or 2 (hibernation) is expected"
    if not is_kernel_address(extension.device_object, machine):
        yield "DeviceObject", f"{extension.device_object:#x}", "that is no kernel address"
    if extension.geometry.bytes_per_sector not in SECTOR_SIZES:
        sizes = ", ".join(str(size) for size in SECTOR_SIZES)
        yield "Geometry.BytesPerSector", extension.geometry.bytes_per_sector, f"one of {sizes} is expected"
    if extension.geometry.media_type not in _MEDIA_TYPES:
        yield (
            "Geometry.MediaType",
            extension.geometry.media_type,
            "11 (RemovableMedia) or 12 (FixedMedia) is expected",
        )
    if extension.disk_size <= 0:
        yield "DiskSize", extension.disk_size, "a disk has more than no bytes"
    partition = extension.partition_info
    if partition.style not in (0, 1, 2):
        yield "PartitionInfo.PartitionStyle", partition.style, "0 (MBR), 1 (GPT) or 2 (RAW) is expected"
    if partition.size != _SIZE_OF_PARTITION_INFO:
        yield (
            "PartitionInfo.SizeOfPartitionInfo",
            partition.size,
            f"{_SIZE_OF_PARTITION_INFO} is expected",
        )


def _size_problem(call: DecodedCall, extension: FilterExtension) -> List[_Problem]:
    data = call.entry.filter_initialization_data
    if extension.size is None or (not isinstance(data, NoValue) and data.dump_read is None):
        # The form before Windows 8 ends before Size: what lies there is something else.
        return []
    smallest = DUMP_FILTER_EXTENSION_SIZE_V1[call.machine]
    if smallest <= extension.size <= _LARGEST_EXTENSION:
        return []
    return [("Size", extension.size, f"{smallest} to {_LARGEST_EXTENSION} is expected")]
