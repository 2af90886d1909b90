"""What a loaded copy's own headers in the target's memory say: which image it is, and its sections.

The copies have no file on disk (``dump_X.sys`` is a clone of ``X.sys``), so what the headers say is the only
identity there is.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, Protocol, Tuple

from ..debugger import MemoryReadError, Module, VirtualAddress
from ..errors import DumpfiltError, StructureError
from ..recording import Pdb
from ..structures import ntimage

__all__ = ["ImageIdentity", "Reader", "Section", "read_image", "read_sections"]

# The PE signature has been at 0x80 to 0x400 in every driver seen; a page bounds what a hostile one can ask.
_MAX_E_LFANEW = 0x1000
_MAX_DEBUG_ENTRIES = 16
_MAX_CODEVIEW = 24 + ntimage.MAX_PDB_NAME
_MAX_SECTIONS = 96  # what Windows' loader allows


class Reader(Protocol):
    """As much of a debugger as this needs."""

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        """As :meth:`pykd_dumpfilt.debugger.Debugger.read_virtual`."""


@dataclass(frozen=True)
class Section:
    """One section as it is mapped: its address, its size in bytes, cut to the image, and what may be done."""

    address: VirtualAddress
    size: int
    writable: bool
    executable: bool
    discardable: bool

    def __contains__(self, address: int) -> bool:
        return self.address <= address < self.address + self.size


@dataclass(frozen=True)
class ImageIdentity:
    """What the headers say; None where they could not be read. ``entry_point`` is an address."""

    entry_point: Optional[int] = None
    timestamp: Optional[int] = None
    checksum: Optional[int] = None
    pdb: Optional[Pdb] = None


def read_image(debugger: Reader, module: Module) -> ImageIdentity:
    """The identity of a module. What cannot be read is left out: it is no reason not to trace."""
    try:
        return _read(debugger, module)
    except DumpfiltError:
        return ImageIdentity()


def read_sections(debugger: Reader, module: Module) -> Tuple[Section, ...]:
    """The module's sections, in the order of its section table.

    Raises:
        StructureError: these are no image's headers.
        TargetError: they cannot be read.
    """
    headers = _headers(debugger, module)
    layout = ntimage.IMAGE_SECTION_HEADER
    count = min(headers.file_header.NumberOfSections, _MAX_SECTIONS)
    data = debugger.read_virtual(headers.section_table, count * layout.size)
    sections = []
    for index in range(count):
        fields = layout.parse(data[index * layout.size : (index + 1) * layout.size])
        size = min(fields.Misc.VirtualSize or fields.SizeOfRawData, module.size - fields.VirtualAddress)
        if size > 0:
            flags = fields.Characteristics
            sections.append(
                Section(
                    module.base + fields.VirtualAddress,
                    size,
                    bool(flags & ntimage.IMAGE_SCN_MEM_WRITE),
                    bool(flags & ntimage.IMAGE_SCN_MEM_EXECUTE),
                    bool(flags & ntimage.IMAGE_SCN_MEM_DISCARDABLE),
                )
            )
    return tuple(sections)


class _Headers(NamedTuple):
    file_header: Any
    optional_header: Any
    directories: bytes
    section_table: VirtualAddress


def _headers(debugger: Reader, module: Module) -> _Headers:
    dos = ntimage.IMAGE_DOS_HEADER.parse(debugger.read_virtual(module.base, ntimage.IMAGE_DOS_HEADER.size))
    if dos.e_magic != ntimage.IMAGE_DOS_SIGNATURE or not 0 < dos.e_lfanew <= _MAX_E_LFANEW:
        raise StructureError(f"{module.name} does not begin with an image's headers")
    # Signature, file header and the longest optional header with the directories up to Debug, in one read.
    file_size, directory = ntimage.IMAGE_FILE_HEADER.size, ntimage.IMAGE_DATA_DIRECTORY.size
    reach = 4 + file_size + ntimage.IMAGE_OPTIONAL_HEADER64.size
    reach += (ntimage.IMAGE_DIRECTORY_ENTRY_DEBUG + 1) * directory
    data = debugger.read_virtual(module.base + dos.e_lfanew, reach)
    if int.from_bytes(data[:4], "little") != ntimage.IMAGE_NT_SIGNATURE:
        raise StructureError(f"{module.name} has no PE signature")
    file_header = ntimage.IMAGE_FILE_HEADER.parse(data[4 : 4 + file_size])
    rest = data[4 + file_size :]
    layout = ntimage.image_optional_header(int.from_bytes(rest[:2], "little"))
    return _Headers(
        file_header,
        layout.parse(rest, allow_trailing=True),
        rest[layout.size :],
        module.base + (dos.e_lfanew + 4 + file_size + file_header.SizeOfOptionalHeader),
    )


def _read(debugger: Reader, module: Module) -> ImageIdentity:
    headers = _headers(debugger, module)
    optional = headers.optional_header
    pdb = None
    if optional.NumberOfRvaAndSizes > ntimage.IMAGE_DIRECTORY_ENTRY_DEBUG:
        size = ntimage.IMAGE_DATA_DIRECTORY.size
        at = ntimage.IMAGE_DIRECTORY_ENTRY_DEBUG * size
        debug = ntimage.IMAGE_DATA_DIRECTORY.parse(headers.directories[at : at + size])
        pdb = _pdb(debugger, module, debug.VirtualAddress, debug.Size)
    return ImageIdentity(
        entry_point=int(module.base + optional.AddressOfEntryPoint) if optional.AddressOfEntryPoint else None,
        timestamp=headers.file_header.TimeDateStamp,
        checksum=optional.CheckSum,
        pdb=pdb,
    )


def _pdb(debugger: Reader, module: Module, rva: int, size: int) -> Optional[Pdb]:
    layout = ntimage.IMAGE_DEBUG_DIRECTORY
    for index in range(min(size // layout.size, _MAX_DEBUG_ENTRIES)):
        try:
            entry = layout.parse(debugger.read_virtual(module.base + rva + index * layout.size, layout.size))
            if entry.Type == ntimage.IMAGE_DEBUG_TYPE_CODEVIEW and entry.AddressOfRawData:
                wanted = min(entry.SizeOfData, _MAX_CODEVIEW)
                record = ntimage.codeview_rsds(
                    debugger.read_virtual(module.base + entry.AddressOfRawData, wanted)
                )
                return Pdb(record.name, record.guid.replace("-", "").strip("{}").lower(), record.age)
        except (MemoryReadError, StructureError):
            # Debug data is often in a section that is discarded after start-up.
            continue
    return None
