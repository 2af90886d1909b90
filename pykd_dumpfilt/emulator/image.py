"""Reading a driver image (PE32+ for x64) and laying it out as the kernel's loader does.

The image is input from anywhere: every size is bounded before it is used, and whatever is wrong with it
comes out as :class:`~pykd_dumpfilt.emulator.ImageError`. Layout: "PE Format", Microsoft.
"""

import struct
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

import pefile

from ..debugger import PAGE_SIZE
from .errors import ImageError

__all__ = ["DriverImage", "Import", "read_image"]

MAX_FILE = 64 << 20
MAX_IMAGE = 64 << 20
MAX_SECTIONS = 96
MAX_IMPORTS = 4096
MAX_EXPORTS = 65536
MAX_NAME = 512

_AMD64 = 0x8664
_PE32_PLUS = 0x20B
_EXECUTE, _WRITE = 0x20000000, 0x80000000
_DIR64, _ABSOLUTE = 10, 0
_RELOCS_STRIPPED = 1
_BASERELOC = 5
_COOKIE_OFFSET = 0x58  # IMAGE_LOAD_CONFIG_DIRECTORY64.SecurityCookie
# What __security_init_cookie takes for "the loader has not been here" (vcruntime, gs_support.c).
_COOKIE_DEFAULTS = (0, 0x00002B992DDFA232)


@dataclass(frozen=True)
class Import:
    """One slot of the import address table: ``name`` is None for an import by ``ordinal``."""

    dll: str
    name: Optional[str]
    ordinal: Optional[int]
    slot: int

    @property
    def kernel_name(self) -> str:
        """The name under which nt exports it: hal.dll and other system drivers are one with nt here. An
        import by ordinal gets a name that nobody implements."""
        return self.name if self.name is not None else f"{self.dll}#{self.ordinal}"


@dataclass(frozen=True)
class DriverImage:
    """A driver as laid out in memory, not yet relocated. All addresses are relative to its base.

    Attributes:
        content: headers and sections; a whole number of pages.
        size: SizeOfImage as the headers give it.
        preferred_base: the base that ``content`` was linked for.
        relocations: where 64-bit addresses stand.
        protection: (writable, executable) of each page.
        cookie: where the security cookie of MSVC's /GS stands; None without.
    """

    content: bytes
    size: int
    preferred_base: int
    entry_point: int
    timestamp: int
    checksum: int
    imports: Tuple[Import, ...]
    exports: Mapping[str, int]
    relocations: Tuple[int, ...]
    protection: Tuple[Tuple[bool, bool], ...]
    cookie: Optional[int] = None

    def bind(self, base: int, addresses: Mapping[int, int]) -> bytearray:
        """The content as it stands at ``base``, with ``addresses`` filled into the import slots."""
        data = bytearray(self.content)
        slide = base - self.preferred_base
        for rva in self.relocations:
            (value,) = struct.unpack_from("<Q", data, rva)
            struct.pack_into("<Q", data, rva, (value + slide) & ((1 << 64) - 1))
        for slot, address in addresses.items():
            struct.pack_into("<Q", data, slot, address)
        if self.cookie is not None and struct.unpack_from("<Q", data, self.cookie)[0] in _COOKIE_DEFAULTS:
            # Any other value will do; the kernel's loader takes a random one.
            struct.pack_into("<Q", data, self.cookie, (base ^ 0x5A3C_96E1_0F2D) & 0xFFFF_FFFF_FFFF)
        return data


def read_image(data: bytes) -> DriverImage:
    """Read a .sys file.

    Raises:
        ImageError: it is not an x64 driver image, or it is damaged.
    """
    if len(data) > MAX_FILE:
        raise ImageError(f"the file has {len(data)} bytes; a driver has at most {MAX_FILE}")
    try:
        pe = pefile.PE(data=data, fast_load=True)
        names = ("IMPORT", "EXPORT", "LOAD_CONFIG")
        _check_headers(pe)
        pe.parse_data_directories(
            directories=[pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{name}"] for name in names]
        )
        return _lay_out(pe, data)
    except ImageError:
        raise
    except pefile.PEFormatError as error:
        raise ImageError(f"this is not a driver image: {error}") from error
    except Exception as error:
        # pefile lets IndexError, struct.error and others out where an image is damaged.
        raise ImageError(f"this image is damaged: {type(error).__name__}: {error}") from error


def _check_headers(pe: Any) -> None:
    machine, magic = pe.FILE_HEADER.Machine, pe.OPTIONAL_HEADER.Magic
    if machine != _AMD64 or magic != _PE32_PLUS:
        raise ImageError(f"only x64 drivers can be emulated; this image is for machine {machine:#x}")
    size = pe.OPTIONAL_HEADER.SizeOfImage
    if not PAGE_SIZE <= size <= MAX_IMAGE:
        raise ImageError(f"SizeOfImage is {size:#x}; from {PAGE_SIZE:#x} to {MAX_IMAGE:#x} is possible")
    if len(pe.sections) > MAX_SECTIONS:
        raise ImageError(f"the image has {len(pe.sections)} sections; at most {MAX_SECTIONS} are possible")
    if not 0 < pe.OPTIONAL_HEADER.AddressOfEntryPoint < size:
        raise ImageError("the image has no entry point (DriverEntry)")
    if pe.OPTIONAL_HEADER.SizeOfHeaders > min(size, len(pe.__data__)):
        raise ImageError("the image's headers are cut off")


def _lay_out(pe: Any, data: bytes) -> DriverImage:
    size = int(pe.OPTIONAL_HEADER.SizeOfImage)
    pages = -(-size // PAGE_SIZE)
    content = bytearray(pages * PAGE_SIZE)
    content[: pe.OPTIONAL_HEADER.SizeOfHeaders] = data[: pe.OPTIONAL_HEADER.SizeOfHeaders]
    protection = [(False, False)] * pages
    for number, section in enumerate(pe.sections):
        rva, virtual = section.VirtualAddress, section.Misc_VirtualSize or section.SizeOfRawData
        raw, raw_size = section.PointerToRawData, min(section.SizeOfRawData, virtual)
        if rva + virtual > size or (raw_size and raw + raw_size > len(data)):
            raise ImageError(f"section {number} lies outside the image or the file")
        content[rva : rva + raw_size] = data[raw : raw + raw_size]
        for page in range(rva // PAGE_SIZE, -(-(rva + virtual) // PAGE_SIZE)):
            # Sections may share a page when SectionAlignment is small: it then allows what any of them does.
            write, execute = protection[page]
            protection[page] = (
                write or bool(section.Characteristics & _WRITE),
                execute or bool(section.Characteristics & _EXECUTE),
            )
    return DriverImage(
        content=bytes(content),
        size=size,
        preferred_base=int(pe.OPTIONAL_HEADER.ImageBase),
        entry_point=int(pe.OPTIONAL_HEADER.AddressOfEntryPoint),
        timestamp=int(pe.FILE_HEADER.TimeDateStamp),
        checksum=int(pe.OPTIONAL_HEADER.CheckSum),
        imports=tuple(_imports(pe, size)),
        exports=_exports(pe, size),
        relocations=tuple(_relocations(pe, bytes(content), size)),
        protection=tuple(protection),
        cookie=_cookie(pe, size),
    )


def _imports(pe: Any, size: int) -> List[Import]:
    found = []
    for library in getattr(pe, "DIRECTORY_ENTRY_IMPORT", ()):
        dll = _text(library.dll)
        for symbol in library.imports:
            slot = symbol.address - pe.OPTIONAL_HEADER.ImageBase
            if not 0 <= slot <= size - 8:
                raise ImageError(f"an import slot of {dll} lies outside the image")
            by_name = symbol.name is not None
            found.append(
                Import(
                    dll, _text(symbol.name) if by_name else None, None if by_name else symbol.ordinal, slot
                )
            )
            if len(found) > MAX_IMPORTS:
                raise ImageError(f"the image imports more than {MAX_IMPORTS} functions")
    return found


def _exports(pe: Any, size: int) -> Dict[str, int]:
    directory = getattr(pe, "DIRECTORY_ENTRY_EXPORT", None)
    if directory is None:
        return {}
    if len(directory.symbols) > MAX_EXPORTS:
        raise ImageError(f"the image exports more than {MAX_EXPORTS} symbols")
    return {
        _text(symbol.name): int(symbol.address)
        for symbol in directory.symbols
        if symbol.name and not symbol.forwarder and 0 < symbol.address < size
    }


def _relocations(pe: Any, content: bytes, size: int) -> List[int]:
    """Where 64-bit addresses stand. Not with pefile: it makes an object of each entry, and the directory's
    size is the image's to choose."""
    if pe.FILE_HEADER.Characteristics & _RELOCS_STRIPPED:
        raise ImageError("the image has its relocations stripped, so no kernel can place it")
    directories = pe.OPTIONAL_HEADER.DATA_DIRECTORY
    if len(directories) <= _BASERELOC:
        return []
    at, length = directories[_BASERELOC].VirtualAddress, directories[_BASERELOC].Size
    end = at + length
    if end > size:
        raise ImageError("the relocations lie outside the image")
    found: List[int] = []
    while end - at >= 8:
        page, block = struct.unpack_from("<II", content, at)
        if block < 8 or at + block > end:
            raise ImageError(f"the relocation block at {at:#x} has an impossible size")
        for (entry,) in struct.iter_unpack("<H", content[at + 8 : at + (block & ~1)]):
            kind, rva = entry >> 12, page + (entry & 0xFFF)
            if kind == _ABSOLUTE:
                continue
            if kind != _DIR64 or rva > size - 8:
                raise ImageError(f"a relocation of type {kind} at {rva:#x} does not belong in this image")
            found.append(rva)
        at += block
    return found


def _cookie(pe: Any, size: int) -> Optional[int]:
    config = getattr(pe, "DIRECTORY_ENTRY_LOAD_CONFIG", None)
    if config is None or config.struct.Size < _COOKIE_OFFSET + 8:
        return None
    cookie = int(getattr(config.struct, "SecurityCookie", 0)) - int(pe.OPTIONAL_HEADER.ImageBase)
    return cookie if 0 < cookie <= size - 8 else None


def _text(name: bytes) -> str:
    if len(name) > MAX_NAME:
        raise ImageError(f"a name in the image is longer than {MAX_NAME} bytes")
    return name.decode("ascii", "backslashreplace")
