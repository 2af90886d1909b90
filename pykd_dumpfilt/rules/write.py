"""Dump_Write: what it must leave as it was.

Source: Microsoft's page "DUMP_WRITE callback function" (ntdddump.h): the original buffer may be live code or
data of the dump process, so it cannot be written to; the size of the write cannot change; the offset should
not be changed.
"""

from dataclasses import dataclass
from typing import ClassVar, Mapping, Optional, Tuple, Union

from ..decoded import Absence, DecodedCall, DecodedSide, NoValue
from ..recording import PAGE_SIZE
from ._difference import differing
from ._neighbours import first_changed_neighbour
from ._offset import changed_offset
from ._originals import Original, OwnPages, PageChange, changed_pages, is_in_use, originals
from ._rule import Level, Rule

__all__ = ["WriteKeepsByteCount", "WriteKeepsOffset", "WriteKeepsSource"]

_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_write"
_SHOWN = 16

# A crash dump is written out of memory that is in use: the filter's own .data, what DumpData points at, its
# deeper stack. Such a page changes by counters and frames while the filter works, and nothing in a recording
# tells it from one that the filter had no business with. Encrypting in place changes far more than this.
_LIVE_BYTES = PAGE_SIZE // 4


@dataclass
class _Changed:
    """What one call changed: its first page, and how much in all."""

    original: Original
    first: PageChange
    pages: int = 0
    bytes: int = 0


class WriteKeepsSource(Rule):
    """Whole captured pages, and the pages next to the buffer where the trace asked for them: a byte beside
    the buffer is even less the filter's than one in it."""

    id = "DF-WRITE-001"
    family = "write"
    statement = "Dump_Write must not write into the original buffer."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "mdl": "index of the MDL in the chain",
        "page": "index of the first changed page in that MDL's buffer; below 0 for one before it",
        "address": "virtual address of the first changed byte, for a page next to the buffer",
        "byte": "first changed byte, in that page",
        "pfn": "the page's PFN, or null where it was not captured",
        "inside": "whether that byte is of the data, and not beside it",
        "before": "up to 16 bytes from there at entry, hexadecimal",
        "after": "up to 16 bytes from there at return, hexadecimal",
        "bytes": "changed bytes in all",
        "pages": "changed pages in all",
    }
    callbacks = ("Dump_Write",)

    def begin(self) -> None:
        super().begin()
        self._own = OwnPages()
        self._own_changed = 0
        self._in_use = 0

    def check(self, call: DecodedCall) -> None:
        changed: Optional[_Changed] = None
        why: Optional[NoValue] = None
        live: Optional[Tuple[int, int]] = None
        for original in originals(call):
            if isinstance(original, NoValue):
                why = why or original
                continue
            why = why or original.before.missing()
            if len(original.before.raw.pages) != len(original.after.raw.pages):
                why = why or NoValue(Absence.NOT_CAPTURED, "not as many pages at return as at entry")
            for change in changed_pages(call, original, range(original.pages)):
                if isinstance(change, NoValue):
                    why = why or change
                elif not self._excused(call, original, change):
                    count = differing(change.before, change.after)[2]
                    if count <= _LIVE_BYTES and call.module_name.lower().startswith("dump_"):
                        live = live or (change.page, count)
                        continue
                    changed = changed or _Changed(original, change)
                    changed.pages += 1
                    changed.bytes += count
        self._own.learn(call)
        neighbour = first_changed_neighbour(call)
        if changed is not None:
            self.checked()
            self._report(call, changed)
        elif neighbour is not None:
            self.checked()
            what = f"Dump_Write changed what lies beside its caller's buffer: {neighbour}"
            self.find(call, what, {**neighbour.evidence, "inside": False})
        elif why is not None:
            self.cannot_tell(call, f"the original buffer: {why}")
        elif live is not None:
            self.cannot_tell(
                call,
                f"{live[1]} bytes of its caller's page {live[0]} changed; in a crash dump that may be the "
                "filter's own live data, and only a recording of a hibernation tells",
            )
        else:
            self.checked()

    def notes(self) -> Tuple[str, ...]:
        notes = []
        if self._own_changed:
            notes.append(
                f"{self._own_changed} pages that changed are of the filter's own buffer, which the system "
                "was writing to the dump"
            )
        if self._in_use:
            notes.append(f"{self._in_use} pages that changed hold the call's own stack or MDL")
        return tuple(notes)

    def _excused(self, call: DecodedCall, original: Original, change: PageChange) -> bool:
        if original.pfn(change.page) in self._own.known(call):
            self._own_changed += 1
            return True
        if is_in_use(call, change.before):
            self._in_use += 1
            return True
        return False

    def _report(self, call: DecodedCall, changed: _Changed) -> None:
        original, change = changed.original, changed.first
        byte, _, _ = differing(change.before, change.after)
        pfn = original.pfn(change.page)
        position = change.page * PAGE_SIZE + byte - original.before.raw.offset
        inside = 0 <= position < original.mdl.byte_count
        where = "" if inside else ", outside the data but in the caller's page"
        frame = "" if pfn is None else f" (PFN {pfn:#x})"
        self.find(
            call,
            f"Dump_Write changed {changed.bytes} bytes in {changed.pages} of its caller's pages, first page "
            f"{change.page}{frame} byte {byte:#x}{where}: from {change.before[byte : byte + _SHOWN].hex()} "
            f"to {change.after[byte : byte + _SHOWN].hex()}; copy the data to a buffer of your own, and "
            "change that",
            {
                "mdl": original.index,
                "page": change.page,
                "byte": byte,
                "pfn": None if pfn is None else f"{pfn:#x}",
                "inside": inside,
                "before": change.before[byte : byte + _SHOWN].hex(),
                "after": change.after[byte : byte + _SHOWN].hex(),
                "bytes": changed.bytes,
                "pages": changed.pages,
            },
        )


class WriteKeepsByteCount(Rule):
    """The sum over the MDL chain; how it is divided is the filter's choice."""

    id = "DF-WRITE-002"
    family = "write"
    statement = "Dump_Write must not change the size of the data (ByteCount)."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "before": "ByteCount of the whole chain at entry, bytes",
        "after": "ByteCount of the whole chain at return, bytes",
    }
    callbacks = ("Dump_Write",)

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        before, after = _total(call.entry), _total(call.exit)
        for when, total in (("at entry", before), ("at return", after)):
            if isinstance(total, str):
                if call.entry.raw.mdls and call.entry.raw.mdls == call.exit.raw.mdls:
                    self.checked()
                else:
                    self.cannot_tell(call, f"the MDL {when}: {total}")
                return
        self.checked()
        if before != after:
            self.find(
                call,
                f"Dump_Write changed the size of the data (ByteCount) from {before} to {after}: the system "
                "goes on with the next disk offset as if nothing had changed",
                {"before": before, "after": after},
            )


class WriteKeepsOffset(Rule):
    """A warning: DiskByteOffset is declared in/out, and VeraCrypt (hidden system) and DiskCryptor move it on
    purpose. Told once for a copy, and counted."""

    id = "DF-WRITE-006"
    level = Level.WARNING
    family = "write"
    statement = "Dump_Write should not change *DiskByteOffset."
    source = _PAGE
    evidence: ClassVar[Mapping[str, str]] = {
        "before": "*DiskByteOffset at entry, bytes",
        "after": "*DiskByteOffset at return, bytes",
    }
    callbacks = ("Dump_Write",)

    def check(self, call: DecodedCall) -> None:
        changed = changed_offset(self, call)
        if changed is not None:
            before, after = changed
            self.find_once(
                call,
                "offset",
                f"Dump_Write changed *DiskByteOffset from {before:#x} to {after:#x}: the documentation says "
                "that it should not, and some filters do it on purpose",
                {"before": before, "after": after},
            )


def _total(side: DecodedSide) -> Union[int, str]:
    """ByteCount over the chain, or why it cannot be told."""
    if not side.mdls:
        return "not captured"
    total = 0
    for mdl in side.mdls:
        if isinstance(mdl, NoValue):
            return str(mdl)
        total += mdl.byte_count
    last = side.mdls[-1]
    if not isinstance(last, NoValue) and last.next:
        return f"its chain goes on at {last.next:#x}, which was not captured"
    return total
