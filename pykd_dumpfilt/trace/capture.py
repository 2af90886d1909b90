"""What is read from the target at each side of a call, within bounds.

Nothing read here is trusted: a filter may hand on any pointer, any MDL, any ByteCount. A read that fails
becomes a value with a reason.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import AbstractSet, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ..debugger import PAGE_SIZE, Debugger, MemoryReadError, PhysicalAddress, VirtualAddress
from ..errors import TargetError
from ..recording import Buffer, PageStore, Piece
from ..structures import (
    MDL_MAPPED_TO_SYSTEM_VA,
    MDL_SOURCE_IS_NONPAGED_POOL,
    mdl,
    pfn_array,
    span_pages,
)
from .selection import Data
from .stop_memory import Span, StopMemory

__all__ = ["Capture", "CapturedMdl", "Limits"]

# With either flag MappedSystemVa may be used (MmGetSystemAddressForMdlSafe in wdm.h).
_MAPPED = MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL
_MAPPED_HEAD = 64
_HASH_SIZE = 16
_REFUSALS = 16  # of that many physical reads none worked: the target (or its debugger) does not do them
_MAX_PFN = 1 << 40  # 52 bits of physical address, less the 12 bits of a page
_USUAL_PFNS = 17  # MaxPagesPerWrite seen in practice, and one more for a buffer that begins inside a page


@dataclass(frozen=True)
class Limits:
    """Bounds on what one side of a call may cost.

    ``pages`` is per MDL: 1024 pages are 4 MiB, far above the 16 pages (MaxPagesPerWrite) seen in practice.
    ``mdls`` is the length of an MDL chain; the kernel's dump MDLs have no chain at all. ``around`` is how
    many pages before a buffer, and how many behind it, are read as well: what lies there on a real machine
    is anybody's, and over a wire each costs as much as a page of the buffer.
    """

    pages: int = 1024
    mdls: int = 16
    around: int = 0


@dataclass(frozen=True)
class CapturedMdl:
    """One MDL of the chain, and what of it says where the buffer is."""

    piece: Piece
    pfns: Tuple[int, ...] = ()
    byte_count: int = 0
    byte_offset: int = 0
    mapped_system_va: Optional[VirtualAddress] = None
    truncated: Optional[str] = None


class Capture:
    """Reads a target's memory into a page store."""

    def __init__(self, debugger: Debugger, pages: PageStore, limits: Limits = Limits()) -> None:
        self._debugger = debugger
        self._pages = pages
        self._limits = limits
        self._mdl = mdl(debugger.machine)
        self._physical_works = False
        self._physical_failures = 0

    @property
    def refused(self) -> bool:
        """Whether physical reads were given up: buffers are read where the MDL says that they are mapped."""
        return not self._physical_works and self._physical_failures >= _REFUSALS

    @property
    def looks_around(self) -> bool:
        """Whether the pages next to a buffer are wanted."""
        return self._limits.around > 0

    def mdl_span(self, address: int) -> Span:
        """Where an MDL is with the page frame numbers behind it, if they are as many as usual."""
        return address, self._mdl.size + _USUAL_PFNS * self._debugger.machine.pointer_size

    def mdl_chain(self, memory: StopMemory, address: int) -> List[CapturedMdl]:
        """The MDL at ``address`` and those that its Next leads to."""
        chain: List[CapturedMdl] = []
        seen = set()
        while address and address not in seen and len(chain) < self._limits.mdls:
            seen.add(address)
            captured, address = self._one_mdl(memory, address)
            chain.append(captured)
        return chain

    def buffers(self, chain: Sequence[CapturedMdl], kept: Data = Data.FULL) -> Tuple[Buffer, ...]:
        """What the MDLs describe, as whole pages: through their PFNs, as the disk's DMA sees it, else through
        MappedSystemVa. Those of ``Data.NONE`` and ``Data.HASH`` say why they hold no pages."""
        if kept is Data.NONE:
            return tuple(_left_out(one, kept) for one in chain)
        contents, reasons = self._physical({pfn for one in chain for pfn in one.pfns})
        return tuple(self._buffer(one, contents, reasons, kept) for one in chain)

    def left_out(self, chain: Sequence[CapturedMdl], wanted: Data) -> Tuple[Buffer, ...]:
        """Buffers that are not read, because the trace keeps what ``wanted`` says."""
        return tuple(_left_out(one, wanted) for one in chain)

    def _buffer(
        self, described: CapturedMdl, contents: Dict[int, bytes], reasons: Dict[int, str], kept: Data
    ) -> Buffer:
        pfns = described.pfns
        via, fallback = "physical", None
        pages: Dict[int, bytes] = {n: contents[pfn] for n, pfn in enumerate(pfns) if pfn in contents}
        why = {
            index: reasons.get(pfn, f"PFN {pfn:#x} is past any physical memory")
            for index, pfn in enumerate(pfns)
            if pfn not in contents
        }
        if pfns and not pages and described.mapped_system_va is not None:
            mapped, unmapped = self._virtual(described.mapped_system_va, len(pfns))
            if mapped:
                fallback = why[0]
                via, pages, why = "virtual", mapped, unmapped
        if kept is Data.HASH:
            hashes = tuple(_hash(pages.get(index)) for index in range(len(pfns)))
            return replace(_left_out(described, kept), via=via, hashes=hashes, fallback=fallback)
        held = len(pfns) * PAGE_SIZE - described.byte_offset
        return Buffer(
            via=via,
            offset=described.byte_offset,
            size=max(0, min(described.byte_count, held)),
            pages=self._numbers(pages, len(pfns)),
            unreadable=why,
            truncated=described.truncated,
            fallback=fallback,
        )

    def _numbers(self, pages: Mapping[int, bytes], count: int) -> Tuple[Optional[int], ...]:
        return tuple(self._pages.put(pages[index]) if index in pages else None for index in range(count))

    def mapped(self, memory: StopMemory, described: CapturedMdl, pages: Sequence[int]) -> List[Piece]:
        """The first bytes of some pages of the buffer (by index) through MappedSystemVa, to hold against the
        same bytes through the page frame numbers."""
        address = described.mapped_system_va
        if address is None:
            return [Piece(0, b"", 0, "the MDL says that it is not mapped")]
        pieces = []
        for page in pages:
            skipped = max(0, page * PAGE_SIZE - described.byte_offset)
            size = min(_MAPPED_HEAD, max(1, described.byte_count - skipped))
            pieces.append(memory.piece(address + skipped, size))
        return pieces

    def around(self, described: CapturedMdl) -> Buffer:
        """The pages next to the buffer, before and behind it, where MappedSystemVa shows it."""
        address, count = described.mapped_system_va, self._limits.around
        if address is None or not count:
            return Buffer("virtual", 0, 0, ())
        first = VirtualAddress(address - address % PAGE_SIZE)
        behind = first + max(1, len(described.pfns)) * PAGE_SIZE
        found, reasons = self._virtual(first + -count * PAGE_SIZE, count)
        more, why = self._virtual(behind, count)
        found.update({count + index: page for index, page in more.items()})
        reasons.update({count + index: reason for index, reason in why.items()})
        pages = self._numbers(found, 2 * count)
        return Buffer("virtual", 0, len(pages) * PAGE_SIZE, pages, reasons)

    def _one_mdl(self, memory: StopMemory, address: int) -> Tuple[CapturedMdl, int]:
        header, pfn_size = self._mdl.size, self._debugger.machine.pointer_size
        piece = memory.piece(*self.mdl_span(address))
        if len(piece.data) < header:
            return CapturedMdl(_cut(piece, header)), 0
        fields = self._mdl.parse(piece.data[:header])
        byte_offset = fields.ByteOffset % PAGE_SIZE
        wanted = span_pages(byte_offset, fields.ByteCount)
        kept = min(wanted, self._limits.pages)
        truncated = None
        if kept < wanted:
            truncated = f"{kept} of {wanted} pages kept: the limit of this trace"
        size = header + kept * pfn_size
        piece = memory.piece(address, size) if size > piece.asked else _cut(piece, size)
        count = (len(piece.data) - header) // pfn_size
        mapped = fields.MappedSystemVa if fields.MdlFlags & _MAPPED and fields.MappedSystemVa else None
        captured = CapturedMdl(
            piece=piece,
            pfns=tuple(pfn_array(self._debugger.machine, piece.data[header:], count)),
            byte_count=fields.ByteCount,
            byte_offset=byte_offset,
            mapped_system_va=None if mapped is None else VirtualAddress(mapped),
            truncated=truncated,
        )
        return captured, fields.Next

    def _physical(self, pfns: AbstractSet[int]) -> Tuple[Dict[int, bytes], Dict[int, str]]:
        """Page frames by number, and reasons for those that could not be read. Neighbours are read at once,
        whatever their order and whichever MDL names them: over a wire every read costs a round trip, and a
        page by itself two (see :data:`READ_SIZE`)."""
        if self.refused:
            return {}, dict.fromkeys(pfns, f"physical reads do not work here: the first {_REFUSALS} failed")
        contents: Dict[int, bytes] = {}
        reasons: Dict[int, str] = {}
        frames = sorted(pfn for pfn in pfns if 0 <= pfn < _MAX_PFN)
        first = 0
        while first < len(frames):
            run = 1
            while first + run < len(frames) and frames[first + run] == frames[first] + run:
                run += 1
            data, reason = self._try(PhysicalAddress(frames[first] * PAGE_SIZE), run * PAGE_SIZE)
            self._physical_works |= bool(data)
            self._physical_failures += not data
            whole = _cut_pages(data)
            for page, content in enumerate(whole):
                contents[frames[first + page]] = content
            first += len(whole)
            if reason is not None:
                reasons[frames[first]] = reason
                first += 1
        return contents, reasons

    def _virtual(self, address: VirtualAddress, count: int) -> Tuple[Dict[int, bytes], Dict[int, str]]:
        """The same by index of the page, from the page of ``address`` on."""
        found: Dict[int, bytes] = {}
        reasons: Dict[int, str] = {}
        first = VirtualAddress(address - address % PAGE_SIZE)
        index = 0
        while index < count:
            data, reason = self._try(first + index * PAGE_SIZE, (count - index) * PAGE_SIZE)
            whole = _cut_pages(data)
            for page, content in enumerate(whole):
                found[index + page] = content
            index += len(whole)
            if reason is not None:
                reasons[index] = reason
                index += 1
        return found, reasons

    def _try(self, address: Union[VirtualAddress, PhysicalAddress], size: int) -> Tuple[bytes, Optional[str]]:
        try:
            if isinstance(address, PhysicalAddress):
                return self._debugger.read_physical(address, size), None
            return self._debugger.read_virtual(address, size), None
        except MemoryReadError as error:
            return error.data, error.reason
        except TargetError as error:
            return b"", str(error)


_WANTED = {
    Data.AFTER: "this trace keeps contents at the return only (--data after)",
    Data.HASH: "this trace keeps hashes of pages only (--data hash)",
    Data.NONE: "this trace keeps no contents (--data none)",
}


def _left_out(described: CapturedMdl, wanted: Data) -> Buffer:
    return Buffer("physical", described.byte_offset, 0, (), {}, _WANTED[wanted])


def _hash(page: Optional[bytes]) -> Optional[str]:
    return None if page is None else hashlib.blake2b(page, digest_size=_HASH_SIZE).hexdigest()


def _cut_pages(data: bytes) -> List[bytes]:
    return [data[at : at + PAGE_SIZE] for at in range(0, len(data) - PAGE_SIZE + 1, PAGE_SIZE)]


def _cut(piece: Piece, size: int) -> Piece:
    """The first ``size`` bytes of a piece that was read longer than needed, as if just they were asked."""
    data = piece.data[:size]
    return Piece(piece.address, data, size, None if len(data) == size else piece.missing)
