"""IRQL, locks, time, processor, bug checks and lookups (wdm.h, ntddk.h)."""

import struct
from typing import Optional

from ..errors import GuestStop
from .printf import format_message
from .registry import DATA, KernelCall, export

_DISPATCH_LEVEL = 2
_STATUS_SUCCESS = 0
_FREQUENCY = 10_000_000
_EPOCH = 133_500_000_000_000_000  # 100 ns since 1601: early 2024
# PF_XMMI64_INSTRUCTIONS_AVAILABLE and the like, winnt.h, for the emulated processor.
_FEATURES = frozenset((2, 3, 6, 8, 9, 10, 12, 13, 14, 36, 37, 38))


@export("KeInitializeSpinLock")
def _ke_initialize_spin_lock(call: KernelCall) -> Optional[int]:
    call.write_u64(call.arg(0), 0)
    return None


@export("KeAcquireSpinLockRaiseToDpc")
def _ke_acquire_spin_lock_raise_to_dpc(call: KernelCall) -> Optional[int]:
    old = call.kernel.raise_irql(max(_DISPATCH_LEVEL, call.kernel.irql))
    _lock(call)
    return old


@export("KeReleaseSpinLock")
def _ke_release_spin_lock(call: KernelCall) -> Optional[int]:
    call.write_u64(call.arg(0), 0)
    call.kernel.irql = call.u8(1) & 0xF
    return None


@export("KeAcquireSpinLockAtDpcLevel", "KefAcquireSpinLockAtDpcLevel")
def _ke_acquire_spin_lock_at_dpc_level(call: KernelCall) -> Optional[int]:
    _lock(call)
    return None


@export("KeReleaseSpinLockFromDpcLevel", "KefReleaseSpinLockFromDpcLevel")
def _ke_release_spin_lock_from_dpc_level(call: KernelCall) -> Optional[int]:
    call.write_u64(call.arg(0), 0)
    return None


@export("KeAcquireInStackQueuedSpinLock")
def _ke_acquire_in_stack_queued_spin_lock(call: KernelCall) -> Optional[int]:
    # KLOCK_QUEUE_HANDLE: LockQueue.Next 0x00, LockQueue.Lock 0x08, OldIrql 0x10.
    old = call.kernel.raise_irql(max(_DISPATCH_LEVEL, call.kernel.irql))
    _lock(call)
    call.write(call.arg(1), struct.pack("<QQB", 0, call.arg(0), old))
    return None


@export("KeReleaseInStackQueuedSpinLock")
def _ke_release_in_stack_queued_spin_lock(call: KernelCall) -> Optional[int]:
    handle = call.arg(0)
    call.write_u64(call.read_u64(handle + 8), 0)
    call.kernel.irql = call.read(handle + 0x10, 1)[0] & 0xF
    return None


def _lock(call: KernelCall) -> None:
    if call.read_u64(call.arg(0)):
        raise GuestStop(
            "budget",
            f"nt!{call.name}, called from {call.kernel.caller()}, waits for a spin lock that is held: "
            f"with one processor it would wait for ever",
        )
    call.write_u64(call.arg(0), 1)


@export("KeGetCurrentIrql")
def _ke_get_current_irql(call: KernelCall) -> Optional[int]:
    return call.kernel.irql


@export("KfRaiseIrql")
def _kf_raise_irql(call: KernelCall) -> Optional[int]:
    return call.kernel.raise_irql(call.u8(0) & 0xF)


@export("KeRaiseIrql")
def _ke_raise_irql(call: KernelCall) -> Optional[int]:
    call.write(call.arg(1), bytes([call.kernel.raise_irql(call.u8(0) & 0xF)]))
    return None


@export("KeRaiseIrqlToDpcLevel")
def _ke_raise_irql_to_dpc_level(call: KernelCall) -> Optional[int]:
    return call.kernel.raise_irql(_DISPATCH_LEVEL)


@export("KeLowerIrql", "KfLowerIrql")
def _ke_lower_irql(call: KernelCall) -> Optional[int]:
    call.kernel.irql = call.u8(0) & 0xF
    return None


@export("DbgPrint")
def _dbg_print(call: KernelCall) -> Optional[int]:
    call.kernel.debug_output.append(format_message(call, call.arg(0), 1))
    return _STATUS_SUCCESS


@export("DbgPrintEx")
def _dbg_print_ex(call: KernelCall) -> Optional[int]:
    call.kernel.debug_output.append(format_message(call, call.arg(2), 3))
    return _STATUS_SUCCESS


@export("KeBugCheck")
def _ke_bug_check(call: KernelCall) -> Optional[int]:
    raise call.kernel.bug_check(call.u32(0), (0, 0, 0, 0))


@export("KeBugCheckEx")
def _ke_bug_check_ex(call: KernelCall) -> Optional[int]:
    raise call.kernel.bug_check(call.u32(0), tuple(call.arg(number) for number in range(1, 5)))


@export("ExIsProcessorFeaturePresent")
def _ex_is_processor_feature_present(call: KernelCall) -> Optional[int]:
    return int(call.u32(0) in _FEATURES)


@export("KeQueryPerformanceCounter")
def _ke_query_performance_counter(call: KernelCall) -> Optional[int]:
    if call.arg(0):
        call.write_u64(call.arg(0), _FREQUENCY)
    return call.kernel.cpu.timestamp()


@export("KeQuerySystemTime", "KeQuerySystemTimePrecise")
def _ke_query_system_time(call: KernelCall) -> Optional[int]:
    call.write_u64(call.arg(0), _EPOCH + call.kernel.cpu.timestamp())
    return None


@export("KeQueryInterruptTime", "KeQueryInterruptTimePrecise")
def _ke_query_interrupt_time(call: KernelCall) -> Optional[int]:
    return call.kernel.cpu.timestamp()


@export("KeStallExecutionProcessor")
def _ke_stall_execution_processor(call: KernelCall) -> Optional[int]:
    call.kernel.cpu.timestamp()
    return None


@export("KeSaveExtendedProcessorState", "KeSaveFloatingPointState")
def _ke_save_processor_state(call: KernelCall) -> Optional[int]:
    # SSE registers are free for use in x64 kernel code, and this processor has no AVX state to save.
    return _STATUS_SUCCESS


@export("KeRestoreExtendedProcessorState", "KeRestoreFloatingPointState")
def _ke_restore_processor_state(call: KernelCall) -> Optional[int]:
    return _STATUS_SUCCESS


@export("RtlRandomEx", "RtlRandom")
def _rtl_random(call: KernelCall) -> Optional[int]:
    # D. H. Lehmer's generator, as RtlUniform documents it; the seed is the guest's.
    seed = int.from_bytes(call.read(call.arg(0), 4), "little")
    value = (seed * 0x7FFFFFED + 0x7FFFFFC3) % 0x7FFFFFFF
    call.write(call.arg(0), value.to_bytes(4, "little"))
    return value


@export("MmGetSystemRoutineAddress")
def _mm_get_system_routine_address(call: KernelCall) -> Optional[int]:
    return call.kernel.routine(call.counted(call.arg(0)))


@export("KeGetCurrentProcessorNumber", "KeGetCurrentProcessorNumberEx")
def _ke_get_current_processor_number(call: KernelCall) -> Optional[int]:
    return 0


@export("KeQueryActiveProcessorCount", "KeQueryActiveProcessorCountEx", "KeQueryMaximumProcessorCount")
def _ke_query_active_processor_count(call: KernelCall) -> Optional[int]:
    return 1


@export("PsGetCurrentThread", "KeGetCurrentThread")
def _ke_get_current_thread(call: KernelCall) -> Optional[int]:
    return call.kernel.current_thread


@export("__chkstk")
def _chkstk(call: KernelCall) -> Optional[int]:
    # Touches the pages below RSP, RAX bytes deep; RAX and all other registers stay.
    depth = call.kernel.cpu.get("rax")
    if depth > 0x100000:
        raise call.kernel.bug_check(0x7F, (8, 0, 0, 0))
    if depth:
        call.read(call.kernel.cpu.get("rsp") + 8 - depth, 1)
    return None


@export("__C_specific_handler")
def _c_specific_handler(call: KernelCall) -> Optional[int]:
    raise GuestStop("unknown import", "structured exceptions are not emulated")


@export("_purecall", "RtlAssert")
def _purecall(call: KernelCall) -> Optional[int]:
    raise call.kernel.bug_check(0x1E, (0xC0000420, 0, 0, 0))


DATA.update(
    {
        "_fltused": struct.pack("<I", 0x9875),
        "InitSafeBootMode": struct.pack("<I", 0),
        "KdDebuggerEnabled": b"\x01",
        "KdDebuggerNotPresent": b"\x00",
        "MmHighestUserAddress": struct.pack("<Q", 0x7FFF_FFFE_FFFF),
        "MmSystemRangeStart": struct.pack("<Q", 0xFFFF_8000_0000_0000),
        "MmUserProbeAddress": struct.pack("<Q", 0x7FFF_FFFF_0000),
        "NtBuildNumber": struct.pack("<I", 0xF0004A63),
        "NtGlobalFlag": struct.pack("<I", 0),
    }
)
