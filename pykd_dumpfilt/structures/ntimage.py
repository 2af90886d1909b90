"""winnt.h and ntimage.h: as much of a PE image's headers as tells which image it is.

Sources: winnt.h and ddk/ntimage.h as mingw-w64 declares them, and Microsoft's "PE Format". The CodeView
record is in no header: its layout is that of ``PDB70DebugInfo`` in LLVM's llvm/Object/CVDebugRecord.h.
"""

from typing import NamedTuple

from construct import Array, Construct, Int8ul, Int16ul, Int32sl, Int32ul, Int64ul

from ..errors import StructureError
from ._layout import Buffer, Layout
from ._record import Record
from .ntdef import GUID

__all__ = [
    "CODEVIEW_RSDS",
    "IMAGE_DATA_DIRECTORY",
    "IMAGE_DEBUG_DIRECTORY",
    "IMAGE_DEBUG_TYPE_CODEVIEW",
    "IMAGE_DIRECTORY_ENTRY_DEBUG",
    "IMAGE_DOS_HEADER",
    "IMAGE_DOS_SIGNATURE",
    "IMAGE_FILE_HEADER",
    "IMAGE_FILE_MACHINE_AMD64",
    "IMAGE_FILE_MACHINE_ARM64",
    "IMAGE_FILE_MACHINE_I386",
    "IMAGE_NT_OPTIONAL_HDR32_MAGIC",
    "IMAGE_NT_OPTIONAL_HDR64_MAGIC",
    "IMAGE_NT_SIGNATURE",
    "IMAGE_OPTIONAL_HEADER32",
    "IMAGE_OPTIONAL_HEADER64",
    "IMAGE_SCN_MEM_DISCARDABLE",
    "IMAGE_SCN_MEM_EXECUTE",
    "IMAGE_SCN_MEM_WRITE",
    "IMAGE_SECTION_HEADER",
    "MAX_PDB_NAME",
    "RSDS_SIGNATURE",
    "CodeView",
    "codeview_rsds",
    "image_optional_header",
]

IMAGE_DOS_SIGNATURE = 0x5A4D
"""e_magic: "MZ"."""
IMAGE_NT_SIGNATURE = 0x00004550
"""The 4 bytes at e_lfanew, "PE" and two zeros; IMAGE_FILE_HEADER follows them."""
IMAGE_FILE_MACHINE_I386 = 0x014C
IMAGE_FILE_MACHINE_AMD64 = 0x8664
IMAGE_FILE_MACHINE_ARM64 = 0xAA64
IMAGE_NT_OPTIONAL_HDR32_MAGIC = 0x10B
IMAGE_NT_OPTIONAL_HDR64_MAGIC = 0x20B
IMAGE_DIRECTORY_ENTRY_DEBUG = 6
"""The index of the debug directory among the data directories."""
IMAGE_DEBUG_TYPE_CODEVIEW = 2
IMAGE_SCN_MEM_DISCARDABLE = 0x02000000
"""Characteristics of a section: the system drops it once the driver has been initialised."""
IMAGE_SCN_MEM_EXECUTE = 0x20000000
IMAGE_SCN_MEM_WRITE = 0x80000000
RSDS_SIGNATURE = 0x53445352
"""The first 4 bytes of a CodeView record that names a PDB: "RSDS"."""
MAX_PDB_NAME = 1024
"""The most bytes of a PDB's file name that are decoded."""

IMAGE_DOS_HEADER = Layout(
    "IMAGE_DOS_HEADER",
    "any machine",
    Record(
        "e_magic" / Int16ul,
        "e_cblp" / Int16ul,
        "e_cp" / Int16ul,
        "e_crlc" / Int16ul,
        "e_cparhdr" / Int16ul,
        "e_minalloc" / Int16ul,
        "e_maxalloc" / Int16ul,
        "e_ss" / Int16ul,
        "e_sp" / Int16ul,
        "e_csum" / Int16ul,
        "e_ip" / Int16ul,
        "e_cs" / Int16ul,
        "e_lfarlc" / Int16ul,
        "e_ovno" / Int16ul,
        "e_res" / Array(4, Int16ul),
        "e_oemid" / Int16ul,
        "e_oeminfo" / Int16ul,
        "e_res2" / Array(10, Int16ul),
        "e_lfanew" / Int32sl,
    ),
)
"""64 bytes. ``e_lfanew`` is signed: the offset of the PE signature from the image's base."""

IMAGE_FILE_HEADER = Layout(
    "IMAGE_FILE_HEADER",
    "any machine",
    Record(
        "Machine" / Int16ul,
        "NumberOfSections" / Int16ul,
        "TimeDateStamp" / Int32ul,
        "PointerToSymbolTable" / Int32ul,
        "NumberOfSymbols" / Int32ul,
        "SizeOfOptionalHeader" / Int16ul,
        "Characteristics" / Int16ul,
    ),
)
"""20 bytes; the optional header follows."""

_DATA_DIRECTORY = Record("VirtualAddress" / Int32ul, "Size" / Int32ul)

IMAGE_DATA_DIRECTORY = Layout("IMAGE_DATA_DIRECTORY", "any machine", _DATA_DIRECTORY)
"""8 bytes; NumberOfRvaAndSizes of them follow the optional header's fixed part."""


def _optional_header(wide: bool) -> Construct:
    word = Int64ul if wide else Int32ul
    return Record(
        "Magic" / Int16ul,
        "MajorLinkerVersion" / Int8ul,
        "MinorLinkerVersion" / Int8ul,
        "SizeOfCode" / Int32ul,
        "SizeOfInitializedData" / Int32ul,
        "SizeOfUninitializedData" / Int32ul,
        "AddressOfEntryPoint" / Int32ul,
        "BaseOfCode" / Int32ul,
        *([] if wide else ["BaseOfData" / Int32ul]),
        "ImageBase" / word,
        "SectionAlignment" / Int32ul,
        "FileAlignment" / Int32ul,
        "MajorOperatingSystemVersion" / Int16ul,
        "MinorOperatingSystemVersion" / Int16ul,
        "MajorImageVersion" / Int16ul,
        "MinorImageVersion" / Int16ul,
        "MajorSubsystemVersion" / Int16ul,
        "MinorSubsystemVersion" / Int16ul,
        "Win32VersionValue" / Int32ul,
        "SizeOfImage" / Int32ul,
        "SizeOfHeaders" / Int32ul,
        "CheckSum" / Int32ul,
        "Subsystem" / Int16ul,
        "DllCharacteristics" / Int16ul,
        "SizeOfStackReserve" / word,
        "SizeOfStackCommit" / word,
        "SizeOfHeapReserve" / word,
        "SizeOfHeapCommit" / word,
        "LoaderFlags" / Int32ul,
        "NumberOfRvaAndSizes" / Int32ul,
    )


IMAGE_OPTIONAL_HEADER32 = Layout(
    "IMAGE_OPTIONAL_HEADER32", "without data directories", _optional_header(False)
)
"""96 bytes: the fixed part of a PE32 optional header."""
IMAGE_OPTIONAL_HEADER64 = Layout(
    "IMAGE_OPTIONAL_HEADER64", "without data directories", _optional_header(True)
)
"""112 bytes: the fixed part of a PE32+ optional header."""

IMAGE_SECTION_HEADER = Layout(
    "IMAGE_SECTION_HEADER",
    "any machine",
    Record(
        "Name" / Array(8, Int8ul),
        "Misc" / Record("VirtualSize" / Int32ul),
        "VirtualAddress" / Int32ul,
        "SizeOfRawData" / Int32ul,
        "PointerToRawData" / Int32ul,
        "PointerToRelocations" / Int32ul,
        "PointerToLinenumbers" / Int32ul,
        "NumberOfRelocations" / Int16ul,
        "NumberOfLinenumbers" / Int16ul,
        "Characteristics" / Int32ul,
    ),
)
"""40 bytes; NumberOfSections of them follow the optional header, SizeOfOptionalHeader bytes behind
IMAGE_FILE_HEADER. ``VirtualAddress`` counts from the image's base."""

IMAGE_DEBUG_DIRECTORY = Layout(
    "IMAGE_DEBUG_DIRECTORY",
    "any machine",
    Record(
        "Characteristics" / Int32ul,
        "TimeDateStamp" / Int32ul,
        "MajorVersion" / Int16ul,
        "MinorVersion" / Int16ul,
        "Type" / Int32ul,
        "SizeOfData" / Int32ul,
        "AddressOfRawData" / Int32ul,
        "PointerToRawData" / Int32ul,
    ),
)
"""28 bytes; the debug directory is an array of these. ``AddressOfRawData`` counts from the image's base."""

CODEVIEW_RSDS = Layout(
    "CodeView RSDS record",
    "without the file name",
    Record("CvSignature" / Int32ul, "Guid" / GUID, "Age" / Int32ul),
)
"""24 bytes; the PDB's file name follows, UTF-8, ended by a zero byte."""


class CodeView(NamedTuple):
    """What a CodeView record says of the PDB: its file name, its GUID as text, its age."""

    name: str
    guid: str
    age: int


def image_optional_header(magic: int) -> Layout:
    """The optional header's fixed part by its Magic.

    Raises:
        StructureError: neither PE32 nor PE32+.
    """
    if magic == IMAGE_NT_OPTIONAL_HDR32_MAGIC:
        return IMAGE_OPTIONAL_HEADER32
    if magic == IMAGE_NT_OPTIONAL_HDR64_MAGIC:
        return IMAGE_OPTIONAL_HEADER64
    raise StructureError(
        f"an optional header begins with 0x10B (PE32) or 0x20B (PE32+), not {magic:#x}: "
        "this is no PE image, or its header was paged out"
    )


def codeview_rsds(data: Buffer) -> CodeView:
    """A CodeView record with its file name, from the bytes that IMAGE_DEBUG_DIRECTORY points at.

    A name that no zero byte ends is taken to the end of ``data``, and never more than :data:`MAX_PDB_NAME`
    bytes of it; bytes that are no UTF-8 are given as backslash escapes.

    Raises:
        StructureError: too few bytes, or another kind of record.
    """
    fields = CODEVIEW_RSDS.parse(data, allow_trailing=True)
    if fields.CvSignature != RSDS_SIGNATURE:
        raise StructureError(
            f"a CodeView record that names a PDB begins with RSDS, not {fields.CvSignature:#010x}"
        )
    raw = bytes(data[CODEVIEW_RSDS.size : CODEVIEW_RSDS.size + MAX_PDB_NAME])
    name = raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
    return CodeView(name, fields.Guid, fields.Age)
