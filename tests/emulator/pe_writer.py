"""Makes small drivers out of hand-assembled x64 code, so that these tests need no compiler.

Only what the tests need: .text, .data, .idata, .edata and .reloc, one page each, at fixed places.
"""

import struct
from typing import Dict, List, Sequence, Tuple

__all__ = ["IMAGE_BASE", "Driver", "dump_filter"]

IMAGE_BASE = 0x140000000
TEXT, DATA, IDATA, EDATA, RELOC, SIZE = 0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000

_OFFSETS = {
    "Dump_Start": 0x08,
    "Dump_Write": 0x10,
    "Dump_Finish": 0x18,
    "Dump_Unload": 0x20,
    "Dump_Read": 0x38,
}


class Driver:
    """Code with references that are filled in when the image is made."""

    def __init__(self) -> None:
        self.text = bytearray()
        self.data = bytearray(0x1000)
        self.labels: Dict[str, int] = {}
        self.entry = 0
        self.machine = 0x8664
        self._uses: List[Tuple[int, str]] = []
        self._imports: List[str] = []
        self._pointers: List[Tuple[int, str]] = []

    def label(self, name: str) -> "Driver":
        """A function begins here; its name is exported."""
        self.labels[name] = TEXT + len(self.text)
        return self

    def code(self, hexadecimal: str) -> "Driver":
        self.text += bytes.fromhex(hexadecimal)
        return self

    def use(self, opcode: str, name: str) -> "Driver":
        """An instruction that ends in rel32: to a label, to "data+12", or to the slot of an import."""
        self.code(opcode)
        self._uses.append((len(self.text), name))
        return self.code("00000000")

    def call(self, name: str) -> "Driver":
        """call [__imp_name] with home space; the caller's stack must be aligned as at a function's entry."""
        return self.code("4883EC28").use("FF15", f"import:{name}").code("4883C428")

    def pointer(self, offset: int, name: str) -> "Driver":
        """A 64-bit pointer to a label, at an offset of .data: needs a relocation."""
        self._pointers.append((offset, name))
        return self

    def imports(self) -> List[str]:
        named = [name[7:] for _, name in self._uses if name.startswith("import:")]
        return list(dict.fromkeys(named))

    def image(self) -> bytes:
        names = self.imports()
        slots = {name: IDATA + 0x100 + 8 * number for number, name in enumerate(names)}
        text = bytearray(self.text)
        for at, name in self._uses:
            if name.startswith("import:"):
                target = slots[name[7:]]
            elif name.startswith("data+"):
                target = DATA + int(name[5:])
            else:
                target = self.labels[name]
            struct.pack_into("<i", text, at, target - (TEXT + at + 4))
        data = bytearray(self.data)
        for offset, name in self._pointers:
            struct.pack_into("<Q", data, offset, IMAGE_BASE + self.labels[name])
        exports = _exports(self.labels)
        sections = (
            (b".text", 0x60000020, TEXT, bytes(text)),
            (b".data", 0xC0000040, DATA, bytes(data)),
            (b".idata", 0xC0000040, IDATA, _idata(names)),
            (b".edata", 0x40000040, EDATA, exports),
            (b".reloc", 0x42000040, RELOC, _reloc([offset for offset, _ in self._pointers])),
        )
        entry = self.entry or self.labels["DriverEntry"]
        headers = bytearray(0x400)
        headers[:0x40] = struct.pack("<2s58xI", b"MZ", 0x80)
        coff = struct.pack("<4sHHIIIHH", b"PE\0\0", self.machine, len(sections), 0x5F000001, 0, 0, 0xF0, 0x22)
        optional = struct.pack("<HBBIIIIIQ", 0x20B, 2, 40, 0x1000, 0x1000, 0, entry, TEXT, IMAGE_BASE)
        optional += struct.pack(
            "<IIHHHHHHIIIIHH", 0x1000, 0x1000, 10, 0, 0, 0, 10, 0, 0, SIZE, 0x1000, 0xABCD, 1, 0
        )
        optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
        directories = bytearray(128)
        struct.pack_into("<IIII", directories, 0, EDATA, len(exports), IDATA, 40)
        struct.pack_into(
            "<II", directories, 40, RELOC, 8 + 2 * (len(self._pointers) + len(self._pointers) % 2)
        )
        table = b"".join(
            struct.pack("<8sIIIIIIHHI", name, 0x1000, rva, 0x1000, rva, 0, 0, 0, 0, flags)
            for name, flags, rva, _ in sections
        )
        everything = coff + optional + bytes(directories) + table
        headers[0x80 : 0x80 + len(everything)] = everything
        return bytes(headers).ljust(0x1000, b"\0") + b"".join(
            content.ljust(0x1000, b"\0") for _, _, _, content in sections
        )


def dump_filter(
    callbacks: Dict[str, str], *, flags: int = 1, major: int = 0, entry: str = "31C0C3", before: str = ""
) -> Driver:
    """A dump filter: the code of each callback in hexadecimal; ``entry`` ends DriverEntry (its default
    returns STATUS_SUCCESS), ``before`` begins it."""
    driver = Driver()
    driver.label("DriverEntry").code(before)
    for name in callbacks:
        driver.use("488D05", name).code(f"488942{_OFFSETS[name]:02X}")  # lea rax, name; mov [rdx+offset], rax
    driver.code("C74234" + struct.pack("<I", flags).hex())  # mov dword [rdx+34h], flags
    if major:
        driver.code("C702" + struct.pack("<I", major).hex())  # mov dword [rdx], major
    driver.code(entry)
    for name, code in callbacks.items():
        driver.label(name).code(code)
    return driver


def _idata(names: Sequence[str]) -> bytes:
    content = bytearray(0x1000)
    strings = 0x800
    for number, name in enumerate(names):
        encoded = b"\0\0" + name.encode("ascii") + b"\0"
        content[strings : strings + len(encoded)] = encoded
        for table in (0x100, 0x400):
            struct.pack_into("<Q", content, table + 8 * number, IDATA + strings)
        strings += len(encoded) + len(encoded) % 2
    if names:
        content[strings : strings + 13] = b"ntoskrnl.exe\0"
        struct.pack_into("<IIIII", content, 0, IDATA + 0x400, 0, 0, IDATA + strings, IDATA + 0x100)
    return bytes(content)


def _exports(labels: Dict[str, int]) -> bytes:
    names = sorted(labels)
    tables = EDATA + 40
    strings = bytearray(b"driver.sys\0")
    begin = tables + 10 * len(names)
    positions = []
    for name in names:
        positions.append(begin + len(strings))
        strings += name.encode("ascii") + b"\0"
    count = len(names)
    head = struct.pack(
        "<IIHHIIIIIII", 0, 0, 0, 0, begin, 1, count, count, tables, tables + 4 * count, tables + 8 * count
    )
    functions = b"".join(struct.pack("<I", labels[name]) for name in names)
    return (
        head
        + functions
        + struct.pack(f"<{count}I", *positions)
        + struct.pack(f"<{count}H", *range(count))
        + bytes(strings)
    )


def _reloc(offsets: Sequence[int]) -> bytes:
    entries = [0xA000 | offset for offset in offsets]
    entries += [0] * (len(entries) % 2)
    return struct.pack("<II", DATA, 8 + 2 * len(entries)) + struct.pack(f"<{len(entries)}H", *entries)
