"""The kernel functions, called by the guest's processor as a driver calls them."""

import struct
from typing import List

import pytest

from pykd_dumpfilt.emulator.cpu import ExitKind
from pykd_dumpfilt.emulator.errors import GuestStop
from pykd_dumpfilt.emulator.kernel import Kernel
from pykd_dumpfilt.emulator.kernel_exports import DATA, FUNCTIONS

REGISTERS = ("rcx", "rdx", "r8", "r9")


class Caller:
    """A kernel, and a scratch page of pool to pass things in."""

    def __init__(self) -> None:
        self.kernel = Kernel(1, ())
        self.scratch = self.kernel.pool.allocate(0x2000, zeroed=True)
        self._next = self.scratch

    def put(self, data: bytes) -> int:
        address = self._next
        self.kernel.memory.write_virtual(address, data)
        self._next += (len(data) + 15) & ~15
        return address

    def get(self, address: int, size: int) -> bytes:
        return self.kernel.memory.read_virtual(address, size)

    def call(self, name: str, *arguments: int, rax: int = 0x1EAD) -> int:
        cpu = self.kernel.cpu
        stack = self.kernel.stack_top - 0x208
        spill = b"".join(value.to_bytes(8, "little") for value in arguments[4:])
        self.kernel.memory.write_virtual(stack, self.kernel.rest_address.to_bytes(8, "little"))
        self.kernel.memory.write_virtual(stack + 0x28, spill)
        for register, value in zip(REGISTERS, arguments):
            cpu.set(register, value)
        cpu.set("rsp", stack)
        cpu.set("rax", rax)
        cpu.set("rip", self.kernel.exports[name])
        cpu.hook_calls_left = 10_000
        assert cpu.run(self.kernel.rest_address).kind == ExitKind.UNTIL
        assert cpu.get("rsp") == stack + 8
        return cpu.get("rax")


@pytest.fixture(name="guest")
def _guest() -> Caller:
    return Caller()


def test_every_function_that_was_asked_for_is_there() -> None:
    wanted = """ExAllocatePool ExAllocatePoolWithTag ExAllocatePool2 ExFreePool ExFreePoolWithTag
        MmAllocateContiguousMemory MmAllocateContiguousMemorySpecifyCache MmFreeContiguousMemory
        MmFreeContiguousMemorySpecifyCache MmGetPhysicalAddress MmMapIoSpace MmMapLockedPagesSpecifyCache
        MmUnmapLockedPages MmBuildMdlForNonPagedPool IoAllocateMdl IoFreeMdl MmGetSystemRoutineAddress
        MmIsAddressValid memcpy memmove memset memcmp RtlCopyMemory RtlMoveMemory RtlZeroMemory RtlFillMemory
        RtlCompareMemory RtlEqualMemory strlen strcmp strncmp strcpy wcslen _wcsicmp _stricmp
        RtlInitUnicodeString RtlInitAnsiString RtlCompareUnicodeString RtlEqualUnicodeString
        KeInitializeSpinLock KeAcquireSpinLockRaiseToDpc KeReleaseSpinLock KeAcquireInStackQueuedSpinLock
        KeReleaseInStackQueuedSpinLock KeGetCurrentIrql KfRaiseIrql KeRaiseIrql KeLowerIrql DbgPrint
        DbgPrintEx KeBugCheck KeBugCheckEx ExIsProcessorFeaturePresent KeQueryPerformanceCounter
        KeQuerySystemTime
        KeQuerySystemTimePrecise KeQueryInterruptTime KeStallExecutionProcessor KeSaveExtendedProcessorState
        KeRestoreExtendedProcessorState KeSaveFloatingPointState KeRestoreFloatingPointState RtlRandomEx
        __chkstk __C_specific_handler"""
    assert set(wanted.split()) <= set(FUNCTIONS)
    assert {"_fltused", "MmHighestUserAddress", "NtBuildNumber"} <= set(DATA)


def test_pool(guest: Caller) -> None:
    small = guest.call("ExAllocatePoolWithTag", 512, 100, 0x31323334)
    other = guest.call("ExAllocatePool", 0, 100)
    assert small % 16 == 0
    assert abs(other - small) >= 100
    assert guest.get(small, 100) == b"\xa5" * 100
    zeroed = guest.call("ExAllocatePool2", 0x40, 64, 0)
    assert guest.get(zeroed, 64) == bytes(64)
    large = guest.call("ExAllocatePoolWithTag", 512, 0x3000, 0)
    assert large % 4096 == 0
    assert guest.kernel.memory.translate(large + 0x3000) is None
    guest.call("ExFreePoolWithTag", large, 0)
    assert guest.kernel.memory.translate(large) is None
    guest.call("ExFreePool", small)
    assert guest.get(small, 4) == b"\xdf" * 4
    assert guest.call("ExAllocatePoolWithTag", 512, 100, 0) == small
    assert guest.call("ExAllocatePoolWithTag", 512, 1 << 40, 0) == 0
    with pytest.raises(GuestStop, match="0x000000C2"):
        guest.call("ExFreePool", 0x1234)


def test_contiguous_memory(guest: Caller) -> None:
    address = guest.call("MmAllocateContiguousMemory", 0x10000, 0xFFFFFFFF)
    physical = [guest.call("MmGetPhysicalAddress", address + at) for at in range(0, 0x10000, 0x1000)]
    assert physical == list(range(physical[0], physical[0] + 0x10000, 0x1000))
    assert physical[-1] < 1 << 32
    guest.call("MmFreeContiguousMemory", address)
    assert guest.call("MmIsAddressValid", address) == 0
    assert guest.call("MmAllocateContiguousMemory", 0x1000, 0xFFF) == 0
    assert guest.call("MmAllocateContiguousMemorySpecifyCache", 0x1000, 0, 0xFFFFFFFFFF, 0, 1) % 4096 == 0
    assert guest.call("MmGetPhysicalAddress", 0x1000) == 0


def test_an_mdl_is_made_mapped_and_unmapped(guest: Caller) -> None:
    buffer = guest.call("ExAllocatePoolWithTag", 512, 0x3000, 0)
    mdl = guest.call("IoAllocateMdl", buffer + 0x123, 0x1F00, 0, 0, 0)
    size, flags = struct.unpack("<hh", guest.get(mdl + 8, 4))
    assert (size, flags) == (0x30 + 3 * 8, 0)
    assert struct.unpack("<QII", guest.get(mdl + 0x20, 16)) == (buffer, 0x1F00, 0x123)
    guest.call("MmBuildMdlForNonPagedPool", mdl)
    assert struct.unpack("<h", guest.get(mdl + 0x0A, 2)) == (4,)
    assert struct.unpack("<Q", guest.get(mdl + 0x18, 8)) == (buffer + 0x123,)
    frames = struct.unpack("<3Q", guest.get(mdl + 0x30, 24))
    assert frames[1] == guest.call("MmGetPhysicalAddress", buffer + 0x1000) >> 12
    guest.kernel.memory.write_virtual(buffer + 0x123, b"through the MDL")
    mapped = guest.call("MmMapLockedPagesSpecifyCache", mdl, 0, 1, 0, 0, 16)
    assert mapped & 0xFFF == 0x123
    assert guest.get(mapped, 15) == b"through the MDL"
    assert struct.unpack("<h", guest.get(mdl + 0x0A, 2)) == (5,)
    guest.call("MmUnmapLockedPages", mapped, mdl)
    assert guest.call("MmIsAddressValid", mapped) == 0
    with pytest.raises(GuestStop, match="0x000000DA"):
        guest.call("MmUnmapLockedPages", mapped, mdl)
    guest.call("IoFreeMdl", mdl)
    assert guest.call("MmSizeOfMdl", 0xFFF, 2) == 0x40


def test_memory_blocks(guest: Caller) -> None:
    source, target = guest.put(b"0123456789"), guest.put(bytes(16))
    assert guest.call("memcpy", target, source, 10) == target
    assert guest.get(target, 11) == b"0123456789\0"
    assert guest.call("memmove", target + 2, target, 8) == target + 2
    assert guest.get(target, 10) == b"0101234567"
    assert guest.call("memset", target, 0x1FF, 4) == target
    assert guest.get(target, 5) == b"\xff\xff\xff\xff2"
    guest.call("RtlFillMemory", target, 3, 0x41)
    assert guest.get(target, 4) == b"AAA\xff"
    guest.call("RtlZeroMemory", target, 2)
    assert guest.get(target, 3) == b"\0\0A"
    left, right = guest.put(b"same\x01"), guest.put(b"same\x80")
    assert guest.call("memcmp", left, right, 4) == 0
    assert guest.call("memcmp", left, right, 5) == 0xFFFFFFFF
    assert guest.call("memcmp", right, left, 5) == 1
    assert guest.call("RtlCompareMemory", left, right, 5) == 4
    assert guest.call("RtlEqualMemory", left, right, 5) == 0
    assert guest.call("RtlEqualMemory", left, right, 4) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("memcpy", (0x10, 0x20, 8)),
        ("memset", (0xFFFFF80010000000, 0, 8)),
        ("strlen", (0x10,)),
        ("memset", (0, 0, 1 << 60)),
    ],
)
def test_bad_pointers_are_faults_of_the_caller(guest: Caller, name: str, arguments: List[int]) -> None:
    with pytest.raises(GuestStop) as caught:
        guest.call(name, *arguments)
    assert caught.value.reason == "fault"
    assert f"nt!{name}" in caught.value.detail
    assert "called from crashdmp+0x" in caught.value.detail


def test_strings(guest: Caller) -> None:
    one, two = guest.put(b"Dump\0"), guest.put(b"dumpster\0")
    assert guest.call("strlen", two) == 8
    assert guest.call("strcmp", one, one) == 0
    assert guest.call("strcmp", one, two) == 0xFFFFFFFF
    assert guest.call("strncmp", one + 1, two + 1, 3) == 0
    assert guest.call("_stricmp", one, two) == 0xFFFFFFFF
    target = guest.put(bytes(16))
    guest.call("strcpy", target, two)
    assert guest.get(target, 9) == b"dumpster\0"
    wide, other = guest.put("Hello\0".encode("utf-16-le")), guest.put("hELLO\0".encode("utf-16-le"))
    assert guest.call("wcslen", wide) == 5
    assert guest.call("_wcsicmp", wide, other) == 0
    assert guest.call("wcscmp", wide, other) == 0xFFFFFFFF


def test_counted_strings(guest: Caller) -> None:
    wide, other = guest.put("Hello\0".encode("utf-16-le")), guest.put("hELLO\0".encode("utf-16-le"))
    first, second = guest.put(bytes(16)), guest.put(bytes(16))
    guest.call("RtlInitUnicodeString", first, wide)
    guest.call("RtlInitUnicodeString", second, other)
    assert struct.unpack("<HHIQ", guest.get(first, 16)) == (10, 12, 0, wide)
    assert guest.call("RtlEqualUnicodeString", first, second, 1) == 1
    assert guest.call("RtlEqualUnicodeString", first, second, 0) == 0
    assert guest.call("RtlCompareUnicodeString", first, second, 0) == 0xFFFFFFFF
    narrow = guest.put(b"abc\0")
    guest.call("RtlInitAnsiString", first, narrow)
    assert struct.unpack("<HHIQ", guest.get(first, 16)) == (3, 4, 0, narrow)
    guest.call("RtlInitAnsiString", first, 0)
    assert struct.unpack("<HHIQ", guest.get(first, 16)) == (0, 0, 0, 0)


def test_a_string_may_end_at_the_end_of_a_page(guest: Caller) -> None:
    page = guest.call("ExAllocatePoolWithTag", 512, 0x1000, 0)
    guest.kernel.memory.write_virtual(page + 0xFFC, b"end\0")
    assert guest.call("strlen", page + 0xFFC) == 3


def test_irql_and_locks(guest: Caller) -> None:
    lock, handle = guest.put(bytes(8)), guest.put(bytes(24))
    assert guest.call("KeGetCurrentIrql") == 0
    assert guest.call("KfRaiseIrql", 5) == 0
    assert guest.call("KeGetCurrentIrql") == 5
    guest.call("KeLowerIrql", 0)
    guest.call("KeInitializeSpinLock", lock)
    old = guest.call("KeAcquireSpinLockRaiseToDpc", lock)
    assert (old, guest.kernel.irql, guest.get(lock, 1)) == (0, 2, b"\1")
    with pytest.raises(GuestStop, match="spin lock that is held"):
        guest.call("KeAcquireSpinLockRaiseToDpc", lock)
    guest.call("KeReleaseSpinLock", lock, old)
    assert (guest.kernel.irql, guest.get(lock, 1)) == (0, b"\0")
    guest.call("KeAcquireInStackQueuedSpinLock", lock, handle)
    assert guest.kernel.irql == 2
    guest.call("KeReleaseInStackQueuedSpinLock", handle)
    assert (guest.kernel.irql, guest.get(lock, 1)) == (0, b"\0")
    old_irql = guest.put(b"\xff")
    guest.call("KeRaiseIrql", 15, old_irql)
    assert (guest.get(old_irql, 1), guest.kernel.irql) == (b"\0", 15)


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        (b"plain 100%%", (), "plain 100%"),
        (b"%d %i %u", (0xFFFFFFFF, 7, 0xFFFFFFFF), "-1 7 4294967295"),
        (b"%x %X %08x %#x", (0xAB, 0xAB, 0xAB, 0xAB), "ab AB 000000ab 0xab"),
        (b"%I64x %llu %hd", (1 << 40, 1 << 40, 0x1FFFF), "10000000000 1099511627776 -1"),
        (b"%p|%c|%-4d|%4d|", (0xFFFFF800, 65, 1, 2), "00000000FFFFF800|A|1   |   2|"),
        (b"%*d|%.3s", (5, 42, -1), "   42|lon"),
        (b"%s %ws %S", (-1, -2, -2), "long text wide wide"),
        (b"%wZ %Z %s", (-3, 0, 0), "wide (null) (null)"),
        (b"%q %y", (), "%q %y"),
        (b"%999999999d", (1,), " " * 63 + "1"),
        (b"A" * 600, (), "A" * 512),
    ],
)
def test_debug_output(guest: Caller, template: bytes, values: List[int], text: str) -> None:
    wide = guest.put("wide\0".encode("utf-16-le"))
    known = {-1: guest.put(b"long text\0"), -2: wide, -3: guest.put(struct.pack("<HHIQ", 8, 10, 0, wide))}
    address = guest.put(template + b"\0")
    guest.call("DbgPrint", address, *(known.get(value, value) for value in values))
    guest.call("DbgPrintEx", 77, 0, address, *(known.get(value, value) for value in values))
    assert guest.kernel.debug_output == [text, text]


def test_lookups_time_and_processor(guest: Caller) -> None:
    name = "KeBugCheckEx"
    text = guest.put(name.encode("utf-16-le"))
    counted = guest.put(struct.pack("<HHIQ", 2 * len(name), 2 * len(name), 0, text))
    assert guest.call("MmGetSystemRoutineAddress", counted) == guest.kernel.exports[name]
    unknown = guest.put(struct.pack("<HHIQ", 6, 6, 0, text))
    assert guest.call("MmGetSystemRoutineAddress", unknown) == 0
    frequency = guest.put(bytes(8))
    first = guest.call("KeQueryPerformanceCounter", frequency)
    assert guest.get(frequency, 8) == struct.pack("<Q", 10_000_000)
    assert guest.call("KeQueryPerformanceCounter", 0) > first
    assert guest.call("ExIsProcessorFeaturePresent", 10) == 1  # PF_XMMI64_INSTRUCTIONS_AVAILABLE
    assert guest.call("ExIsProcessorFeaturePresent", 39) == 0  # PF_AVX_INSTRUCTIONS_AVAILABLE
    assert guest.call("KeSaveExtendedProcessorState", 4, 0) == 0
    seed = guest.put(struct.pack("<I", 1))
    assert guest.call("RtlRandomEx", seed) == struct.unpack("<I", guest.get(seed, 4))[0]
    assert struct.unpack("<I", guest.get(0xFFFFF7800000026C, 4)) == (10,)  # NtMajorVersion


def test_calls_that_end_the_machine(guest: Caller) -> None:
    with pytest.raises(GuestStop, match=r"0x000000E2 \(0x0, 0x0, 0x0, 0x0\)"):
        guest.call("KeBugCheck", 0xE2)
    with pytest.raises(GuestStop, match="no device memory"):
        guest.call("MmMapIoSpace", 0xFED00000, 0x1000, 0)
    with pytest.raises(GuestStop, match="exceptions"):
        guest.call("__C_specific_handler", 0, 0, 0, 0)


def test_chkstk_changes_no_register(guest: Caller) -> None:
    assert guest.call("__chkstk", rax=0x3000) == 0x3000
    with pytest.raises(GuestStop, match="page fault in nt!__chkstk"):
        guest.call("__chkstk", rax=0x8000)
