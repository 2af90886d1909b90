"""The round trip: what Dump_Read gives back is what Dump_Write was given.

The key is the disk offset at entry on both sides (a filter may change it in Dump_Write, as VeraCrypt and
DiskCryptor do on purpose). What Dump_Write was given is the buffer at its entry; what Dump_Read gives back is
the buffer at its return. Copies are told apart by name: a copy that was loaded again for the resume goes on
where the one before it stopped, and the crash stack's data is not held against the hibernation stack's.
"""

from typing import ClassVar, Dict, List, Mapping, Optional, Tuple

from ..decoded import DecodedCall, Mdl, NoValue, given_back
from ..recording import CALLBACKS
from ..structures import NtStatus
from ._compare import Given, compare
from ._difference import Difference, First
from ._numbers import MissingNumbers
from ._plaintext import GivenShapes, shape_at, shape_given
from ._rule import Rule, status_text
from ._written import Disk, Extent, Extents

__all__ = ["RoundTrip"]

_LISTED = 8
_MAX_COPIES = 1000
# An error from one of these makes crashdmp skip the filter from then on, and data goes to disk unfiltered
# and unseen (seen before Windows 8; inferred for later ones).
_DISABLING = ("DriverEntry", "Dump_Start", "Dump_Write")


class RoundTrip(Rule):
    """Equal page numbers are equal pages, so most comparisons read no page at all."""

    id = "DF-TRIP-001"
    family = "round trip"
    statement = "Dump_Read gives back, for each disk offset, the bytes that Dump_Write was given for it."
    source = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_read"
    evidence: ClassVar[Mapping[str, str]] = {
        "disk_offset": "disk offset of the first differing byte, bytes",
        "last_disk_offset": "disk offset of the last differing byte, bytes",
        "mdl": "index of the MDL in the chain",
        "page": "index of the page in that MDL's buffer",
        "byte": "first differing byte, in that page",
        "pfn": "the page's PFN, or null where it was not captured",
        "expected": "up to 16 bytes from there that Dump_Write was given, hexadecimal",
        "got": "up to 16 bytes from there that Dump_Read gave back, hexadecimal",
        "differing_bytes": "differing bytes in all",
        "compared_bytes": "bytes compared in all",
        "unmatched_bytes": "bytes of this read that no Dump_Write was given",
        "written_by_call": "number of the Dump_Write call",
        "known_shape": "what it was given is known to be, in words; null where nothing is known",
    }
    callbacks = CALLBACKS
    ambiguous = True
    returned = False
    essential = True

    def begin(self) -> None:
        super().begin()
        self._disks: Dict[str, Disk] = {}
        self._extents = Extents()
        self._numbers = MissingNumbers()
        self._unmatched_bytes = 0
        self._unmatched_reads = 0
        self._unmatched: List[str] = []
        self._failed: Dict[str, int] = {}
        self._shapes = GivenShapes()

    def check(self, call: DecodedCall) -> None:
        self._numbers.add(call.number)
        disk = self._disks.get(call.module_name)
        if disk is None:
            if len(self._disks) >= _MAX_COPIES:
                self.cannot_tell(call, f"copies of more than {_MAX_COPIES} names were loaded")
                return
            disk = self._disks[call.module_name] = Disk()
        if call.callback == "Dump_Read":
            self._read(call, disk)
        elif _failed(call.status) and call.callback in _DISABLING:
            self._blind(call, disk, f"returned {_text(call.status)}, and the system may write on without it")
            self._count_failed(call)
        elif call.callback == "Dump_Write":
            self._write(call, disk)
        elif "Dump_Write" in call.callbacks:
            self._blind(call, disk, "may have been a Dump_Write: one address serves several callbacks")

    def notes(self) -> Tuple[str, ...]:
        notes = [
            f"{count} {callback} calls returned an error; their data is not judged"
            for callback, count in self._failed.items()
        ]
        if self._unmatched_bytes:
            more = self._unmatched_reads > len(self._unmatched)
            notes.append(
                f"{self._unmatched_bytes} bytes in {self._unmatched_reads} reads were never given to "
                "Dump_Write in this recording, so nothing tells what they should be: disk offset "
                f"{', '.join(self._unmatched)}" + (" and more" if more else "")
            )
        if str(self._shapes):
            notes.append(f"Dump_Write was given {self._shapes}")
        return tuple(notes)

    def _blind(self, call: DecodedCall, disk: Disk, why: str) -> None:
        disk.blind = (call.number, f"call {call.number} ({call.label}) {why}")

    def _count_failed(self, call: DecodedCall) -> None:
        if call.callback in ("Dump_Write", "Dump_Read"):
            self._failed[call.label] = self._failed.get(call.label, 0) + 1

    def _write(self, call: DecodedCall, disk: Disk) -> None:
        why = self._store(call, disk)
        if why is not None:
            self.cannot_tell(call, why)
            self._blind(call, disk, "wrote something that is not known")

    def _store(self, call: DecodedCall, disk: Disk) -> Optional[str]:
        if call.exit is None:
            why = call.raw.unreturned or "no reason recorded"
            return f"did not return, so nobody knows what was written: {why}"
        base = call.entry.disk_byte_offset
        if isinstance(base, NoValue):
            return f"*DiskByteOffset: {base}"
        if not call.entry.buffers:
            return "the buffer was not captured"
        problem = None
        for view in call.entry.buffers:
            size = view.byte_count
            if isinstance(size, NoValue):
                return f"the MDL: {size}"
            missing = view.missing()
            if missing is not None:
                problem = f"the buffer: {missing}"
            disk.extents.put(base, base + size, self._extents.put(call.number, base, view))
            self._shapes.take(view)
            base += size
        if problem:
            # Only the unknown part is lost: the extent itself knows what it holds.
            self.cannot_tell(call, problem)
        return None

    def _read(self, call: DecodedCall, disk: Disk) -> None:
        if call.exit is None:
            self.cannot_tell(call, f"did not return: {call.raw.unreturned or 'no reason recorded'}")
            return
        if _failed(call.status):
            self._count_failed(call)
            return
        base = call.entry.disk_byte_offset
        if isinstance(base, NoValue):
            self.cannot_tell(call, f"*DiskByteOffset: {base}")
            return
        if not call.entry.mdls:
            self.cannot_tell(call, "the MDL was not captured")
            return
        difference = Difference()
        unknown: Dict[str, None] = {}
        unmatched = 0
        for index, mdl in enumerate(call.entry.mdls):
            if isinstance(mdl, NoValue):
                unknown[f"the MDL: {mdl}"] = None
                break
            view = given_back(call, index)
            if isinstance(view, NoValue):
                unknown[f"the buffer at return: {view}"] = None
            else:
                if view.held < mdl.byte_count:
                    unknown[f"the buffer at return: {view.missing()}"] = None
                held = min(view.held, mdl.byte_count)
                unmatched += self._one_buffer(call, disk, Given(index, base, held, view), difference, unknown)
            base += mdl.byte_count
        self._unmatched_bytes += unmatched
        self._unmatched_reads += unmatched > 0
        if difference.compared:
            self.checked()
        if difference.first is not None:
            self._report(call, disk, difference, unmatched)
        for reason in unknown:
            self.cannot_tell(call, reason)

    def _one_buffer(
        self, call: DecodedCall, disk: Disk, given: Given, difference: Difference, unknown: Dict[str, None]
    ) -> int:
        """Compare one MDL's buffer; returns how many of its bytes were never written."""
        unmatched = 0
        for start, stop, position in disk.extents.over(given.base, given.base + given.held):
            if position is None:
                unmatched += stop - start
                if len(self._unmatched) < _LISTED:
                    shape = shape_at(given.view, start - given.base)
                    begins = f", begins with {shape}" if shape else ""
                    self._unmatched.append(f"{start:#x} to {stop - 1:#x} (call {call.number}{begins})")
                continue
            extent = self._extents.get(position)
            why = self._uncertain(disk, extent, call)
            part = Difference() if why else difference
            unknown.update(dict.fromkeys(compare(given, (start, stop), extent, call.pages, part)))
            if why and part.count:
                unknown[f"differs from what call {extent.call} wrote at {start:#x}, but {why}"] = None
            elif why:
                difference.compared += part.compared
        return unmatched

    def _uncertain(self, disk: Disk, extent: Extent, call: DecodedCall) -> Optional[str]:
        """Why the extent may no longer be what is on the disk; None where it is."""
        if disk.blind is not None and disk.blind[0] > extent.call:
            return disk.blind[1]
        missing = self._numbers.between(extent.call, call.number)
        if missing is not None:
            return f"call {missing} is missing from the recording and may have written there"
        return None

    def _report(self, call: DecodedCall, disk: Disk, difference: Difference, unmatched: int) -> None:
        first = difference.first
        if first is None:
            return
        shape = self._shape(call, disk, first)
        mdl = call.entry.mdls[first.mdl]
        pfn = None
        if isinstance(mdl, Mdl) and first.page < len(mdl.pfns):
            pfn = f"{mdl.pfns[first.page]:#x}"
        where = f"page {first.page}" if first.mdl == 0 else f"MDL {first.mdl} of the chain, page {first.page}"
        self.find(
            call,
            f"Dump_Read gave back other bytes than Dump_Write was given: call {call.number}, disk offset "
            f"{first.disk_offset:#x}, {where} (PFN {pfn or 'unknown'}), byte {first.byte:#x}: expected "
            f"{first.expected.hex()}, got {first.got.hex()}; {difference.count} of {difference.compared} "
            f"bytes differ, from disk offset {first.disk_offset:#x} to {difference.last:#x}; call "
            f"{first.written_by} wrote them" + (f", in {shape}" if shape else ""),
            {
                "disk_offset": first.disk_offset,
                "last_disk_offset": difference.last,
                "mdl": first.mdl,
                "page": first.page,
                "byte": first.byte,
                "pfn": pfn,
                "expected": first.expected.hex(),
                "got": first.got.hex(),
                "differing_bytes": difference.count,
                "compared_bytes": difference.compared,
                "unmatched_bytes": unmatched,
                "written_by_call": first.written_by,
                "known_shape": shape,
            },
        )

    def _shape(self, call: DecodedCall, disk: Disk, first: First) -> Optional[str]:
        """What the page was known to be that the first differing byte is in."""
        for _, _, position in disk.extents.over(first.disk_offset, first.disk_offset + 1):
            if position is not None:
                return shape_given(self._extents.get(position), first.disk_offset, call.pages)
        return None


def _failed(status: Optional[NtStatus]) -> bool:
    return status is not None and not status.is_success


def _text(status: Optional[NtStatus]) -> str:
    return "no status" if status is None else status_text(status)
