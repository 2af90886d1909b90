"""The target's memory as a debugger may read it: some machines refuse, some pages cannot be had."""

from typing import Callable

from pykd_dumpfilt.debugger import PAGE_SIZE, MemoryReadError, PhysicalAddress, VirtualAddress
from pykd_dumpfilt.emulator import Target
from pykd_dumpfilt.errors import TargetError

from .hardships import Hardships

__all__ = ["HardMemory"]


class HardMemory:
    """Reads and writes of a target, less what its hardships do not let through. The target's own code is not
    concerned, nor are the breakpoints that it keeps for the debugger."""

    def __init__(self, target: Target, hardships: Hardships) -> None:
        self._target = target
        self._refuses_physical = hardships.refuse_physical
        self._faulty = hardships.faulty_pages

    def read_virtual(self, address: int, size: int) -> bytes:
        """As the target's."""
        readable = self._readable(address, size)
        data = self._target.read_virtual(address, readable)
        if readable < size:
            raise MemoryReadError(VirtualAddress(address), size, data, "the page cannot be read")
        return data

    def read_physical(self, address: int, size: int) -> bytes:
        """As the target's."""
        readable = 0 if self._refuses_physical else self._readable(address, size)
        data = self._target.read_physical(address, readable) if readable else b""
        if readable < size:
            raise MemoryReadError(PhysicalAddress(address), size, data, "physical memory cannot be read")
        return data

    def write_virtual(self, address: int, data: bytes) -> None:
        """As the target's."""
        self._write(self._target.write_virtual, address, data)

    def write_physical(self, address: int, data: bytes) -> None:
        """As the target's."""
        if self._refuses_physical:
            raise TargetError("physical memory cannot be written")
        self._write(self._target.write_physical, address, data)

    def _write(self, write: Callable[[int, bytes], None], address: int, data: bytes) -> None:
        if self._readable(address, len(data)) < len(data):
            raise TargetError(f"the page at {address:#x} cannot be written")
        write(address, data)

    def _readable(self, address: int, size: int) -> int:
        """How many of the bytes come before the first page that is faulty."""
        page = address - address % PAGE_SIZE
        while page < address + size:
            if page in self._faulty or self._target.translate(page) in self._faulty:
                return max(0, page - address)
            page += PAGE_SIZE
        return size
