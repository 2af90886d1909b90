"""Structures of a call as typed values with our spelling of their fields; layouts are in ``structures``."""

from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, Callable, Optional, Tuple, TypeVar, Union

from ..errors import StructureError
from ..recording import Piece
from ..structures import (
    Machine,
    filter_extension,
    filter_extension_flag_names,
    filter_initialization_data,
    filter_initialization_data_flag_names,
    large_integer,
    mdl,
    mdl_flag_names,
    pfn_array,
    span_pages,
)
from ._values import Absence, NoValue, missing_bytes

__all__ = [
    "DiskGeometry",
    "FilterExtension",
    "FilterInitializationData",
    "Mdl",
    "PartitionInfo",
    "decode_disk_byte_offset",
    "decode_filter_extension",
    "decode_filter_initialization_data",
    "decode_mdl",
]

_T = TypeVar("_T")
_REMEMBERED = 512
_REMEMBERED_SIZE = 512


def _remembered(
    decode: Callable[[Piece, Machine], _T],
) -> Callable[[Piece, Machine], _T]:
    """The same for equal pieces, without decoding again: most structures are the same from one call to the
    next. At most 512 of 512 bytes are remembered."""
    remembered = lru_cache(maxsize=_REMEMBERED)(decode)

    @wraps(decode)
    def decoder(piece: Piece, machine: Machine) -> _T:
        return (remembered if len(piece.data) <= _REMEMBERED_SIZE else decode)(piece, machine)

    return decoder


@dataclass(frozen=True)
class DiskGeometry:
    """DISK_GEOMETRY (ntdddisk.h), unsigned numbers as the structure holds them.

    Attributes:
        cylinders: 64 bits.
        media_type: MEDIA_TYPE: 12 is FixedMedia.
        tracks_per_cylinder: 32 bits.
        sectors_per_track: 32 bits.
        bytes_per_sector: the logical sector, in bytes.
    """

    cylinders: int
    media_type: int
    tracks_per_cylinder: int
    sectors_per_track: int
    bytes_per_sector: int


@dataclass(frozen=True)
class PartitionInfo:
    """DISK_PARTITION_INFO (ntdddisk.h): of the disk, not of a partition. The members of another style than
    the disk's mean nothing.

    Attributes:
        size: SizeOfPartitionInfo, in bytes.
        style: 0 MBR, 1 GPT, 2 RAW.
        mbr_signature: Mbr.Signature.
        mbr_checksum: Mbr.CheckSum.
        gpt_disk_id: Gpt.DiskId, as registries spell GUIDs.
    """

    size: int
    style: int
    mbr_signature: int
    mbr_checksum: int
    gpt_disk_id: str


@dataclass(frozen=True)
class FilterExtension:
    """FILTER_EXTENSION (ntdddump.h), what every callback gets.

    Attributes:
        address: where in the target it is.
        dump_type: FILTER_DUMP_TYPE: 1 a crash dump, 2 a hibernation.
        device_object: address of the disk's DEVICE_OBJECT.
        geometry: of the disk.
        disk_size: in bytes, signed.
        partition_info: of the disk.
        dump_data: DumpData, the pointer that DriverEntry left for the callbacks.
        size: Size, in bytes; None in the form before Windows 8.
        flags: None in the form before Windows 8.
    """

    address: int
    dump_type: int
    device_object: int
    geometry: DiskGeometry
    disk_size: int
    partition_info: PartitionInfo
    dump_data: int
    size: Optional[int]
    flags: Optional[int]

    @property
    def flag_names(self) -> Tuple[str, ...]:
        """Names of the bits in ``flags``."""
        return filter_extension_flag_names(self.flags or 0)


@dataclass(frozen=True)
class FilterInitializationData:
    """FILTER_INITIALIZATION_DATA (ntdddump.h), which DriverEntry fills in. Callbacks are addresses; one that
    is not registered is 0.

    Attributes:
        address: where in the target it is.
        major_version: 2 for filters that read, 1 for those before.
        minor_version: 0.
        dump_start: Dump_Start.
        dump_write: Dump_Write.
        dump_finish: Dump_Finish.
        dump_unload: Dump_Unload.
        dump_data: what the filter wants to find in FILTER_EXTENSION.
        max_pages_per_write: pages that one Dump_Write gets at most, as the system says.
        flags: 32 bits.
        dump_read: Dump_Read; None in the forms that have no such member.
        dump_pre_read_write: None in the forms that have no such member.
    """

    address: int
    major_version: int
    minor_version: int
    dump_start: int
    dump_write: int
    dump_finish: int
    dump_unload: int
    dump_data: int
    max_pages_per_write: int
    flags: int
    dump_read: Optional[int]
    dump_pre_read_write: Optional[int]

    @property
    def flag_names(self) -> Tuple[str, ...]:
        """Names of the bits in ``flags``; bit 0 has two."""
        return filter_initialization_data_flag_names(self.flags)


@dataclass(frozen=True)
class Mdl:
    """An MDL (wdm.h): header and page frame numbers.

    Attributes:
        address: where in the target it is.
        next: address of the next MDL of the chain, 0 where there is none.
        size: the header's Size in bytes, signed as declared.
        mdl_flags: 16 bits, unsigned.
        process: address of the EPROCESS.
        mapped_system_va: where the buffer is mapped, if ``mdl_flags`` say that it is.
        start_va: the page in which the buffer begins, as the MDL's maker saw it.
        byte_count: bytes of the buffer.
        byte_offset: where in the first page the buffer begins.
        pfns: page frame numbers, as many as the buffer spans, fewer where ``pfns_missing`` says why.
        pfns_missing: why not all of them are there; None where they are.
    """

    address: int
    next: int
    size: int
    mdl_flags: int
    process: int
    mapped_system_va: int
    start_va: int
    byte_count: int
    byte_offset: int
    pfns: Tuple[int, ...]
    pfns_missing: Optional[NoValue]

    @property
    def flag_names(self) -> Tuple[str, ...]:
        """Names of the bits in ``mdl_flags``."""
        return mdl_flag_names(self.mdl_flags)

    @property
    def span(self) -> int:
        """Pages that the buffer touches (ADDRESS_AND_SIZE_TO_SPAN_PAGES)."""
        return span_pages(self.byte_offset, self.byte_count)


def decode_filter_extension(piece: Optional[Piece], machine: Machine) -> Union[FilterExtension, NoValue]:
    """FILTER_EXTENSION in the form since Windows 8 where there are bytes enough, else in the one before.

    Args:
        piece: as recorded; None where it was not.
        machine: whose layout.

    Returns:
        The structure, or why there is none. It never raises.
    """
    return NoValue(Absence.NOT_CAPTURED) if piece is None else _filter_extension(piece, machine)


@_remembered
def _filter_extension(piece: Piece, machine: Machine) -> Union[FilterExtension, NoValue]:
    layout = filter_extension(machine)
    if len(piece.data) < layout.size:
        layout = filter_extension(machine, 1)
    why = missing_bytes(piece, layout.size)
    if why is not None:
        return why
    fields = layout.parse(piece.data, allow_trailing=True)
    return FilterExtension(
        address=piece.address,
        dump_type=int(fields["DumpType"]),
        device_object=fields["DeviceObject"],
        geometry=_geometry(fields["Geometry"]),
        disk_size=fields["DiskSize"],
        partition_info=_partition_info(fields["PartitionInfo"]),
        dump_data=fields["DumpData"],
        size=fields.get("Size"),
        flags=fields.get("Flags"),
    )


def decode_filter_initialization_data(
    piece: Optional[Piece], machine: Machine
) -> Union[FilterInitializationData, NoValue]:
    """FILTER_INITIALIZATION_DATA in the form that the number of bytes asked for tells.

    Args:
        piece: as recorded; None where it was not.
        machine: whose layout.

    Returns:
        The structure, or why there is none. It never raises.
    """
    return NoValue(Absence.NOT_CAPTURED) if piece is None else _filter_initialization_data(piece, machine)


@_remembered
def _filter_initialization_data(piece: Piece, machine: Machine) -> Union[FilterInitializationData, NoValue]:
    why = missing_bytes(piece, piece.asked)
    if why is not None:
        return why
    try:
        fields = filter_initialization_data(machine, len(piece.data)).parse(piece.data)
    except StructureError as error:
        return NoValue(Absence.UNDECODABLE, str(error))
    return FilterInitializationData(
        address=piece.address,
        major_version=fields["MajorVersion"],
        minor_version=fields["MinorVersion"],
        dump_start=fields["DumpStart"],
        dump_write=fields["DumpWrite"],
        dump_finish=fields["DumpFinish"],
        dump_unload=fields["DumpUnload"],
        dump_data=fields["DumpData"],
        max_pages_per_write=fields["MaxPagesPerWrite"],
        flags=fields["Flags"],
        dump_read=fields.get("DumpRead"),
        dump_pre_read_write=fields.get("DumpPreReadWrite"),
    )


def decode_disk_byte_offset(piece: Optional[Piece], machine: Machine) -> Union[int, NoValue]:
    """LARGE_INTEGER.QuadPart: bytes, signed."""
    return NoValue(Absence.NOT_CAPTURED) if piece is None else _disk_byte_offset(piece, machine)


@_remembered
def _disk_byte_offset(piece: Piece, machine: Machine) -> Union[int, NoValue]:
    why = missing_bytes(piece, 8)
    if why is not None:
        return why
    return int(large_integer(machine).parse(piece.data, allow_trailing=True)["QuadPart"])


@_remembered
def decode_mdl(piece: Piece, machine: Machine) -> Union[Mdl, NoValue]:
    """An MDL's header, and the page frame numbers that are there.

    Args:
        piece: as recorded.
        machine: whose layout.

    Returns:
        The MDL, or why there is none. It never raises.
    """
    layout = mdl(machine)
    why = missing_bytes(piece, layout.size)
    if why is not None:
        return why
    fields = layout.parse(piece.data, allow_trailing=True)
    # ByteOffset is below a page in any MDL that a kernel made; its low bits are what counts in any other.
    span = span_pages(fields["ByteOffset"], fields["ByteCount"])
    held = min(span, (len(piece.data) - layout.size) // machine.pointer_size)
    try:
        pfns = pfn_array(machine, piece.data[layout.size :], held)
        pfns_missing = missing_bytes(piece, layout.size + span * machine.pointer_size)
    except StructureError as error:
        pfns, pfns_missing = (), NoValue(Absence.UNDECODABLE, str(error))
    return Mdl(
        address=piece.address,
        next=fields["Next"],
        size=fields["Size"],
        mdl_flags=fields["MdlFlags"],
        process=fields["Process"],
        mapped_system_va=fields["MappedSystemVa"],
        start_va=fields["StartVa"],
        byte_count=fields["ByteCount"],
        byte_offset=fields["ByteOffset"],
        pfns=pfns,
        pfns_missing=pfns_missing,
    )


def _geometry(fields: Any) -> DiskGeometry:
    return DiskGeometry(
        cylinders=fields["Cylinders"],
        media_type=int(fields["MediaType"]),
        tracks_per_cylinder=fields["TracksPerCylinder"],
        sectors_per_track=fields["SectorsPerTrack"],
        bytes_per_sector=fields["BytesPerSector"],
    )


def _partition_info(fields: Any) -> PartitionInfo:
    return PartitionInfo(
        size=fields["SizeOfPartitionInfo"],
        style=int(fields["PartitionStyle"]),
        mbr_signature=fields["Mbr"]["Signature"],
        mbr_checksum=fields["Mbr"]["CheckSum"],
        gpt_disk_id=fields["Gpt"]["DiskId"],
    )
