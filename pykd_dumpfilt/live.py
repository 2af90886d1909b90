"""Judging calls as they come, in the debugger's own process.

The same rules as :func:`~pykd_dumpfilt.checking.check` in the same order, so at any moment the findings are
those that a check of the recording would give.
"""

import time
from typing import List, Optional

from .errors import is_interrupt
from .recording import PageSource, Record
from .rules import Finding, Judge, Result
from .structures import Machine

__all__ = ["LiveJudge"]


class LiveJudge:
    """Judges the records of a trace. Only an interrupt by the user is ever raised: where a rule fails,
    judging is over and tracing is not, and a check of the recording later judges all of it.

    Memory is bounded as :class:`~pykd_dumpfilt.rules.Judge` is.

    Attributes:
        failure: why judging ended before the trace did; None while it goes on.
        seconds: how long judging took so far.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._judge: Optional[Judge] = None
        self.failure: Optional[str] = None
        self.seconds = 0.0

    def feed(self, record: Record, pages: PageSource) -> List[Finding]:
        """Take the next record of a trace; gives the findings that it led to.

        Args:
            pages: where page contents are; the same each time.
        """
        if self.failure is not None:
            return []
        began = time.perf_counter()
        try:
            if self._judge is None:
                self._judge = Judge(pages, self._machine)
            return self._judge.feed(record)
        except BaseException as error:
            # Not only Exception: whatever a rule does, the target has to go on.
            self.failure = f"{type(error).__name__}: {error}"
            if is_interrupt(error):
                raise
            return []
        finally:
            self.seconds += time.perf_counter() - began

    def result(self, lost: int = 0) -> Optional[Result]:
        """What the rules say so far; None where nothing has come yet.

        Args:
            lost: calls that happened and could not be recorded.
        """
        if self._judge is None:
            return None
        failed = () if self.failure is None else (f"judging ended before the trace did: {self.failure}",)
        return self._judge.finish(failed, lost)
