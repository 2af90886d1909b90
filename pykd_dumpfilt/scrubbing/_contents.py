"""The second way through a recording: each page replaced, once, when a call first names it."""

from array import array
from dataclasses import dataclass
from typing import Sequence, Set, Tuple, Union

from ..entropy import data_looks_random
from ..errors import RecordingError, ScrubError
from ..recording import PageSource, PageStore
from ._groups import Place
from ._links import Links
from ._permutation import Permutation

__all__ = ["Contents", "Counts"]

_NEW = 0xFFFFFFFF


@dataclass
class Counts:
    """Of pages that calls name.

    Attributes:
        pages: how many.
        zeros: of them those of zeros alone.
        repeating: those in a group whose positions count modulo something, and so are not all different.
        looks_changed: those that look random and did not, or did and do not.
        unreadable: those that are damaged; the new recording says that they are missing.
    """

    pages: int = 0
    zeros: int = 0
    repeating: int = 0
    looks_changed: int = 0
    unreadable: int = 0


class Contents:
    """Replaces pages and pieces of them. Memory: 4 bytes for each page and block that ``links`` knows."""

    def __init__(
        self, pages: PageSource, store: PageStore, links: Links, permutation: Permutation, name: bytes
    ) -> None:
        """``name``: tells the recording from others of the same key, whose places are not these."""
        self.counts = Counts()
        self._pages = pages
        self._store = store
        self._links = links
        self._permutation = permutation
        self._name = name
        self._numbers = array("I", [_NEW]) * len(links.groups)
        self._unreadable: Set[int] = set()

    def page(self, number: int) -> Union[int, str]:
        """The number of the page that replaces page ``number``, or a sentence where that cannot be read.

        Raises:
            ScrubError: the first way through the recording did not come across it.
        """
        node = self._links.node(number)
        if node is None:
            raise ScrubError("the recording has grown while it was scrubbed: end the trace first (stop)")
        if self._numbers[node] == _NEW:
            try:
                content = self._pages.page(number)
            except RecordingError as error:
                self._unreadable.add(number)
                self.counts.unreadable = len(self._unreadable)
                return f"in the recording that was scrubbed: {error}"
            self._numbers[node] = self._store.put(self._page(number, content))
        return self._numbers[node]

    def piece(self, places: Sequence[Tuple[int, int]], address: int, data: bytes) -> bytes:
        """What replaces bytes that are also in pages, by number and the byte they begin at, where one of
        these has a place; else they go by their address."""
        for number, byte in places:
            place = self._links.place(number)
            if place is not None:
                return self._replaced(place, byte, data)
        return self._permutation.replace(b"address", address, 0, data)

    def _page(self, number: int, content: bytes) -> bytes:
        self.counts.pages += 1
        place = self._links.place(number)
        if place is None:
            self.counts.zeros += 1
            return content
        self.counts.repeating += place.modulus != 0
        replaced = self._replaced(place, 0, content)
        self.counts.looks_changed += self._links.looked_random(number) != data_looks_random(replaced)
        return replaced

    def _replaced(self, place: Place, byte: int, data: bytes) -> bytes:
        place = place._replace(position=place.position + byte)
        space, position = self._where(place)
        found = bytearray(self._permutation.replace(space, position, place.modulus, data))
        for first, end in self._links.clear.over(place, len(data)):
            found[first:end] = data[first:end]
        return bytes(found)

    def _where(self, place: Place) -> Tuple[bytes, int]:
        """The space and the position by which permutations are chosen: the disk where the whole group is at
        home there (then two recordings agree on it), else the group itself."""
        if place.origin is not None and not place.modulus:
            return b"disk", place.origin + place.position
        space = b"page" + (place.lowest or 0).to_bytes(8, "little") + self._name
        return space, place.position - self._links.first_page(place)
