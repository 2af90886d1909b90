"""ntdddisk.h: DISK_GEOMETRY and DISK_PARTITION_INFO. The same on every machine.

Source: ntdddisk.h and winioctl.h as mingw-w64 declares them (winioctl.h names three more MEDIA_TYPEs).
"""

from construct import Enum, Int32ul, Peek

from ._layout import Layout
from ._machine import Machine
from ._record import Record
from .ntdef import GUID, LONGLONG

__all__ = ["MEDIA_TYPE", "PARTITION_STYLE", "disk_geometry", "disk_partition_info"]

MEDIA_TYPE = {
    "Unknown": 0,
    "F5_1Pt2_512": 1,
    "F3_1Pt44_512": 2,
    "F3_2Pt88_512": 3,
    "F3_20Pt8_512": 4,
    "F3_720_512": 5,
    "F5_360_512": 6,
    "F5_320_512": 7,
    "F5_320_1024": 8,
    "F5_180_512": 9,
    "F5_160_512": 10,
    "RemovableMedia": 11,
    "FixedMedia": 12,
    "F3_120M_512": 13,
    "F3_640_512": 14,
    "F5_640_512": 15,
    "F5_720_512": 16,
    "F3_1Pt2_512": 17,
    "F3_1Pt23_1024": 18,
    "F5_1Pt23_1024": 19,
    "F3_128Mb_512": 20,
    "F3_230Mb_512": 21,
    "F8_256_128": 22,
    "F3_200Mb_512": 23,
    "F3_240M_512": 24,
    "F3_32M_512": 25,
}
"""The names of MEDIA_TYPE."""

PARTITION_STYLE = {"PARTITION_STYLE_MBR": 0, "PARTITION_STYLE_GPT": 1, "PARTITION_STYLE_RAW": 2}
"""The names of PARTITION_STYLE."""

DISK_GEOMETRY = Record(
    "Cylinders" / LONGLONG,
    "MediaType" / Enum(Int32ul, **MEDIA_TYPE),
    "TracksPerCylinder" / Int32ul,
    "SectorsPerTrack" / Int32ul,
    "BytesPerSector" / Int32ul,
)

# The union as C has it: both members are always there, and PartitionStyle says which one means something
# (neither for RAW). construct's own Union has no size, and its compiled form leaks the parser's context.
DISK_PARTITION_INFO = Record(
    "SizeOfPartitionInfo" / Int32ul,
    "PartitionStyle" / Enum(Int32ul, **PARTITION_STYLE),
    "Mbr" / Peek(Record("Signature" / Int32ul, "CheckSum" / Int32ul)),
    "Gpt" / Record("DiskId" / GUID),
)

_DISK_GEOMETRY = Layout("DISK_GEOMETRY", "any machine", DISK_GEOMETRY)
_DISK_PARTITION_INFO = Layout("DISK_PARTITION_INFO", "any machine", DISK_PARTITION_INFO)


def disk_geometry(machine: Machine) -> Layout:
    """DISK_GEOMETRY, 24 bytes. Cylinders is a number (its LARGE_INTEGER's QuadPart)."""
    return _DISK_GEOMETRY


def disk_partition_info(machine: Machine) -> Layout:
    """DISK_PARTITION_INFO, 24 bytes. Of ``Mbr`` and ``Gpt``, the one that PartitionStyle names is valid."""
    return _DISK_PARTITION_INFO
