"""How long a dump will take to trace, told before it begins.

The line is measured with reads of the kernel's image, and a call's requests are known (counted at the lab's
KD server, by ``python -m tests.benchmarks wire``). What the target itself needs for a stop is not in it, so
this is a lower bound.
"""

import time
from dataclasses import dataclass
from typing import Callable, Optional

from ..debugger import PAGE_SIZE, READ_SIZE, Debugger, Module, VirtualAddress
from ..errors import TargetError
from .selection import Data, Selection

__all__ = ["TRANSFER_SIZE", "Forecast", "Line", "forecast", "measure_line", "smallest_every"]

TRANSFER_SIZE = 16 * PAGE_SIZE
"""Bytes of a usual transfer: MaxPagesPerWrite has been seen to be 16."""

CALL_REQUESTS = 34
"""Requests and events of one call but for its buffer: two stops, registers, structures."""
SKIPPED_REQUESTS = 15
"""The same for a call that is not captured."""
_BUFFER_REQUESTS = -(-TRANSFER_SIZE // READ_SIZE)

_SIDES = {Data.FULL: 2, Data.HASH: 2, Data.AFTER: 1, Data.NONE: 0}
_PROBES = 8


@dataclass(frozen=True)
class Line:
    """What a request costs, in seconds: ``small`` one of a few bytes, ``full`` one whose reply is as long as
    can be."""

    small: float
    full: float


@dataclass(frozen=True)
class Forecast:
    """What tracing a number of bytes takes: how many calls, how many of them captured, seconds in all."""

    size: int
    calls: int
    captured: int
    seconds: float


def measure_line(
    debugger: Debugger, image: Module, clock: Callable[[], float] = time.perf_counter
) -> Optional[Line]:
    """Time some reads of a loaded image; None where they fail."""

    def timed(address: int, size: int) -> float:
        began = clock()
        debugger.read_virtual(VirtualAddress(address), size)
        return clock() - began

    pages = max(1, min(_PROBES, image.size // PAGE_SIZE))
    try:
        timed(image.base, 8)
        # The fastest of some: what else the debugger's machine does is no property of the line.
        small = min(timed(image.base, 8) for _ in range(_PROBES))
        full = min(timed(image.base + PAGE_SIZE * (number % pages), READ_SIZE) for number in range(_PROBES))
    except TargetError:
        return None
    return Line(small, max(small, full))


def forecast(line: Line, selection: Selection, size: int) -> Forecast:
    """What it takes to trace ``size`` bytes that are written, or read."""
    calls = _calls(size)
    captured = -(-calls // selection.every)
    seconds = captured * _call(line, selection) + (calls - captured) * SKIPPED_REQUESTS * line.small
    return Forecast(size, calls, captured, seconds)


def smallest_every(line: Line, selection: Selection, size: int, seconds: float) -> Optional[int]:
    """The N for which capturing every Nth transfer takes no longer than that; None where no N does."""
    calls = _calls(size)
    skipped = SKIPPED_REQUESTS * line.small
    more = _call(line, selection) - skipped
    room = seconds - calls * skipped
    captured = int(room / more) if more > 0 else 0
    return -(-calls // captured) if captured > 0 else None


def _calls(size: int) -> int:
    return max(1, -(-size // TRANSFER_SIZE))


def _call(line: Line, selection: Selection) -> float:
    """Seconds for a call that is captured."""
    return CALL_REQUESTS * line.small + _SIDES[selection.data] * _BUFFER_REQUESTS * line.full
