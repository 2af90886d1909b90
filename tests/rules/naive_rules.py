"""Ten rules that look right and are wrong: what each flags, a real driver does and may do.

They are here so that the recordings of ``test_naive_checker`` are known to hold what they are about.
"""

from typing import Callable, Dict, List, Set

from pykd_dumpfilt.decoded import DecodedCall, FilterInitializationData, Mdl, NoValue
from pykd_dumpfilt.recording import Call, LoadedModule
from pykd_dumpfilt.structures import Machine, nt_success

from .examples import HIBER, Script

__all__ = ["flagged"]

_MAPPED_OR_LOCKED = 0x0002 | 0x0004


def flagged(point: int, script: Script) -> bool:
    """Whether the naive rule for a point of the list would report something of this recording."""
    return _RULES[point](script)


def _each(test: Callable[[DecodedCall], bool]) -> Callable[[Script], bool]:
    return lambda script: any(test(call) for call in _calls(script))


def _calls(script: Script) -> List[DecodedCall]:
    store = script.memory.store
    calls = [record for record in script.records if isinstance(record, Call)]
    return [DecodedCall(call, HIBER, Machine.X64, store) for call in calls]


def _changes_the_mdl(call: DecodedCall) -> bool:
    return (
        call.callback == "Dump_Write" and call.exit is not None and call.exit.raw.mdls != call.entry.raw.mdls
    )


def _moves_the_offset(call: DecodedCall) -> bool:
    return call.exit is not None and call.exit.disk_byte_offset != call.entry.disk_byte_offset


def _promises_reads(call: DecodedCall) -> bool:
    side = call.exit if call.callback == "DriverEntry" else call.entry
    data = None if side is None else side.filter_initialization_data
    return isinstance(data, FilterInitializationData) and bool(data.flags & 1) and not data.dump_read


def _fails_to_start(call: DecodedCall) -> bool:
    return call.callback == "Dump_Start" and call.status is not None and not nt_success(call.status)


def _has_an_odd_mdl(call: DecodedCall) -> bool:
    """Neither locked nor nonpaged, or not where MmGetMdlVirtualAddress says."""
    sides = [call.entry] if call.exit is None else [call.entry, call.exit]
    return any(
        not mdl.mdl_flags & _MAPPED_OR_LOCKED or mdl.start_va + mdl.byte_offset != mdl.mapped_system_va
        for side in sides
        for mdl in side.mdls
        if isinstance(mdl, Mdl)
    )


def _changes_the_data(call: DecodedCall) -> bool:
    """By what the MDL describes, at entry and at return."""
    return call.callback == "Dump_Write" and call.exit is not None and call.exit.buffer != call.entry.buffer


def _reverts_nothing(call: DecodedCall) -> bool:
    return call.callback == "Dump_Read" and call.exit is not None and call.exit.buffer == call.entry.buffer


def _changes_the_extension(call: DecodedCall) -> bool:
    return call.exit is not None and call.exit.filter_extension != call.entry.filter_extension


def _reads_with_garbage(call: DecodedCall) -> bool:
    return "Dump_Read" in call.callbacks and isinstance(call.entry.disk_byte_offset, NoValue)


def _has_a_copy_that_is_never_called(script: Script) -> bool:
    loaded: Set[int] = {one.number for one in script.records if isinstance(one, LoadedModule)}
    return bool(loaded - {call.raw.module for call in _calls(script)})


_RULES: Dict[int, Callable[[Script], bool]] = {
    1: _each(_changes_the_mdl),
    2: _each(_moves_the_offset),
    3: _each(_promises_reads),
    4: _each(_fails_to_start),
    5: _each(_has_an_odd_mdl),
    6: _each(_changes_the_data),
    7: _each(_reverts_nothing),
    8: _each(_changes_the_extension),
    9: _each(_reads_with_garbage),
    10: _has_a_copy_that_is_never_called,
}
