"""Physical memory by page frame number, and the page tables that make it visible.

The tables are real ones in the guest's RAM (four levels, 4 KiB pages; AMD64 Architecture Programmer's
Manual volume 2, 5.3), so that the processor, the MDLs' PFNs and a debugger all speak of the same bytes.
"""

import struct
from typing import Any, List, Optional

from ..debugger import PAGE_SIZE, MemoryReadError, PhysicalAddress, VirtualAddress
from ..errors import EmulatorError, TargetError
from .stream import Stream

__all__ = ["BANKS", "Memory"]

BANKS = ((0, 128 << 20), (1 << 32, 64 << 20))
"""(physical address, bytes) of each bank of RAM; one lies past 4 GiB, as on real machines, so that code that
cuts physical addresses to 32 bits shows itself."""

_RESERVED_PFNS = 0x100  # the first MiB, which no OS gives out

_PRESENT, _WRITE, _NO_EXECUTE = 1, 2, 1 << 63
_FRAME = 0x000F_FFFF_FFFF_F000
_LEVELS = (39, 30, 21, 12)
_ADDRESS_SPACE = 1 << 64


class Memory:
    """The guest's memory. ``uc`` is the unicorn instance, whose own reads and writes are physical."""

    def __init__(self, uc: Any, seed: int) -> None:
        self._uc = uc
        self._stream = Stream("memory", seed)
        self._used: List[bytearray] = []
        for base, size in BANKS:
            uc.mem_map(base, size)
            self._used.append(bytearray(size // PAGE_SIZE))
        self._used[0][:_RESERVED_PFNS] = b"\x01" * _RESERVED_PFNS
        self.root = self._new_table()
        self.code_changed = False
        """Set when bytes that may have been translated were written; the processor clears it."""
        self.mapping_changed = False
        """Set when a mapping was taken away or changed; the processor clears it."""

    # Page frames

    @property
    def size(self) -> int:
        """Bytes of RAM."""
        return sum(size for _, size in BANKS)

    def allocate(self) -> int:
        """The PFN of a free page, anywhere; its content is zeroed."""
        # Mostly from the first bank: the second is small, and both must last.
        bank = 1 if self._stream.chance(1, 4) else 0
        for number in (bank, 1 - bank):
            used = self._used[number]
            start = self._stream.below(len(used))
            index = used.find(0, start)
            if index < 0:
                index = used.find(0)
            if index >= 0:
                return self._take(number, index, 1)
        raise EmulatorError("the emulated machine is out of memory; ask for fewer pages or calls")

    def allocate_contiguous(self, pages: int, highest: int = (1 << 64) - 1) -> Optional[int]:
        """The first PFN of ``pages`` consecutive free pages that end at or below ``highest`` (a physical
        address); None where there are none."""
        if not 0 < pages <= len(self._used[0]):
            return None
        free = bytes(pages)
        for number, (base, _) in enumerate(BANKS):
            used = self._used[number]
            start = self._stream.below(len(used) // 2)
            for begin in (start, 0):
                index = used.find(free, begin)
                if index >= 0 and base + (index + pages) * PAGE_SIZE - 1 <= highest:
                    return self._take(number, index, pages)
        return None

    def free(self, pfn: int, pages: int = 1) -> None:
        """Give pages back."""
        for number, (base, size) in enumerate(BANKS):
            index = pfn - base // PAGE_SIZE
            if 0 <= index < size // PAGE_SIZE:
                self._used[number][index : index + pages] = bytes(pages)
                return

    def _take(self, bank: int, index: int, pages: int) -> int:
        self._used[bank][index : index + pages] = b"\x01" * pages
        address = BANKS[bank][0] + index * PAGE_SIZE
        self._uc.mem_write(address, bytes(pages * PAGE_SIZE))
        return address // PAGE_SIZE

    # Page tables

    def map(self, address: int, pfn: int, *, writable: bool = True, executable: bool = False) -> None:
        """Make the page at virtual ``address`` show page frame ``pfn``."""
        slot = self._slot(address, create=True)
        if slot is None:
            raise TargetError(f"cannot map {address:#x}: the page tables lead to what is not memory")
        if self._entry(slot) & _PRESENT:
            self.mapping_changed = self.code_changed = True
        flags = _PRESENT | (_WRITE if writable else 0) | (0 if executable else _NO_EXECUTE)
        self._uc.mem_write(slot, struct.pack("<Q", pfn * PAGE_SIZE | flags))

    def map_new(self, address: int, size: int, *, writable: bool = True, executable: bool = False) -> None:
        """Map fresh zeroed pages over ``size`` bytes at the page-aligned ``address``."""
        for page in range(address, address + size, PAGE_SIZE):
            self.map(page, self.allocate(), writable=writable, executable=executable)

    def unmap(self, address: int) -> Optional[int]:
        """Take the mapping of the page at ``address`` away; gives the PFN it had, None where there was
        none."""
        slot = self._slot(address)
        entry = self._entry(slot) if slot is not None else 0
        if slot is None or not entry & _PRESENT:
            return None
        self._uc.mem_write(slot, bytes(8))
        self.mapping_changed = True
        if not entry & _NO_EXECUTE:
            self.code_changed = True
        return (entry & _FRAME) // PAGE_SIZE

    def unmap_free(self, address: int, size: int) -> None:
        """Unmap pages and give their frames back."""
        for page in range(address, address + size, PAGE_SIZE):
            pfn = self.unmap(page)
            if pfn is not None:
                self.free(pfn)

    def translate(self, address: int) -> Optional[int]:
        """The physical address behind a virtual one; None where nothing is mapped."""
        entry = self._leaf(address)
        return None if entry is None else (entry & _FRAME) | (address & (PAGE_SIZE - 1))

    def _leaf(self, address: int) -> Optional[int]:
        slot = self._slot(address)
        if slot is None:
            return None
        entry = self._entry(slot)
        return entry if entry & _PRESENT else None

    def _slot(self, address: int, create: bool = False) -> Optional[int]:
        """Physical address of the last-level entry of a virtual address."""
        if not (address < 1 << 47 or _ADDRESS_SPACE - (1 << 47) <= address < _ADDRESS_SPACE):
            return None
        table = self.root
        for shift in _LEVELS[:-1]:
            slot = table + 8 * (address >> shift & 511)
            entry = self._entry(slot)
            if not entry & _PRESENT:
                if not create:
                    return None
                entry = self._new_table() | _PRESENT | _WRITE
                self._uc.mem_write(slot, struct.pack("<Q", entry))
            table = entry & _FRAME
            if not _is_ram(table):
                # Whoever can write physical memory can write page tables.
                return None
        return table + 8 * (address >> _LEVELS[-1] & 511)

    def _entry(self, slot: int) -> int:
        data = self._ram(slot, 8)
        return int.from_bytes(data, "little") if data else 0

    def _new_table(self) -> int:
        return self.allocate() * PAGE_SIZE

    # Content

    def read_physical(self, address: int, size: int) -> bytes:
        """Exactly ``size`` bytes of RAM, else :class:`MemoryReadError`."""
        for base, length in BANKS:
            if base <= address < base + length:
                data = bytes(self._uc.mem_read(address, max(0, min(size, base + length - address))))
                if len(data) >= size:
                    return data
                break
        else:
            data = b""
            if size <= 0:
                return data
        raise MemoryReadError(PhysicalAddress(address), size, data, "no memory at that physical address")

    def _ram(self, address: int, size: int) -> bytes:
        """RAM within one page; empty where there is none (a guest can map what it likes)."""
        return bytes(self._uc.mem_read(address, size)) if _is_ram(address) else b""

    def write_physical(self, address: int, data: bytes) -> None:
        """Write to RAM; :class:`TargetError` where it is not wholly there."""
        if not any(base <= address and address + len(data) <= base + length for base, length in BANKS):
            raise TargetError(
                f"cannot write {len(data)} bytes at physical address {address:#x}: no memory there; "
                f"nothing was written"
            )
        self._uc.mem_write(address, data)
        self.code_changed = True

    def read_virtual(self, address: int, size: int) -> bytes:
        """Exactly ``size`` mapped bytes, else :class:`MemoryReadError`."""
        data = bytearray()
        while len(data) < size:
            at = address + len(data)
            physical = self.translate(at)
            if physical is None:
                raise MemoryReadError(VirtualAddress(address), size, bytes(data), f"{at:#x} is not mapped")
            part = self._ram(physical, min(size - len(data), PAGE_SIZE - at % PAGE_SIZE))
            if not part:
                raise MemoryReadError(
                    VirtualAddress(address),
                    size,
                    bytes(data),
                    f"{at:#x} is mapped to {physical:#x}, which is not RAM",
                )
            data += part
        return bytes(data)

    def write_virtual(self, address: int, data: bytes, *, obey: bool = False) -> None:
        """Write mapped bytes, whatever their protection (``obey``: only to writable pages).

        Raises:
            TargetError: not all of it is mapped; nothing was written.
        """
        parts = []
        done = 0
        while done < len(data):
            at = address + done
            size = min(len(data) - done, PAGE_SIZE - at % PAGE_SIZE)
            entry = self._leaf(at)
            if entry is None or (obey and not entry & _WRITE):
                what = "not mapped" if entry is None else "read-only"
                raise TargetError(
                    f"cannot write {len(data)} bytes at virtual address {address:#x}: {at:#x} is {what}; "
                    f"nothing was written"
                )
            if not self._ram(entry & _FRAME, 1):
                raise TargetError(
                    f"cannot write at {at:#x}: it is mapped to what is not RAM; nothing was written"
                )
            parts.append(((entry & _FRAME) | (at & (PAGE_SIZE - 1)), done, size))
            if not entry & _NO_EXECUTE:
                self.code_changed = True
            done += size
        for physical, begin, size in parts:
            self._uc.mem_write(physical, bytes(data[begin : begin + size]))


def _is_ram(address: int) -> bool:
    return any(base <= address < base + length for base, length in BANKS)
