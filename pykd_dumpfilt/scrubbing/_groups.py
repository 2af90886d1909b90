"""Which bytes of which pages belong at the same place, as far as anybody compares them.

A weighted union-find. Its nodes are pages and blocks of the disk; a link says how many bytes from one node's
beginning the other begins. Nodes that are linked, over however many steps, are a group, and every node has a
position in it. A link that contradicts what is known (a page whose content is found at two places of what is
one group already) does not break the group: from then on positions count modulo the greatest common divisor
of all such contradictions, which is the finest measure by which both places are the same one.
"""

from array import array
from math import gcd
from typing import NamedTuple, Optional, Tuple

__all__ = ["MAX_POSITION", "Groups", "Place"]

MAX_POSITION = 1 << 60
"""Positions are smaller than that, or are counted modulo that."""

_NO_NUMBER = (1 << 64) - 1
_NO_ORIGIN = -(1 << 63)
_TWO_ORIGINS = _NO_ORIGIN + 1


class Place(NamedTuple):
    """Where a node begins.

    Attributes:
        root: the node that stands for the group, for as long as no link is added.
        position: bytes from the root's beginning.
        modulus: by which positions of the group count; 0 where they are all different places.
        origin: the disk offset of position 0; None where the group has none, or more than one.
        lowest: the smallest page number in the group; None where it has no page.
    """

    root: int
    position: int
    modulus: int
    origin: Optional[int]
    lowest: Optional[int]


class Groups:
    """Nodes by number, from 0. Memory: 38 bytes for each."""

    def __init__(self) -> None:
        self._parent: array[int] = array("I")
        self._offset: array[int] = array("q")
        """From the parent's beginning to the node's."""
        self._rank = bytearray()
        # Of roots alone:
        self._modulus: array[int] = array("Q")
        self._origin: array[int] = array("q")
        self._lowest: array[int] = array("Q")

    def __len__(self) -> int:
        return len(self._parent)

    def add(self, page: Optional[int] = None, origin: Optional[int] = None) -> int:
        """A new node: a page by its number, or a block by its disk offset."""
        node = len(self._parent)
        self._parent.append(node)
        self._offset.append(0)
        self._rank.append(0)
        self._modulus.append(0)
        self._origin.append(_NO_ORIGIN if origin is None else origin)
        self._lowest.append(_NO_NUMBER if page is None else page)
        return node

    def link(self, one: int, two: int, distance: int) -> None:
        """Node ``two`` begins ``distance`` bytes after node ``one``."""
        root, position = self._find(one)
        other, offset = self._find(two)
        distance += position - offset
        if root == other:
            modulus = self._modulus[root]
            wrong = abs(distance) % modulus if modulus else abs(distance)
            if wrong:
                self._modulus[root] = gcd(modulus, wrong)
            return
        if self._rank[root] < self._rank[other]:
            root, other, distance = other, root, -distance
        elif self._rank[root] == self._rank[other]:
            self._rank[root] += 1
        self._modulus[root] = gcd(self._modulus[root], self._modulus[other])
        self._origin[root] = self._one_origin(root, other, distance)
        self._lowest[root] = min(self._lowest[root], self._lowest[other])
        self._parent[other] = root
        self._offset[other] = self._bounded(root, distance)

    def place(self, node: int) -> Place:
        """Where a node is."""
        root, position = self._find(node)
        origin, lowest = self._origin[root], self._lowest[root]
        return Place(
            root,
            position,
            self._modulus[root],
            None if origin in (_NO_ORIGIN, _TWO_ORIGINS) else origin,
            None if lowest == _NO_NUMBER else lowest,
        )

    def _find(self, node: int) -> Tuple[int, int]:
        """The root, and how far from its beginning the node begins."""
        parent, offset = self._parent, self._offset
        root, total = node, 0
        while parent[root] != root:
            total += offset[root]
            root = parent[root]
        found = total
        while parent[node] != root and node != root:
            above, step = parent[node], offset[node]
            parent[node] = root
            offset[node] = self._bounded(root, total)
            node, total = above, total - step
        return root, found

    def _bounded(self, root: int, position: int) -> int:
        """A position that an array can hold. No disk is so large: whoever wrote such a recording gets by with
        a coarser measure."""
        if abs(position) < MAX_POSITION:
            return position
        self._modulus[root] = gcd(self._modulus[root], MAX_POSITION)
        return position % MAX_POSITION

    def _one_origin(self, root: int, other: int, distance: int) -> int:
        one, two = self._origin[root], self._origin[other]
        if two == _NO_ORIGIN or one == _TWO_ORIGINS:
            return one
        if two == _TWO_ORIGINS:
            return two
        two -= distance
        if one == _NO_ORIGIN:
            return two if abs(two) < 4 * MAX_POSITION else _TWO_ORIGINS
        return one if one == two else _TWO_ORIGINS
