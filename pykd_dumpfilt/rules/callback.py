"""What every callback owes its caller: FILTER_EXTENSION left as it was, and the x64 calling convention.

Sources: Microsoft's pages "FILTER_EXTENSION structure" (ntdddump.h) and "x64 calling convention".
"""

from typing import ClassVar, Dict, FrozenSet, Iterator, List, Mapping, Tuple

from ..decoded import Change, DecodedCall, FilterInitializationData, missing_bytes, structure_changes
from ..recording import CALLBACKS
from ..structures import Machine, filter_extension
from ._rule import Rule

__all__ = ["ExtensionUnchanged", "RegistersKept"]

_KEPT = ("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15")
_KEPT_XMM = tuple(f"xmm{number}" for number in range(6, 16))
_DIRECTION_FLAG = 0x400
_RETURN_ADDRESS_SIZE = 8
_MASK = (1 << 64) - 1
# What lies there when the structure is in the form before Windows 8 is no part of it.
_SINCE_WINDOWS_8 = frozenset({"Size", "Flags", "padding at 0x4c"})
_OWN = frozenset({"DumpData"})
_MAX_COPIES = 1000


class ExtensionUnchanged(Rule):
    """DumpData is the filter's own: VeraCrypt clears it in Dump_Unload, and after DriverEntry the system
    overwrites it with FILTER_INITIALIZATION_DATA.DumpData (seen before Windows 8)."""

    id = "DF-CALL-002"
    family = "call"
    statement = "A callback must not change FILTER_EXTENSION, except for DumpData in Dump_Unload."
    source = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/ns-ntdddump-_filter_extension"
    evidence: ClassVar[Mapping[str, str]] = {
        "changes": "list of the changed members: field, before and after the call",
    }
    callbacks = CALLBACKS
    ambiguous = True

    def begin(self) -> None:
        super().begin()
        self._early: Dict[str, None] = {}

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        why = _not_comparable(call)
        if why:
            self.cannot_tell(call, why)
            return
        self.checked()
        allowed = _allowed(call)
        changes = []
        for change in structure_changes(call.entry, call.exit, call.machine):
            if change.structure != "FILTER_EXTENSION":
                continue
            if change.field not in allowed:
                changes.append(change)
            elif change.field in _OWN and call.callback == "DriverEntry" and len(self._early) < _MAX_COPIES:
                self._early[call.module_name] = None
        if changes:
            self._report(call, changes)

    def notes(self) -> Tuple[str, ...]:
        return tuple(
            f"{name}: DriverEntry set FILTER_EXTENSION.DumpData, which the system overwrites with "
            "FILTER_INITIALIZATION_DATA.DumpData"
            for name in self._early
        )

    def _report(self, call: DecodedCall, changes: List[Change]) -> None:
        first = changes[0]
        more = f" (and {len(changes) - 1} more changes)" if len(changes) > 1 else ""
        self.find(
            call,
            f"{call.label} changed FILTER_EXTENSION.{first.field} from {first.before} to {first.after}"
            f"{more}: the structure is the system's; keep what the filter needs in what DumpData points at",
            {
                "changes": [
                    {"field": change.field, "before": change.before, "after": change.after}
                    for change in changes
                ]
            },
        )


class RegistersKept(Rule):
    """On x64 only: no other machine's calls can be traced. XMM registers are judged where the debugger gave
    them; their upper halves beyond 128 bits are volatile."""

    id = "DF-CALL-003"
    family = "call"
    statement = (
        "A callback returns with rbx, rbp, rsi, rdi, r12 to r15 and xmm6 to xmm15 as they were, the stack as "
        "its caller left it, and the direction flag clear."
    )
    source = "https://learn.microsoft.com/cpp/build/x64-calling-convention"
    evidence: ClassVar[Mapping[str, str]] = {
        "registers": "list of the registers: register, expected (at return), found; hexadecimal",
    }
    callbacks = CALLBACKS
    ambiguous = True

    def looks_at(self, callbacks: Tuple[str, ...], machine: Machine) -> bool:
        return machine is Machine.X64 and super().looks_at(callbacks, machine)

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        before, after = call.entry.registers, call.exit.registers
        lost = [name for name in (*_KEPT, "rsp", "efl") if name not in before or name not in after]
        breaches = list(_breaches(call))
        if not breaches and lost:
            self.cannot_tell(call, f"these registers were not recorded at both sides: {', '.join(lost)}")
            return
        self.checked()
        if not breaches:
            return
        text = "; ".join(
            f"{name} is {found:#x} at return and should be {expected:#x}"
            for name, expected, found in breaches
        )
        self.find(
            call,
            f"{call.label} broke the x64 calling convention: {text}",
            {
                "registers": [
                    {"register": name, "expected": f"{expected:#x}", "found": f"{found:#x}"}
                    for name, expected, found in breaches
                ]
            },
        )


def _not_comparable(call: DecodedCall) -> str:
    if call.exit is None:
        return "did not return"
    one, two = call.entry.raw.filter_extension, call.exit.raw.filter_extension
    smallest, whole = filter_extension(call.machine, 1).size, filter_extension(call.machine, 2).size
    for when, piece in (("at entry", one), ("at return", two)):
        asked = 0 if piece is None else piece.asked
        why = missing_bytes(piece, max(smallest, min(asked, whole)))
        if piece is None or why is not None:
            return f"FILTER_EXTENSION {when}: {why}"
    if one is not None and two is not None:
        if one.address != two.address:
            return f"FILTER_EXTENSION at {one.address:#x} at entry, at {two.address:#x} at return"
        if len(one.data) != len(two.data):
            return f"{len(one.data)} bytes of FILTER_EXTENSION at entry, {len(two.data)} at return"
    return ""


def _allowed(call: DecodedCall) -> FrozenSet[str]:
    allowed: FrozenSet[str] = frozenset()
    # Where one address serves Dump_Unload and others, it may have been meant.
    if "Dump_Unload" in call.callbacks or "DriverEntry" in call.callbacks:
        allowed |= _OWN
    data = call.entry.filter_initialization_data
    if isinstance(data, FilterInitializationData) and data.dump_read is None:
        allowed |= _SINCE_WINDOWS_8
    return allowed


def _breaches(call: DecodedCall) -> Iterator[Tuple[str, int, int]]:
    """Name, value expected at return, value found there."""
    if call.exit is None:
        return
    before, after = call.entry.registers, call.exit.registers
    for name in (*_KEPT, *_KEPT_XMM):
        if name in before and name in after and before[name] != after[name]:
            yield name, before[name], after[name]
    if "rsp" in before and "rsp" in after:
        # ret takes the return address off.
        expected = (before["rsp"] + _RETURN_ADDRESS_SIZE) & _MASK
        if after["rsp"] != expected:
            yield "rsp", expected, after["rsp"]
    # A flag that the caller had set already is not the callback's doing.
    if "efl" in before and "efl" in after and after["efl"] & ~before["efl"] & _DIRECTION_FLAG:
        yield "efl", after["efl"] & ~_DIRECTION_FLAG, after["efl"]
