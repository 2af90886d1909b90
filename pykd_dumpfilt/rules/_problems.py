"""Why a stream of records is not whole."""

from typing import List, Sequence, Tuple

from ..recording import Fault

__all__ = ["Problems"]

_LISTED = 3


class Problems:
    """Collects the tool's faults, and puts them in words with what else is missing; in bounded memory."""

    def __init__(self) -> None:
        self._faults: List[str] = []
        self._count = 0

    def fault(self, record: Fault) -> None:
        """The tool failed while it traced."""
        self._count += 1
        if len(self._faults) < _LISTED:
            self._faults.append(f"the tool failed while {record.during}: {record.message}")

    def sentences(self, damage: Sequence[str] = (), lost: int = 0) -> Tuple[str, ...]:
        """All of it; nothing where the stream is whole.

        Args:
            damage: what is missing of the recording, as sentences.
            lost: calls that happened and could not be kept.
        """
        found = [*damage, *self._faults]
        if self._count > len(self._faults):
            found.append(f"and {self._count - len(self._faults)} more faults of the tool")
        if lost:
            found.append(f"{lost} calls happened and could not be recorded")
        return tuple(found)
