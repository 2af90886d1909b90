"""Dump_Write: what a buffer must be like that a filter puts in the place of its caller's.

Source: Microsoft's page "DUMP_WRITE callback function" (ntdddump.h): allocate a second buffer of
MaxPagesPerWrite pages, copy, and update the MDL with the new buffer's address, which must be page aligned.
What MdlFlags say is not held against a filter: TrueCrypt and VeraCrypt restore the old flags on purpose.
"""

from collections import Counter
from typing import Any, ClassVar, Iterator, List, Mapping, Set, Tuple

from ..decoded import DecodedCall, Mdl, NoValue, missing_bytes
from ..errors import RecordingError
from ..recording import PAGE_SIZE, Piece
from ..structures import MDL_MAPPED_TO_SYSTEM_VA, MDL_SOURCE_IS_NONPAGED_POOL
from ._kernel import is_kernel_address
from ._originals import OwnPages, all_pfns
from ._rule import Rule

__all__ = ["SubstituteIsAligned", "SubstituteIsMapped", "SubstituteIsOwn"]

_PAGE = "https://learn.microsoft.com/windows-hardware/drivers/ddi/ntdddump/nc-ntdddump-dump_write"
_MAPPED = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL
_LISTED = 16


class _SubstituteRule(Rule):
    """A rule about those MDLs of a chain that describe something else at return than at entry."""

    family = "write"
    source = _PAGE
    callbacks = ("Dump_Write",)

    def check(self, call: DecodedCall) -> None:
        if call.exit is None:
            return
        if not call.entry.mdls or not call.exit.mdls:
            self.cannot_tell(call, "the MDL was not captured")
            return
        replaced: List[Tuple[int, Mdl, Mdl]] = []
        for index, after in enumerate(call.exit.mdls):
            # One more MDL than at entry is new altogether: any other will do to hold it against.
            before = call.entry.mdls[min(index, len(call.entry.mdls) - 1)]
            for when, mdl in (("at entry", before), ("at return", after)):
                if isinstance(mdl, NoValue):
                    self.cannot_tell(call, f"the MDL {when}: {mdl}")
                    return
            assert isinstance(before, Mdl)
            assert isinstance(after, Mdl)
            if _is_replaced(before, after):
                replaced.append((index, before, after))
        self.judge(call, replaced)

    def judge(self, call: DecodedCall, replaced: List[Tuple[int, Mdl, Mdl]]) -> None:
        """Judge the MDLs that describe something else: index in the chain, at entry, at return."""
        raise NotImplementedError


class SubstituteIsAligned(_SubstituteRule):
    """ByteOffset 0 and, where they were changed, StartVa and MappedSystemVa at the start of a page."""

    id = "DF-WRITE-003"
    statement = "A buffer that Dump_Write puts into the MDL begins at the start of a page."
    evidence: ClassVar[Mapping[str, str]] = {
        "mdl": "index of the MDL in the chain",
        "byte_offset": "ByteOffset at return, bytes",
        "start_va": "StartVa at return, an address",
        "mapped_system_va": "MappedSystemVa at return, an address",
    }

    def judge(self, call: DecodedCall, replaced: List[Tuple[int, Mdl, Mdl]]) -> None:
        self.checked()
        for index, before, after in replaced:
            problems = []
            if after.byte_offset and _is_new_data(before, after):
                problems.append(f"ByteOffset is {after.byte_offset:#x}")
            # A StartVa that the system left unaligned or stale is not the filter's.
            if after.start_va != before.start_va and after.start_va % PAGE_SIZE:
                problems.append(f"StartVa is {after.start_va:#x}")
            at = after.mapped_system_va
            if after.mdl_flags & _MAPPED and at != before.mapped_system_va and at % PAGE_SIZE:
                problems.append(f"MappedSystemVa is {at:#x}")
            if problems:
                self.find(
                    call,
                    f"Dump_Write put in a buffer that does not begin at the start of a page: "
                    f"{', '.join(problems)}; the new start address must be page aligned, and ByteOffset 0",
                    {
                        "mdl": index,
                        "byte_offset": after.byte_offset,
                        "start_va": f"{after.start_va:#x}",
                        "mapped_system_va": f"{at:#x}",
                    },
                )
                return


class SubstituteIsMapped(_SubstituteRule):
    """Filters behind this one, and some storage drivers, read through MappedSystemVa; the disk's DMA goes by
    the page frame numbers. The bytes that were recorded (64 at the start of some pages: the first, the last,
    and another one at each call) must be the same either way. Where the MDL at return does not say that it is
    mapped there is nothing to compare."""

    id = "DF-WRITE-004"
    statement = (
        "A buffer that Dump_Write puts into the MDL is mapped at MappedSystemVa and described by the page "
        "frame numbers."
    )
    evidence: ClassVar[Mapping[str, str]] = {
        "mdl": "index of the MDL in the chain",
        "mapped_system_va": "MappedSystemVa at return, an address",
        "page": "index of the page in that MDL's buffer at which the two differ",
        "pfn": "its PFN at return, or null where it was not captured",
        "mapped": "the first 16 bytes that MappedSystemVa shows there, hexadecimal",
        "physical": "the first 16 bytes that the PFN names, hexadecimal",
    }

    def judge(self, call: DecodedCall, replaced: List[Tuple[int, Mdl, Mdl]]) -> None:
        if call.exit is None:
            return
        for index, before, after in replaced:
            if not after.mdl_flags & _MAPPED or not _is_new_data(before, after):
                continue
            if not after.mapped_system_va:
                # It may have been NULL at entry, which is the system's doing.
                if before.mapped_system_va:
                    self.checked()
                    self._report(call, index, after, "is NULL", {})
                    return
                continue
            for piece in call.exit.mapped:
                position = piece.address - after.mapped_system_va
                if not piece.asked or not 0 <= position < after.byte_count:
                    continue
                if self._differs(call, index, after, piece, position):
                    return

    def _differs(self, call: DecodedCall, index: int, mdl: Mdl, piece: Piece, position: int) -> bool:
        if call.exit is None or index >= len(call.exit.buffers):
            self.cannot_tell(call, "the buffer at return was not captured")
            return False
        view = call.exit.buffers[index]
        if view.raw.via != "physical":
            # Both would be the same reading of the same virtual memory.
            self.cannot_tell(call, "the page frame numbers at return name memory that could not be read")
            return False
        size = min(piece.asked, view.held - position)
        if size <= 0:
            self.cannot_tell(call, f"the buffer at return: {view.missing()}")
            return False
        why = missing_bytes(piece, size)
        if why is not None and not piece.data and not is_kernel_address(piece.address, call.machine):
            self.checked()
            self._report(call, index, mdl, "is no kernel address", {})
            return True
        try:
            physical = view.read(position, position + size)
        except RecordingError as error:
            self.cannot_tell(call, str(error))
            return False
        if why is not None:
            self.cannot_tell(call, f"at MappedSystemVa: {why}")
            return False
        self.checked()
        if piece.data[:size] == physical:
            return False
        mapped = piece.data[:16].hex()
        page = view.locate(position)[0]
        pfn = f"{mdl.pfns[page]:#x}" if page < len(mdl.pfns) else None
        self._report(
            call,
            index,
            mdl,
            f"shows {mapped} in page {page}, and its page frame number ({pfn or 'unknown'}) names "
            f"{physical[:16].hex()}",
            {"page": page, "pfn": pfn, "mapped": mapped, "physical": physical[:16].hex()},
        )
        return True

    def _report(
        self, call: DecodedCall, index: int, mdl: Mdl, what: str, evidence: Mapping[str, Any]
    ) -> None:
        self.find(
            call,
            f"Dump_Write put in a buffer whose MappedSystemVa {mdl.mapped_system_va:#x} {what}: set "
            "MappedSystemVa, StartVa and the page frame numbers to one and the same buffer",
            {"mdl": index, "mapped_system_va": f"{mdl.mapped_system_va:#x}", **evidence},
        )


class SubstituteIsOwn(_SubstituteRule):
    """Page frame numbers only. A page of the filter's own buffer (known from earlier calls) that the system
    gives it to write, as a crash dump of all memory does, is not held against it."""

    id = "DF-WRITE-005"
    statement = (
        "A buffer that Dump_Write puts into the MDL has none of its caller's pages, no page twice, and not "
        "more than MaxPagesPerWrite pages."
    )
    evidence: ClassVar[Mapping[str, str]] = {
        "mdl": "index of the MDL in the chain",
        "problem": "what is wrong with its pages",
        "pfns": "list of the first 16 PFNs that it is about",
    }

    def begin(self) -> None:
        super().begin()
        self._own = OwnPages()

    def judge(self, call: DecodedCall, replaced: List[Tuple[int, Mdl, Mdl]]) -> None:
        caller = set(all_pfns(call.entry)) - self._own.known(call)
        self._own.learn(call)
        for _, before, after in replaced:
            for when, mdl in (("at entry", before), ("at return", after)):
                if mdl.pfns_missing is not None:
                    self.cannot_tell(call, f"the MDL's page frame numbers {when}: {mdl.pfns_missing}")
                    return
        self.checked()
        # Where only MappedSystemVa or StartVa changed, the data that goes to disk did not.
        moved = [one for one in replaced if _other_pages(one[1], one[2])]
        for index, before, after in moved:
            for problem, pfns in _own_problems(call, before, after, caller):
                self.find(
                    call,
                    f"Dump_Write put in a buffer {problem}: use one contiguous buffer of your own of "
                    "MaxPagesPerWrite pages",
                    {"mdl": index, "problem": problem, "pfns": [f"{pfn:#x}" for pfn in pfns[:_LISTED]]},
                )
                return
        twice = _twice(pfn for _, _, after in moved for pfn in after.pfns)
        if twice:
            self.find(
                call,
                f"Dump_Write put in a buffer that has {len(twice)} pages twice, first PFN {twice[0]:#x}: "
                "each page of the data needs a page of its own",
                {"problem": "pages twice", "pfns": [f"{pfn:#x}" for pfn in twice[:_LISTED]]},
            )


def _own_problems(
    call: DecodedCall, before: Mdl, after: Mdl, caller: Set[int]
) -> Iterator[Tuple[str, List[int]]]:
    shared = [(page, pfn) for page, pfn in enumerate(after.pfns) if pfn in caller]
    if shared:
        page, pfn = shared[0]
        kept = page < len(before.pfns) and before.pfns[page] == pfn
        yield (
            f"that has {len(shared)} of its caller's pages, first page {page} (PFN {pfn:#x}"
            f"{', kept' if kept else ''})",
            [one for _, one in shared],
        )
    data = call.entry.filter_initialization_data
    if isinstance(data, NoValue) or not data.max_pages_per_write:
        return
    # A transfer that was too large when the system gave it is the system's matter.
    if after.span > max(data.max_pages_per_write, before.span):
        yield (
            f"of {after.span} pages, more than MaxPagesPerWrite ({data.max_pages_per_write})",
            [],
        )


def _twice(pfns: Iterator[int]) -> List[int]:
    return [pfn for pfn, count in Counter(pfns).items() if count > 1]


def _other_pages(before: Mdl, after: Mdl) -> bool:
    """Whether other physical bytes are described. A new ByteOffset changes how many numbers are in use."""
    count = min(len(before.pfns), len(after.pfns))
    return before.pfns[:count] != after.pfns[:count] or before.byte_offset != after.byte_offset


def _is_new_data(before: Mdl, after: Mdl) -> bool:
    """Whether the data is elsewhere, by page frame numbers or by MappedSystemVa."""
    # MmGetSystemAddressForMdlSafe maps an MDL that was not mapped: the same buffer at a first address.
    was_mapped = before.mdl_flags & _MAPPED and before.mapped_system_va
    return _other_pages(before, after) or bool(
        was_mapped and before.mapped_system_va != after.mapped_system_va
    )


def _is_replaced(before: Mdl, after: Mdl) -> bool:
    return _is_new_data(before, after) or before.start_va != after.start_va
