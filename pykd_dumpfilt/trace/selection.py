"""What of a dump is captured: for dumps too long to capture whole over a slow line.

A recording says what was left out on purpose: the header holds the selection, calls that were not captured
take their numbers with them, and buffers that were not read say so. Rules judge what is there and accuse
nobody of the rest.
"""

import enum
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from ..errors import UsageError
from ..recording import CALLBACKS

__all__ = ["Data", "Selection"]

_TRANSFERS = frozenset({"Dump_Write", "Dump_Read"})


class Data(enum.Enum):
    """What is kept of a buffer."""

    FULL = "full"
    """Its pages, at entry and at return."""
    AFTER = "after"
    """Its pages at return."""
    HASH = "hash"
    """A hash of each page, at entry and at return. It is read all the same: this spares disk, no time."""
    NONE = "none"
    """Nothing."""


@dataclass(frozen=True)
class Selection:
    """Which calls are captured, and what of them.

    Attributes:
        callbacks: which are watched. DriverEntry is always: it shows where the others are.
        every: of each copy's Dump_Write and Dump_Read calls, the first and every so manieth after it.
        offset: only transfers that touch these bytes of the disk, first and end.
        data: what is kept of buffers.
        max_hits: after so many calls, tracing ends.
        budget: seconds after the first transfer, when tracing ends.

    Raises:
        UsageError: a value out of range.
    """

    callbacks: Tuple[str, ...] = CALLBACKS
    every: int = 1
    offset: Optional[Tuple[int, int]] = None
    data: Data = Data.FULL
    max_hits: Optional[int] = None
    budget: Optional[float] = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise UsageError(f"every {self.every}th call cannot be captured: from 1 on is possible")
        if self.offset is not None and not 0 <= self.offset[0] < self.offset[1]:
            raise UsageError(
                f"no byte of the disk is from {self.offset[0]:#x} up to {self.offset[1]:#x}: write the "
                "smaller number first"
            )
        if self.max_hits is not None and self.max_hits < 1:
            raise UsageError(f"tracing cannot end after {self.max_hits} calls: from 1 on is possible")
        if self.budget is not None and not self.budget > 0:
            raise UsageError(f"a budget of {self.budget} seconds is spent already: give more")

    def watches(self, callback: str) -> bool:
        """Whether a callback is to be watched."""
        return callback in self.callbacks or callback == "DriverEntry"

    def samples(self, callbacks: Tuple[str, ...], count: int) -> bool:
        """Whether the call that is the ``count``-th (from 0) at its address is one to capture."""
        return self.every == 1 or count % self.every == 0 or not _TRANSFERS.issuperset(callbacks)

    def touches(self, disk_offset: int, size: int) -> bool:
        """Whether a transfer is one to capture, by its place on the disk."""
        return self.offset is None or (disk_offset < self.offset[1] and disk_offset + size > self.offset[0])

    def options(self) -> Dict[str, Any]:
        """What differs from capturing all, for a recording's header."""
        chosen: Dict[str, Any] = {}
        if set(self.callbacks) != set(CALLBACKS):
            chosen["callbacks_watched"] = list(self.callbacks)
        if self.every != 1:
            chosen["every"] = self.every
        if self.offset is not None:
            chosen["offset"] = list(self.offset)
        if self.data is not Data.FULL:
            chosen["data"] = self.data.value
        if self.max_hits is not None:
            chosen["max_hits"] = self.max_hits
        if self.budget is not None:
            chosen["budget"] = self.budget
        return chosen
