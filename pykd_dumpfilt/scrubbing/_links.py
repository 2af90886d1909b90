"""The first way through a recording: which pages hold bytes of the same place.

Rules compare bytes at one offset of the disk, in whichever buffers and at whichever place of a page they lie;
bytes at one position of a transfer, before and after; the pages of one slot of a buffer, whole, at entry and
at return; and what is mapped with what page frame numbers name. Each of these is a link here.
"""

import typing
from collections import Counter
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..decoded import BufferView, DecodedCall, DecodedSide, Mdl, NoValue, given_back, spans_in_use
from ..entropy import data_looks_random
from ..errors import RecordingError
from ..recording import PAGE_SIZE, Buffer, PageSource, Piece
from ..rules import KNOWN_BEGINNINGS
from ._clear import ClearSpans
from ._common import CommonValues
from ._groups import Groups, Place
from ._numbers import NumberIndex

__all__ = ["Links", "mapped_places", "usual_phase"]

_ZEROS = bytes(PAGE_SIZE)
_SECTOR = 512
_MAX_NAMES = 1 << 16
# A disk that large does not exist; past it are places of transfers whose disk offset is not known.
_DISK_END = 1 << 56
_NOWHERE = 1 << 57
_TRANSFER = 1 << 36
_TRANSFERS = 1 << 20

# From _PLAIN on a page has contents to replace.
_ZERO, _UNREADABLE, _PLAIN, _RANDOM = range(4)
_NAME_SIZES = sorted({len(name) for name in KNOWN_BEGINNINGS})


class Links:
    """Pages and blocks of the disk, and where they are. Memory: some 65 bytes for each of either.

    Attributes:
        groups: what is linked; its nodes are numbered as pages and blocks came.
        clear: bytes that must stay as they are.
        common: the byte values of the pages that do not look random.
    """

    def __init__(self, pages: PageSource, phase: int) -> None:
        """``phase``: where blocks of the disk begin, so that the fewest pages lie in two of them."""
        self.groups = Groups()
        self.clear = ClearSpans()
        self.common = CommonValues()
        self._pages = pages
        self._phase = phase
        # Pages by twice their number, blocks by twice theirs and one.
        self._nodes = NumberIndex()
        self._kinds = bytearray()
        self._named: Dict[int, List[Tuple[int, int]]] = {}
        self._names = 0
        self._transfers = 0

    def take(self, call: DecodedCall) -> None:
        """Learn from a call."""
        base = self._base(call)
        entry, done = call.entry, call.exit
        positions = _positions(entry.buffers)
        for view, position in zip(entry.buffers, positions):
            self._refer(view, base, position)
        self._take_side(entry)
        if done is None:
            return
        put_in = list(zip(done.buffers, _positions(done.buffers)))
        for view, position in put_in:
            self._refer(view, base, position)
        for index, position in enumerate(positions):
            back = given_back(call, index)
            if not isinstance(back, NoValue) and (back, position) not in put_in[index : index + 1]:
                self._refer(back, base, position)
        for one, two in zip(entry.buffers, done.described_at_entry):
            self._same_slots(call, one.raw, two.raw)
        for before, after in zip(entry.raw.around, done.raw.around):
            self._same_slots(call, before, after)
        self._take_side(done)

    def settle(self) -> None:
        """All calls were taken."""
        self.clear.settle(self.groups)
        self._named.clear()

    def node(self, number: int) -> Optional[int]:
        """The node of a page; None where no call named it."""
        return self._nodes.find(2 * number)

    def place(self, number: int) -> Optional[Place]:
        """Where a page belongs; None for one of zeros, and for one that cannot be read."""
        node = self.node(number)
        return None if node is None or self._kinds[node] < _PLAIN else self.groups.place(node)

    def looked_random(self, number: int) -> bool:
        """Whether a page's contents look random."""
        node = self.node(number)
        return node is not None and self._kinds[node] == _RANDOM

    def first_page(self, place: Place) -> int:
        """Where in its group the page of the lowest number begins."""
        node = None if place.lowest is None else self.node(place.lowest)
        return 0 if node is None else self.groups.place(node).position

    def _base(self, call: DecodedCall) -> int:
        """The disk offset of the transfer; where nobody knows it, one that no other transfer has."""
        offset = call.entry.disk_byte_offset
        if not isinstance(offset, NoValue) and abs(offset) < _DISK_END:
            return offset
        self._transfers = (self._transfers + 1) % _TRANSFERS
        return _NOWHERE + self._transfers * _TRANSFER

    def _refer(self, view: BufferView, base: int, position: Optional[int]) -> None:
        """A buffer whose first byte is at a position of a transfer that begins at disk offset ``base``."""
        nodes = [None if number is None else self._page(number) for number in view.raw.pages]
        if position is None:
            return
        at = base + position
        for index, node in enumerate(nodes):
            if node is None:
                continue
            begins = at - view.raw.offset + index * PAGE_SIZE
            first, end = max(begins, at), min(begins + PAGE_SIZE, at + view.held)
            if first < end:
                for block in range(
                    (first - self._phase) // PAGE_SIZE, (end - 1 - self._phase) // PAGE_SIZE + 1
                ):
                    where = block * PAGE_SIZE + self._phase
                    self.groups.link(self._block(block, where), node, begins - where)
        if self._named:
            self._clear_names(view, nodes, (0, position, at))
        if any(0 < (start - view.raw.offset) % _SECTOR < _NAME_SIZES[-1] for start in (0, position, at)):
            self._clear_split_names(view, nodes, (0, position, at))

    def _take_side(self, side: DecodedSide) -> None:
        for buffer in (*side.raw.source, *side.raw.around):
            for number in buffer.pages:
                if number is not None:
                    self._page(number)
        for piece in side.mapped:
            for _, _, places in mapped_places(side, piece):
                nodes = [(self._page(number), byte) for number, byte in places]
                known = [(node, byte) for node, byte in nodes if node is not None]
                for node, byte in known[1:]:
                    self.groups.link(known[0][0], node, known[0][1] - byte)

    def _same_slots(self, call: DecodedCall, before: Buffer, after: Buffer) -> None:
        for one, two in zip(before.pages, after.pages):
            if one is None or two is None or one == two:
                continue
            node, other = self._page(one), self._page(two)
            if node is not None and other is not None:
                self.groups.link(node, other, 0)
            if node is not None:
                for first, end in spans_in_use(call, self._pages.page(one)):
                    self.clear.add(node, first, end)

    def _page(self, number: int) -> Optional[int]:
        """The node of a page that has contents to replace."""
        node = self._nodes.find(2 * number)
        if node is None:
            node = self._new_page(number)
        return node if self._kinds[node] >= _PLAIN else None

    def _new_page(self, number: int) -> int:
        try:
            content = self._pages.page(number)
        except RecordingError:
            kind = _UNREADABLE
        else:
            kind = self._look(number, content)
        self._nodes.add(2 * number)
        self._kinds.append(kind)
        return self.groups.add(page=number)

    def _look(self, number: int, content: bytes) -> int:
        if content == _ZEROS:
            return _ZERO
        if self._names < _MAX_NAMES:
            found = list(_names_in(content))
            if found:
                self._named[number] = found
                self._names += len(found)
        if data_looks_random(content):
            return _RANDOM
        self.common.take(content)
        return _PLAIN

    def _block(self, block: int, where: int) -> int:
        node = self._nodes.find(2 * block + 1)
        if node is not None:
            return node
        self._nodes.add(2 * block + 1)
        self._kinds.append(_PLAIN)
        return self.groups.add(origin=where if abs(where) < _NOWHERE else None)

    def _clear_names(
        self, view: BufferView, nodes: Sequence[Optional[int]], starts: Tuple[int, int, int]
    ) -> None:
        """Names with which a sector begins, counted from the buffer's, the transfer's or the disk's start."""
        for index, (number, node) in enumerate(zip(view.raw.pages, nodes)):
            if node is None or number is None:
                continue
            for byte, size in self._named.get(number, ()):
                position = index * PAGE_SIZE + byte - view.raw.offset
                if 0 <= position < view.held and _begins_sector(position, starts):
                    self.clear.add(node, byte, byte + size)

    def _clear_split_names(
        self, view: BufferView, nodes: Sequence[Optional[int]], starts: Tuple[int, int, int]
    ) -> None:
        """The same for names that begin at the end of one page and go on in the next."""
        for index in range(len(nodes) - 1):
            one, two = nodes[index], nodes[index + 1]
            numbers = view.raw.pages[index], view.raw.pages[index + 1]
            if one is None or two is None or numbers[0] is None or numbers[1] is None:
                continue
            for before in range(1, _NAME_SIZES[-1]):
                position = (index + 1) * PAGE_SIZE - before - view.raw.offset
                if 0 <= position < view.held and _begins_sector(position, starts):
                    data = self._pages.page(numbers[0])[-before:] + self._pages.page(numbers[1])
                    for size in _NAME_SIZES:
                        if before < size and data[:size] in KNOWN_BEGINNINGS:
                            self.clear.add(one, PAGE_SIZE - before, PAGE_SIZE)
                            self.clear.add(two, 0, size - before)


def usual_phase(calls: Iterator[DecodedCall], most: int = 1024) -> int:
    """Where in a block of the disk pages of buffers mostly begin, over the first transfers."""
    seen: typing.Counter[int] = Counter()
    for _, call in zip(range(most), calls):
        offset = call.entry.disk_byte_offset
        if isinstance(offset, NoValue):
            continue
        for view, position in zip(call.entry.buffers, _positions(call.entry.buffers)):
            if position is not None and view.held:
                seen[(offset + position - view.raw.offset) % PAGE_SIZE] += len(view.raw.pages)
    return seen.most_common(1)[0][0] if seen else 0


def mapped_places(side: DecodedSide, piece: Piece) -> Iterator[Tuple[int, int, List[Tuple[int, int]]]]:
    """The parts (first, end) of mapped bytes, and for each of them the pages, with the byte it begins at,
    that are to hold the same."""
    matches: List[Tuple[BufferView, int]] = []
    cuts = {*range(0, len(piece.data), PAGE_SIZE), len(piece.data)}
    for mdl, view in zip(side.mdls, side.buffers):
        if isinstance(mdl, Mdl):
            position = piece.address - mdl.mapped_system_va
            if 0 <= position < mdl.byte_count:
                matches.append((view, position))
                cuts.update(range(PAGE_SIZE - view.locate(position)[1], len(piece.data), PAGE_SIZE))
    ends = sorted(cuts)
    for first, end in zip(ends, ends[1:]):
        places = []
        for view, position in matches:
            if position + first < view.held:
                index, byte = view.locate(position + first)
                number = view.raw.pages[index]
                if number is not None:
                    places.append((number, byte))
        yield first, end, places


def _positions(views: Sequence[BufferView]) -> List[Optional[int]]:
    """Where in the transfer each buffer begins; None past an MDL that cannot be decoded."""
    found: List[Optional[int]] = []
    position: Optional[int] = 0
    for view in views:
        found.append(position)
        size = view.byte_count
        position = None if position is None or isinstance(size, NoValue) else position + size
    return found


def _names_in(content: bytes) -> Iterator[Tuple[int, int]]:
    for name in KNOWN_BEGINNINGS:
        at = content.find(name)
        while at >= 0:
            yield at, len(name)
            at = content.find(name, at + 1)


def _begins_sector(position: int, starts: Tuple[int, int, int]) -> bool:
    return any((start + position) % _SECTOR == 0 for start in starts)
