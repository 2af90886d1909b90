"""Where things stand in the emulated machine's virtual address space.

Fixed, so that two runs agree; each area is far from the next, so that nothing is mapped around it.
"""

__all__ = [
    "CRASHDMP_BASE",
    "CRASH_STACK_BASE",
    "FILTER_BASE",
    "HIBERNATION_FILTER_BASE",
    "HIBERNATION_STACK_BASE",
    "KERNEL_BASE",
    "MAPPING_BASE",
    "MAPPING_SIZE",
    "PCR_BASE",
    "PCR_SIZE",
    "POOL_BASE",
    "POOL_RANGE",
    "POOL_SIZE",
    "SHARED_DATA",
    "STACK_BASE",
    "STACK_DISTANCE",
    "STACK_SIZE",
    "TRANSFER_BASE",
]

KERNEL_BASE = 0xFFFFF800_10000000
CRASHDMP_BASE = 0xFFFFF800_20000000
FILTER_BASE = 0xFFFFF800_31000000
HIBERNATION_FILTER_BASE = 0xFFFFF800_41000000
"""Where the second copy stands while both stacks are loaded."""
CRASH_STACK_BASE = 0xFFFFF800_30000000
HIBERNATION_STACK_BASE = 0xFFFFF800_40000000
"""Where each stack's port drivers begin, 64 KiB apart."""
PCR_BASE = 0xFFFFF800_08000000
PCR_SIZE = 0x10000
"""KPCR with the KPRCB in it; more than any build needs, so that a debugger's reads of it succeed. The next
processor's follows."""
POOL_BASE = 0xFFFFAB00_00000000
POOL_RANGE = 1 << 36
POOL_SIZE = 32 << 20
"""What the guest may hold at one time, bytes; the range of addresses is larger, so that freed ones rest."""
MAPPING_BASE = 0xFFFFC100_00000000
MAPPING_SIZE = 1 << 30
"""What MmMapLockedPagesSpecifyCache gives out."""
SHARED_DATA = 0xFFFFF780_00000000
"""KUSER_SHARED_DATA, at the address that wdm.h gives it."""
STACK_BASE = 0xFFFFE400_00010000
STACK_SIZE = 0x6000
"""A kernel stack, as x64 Windows gives a thread (KERNEL_STACK_SIZE, ntddk.h)."""
STACK_DISTANCE = 1 << 20
"""From the stack of one processor to that of the next."""
TRANSFER_BASE = 0xFFFFC200_00000000
"""The window through which the dump stack sees the pages of a transfer."""
