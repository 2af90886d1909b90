"""Pool, physical memory and MDLs (wdm.h, ntddk.h)."""

import struct
from typing import Optional, Tuple

from ...debugger import PAGE_SIZE
from ..errors import GuestStop
from .registry import KernelCall, export

_POOL_FLAG_UNINITIALIZED = 0x2  # ExAllocatePool2
_POOL_FLAG_NON_PAGED_EXECUTE = 0x80
_MDL_HEADER = 0x30
_MAPPED, _LOCKED, _POOL, _PARTIAL = 0x1, 0x2, 0x4, 0x10


@export("ExAllocatePool", "ExAllocatePoolWithTag", "ExAllocatePoolWithQuotaTag")
def _ex_allocate_pool(call: KernelCall) -> Optional[int]:
    # Pool type 0 (NonPagedPool) is executable on x64 Windows; only NonPagedPoolNx is not.
    executable = call.u32(0) == 0 and call.arg(1) >= PAGE_SIZE
    return _given(call, call.kernel.pool.allocate(call.arg(1), executable=executable), call.arg(1))


@export("ExAllocatePool2")
def _ex_allocate_pool2(call: KernelCall) -> Optional[int]:
    flags, size = call.arg(0), call.arg(1)
    address = call.kernel.pool.allocate(
        size,
        zeroed=not flags & _POOL_FLAG_UNINITIALIZED,
        executable=bool(flags & _POOL_FLAG_NON_PAGED_EXECUTE),
    )
    return _given(call, address, size)


@export("ExAllocatePoolZero")
def _ex_allocate_pool_zero(call: KernelCall) -> Optional[int]:
    return _given(call, call.kernel.pool.allocate(call.arg(1), zeroed=True), call.arg(1))


@export(
    "ExFreePool",
    "ExFreePoolWithTag",
    "ExFreePool2",
    "MmFreeContiguousMemory",
    "MmFreeContiguousMemorySpecifyCache",
)
def _free(call: KernelCall) -> Optional[int]:
    if not call.kernel.pool.free(call.arg(0)):
        # BAD_POOL_CALLER, parameter 1 = 0x7: already freed (or never allocated).
        raise call.kernel.bug_check(0xC2, (0x7, 0, 0, call.arg(0)))
    return None


@export("MmAllocateContiguousMemory")
def _mm_allocate_contiguous_memory(call: KernelCall) -> Optional[int]:
    return _given(call, call.kernel.pool.allocate_contiguous(call.arg(0), call.arg(1)), call.arg(0))


@export("MmAllocateContiguousMemorySpecifyCache")
def _mm_allocate_contiguous_memory_specify_cache(call: KernelCall) -> Optional[int]:
    # LowestAcceptableAddress and BoundaryAddressMultiple are not looked at: no filter seen gives them.
    return _given(call, call.kernel.pool.allocate_contiguous(call.arg(0), call.arg(2)), call.arg(0))


@export("MmAllocateNonCachedMemory")
def _mm_allocate_non_cached_memory(call: KernelCall) -> Optional[int]:
    return _given(call, call.kernel.pool.allocate(max(call.arg(0), PAGE_SIZE)), call.arg(0))


def _given(call: KernelCall, address: int, size: int) -> int:
    """An allocation, charged for with what it takes to free it."""
    if address:
        call.charge(2 * size)
    return address


@export("MmFreeNonCachedMemory")
def _mm_free_non_cached_memory(call: KernelCall) -> Optional[int]:
    return _free(call)


@export("MmGetPhysicalAddress")
def _mm_get_physical_address(call: KernelCall) -> Optional[int]:
    return call.kernel.memory.translate(call.arg(0)) or 0


@export("MmIsAddressValid")
def _mm_is_address_valid(call: KernelCall) -> Optional[int]:
    return int(call.kernel.memory.translate(call.arg(0)) is not None)


@export("MmMapIoSpace", "MmMapIoSpaceEx")
def _mm_map_io_space(call: KernelCall) -> Optional[int]:
    raise GuestStop(
        "unknown import",
        f"nt!{call.name} was called from {call.kernel.caller()}: the emulated machine has no device memory",
    )


@export("IoAllocateMdl")
def _io_allocate_mdl(call: KernelCall) -> Optional[int]:
    address, length = call.arg(0), call.u32(1)
    pages = _span(address, length)
    size = _MDL_HEADER + 8 * pages
    if size > 0x7FFF:
        return 0
    mdl = call.kernel.pool.allocate(size, zeroed=True)
    if mdl:
        # MmInitializeMdl, wdm.h.
        call.write(mdl + 0x08, struct.pack("<hh", size, 0))
        call.write(mdl + 0x20, struct.pack("<QII", address & ~0xFFF, length, address & 0xFFF))
    return mdl


@export("IoFreeMdl")
def _io_free_mdl(call: KernelCall) -> Optional[int]:
    return _free(call)


@export("MmBuildMdlForNonPagedPool")
def _mm_build_mdl_for_non_paged_pool(call: KernelCall) -> Optional[int]:
    mdl = call.arg(0)
    start, length, offset = struct.unpack("<QII", call.read(mdl + 0x20, 16))
    (flags,) = struct.unpack("<H", call.read(mdl + 0x0A, 2))
    frames = []
    for number in range(_span(offset, length)):
        call.charge(PAGE_SIZE)
        physical = call.kernel.memory.translate(start + number * PAGE_SIZE)
        if physical is None:
            raise GuestStop(
                "fault",
                f"nt!{call.name}, called from {call.kernel.caller()}, for an MDL whose page "
                f"{start + number * PAGE_SIZE:#x} is not mapped",
            )
        frames.append(physical // PAGE_SIZE)
    call.write(mdl + _MDL_HEADER, struct.pack(f"<{len(frames)}Q", *frames))
    call.write(mdl + 0x0A, struct.pack("<H", flags | _POOL))
    call.write(mdl + 0x10, struct.pack("<QQ", 0, start + offset))
    return None


@export("MmMapLockedPagesSpecifyCache", "MmMapLockedPages")
def _mm_map_locked_pages(call: KernelCall) -> Optional[int]:
    mdl = call.arg(0)
    length, offset = _u32_pair(call.read(mdl + 0x28, 8))
    (flags,) = struct.unpack("<H", call.read(mdl + 0x0A, 2))
    count = _span(offset, length)
    if count > 0x1000:
        return 0
    frames = struct.unpack(f"<{count}Q", call.read(mdl + _MDL_HEADER, 8 * count))
    call.charge(count * PAGE_SIZE)
    address = call.kernel.pool.map_frames(frames)
    if address:
        mapped = flags | _MAPPED | (0x20 if flags & _PARTIAL else 0)
        call.write(mdl + 0x0A, struct.pack("<H", mapped))
        call.write_u64(mdl + 0x18, address + offset)
        return address + offset
    return 0


@export("MmUnmapLockedPages")
def _mm_unmap_locked_pages(call: KernelCall) -> Optional[int]:
    address, mdl = call.arg(0), call.arg(1)
    if not call.kernel.pool.unmap_frames(address & ~0xFFF):
        # SYSTEM_PTE_MISUSE: the address was never mapped.
        raise call.kernel.bug_check(0xDA, (0x100, address, 0, 0))
    (flags,) = struct.unpack("<H", call.read(mdl + 0x0A, 2))
    call.write(mdl + 0x0A, struct.pack("<H", flags & ~(_MAPPED | 0x20)))
    return None


@export("MmProbeAndLockPages")
def _mm_probe_and_lock_pages(call: KernelCall) -> Optional[int]:
    _mm_build_mdl_for_non_paged_pool(call)
    mdl = call.arg(0)
    (flags,) = struct.unpack("<H", call.read(mdl + 0x0A, 2))
    call.write(mdl + 0x0A, struct.pack("<H", (flags & ~_POOL) | _LOCKED))
    return None


@export("MmUnlockPages")
def _mm_unlock_pages(call: KernelCall) -> Optional[int]:
    mdl = call.arg(0)
    (flags,) = struct.unpack("<H", call.read(mdl + 0x0A, 2))
    call.write(mdl + 0x0A, struct.pack("<H", flags & ~_LOCKED))
    return None


@export("MmSizeOfMdl")
def _mm_size_of_mdl(call: KernelCall) -> Optional[int]:
    return _MDL_HEADER + 8 * _span(call.arg(0), call.arg(1))


def _u32_pair(data: bytes) -> Tuple[int, int]:
    first, second = struct.unpack("<II", data)
    return first, second


def _span(address: int, length: int) -> int:
    """ADDRESS_AND_SIZE_TO_SPAN_PAGES, wdm.h."""
    return ((address & 0xFFF) + length + 0xFFF) // PAGE_SIZE
