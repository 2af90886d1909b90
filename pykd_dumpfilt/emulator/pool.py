"""Nonpaged pool and mappings: address ranges with page frames behind them."""

from typing import Dict, List, Optional, Tuple

from ..debugger import PAGE_SIZE
from .layout import MAPPING_BASE, MAPPING_SIZE, POOL_BASE, POOL_RANGE, POOL_SIZE
from .memory import Memory

__all__ = ["Pool"]

_FILL, _FREED = 0xA5, 0xDF
_GRAIN = 16


class Pool:
    """Gives memory to the guest. A small block shares its page with others, a block of a page or more
    begins on a page and has an unmapped page behind it, as Windows' big pool allocations may have."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._pages = _Ranges(POOL_BASE, POOL_RANGE)
        self._mappings = _Ranges(MAPPING_BASE, MAPPING_SIZE)
        self._small = (0, 0)
        self._spare: Dict[int, List[int]] = {}
        self._blocks: Dict[int, int] = {}
        self._taken = 0

    def allocate(self, size: int, *, zeroed: bool = False, executable: bool = False) -> int:
        """The address of ``size`` bytes; 0 where there is no more. Content that nobody asked to be zero is
        0xA5, so that a filter that relies on it shows itself."""
        size = max(size, 1)
        if self._taken + size > POOL_SIZE:
            return 0
        own_pages = size >= PAGE_SIZE or executable
        address = self._large(size, executable) if own_pages else self._from_page(size)
        if address:
            self._taken += size
            self._blocks[address] = size
            self._memory.write_virtual(address, bytes([0 if zeroed else _FILL]) * size)
        return address

    def allocate_contiguous(self, size: int, highest: int) -> int:
        """As MmAllocateContiguousMemory: page-aligned, one run of page frames; 0 where there is none."""
        pages = -(-size // PAGE_SIZE)
        if size <= 0 or self._taken + size > POOL_SIZE:
            return 0
        address = self._pages.take(pages * PAGE_SIZE)
        pfn = self._memory.allocate_contiguous(pages, highest) if address else None
        if not address or pfn is None:
            self._pages.give(address)
            return 0
        for number in range(pages):
            self._memory.map(address + number * PAGE_SIZE, pfn + number)
        self._taken += size
        self._blocks[address] = size
        self._memory.write_virtual(address, bytes([_FILL]) * (pages * PAGE_SIZE))
        return address

    def free(self, address: int) -> bool:
        """Give a block back; False where there is none at that address."""
        size = self._blocks.pop(address, None)
        if size is None:
            return False
        self._taken -= size
        if address % PAGE_SIZE == 0:
            length = -(-size // PAGE_SIZE) * PAGE_SIZE
            self._memory.unmap_free(address, length)
            self._pages.give(address)
        else:
            self._memory.write_virtual(address, bytes([_FREED]) * size)
            self._spare.setdefault(_round(size), []).append(address)
        return True

    def map_frames(self, frames: Tuple[int, ...]) -> int:
        """Show page frames at fresh addresses; 0 where there is no room."""
        address = self._mappings.take(len(frames) * PAGE_SIZE)
        for number, pfn in enumerate(frames if address else ()):
            self._memory.map(address + number * PAGE_SIZE, pfn)
        return address

    def unmap_frames(self, address: int) -> bool:
        """Undo :meth:`map_frames`; False where nothing was mapped there."""
        size = self._mappings.give(address)
        for page in range(address, address + (size or 0), PAGE_SIZE):
            self._memory.unmap(page)
        return size is not None

    def _large(self, size: int, executable: bool) -> int:
        length = -(-size // PAGE_SIZE) * PAGE_SIZE
        address = self._pages.take(length)
        if address:
            self._memory.map_new(address, length, executable=executable)
        return address

    def _from_page(self, size: int) -> int:
        # Never at the start of a page: that is how free() knows a large block.
        need = _round(size)
        spare = self._spare.get(need)
        if spare:
            return spare.pop()
        at, end = self._small
        if at + need > end:
            page = self._pages.take(PAGE_SIZE)
            if not page:
                return 0
            self._memory.map_new(page, PAGE_SIZE)
            at, end = page + _GRAIN, page + PAGE_SIZE
            if at + need > end:
                # All but the largest small blocks fit; those few get pages of their own.
                self._pages.give(page)
                self._memory.unmap_free(page, PAGE_SIZE)
                return self._large(size, False)
        self._small = (at + need, end)
        return at


def _round(size: int) -> int:
    return -(-size // _GRAIN) * _GRAIN


class _Ranges:
    """Address ranges, each followed by an unmapped page; freed ones serve again for the same length."""

    def __init__(self, base: int, size: int) -> None:
        self._next = base
        self._end = base + size
        self._taken: Dict[int, int] = {}
        self._free: Dict[int, List[int]] = {}

    def take(self, length: int) -> int:
        spare = self._free.get(length)
        if spare:
            address = spare.pop()
        elif 0 < length <= self._end - self._next - PAGE_SIZE:
            address = self._next
            self._next += length + PAGE_SIZE
        else:
            return 0
        self._taken[address] = length
        return address

    def give(self, address: int) -> Optional[int]:
        length = self._taken.pop(address, None)
        if length is not None:
            self._free.setdefault(length, []).append(address)
        return length
