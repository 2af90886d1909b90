"""Finds the FILTER_INITIALIZATION_DATA of a copy whose DriverEntry has run, with no symbols.

crashdmp keeps one FILTER_CONTEXT per filter: FILTER_INITIALIZATION_DATA, FILTER_EXTENSION and LIST_ENTRY side
by side, in a list that its own data leads to. That is known from listings of x86 and inferred for x64, so
nothing here leans on a fixed place: the writable data of crashdmp and of the copies is searched for the
shape, then what its pointers lead to, three steps far. Every read costs a packet on the debugger's wire: they
are bounded, and counted. Everything read may be hostile.
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from ..debugger import PAGE_SIZE, READ_SIZE, Debugger, MemoryReadError, Module, VirtualAddress
from ..errors import DumpfiltError, TargetError
from ..recording import Piece
from ..structures import (
    DUMP_FILTER_EXTENSION_SIZE_V1,
    DUMP_FILTER_EXTENSION_SIZE_V2,
    FilterContext,
    filter_contexts,
    filter_extension,
    filter_initialization_data,
)
from .copies import PREFIXES
from .image import Section, read_sections
from .registration import callback_table, is_registration

__all__ = ["CRASHDMP", "Candidate", "Found", "SearchLimits", "find_tables"]

CRASHDMP = "crashdmp"
"""The module that loads the dump stacks and calls their filters."""
_BEHIND_POINTER = (0x600, 0x600, 0x100)
"""How much is read behind what a pointer leads to, by step: contexts with the list's head somewhere in them,
then a FILTER_CONTEXT's LIST_ENTRY."""
_MAX_LIST = 32
_MAX_CANDIDATES = 16
_USUAL_PAGES = 4096  # 16 MiB in one transfer, a thousand times what was seen
_DUMP_TYPE = {"dump_": 1, "hiber_": 2}  # DumpTypeCrashdump, DumpTypeHibernation


@dataclass(frozen=True)
class SearchLimits:
    """Bounds on what a search may cost: reads of up to 3944 bytes in all, and by the end of each step away
    from crashdmp's data; bytes of writable data per image."""

    reads: int = 192
    steps: Tuple[int, int, int] = (80, 120, 160)
    data: int = 0x8000


@dataclass(frozen=True)
class Candidate:
    """One FILTER_CONTEXT that could be a copy's.

    Attributes:
        address: of its FILTER_INITIALIZATION_DATA.
        table: callback name to pointer, 0 where none is registered.
        reached: from where: "crashdmp+0x2140 -> 0xffffab0000001010".
        doubts: what does not agree, or could not be checked; none makes it certain.
    """

    address: int
    table: Mapping[str, int]
    reached: str
    doubts: Tuple[str, ...]

    @property
    def sure(self) -> str:
        """ "certain" or "likely"."""
        return "likely" if self.doubts else "certain"


@dataclass(frozen=True)
class Found:
    """What the search found for one copy.

    Attributes:
        candidates: the surest first.
        reads: what the whole search took, for all copies together.
        cut: whether a limit ended it before it had seen everything.
    """

    module: Module
    candidates: Tuple[Candidate, ...]
    reads: int
    cut: bool

    @property
    def chosen(self) -> Optional[Candidate]:
        """The surest candidate, if all candidates agree on the callbacks. Else nobody knows which is the one
        that crashdmp calls."""
        tables = {tuple(sorted(one.table.items())) for one in self.candidates}
        return self.candidates[0] if len(tables) == 1 else None


def find_tables(
    debugger: Debugger, copies: Sequence[Module], limits: Optional[SearchLimits] = None
) -> List[Found]:
    """Look for the tables of loaded copies; one answer for each, in their order.

    Memory that cannot be read is passed over.

    Raises:
        TargetError: the target does not even list its modules.
    """
    return _Search(debugger, copies, limits or SearchLimits()).run()


@dataclass(frozen=True)
class _Region:
    """Memory that was read. ``via`` is how we came there, ``trusted`` whether from crashdmp's own data.
    Pointers in it count from ``pointers`` on; ``module`` is the one whose data it is."""

    address: int
    data: bytes
    via: str
    trusted: bool
    pointers: int = 0
    module: Optional[Module] = None

    def place(self, address: int) -> str:
        """An address in it, for people."""
        if self.module is not None:
            return f"{self.module.name}+{address - self.module.base:#x}"
        return f"{self.via} -> {address:#x}"


@dataclass(frozen=True)
class _Pointer:
    value: int
    via: str
    trusted: bool


class _SpentError(Exception):
    """The limit of reads is reached."""


class _Reads:
    """Reads through the port, in packets, until the limit."""

    def __init__(self, debugger: Debugger, limit: int) -> None:
        self._debugger = debugger
        self._limit = limit
        self.count = 0

    def read_virtual(self, address: VirtualAddress, size: int) -> bytes:
        data = self.available(int(address), size)
        if len(data) < size:
            raise MemoryReadError(address, size, data, "not readable")
        return data

    def available(self, address: int, size: int) -> bytes:
        """As many bytes as can be read from there on."""
        data = b""
        while len(data) < size:
            if self.count >= self._limit:
                raise _SpentError
            self.count += 1
            try:
                at = VirtualAddress(address + len(data))
                data += self._debugger.read_virtual(at, min(READ_SIZE, size - len(data)))
            except MemoryReadError as error:
                return data + error.data
            except TargetError:
                return data
        return data


class _Search:
    def __init__(self, debugger: Debugger, copies: Sequence[Module], limits: SearchLimits) -> None:
        self._debugger = debugger
        self._copies = list(copies)
        self._limits = limits
        self._machine = debugger.machine
        self._word = self._machine.pointer_size
        self._kernel_begins = 0xFFFF8000_00000000 if self._word == 8 else 0x80000000
        # A FILTER_CONTEXT is tried in its newest form first: the older ones are shorter and ask for less.
        self._contexts = tuple(reversed(filter_contexts(self._machine)))
        self._before = max(one.list_entry for one in self._contexts)
        self._reads = _Reads(debugger, limits.reads)
        self._modules = debugger.modules()
        self._images = sorted((int(one.base), int(one.base) + one.size) for one in self._modules)
        self._regions: List[_Region] = []
        self._code: Dict[int, Optional[Tuple[Section, ...]]] = {}
        self._tried: Set[int] = set()
        self._found: Dict[int, List[Candidate]] = {int(copy.base): [] for copy in self._copies}
        self._cut = False

    def run(self) -> List[Found]:
        try:
            self._look()
        except _SpentError:
            self._cut = True
        answers = []
        for copy in self._copies:
            candidates = sorted(self._found[int(copy.base)], key=lambda one: len(one.doubts))
            answers.append(Found(copy, tuple(candidates), self._reads.count, self._cut))
        return answers

    def _look(self) -> None:
        roots = self._roots()
        # What crashdmp leads to settles it, mostly, and then the copies' own pointers need not be followed.
        for trusted in (True, False):
            level = [region for region in roots if region.trusted is trusted]
            for behind, limit in zip(_BEHIND_POINTER, self._limits.steps):
                level = self._follow(level, behind, limit if trusted else self._limits.reads)

    def _follow(self, level: List[_Region], behind: int, limit: int) -> List[_Region]:
        """Look at what the regions point at; the regions that this gives."""
        reached: List[_Region] = []
        for pointer in self._pointers(level):
            if self._settled():
                break
            if self._reads.count >= limit:
                self._cut = True
                break
            region = self._around(pointer, behind)
            if region is not None:
                self._scan(region)
                reached.append(region)
        return reached

    def _settled(self) -> bool:
        """Whether every copy has a table that nothing speaks against."""
        return all(any(not one.doubts for one in found) for found in self._found.values())

    # Memory

    def _roots(self) -> List[_Region]:
        """The writable data of crashdmp and of the copies."""
        crashdmp = [one for one in self._modules if one.name.lower() == CRASHDMP]
        regions = []
        for module in (*crashdmp, *self._copies):
            left = self._limits.data
            for section in self._sections(module) or ():
                if section.writable and not section.discardable and left > 0:
                    size = min(section.size, left)
                    left -= size
                    self._cut = self._cut or size < section.size
                    data = self._reads.available(int(section.address), size)
                    trusted = module in crashdmp
                    regions.append(_Region(int(section.address), data, "", trusted, module=module))
        self._regions += regions
        for region in regions:
            self._scan(region)
        return regions

    def _sections(self, module: Module) -> Optional[Tuple[Section, ...]]:
        """A module's sections; None where its headers cannot be read."""
        base = int(module.base)
        if base not in self._code:
            try:
                self._code[base] = read_sections(self._reads, module)
            except DumpfiltError:
                self._code[base] = None
        return self._code[base]

    def _around(self, pointer: _Pointer, behind: int) -> Optional[_Region]:
        """The surroundings of what a pointer leads to; None where they are known already, or cannot be
        read."""
        # Within its page: a block of less than a page does not cross one, a larger one begins on one.
        page = pointer.value - pointer.value % PAGE_SIZE
        begin = max(page, pointer.value - self._before)
        end = min(page + PAGE_SIZE, pointer.value + behind)
        if self._holds(begin, end - begin) is not None:
            return None
        data = self._reads.available(begin, end - begin)
        if pointer.value - begin >= len(data):
            return None
        region = _Region(begin, data, pointer.via, pointer.trusted, pointer.value - begin)
        self._regions.append(region)
        return region

    def _holds(self, address: int, size: int) -> Optional[bytes]:
        """That memory, if it has been read."""
        for region in self._regions:
            at = address - region.address
            if at >= 0 and at + size <= len(region.data):
                return region.data[at : at + size]
        return None

    def _bytes(self, address: int, size: int) -> Optional[bytes]:
        """Exactly that many bytes, from what was read already where it holds them; None where they cannot be
        read."""
        data = self._holds(address, size)
        if data is None:
            data = self._reads.available(address, size)
        return data if len(data) == size else None

    def _pointers(self, regions: Iterable[_Region]) -> Iterator[_Pointer]:
        """What the regions point at in the kernel's memory outside of images; what looks like a LIST_ENTRY
        first, and most of all one of a list with a single member."""
        ranked: List[Tuple[int, int, _Pointer]] = []
        seen: Set[int] = set()
        for region in regions:
            first = -(-region.pointers // self._word) * self._word
            count = (len(region.data) - first) // self._word
            form = "Q" if self._word == 8 else "I"
            words = struct.unpack_from(f"<{count}{form}", region.data, first) if count > 0 else ()
            for index, value in enumerate(words):
                if value in seen or not self._leads_on(value):
                    continue
                seen.add(value)
                place = region.address + first + index * self._word
                after = words[index + 1] if index + 1 < count else 0
                rank = 2
                if value != place and self._leads_on(after):
                    rank = 0 if after == value else 1
                pointer = _Pointer(value, region.place(place), region.trusted)
                ranked.append((rank, len(ranked), pointer))
        return (one[2] for one in sorted(ranked, key=lambda one: one[:2]))

    def _leads_on(self, value: int) -> bool:
        if not self._is_address(value):
            return False
        image = bisect_right(self._images, (value, 1 << 64)) - 1
        return image < 0 or value >= self._images[image][1]

    # Shape

    def _scan(self, region: _Region) -> None:
        """Note every FILTER_CONTEXT in a region."""
        for version in (b"\1\0\0\0\0\0\0\0", b"\2\0\0\0\0\0\0\0"):  # MajorVersion 1 or 2, MinorVersion 0
            at = region.data.find(version)
            while at >= 0:
                if (region.address + at) % self._word == 0:
                    self._try(region, region.address + at)
                at = region.data.find(version, at + 1)

    def _try(self, region: _Region, address: int) -> None:
        if address in self._tried:
            return
        self._tried.add(address)
        if not self._is_worth_a_look(address):
            return
        best: Optional[Tuple[Module, Candidate]] = None
        for context in self._contexts:
            found = self._as(context, region, address)
            if found is not None and (best is None or len(found[1].doubts) < len(best[1].doubts)):
                best = found
        if best is not None:
            known = self._found[int(best[0].base)]
            if len(known) < _MAX_CANDIDATES:
                known.append(best[1])

    def _is_worth_a_look(self, address: int) -> bool:
        """Whether the callbacks that all forms have at one place may be some copy's."""
        data = self._bytes(address, self._contexts[-1].filter_initialization_data_size)
        if data is None:
            return False
        fields = filter_initialization_data(self._machine, len(data)).parse(data)
        names = ("DumpStart", "DumpWrite", "DumpFinish", "DumpUnload")
        pointers = [fields[name] for name in names if fields[name]]
        return any(all(pointer in copy for pointer in pointers) for copy in self._copies)

    def _as(
        self, context: FilterContext, region: _Region, address: int
    ) -> Optional[Tuple[Module, Candidate]]:
        """The FILTER_CONTEXT at an address, if it is one of that form."""
        raw = self._bytes(address, context.list_entry + 2 * self._word)
        if raw is None:
            return None
        size = context.filter_initialization_data_size
        table_data = raw[:size]
        fields = filter_initialization_data(self._machine, size).parse(table_data)
        old = context == self._contexts[-1]
        layout = filter_extension(self._machine, 1 if old else 2)
        begin = context.filter_extension
        extension_data = raw[begin : begin + layout.size]
        extension = layout.parse(extension_data)
        dump_type = int.from_bytes(extension_data[:4], "little")
        if dump_type not in _DUMP_TYPE.values():
            return None
        module = next((c for c in self._copies if is_registration(fields, extension.DumpData, c)), None)
        table = callback_table(self._debugger, Piece(address, table_data, size))
        if module is None or table is None:
            return None
        sections = self._sections(module)
        pointers = [pointer for pointer in table.values() if pointer]
        if sections and not all(any(p in one and one.executable for one in sections) for p in pointers):
            return None
        doubts: List[str] = []
        if not region.trusted:
            doubts.append("nothing in crashdmp's data leads there")
        if not sections:
            doubts.append("the image's headers cannot be read, so its pointers may lead to data")
        if dump_type != self._expected_type(module):
            doubts.append(f"its DumpType is {dump_type}")
        if fields["MaxPagesPerWrite"] > _USUAL_PAGES:
            doubts.append(f"its MaxPagesPerWrite is {fields['MaxPagesPerWrite']}")
        if not self._kernel_begins <= extension.DeviceObject:
            doubts.append(f"its DeviceObject is {extension.DeviceObject:#x}")
        doubts += self._size_doubts(None if old else extension.Size)
        doubt = self._list_doubt(region, address + context.list_entry)
        if doubt is not None:
            doubts.append(doubt)
        reached = region.via if region.module is None else region.place(address)
        return module, Candidate(address, table, reached, tuple(doubts))

    @staticmethod
    def _expected_type(module: Module) -> Optional[int]:
        name = module.name.lower()
        return next((_DUMP_TYPE[prefix] for prefix in PREFIXES if name.startswith(prefix)), None)

    def _size_doubts(self, size: Optional[int]) -> List[str]:
        known = (DUMP_FILTER_EXTENSION_SIZE_V1[self._machine], DUMP_FILTER_EXTENSION_SIZE_V2[self._machine])
        if size is None or size in known:
            return []
        return [f"FILTER_EXTENSION.Size is {size:#x}, not {known[1]:#x}"]

    def _list_doubt(self, region: _Region, entry: int) -> Optional[str]:
        """Walk the list that a LIST_ENTRY is on; what is wrong with it, None for nothing. Its other members
        are looked at, too: crashdmp's list is where a second FILTER_CONTEXT of the copy would be."""
        via = region.via if region.module is None else region.place(entry)
        members: List[_Region] = []
        try:
            node = entry
            for length in range(_MAX_LIST):
                links = self._links(node)
                if links is None:
                    return f"its list cannot be read at {node:#x}"
                if self._is_address(links[0]):
                    member = self._around(_Pointer(links[0], via, region.trusted), 2 * self._word)
                    members += [] if member is None else [member]
                following = self._links(links[0])
                if following is None:
                    return f"its list cannot be read at {links[0]:#x}"
                if following[1] != node:
                    return f"its list is broken: the LIST_ENTRY at {links[0]:#x} does not point back"
                node = links[0]
                if node == entry:
                    return None if length else "its LIST_ENTRY points at itself, so it is on no list"
            return f"its list has more than {_MAX_LIST} members"
        except _SpentError:
            self._cut = True
            return "the limit of this search was reached before its list had been seen"
        finally:
            for member in members:
                self._scan(member)

    def _is_address(self, value: int) -> bool:
        return value >= self._kernel_begins and value % self._word == 0

    def _links(self, address: int) -> Optional[Tuple[int, int]]:
        """Flink and Blink of a LIST_ENTRY; None where there can be none."""
        if not self._is_address(address):
            return None
        data = self._bytes(address, 2 * self._word)
        if data is None:
            return None
        flink = int.from_bytes(data[: self._word], "little")
        return flink, int.from_bytes(data[self._word :], "little")
