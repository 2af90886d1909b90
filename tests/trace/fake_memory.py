"""A kernel's memory, written by hand: images and FILTER_CONTEXTs where a test wants them."""

import struct
from typing import Dict, List, Optional, Tuple

from pykd_dumpfilt.debugger import PAGE_SIZE, MemoryReadError, Module, VirtualAddress
from pykd_dumpfilt.emulator.image_builder import build_image
from pykd_dumpfilt.structures import Machine

__all__ = ["CRASHDMP", "CRASHDMP_DATA", "DUMP", "DUMP_DATA", "POOL", "FakeMemory", "context"]

CRASHDMP, DUMP = 0xFFFFF800_20000000, 0xFFFFF800_31000000
CRASHDMP_DATA, DUMP_DATA = CRASHDMP + 0x2000, DUMP + 0x2000
POOL = 0xFFFFAB00_00001000
"""A page of pool; POOL + 0x1000 is not mapped."""

_NAMES = ("Dump_Start", "Dump_Write", "Dump_Finish", "Dump_Unload")


class FakeMemory:
    """As much of a debugger as a search asks for. It counts what is asked of it."""

    machine = Machine.X64

    def __init__(self) -> None:
        self._pages: Dict[int, bytearray] = {}
        self._modules: List[Module] = []
        self.reads: List[Tuple[int, int]] = []
        self.image("crashdmp", CRASHDMP)
        self.image("dump_probe", DUMP)
        self.map(POOL)

    def pages(self) -> List[Tuple[int, bytes]]:
        """All there is: address / 4096, and content."""
        return [(number, bytes(page)) for number, page in self._pages.items()]

    def map(self, address: int) -> None:
        """A zeroed page."""
        self._pages.setdefault(address // PAGE_SIZE, bytearray(PAGE_SIZE))

    def unmap(self, address: int) -> None:
        del self._pages[address // PAGE_SIZE]

    def image(self, name: str, base: int, data_size: int = 0x1000) -> Module:
        """An image of headers, 4 KiB of code, data, exports."""
        built = build_image(f"{name}.sys", base, b"\xc3" * PAGE_SIZE, data_size, {})
        module = Module(name, VirtualAddress(base), len(built.content))
        for at in range(0, len(built.content), PAGE_SIZE):
            self.map(base + at)
        self.put(base, built.content)
        self._modules.append(module)
        return module

    def put(self, address: int, data: bytes) -> None:
        for offset, byte in enumerate(data):
            at = address + offset
            self._pages[at // PAGE_SIZE][at % PAGE_SIZE] = byte

    def put_u64(self, address: int, *values: int) -> None:
        self.put(address, struct.pack(f"<{len(values)}Q", *values))

    def list(self, *entries: int) -> None:
        """Link LIST_ENTRYs into a ring."""
        for number, address in enumerate(entries):
            self.put_u64(address, entries[(number + 1) % len(entries)], entries[number - 1])

    @property
    def copies(self) -> List[Module]:
        return [one for one in self._modules if one.name.startswith(("dump_", "hiber_"))]

    def modules(self) -> List[Module]:
        return list(self._modules)

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        self.reads.append((int(address), size))
        data = bytearray()
        while len(data) < size:
            at = int(address) + len(data)
            page = self._pages.get(at // PAGE_SIZE)
            if page is None:
                raise MemoryReadError(address, size, bytes(data), "not mapped")
            data += page[at % PAGE_SIZE :][: size - len(data)]
        return bytes(data)


def context(
    callbacks: Optional[Dict[str, int]] = None,
    *,
    table: int = 0x40,
    dump_data: int = 0x1234,
    said_dump_data: int = 0x1234,
    dump_type: int = 1,
    size: int = 0x58,
    pages: int = 16,
    major: int = 2,
    device: int = 0xFFFFAB00_00009000,
    code: int = DUMP,
) -> bytes:
    """FILTER_INITIALIZATION_DATA and FILTER_EXTENSION: callbacks are offsets in the image at ``code`` by
    name, 0x1000 and on by default. The LIST_ENTRY follows."""
    known = {"Dump_Start": 0x1000, "Dump_Write": 0x1100, "Dump_Finish": 0x1200, "Dump_Unload": 0x1300}
    known["Dump_Read"] = 0x1400
    known.update(callbacks or {})
    pointers = {name: code + offset if offset else 0 for name, offset in known.items()}
    data = struct.pack("<II4Q", major, 0, *(pointers[name] for name in _NAMES))
    data += struct.pack("<QII", said_dump_data, pages, 1)
    if table > 0x38:
        data += struct.pack("<Q", pointers["Dump_Read"])
    data = data.ljust(table, b"\0")
    extension = struct.pack("<IIQ", dump_type, 0, device) + bytes(0x18) + struct.pack("<Q", 64 << 30)
    extension += bytes(0x18) + struct.pack("<Q", dump_data)
    if table > 0x38:
        extension += struct.pack("<II", size, 0)
    return data + extension
