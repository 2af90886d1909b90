"""A waiver: a breach that somebody accepts for a while. Reading and applying them is elsewhere."""

import datetime
from dataclasses import dataclass
from typing import Optional

__all__ = ["Waiver"]


@dataclass(frozen=True)
class Waiver:
    """One accepted breach.

    Attributes:
        rule: the rule's id.
        filter: the driver's plain name.
        reason: why the breach is accepted.
        owner: who answers for that.
        expires: the last day on which it holds.
        platform: only for recordings of this platform; None for all.
        callback: only for findings at this callback; None for all.
        line: where in its file it begins, from 1; 0 where it is of no file.
    """

    rule: str
    filter: str
    reason: str
    owner: str
    expires: datetime.date
    platform: Optional[str] = None
    callback: Optional[str] = None
    line: int = 0
