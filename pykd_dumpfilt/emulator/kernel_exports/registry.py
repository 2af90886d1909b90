"""The registry of emulated kernel functions, and what each of them sees of its caller."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Dict, Optional

from ...debugger import MemoryReadError
from ...errors import TargetError
from ..errors import GuestStop

if TYPE_CHECKING:
    from ..kernel import Kernel

__all__ = ["DATA", "FUNCTIONS", "KernelCall", "KernelFunction", "export"]

_REGISTERS = ("rcx", "rdx", "r8", "r9")
_MAX_STRING = 0x10000
_BYTES_OF_A_CALL = 256


@dataclass(frozen=True)
class KernelCall:
    """One call of a kernel function by the guest, seen at the function's first instruction."""

    kernel: "Kernel"
    name: str

    def arg(self, number: int) -> int:
        """An argument as 64 bits, from 0 (the Microsoft x64 calling convention)."""
        if number < len(_REGISTERS):
            return self.kernel.cpu.get(_REGISTERS[number])
        return int.from_bytes(self.read(self.kernel.cpu.get("rsp") + 8 + 8 * number, 8), "little")

    def u32(self, number: int) -> int:
        """An argument of which only the low 32 bits count."""
        return self.arg(number) & 0xFFFFFFFF

    def u8(self, number: int) -> int:
        """An argument of which only the low byte counts."""
        return self.arg(number) & 0xFF

    def charge(self, size: int) -> None:
        """Charge the caller for work on so many bytes, as for a call of its own for each 256 of them."""
        self.kernel.cpu.charge(size // _BYTES_OF_A_CALL)

    def read(self, address: int, size: int) -> bytes:
        """Guest memory; what is not mapped is a page fault in the caller's name."""
        self.charge(size)
        try:
            return self.kernel.memory.read_virtual(address, size)
        except MemoryReadError as error:
            raise self._fault(address + len(error.data), "reading") from error

    def write(self, address: int, data: bytes) -> None:
        """Write guest memory; what is not mapped or not writable is a page fault in the caller's name."""
        self.charge(len(data))
        try:
            self.kernel.memory.write_virtual(address, data, obey=True)
        except TargetError as error:
            raise self._fault(address, "writing") from error

    def read_u64(self, address: int) -> int:
        return int.from_bytes(self.read(address, 8), "little")

    def write_u64(self, address: int, value: int) -> None:
        self.write(address, (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))

    def string(self, address: int, limit: int = _MAX_STRING) -> bytes:
        """The bytes of a C string, without its NUL; at most ``limit``."""
        return self._until_zero(address, 1, limit)

    def wide(self, address: int, limit: int = _MAX_STRING) -> str:
        """A NUL-terminated UTF-16 string; at most ``limit`` characters."""
        return self._until_zero(address, 2, limit * 2).decode("utf-16-le", "replace")

    def counted(self, address: int, wide: bool = True) -> str:
        """The text of a UNICODE_STRING (or STRING) structure."""
        size = int.from_bytes(self.read(address, 2), "little")
        data = self.read(self.read_u64(address + 8), size)
        return data.decode("utf-16-le", "replace") if wide else data.decode("latin-1")

    def _until_zero(self, address: int, width: int, limit: int) -> bytes:
        data = bytearray()
        while len(data) < limit:
            # Up to the end of a page at a time: the string may end right before an unmapped one.
            at = address + len(data)
            size = 4096 - at % 4096
            if size % width:
                size = width
            chunk = self.read(at, size)
            index = chunk.find(bytes(width))
            while index > 0 and index % width:
                index = chunk.find(bytes(width), index + 1)
            if index >= 0:
                return bytes(data + chunk[:index])[:limit]
            data += chunk
        return bytes(data[:limit])

    def _fault(self, address: int, what: str) -> GuestStop:
        detail = f"page fault in nt!{self.name}, called from {self.kernel.caller()}, {what} {address:#x}"
        return self.kernel.page_fault(detail, address, self.kernel.cpu.get("rip"))


KernelFunction = Callable[[KernelCall], Optional[int]]
"""What it returns goes to RAX; None leaves RAX alone."""

FUNCTIONS: Dict[str, KernelFunction] = {}
"""Every function of nt by name."""

DATA: Dict[str, bytes] = {}
"""Every variable of nt by name, with its first content."""


def export(*names: str) -> Callable[[KernelFunction], KernelFunction]:
    """Register a function under one or more exported names."""

    def register(function: KernelFunction) -> KernelFunction:
        for name in names:
            if name in FUNCTIONS:
                raise ValueError(f"{name} is registered twice")
            FUNCTIONS[name] = function
        return function

    return register
