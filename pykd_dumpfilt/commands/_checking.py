"""Reading whole recordings while people wait."""

import datetime
import os
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, Sequence, Type, Union

from ..checking import CheckResult, check
from ..handling import Summary, sum_up
from ..recording import Progress
from ..rules import Rule, Waiver
from ._progress import progress

__all__ = ["check_watched", "sum_up_watched", "watched"]


def check_watched(
    path: "Union[str, os.PathLike[str]]",
    waivers: Sequence[Waiver] = (),
    today: Optional[datetime.date] = None,
    seal: bool = False,
    own: Sequence[Type[Rule]] = (),
) -> CheckResult:
    """:func:`~pykd_dumpfilt.checking.check`, with its progress where the user sees it."""
    with watched(f"checking {os.fspath(path)}") as tell:
        return check(path, tell, waivers, today, seal, own)


def sum_up_watched(path: "Union[str, os.PathLike[str]]") -> Summary:
    """:func:`~pykd_dumpfilt.handling.sum_up`, with its progress where the user sees it."""
    with watched(f"reading {os.fspath(path)}") as tell:
        return sum_up(path, tell)


@contextmanager
def watched(what: str) -> Iterator[Callable[[Progress], None]]:
    """The progress of what reads a recording once, where the user sees it."""
    with progress(what, "calls") as step:
        yield lambda now: step(now.calls, now.done / now.total if now.total else None)
