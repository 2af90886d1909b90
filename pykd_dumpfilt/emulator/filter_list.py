"""crashdmp's list of the filters of one dump stack: where its FILTER_CONTEXTs hang together."""

import struct
from typing import List

from . import layout
from .kernel import Kernel

__all__ = [
    "CRASH_CONTEXT",
    "HIBERNATION_CONTEXT",
    "FilterList",
    "drop_dump_context",
    "dump_context",
    "static_list",
]

# [INF] All offsets here are inventions for x64. A listing of Windows 8's x86 crashdmp reaches the list's head
# as poi(crashdmp!Context+0x20)+0x19c: a pointer in its data, then an offset in what that points at.
CRASH_CONTEXT, HIBERNATION_CONTEXT = 0x140, 0x1C0
"""Where in crashdmp's data the pointer to each stack's dump context stands."""
_STATIC_HEAD = 0x300
_CONTEXT_SIZE, _CONTEXT_HEAD, _CONTEXT_DEVICE, _CONTEXT_LOADER = 0x400, 0x250, 0x38, 0x120


class FilterList:
    """A doubly linked list of LIST_ENTRYs in guest memory.

    Args:
        owner: the dump context that the list belongs to.
        head: address of its LIST_ENTRY.
    """

    def __init__(self, kernel: Kernel, owner: int, head: int) -> None:
        self._memory = kernel.memory
        self._entries: List[int] = []
        self._head = head
        self.owner = owner
        self._link()

    def append(self, entry: int) -> None:
        """Put a LIST_ENTRY at the end."""
        self._entries.append(entry)
        self._link()

    def remove(self, entry: int) -> None:
        """Take one out; as RemoveEntryList, leave its own pointers as they are."""
        self._entries.remove(entry)
        self._link()

    def _link(self) -> None:
        ring = [self._head, *self._entries]
        for number, address in enumerate(ring):
            links = struct.pack("<QQ", ring[(number + 1) % len(ring)], ring[number - 1])
            self._memory.write_virtual(address, links)


def static_list(kernel: Kernel) -> FilterList:
    """A list whose head is in crashdmp's own data."""
    return FilterList(kernel, kernel.crashdmp_data, kernel.crashdmp_data + _STATIC_HEAD)


def dump_context(kernel: Kernel, slot: int, loader_entries: List[int]) -> FilterList:
    """A dump context in pool that crashdmp's data points at, and the list in it.

    Args:
        slot: where in that data the pointer stands.
        loader_entries: of the port drivers; a dump context knows them, too.
    """
    block = kernel.pool.allocate(_CONTEXT_SIZE, zeroed=True)
    write = kernel.memory.write_virtual
    write(kernel.crashdmp_data + slot, struct.pack("<Q", block))
    write(block + _CONTEXT_DEVICE, struct.pack("<QQ", kernel.device_object, layout.CRASHDMP_BASE))
    write(block + _CONTEXT_LOADER, struct.pack(f"<{len(loader_entries)}Q", *loader_entries))
    return FilterList(kernel, block, block + _CONTEXT_HEAD)


def drop_dump_context(kernel: Kernel, slot: int, filters: FilterList) -> None:
    """Undo :func:`dump_context`."""
    kernel.memory.write_virtual(kernel.crashdmp_data + slot, bytes(8))
    kernel.pool.free(filters.owner)
