"""Counting what a recording may hold any number of, in bounded memory."""

from typing import Dict, Generic, Iterable, Mapping, Tuple, TypeVar

__all__ = ["OTHERS", "Tally"]

OTHERS = "others"
"""What is counted after the first 256 kinds, under one name."""

_MAX_KINDS = 256
_K = TypeVar("_K")


class Tally(Generic[_K]):
    """How often each of the first 256 kinds of things came, and how often any other."""

    def __init__(self) -> None:
        self._counts: Dict[_K, int] = {}
        self._others = 0

    def add(self, kind: _K, count: int = 1) -> None:
        """It came once more, or so many times."""
        if kind in self._counts:
            self._counts[kind] += count
        elif len(self._counts) < _MAX_KINDS:
            self._counts[kind] = count
        else:
            self._others += count

    def update(self, kinds: Iterable[_K]) -> None:
        """Each of them came once more."""
        for kind in kinds:
            self.add(kind)

    def counts(self) -> Mapping[str, int]:
        """By the kind as text, in the order that they came."""
        found = {str(kind): count for kind, count in self._counts.items()}
        if self._others:
            found[OTHERS] = self._others
        return found

    def kinds(self) -> str:
        """The kinds alone, sorted, as one text."""
        found = [str(kind) for kind in sorted(self._counts, key=_order)]
        return ", ".join([*found, OTHERS] if self._others else found)


def _order(kind: object) -> Tuple[int, str]:
    return (kind if isinstance(kind, int) else 0, str(kind))
