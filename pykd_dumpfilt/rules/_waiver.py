"""A waiver: a breach that somebody accepts for a while. Its file and its use are elsewhere."""

import datetime
import re
from dataclasses import dataclass
from typing import Optional

from ..recording import Header

__all__ = ["CALLBACK_SEPARATOR", "Waiver"]

CALLBACK_SEPARATOR = " or "
"""Stands between the names of callbacks that one address serves, as findings show them."""


@dataclass(frozen=True)
class Waiver:
    """One accepted breach.

    Attributes:
        rule: the rule's id.
        filter: the driver's plain name, in upper or lower case.
        reason: why the breach is accepted.
        owner: who answers for that.
        expires: the last day (UTC) on which it holds.
        platform: only for recordings of this platform: words of the recorded machine ("x64") or of the target
            line that the debugger gave ("19041", "Windows 10"), in upper or lower case; None for all.
        callback: only for findings at this callback, or at these, joined by " or "; None for all.
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

    def expired(self, today: datetime.date) -> bool:
        """Whether it accepts nothing any more."""
        return today > self.expires

    def concerns(self, header: Header) -> bool:
        """Whether it is for this recording's filter and platform."""
        if self.filter.casefold() != header.filter.casefold():
            return False
        if self.platform is None:
            return True
        # Whole words: "Windows 1" is not "Windows 10". The line break keeps words of the two apart.
        where = f"{header.machine}\n{header.debugger.get('target', '')}"
        return re.search(rf"(?<!\w){re.escape(self.platform)}(?!\w)", where, re.IGNORECASE) is not None

    def covers(self, rule: str, callback: str) -> bool:
        """Whether it is for findings of this rule at this callback, as :attr:`Finding.callback` names it.

        Where one address serves several callbacks nobody can tell which of them was called, so each of them
        must be among those that the waiver names.
        """
        if self.rule != rule:
            return False
        if self.callback is None:
            return True
        accepted = self.callback.split(CALLBACK_SEPARATOR)
        return set(callback.split(CALLBACK_SEPARATOR)) <= set(accepted)
