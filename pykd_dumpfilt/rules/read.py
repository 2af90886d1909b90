"""Dump_Read: what it must leave alone.

Source: Microsoft's page "DUMP_READ callback function" (ntdddump.h).
"""

from itertools import islice
from typing import ClassVar, List, Mapping

from ..decoded import Change, DecodedCall, NoValue, mdl_changes
from ._offset import changed_offset
from ._rule import Rule

__all__ = ["ReadKeepsMdl", "ReadKeepsOffset"]

_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read"
_LISTED = 64


class ReadKeepsOffset(Rule):
    """``*DiskByteOffset`` is the same at return as at entry."""

    id = "DF-READ-001"
    family = "read"
    statement = "Dump_Read must not change *DiskByteOffset."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "before": "*DiskByteOffset at entry, bytes",
        "after": "*DiskByteOffset at return, bytes",
    }
    callbacks = ("Dump_Read",)
    essential = True

    def check(self, call: DecodedCall) -> None:
        changed = changed_offset(self, call)
        if changed is not None:
            before, after = changed
            self.find(
                call,
                f"Dump_Read changed *DiskByteOffset from {before:#x} to {after:#x}: the offset is the "
                "system's, and only the buffer may be changed",
                {"before": before, "after": after},
            )


class ReadKeepsMdl(Rule):
    """Header and page frame numbers of every MDL are the same at return as at entry."""

    id = "DF-READ-002"
    family = "read"
    statement = "Dump_Read must not change the MDL, neither its header nor its page frame numbers."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "changes": "list of the first 64 changed members: structure, field, before and after the call",
        "count": "changed members in all",
    }
    callbacks = ("Dump_Read",)

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        changes = mdl_changes(call.entry, call.exit, call.machine)
        listed = list(islice(changes, _LISTED))
        if listed:
            self.checked()
            self._report(call, listed, len(listed) + sum(1 for _ in changes))
            return
        why = _not_whole(call)
        if why:
            self.cannot_tell(call, why)
            return
        self.checked()

    def _report(self, call: DecodedCall, listed: List[Change], count: int) -> None:
        first = listed[0]
        more = f" (and {count - 1} more changes)" if count > 1 else ""
        self.find(
            call,
            f"Dump_Read changed {first.structure}.{first.field} from {first.before} to {first.after}{more}: "
            "data is to be reverted in the buffer that the MDL describes",
            {
                "changes": [
                    {
                        "structure": change.structure,
                        "field": change.field,
                        "before": change.before,
                        "after": change.after,
                    }
                    for change in listed
                ],
                "count": count,
            },
        )


def _not_whole(call: DecodedCall) -> str:
    if call.exit is None or not call.entry.mdls:
        return "the MDL was not captured at entry"
    if len(call.exit.mdls) != len(call.entry.mdls):
        return f"{len(call.entry.mdls)} MDLs captured at entry, {len(call.exit.mdls)} at return"
    sides = [("at entry", call.entry)]
    if call.exit.raw.mdls != call.entry.raw.mdls:
        sides.append(("at return", call.exit))
    for when, side in sides:
        for mdl in side.mdls:
            if isinstance(mdl, NoValue):
                return f"the MDL {when}: {mdl}"
            if mdl.pfns_missing is not None:
                return f"the MDL's page frame numbers {when}: {mdl.pfns_missing}"
    return ""
