"""Checking a recording while people wait."""

import datetime
import os
from typing import Optional, Sequence, Type, Union

from ..checking import CheckResult, check
from ..recording import Progress
from ..rules import Rule, Waiver
from . import console

__all__ = ["check_watched"]


def check_watched(
    path: "Union[str, os.PathLike[str]]",
    waivers: Sequence[Waiver] = (),
    today: Optional[datetime.date] = None,
    seal: bool = False,
    own: Sequence[Type[Rule]] = (),
) -> CheckResult:
    """:func:`~pykd_dumpfilt.checking.check`, with its progress on the terminal."""
    with console.progress(f"checking {os.fspath(path)}", "calls") as step:

        def tell(now: Progress) -> None:
            step(now.calls, now.done / now.total if now.total else None)

        return check(path, tell, waivers, today, seal, own)
