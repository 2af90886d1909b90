"""The options that every command which traces has in common, and what they will cost."""

import argparse
import re
from typing import List, Optional, Tuple

from ..debugger import Debugger
from ..errors import UsageError
from ..recording import CALLBACKS
from ..trace import Data, Hardware, Line, Selection, callback_named, forecast, measure_line, smallest_every

__all__ = ["add_arguments", "describe_forecast", "duration", "selection", "size"]

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_GIB = 2**30
_SHORT = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that choose what is captured, and how."""
    group = parser.add_argument_group(
        "what is captured",
        "By default every call, with its buffer before and after. A recording says what was left out.",
    )
    group.add_argument(
        "--callbacks",
        metavar="ROLES",
        help="watch only these: start,write,read,finish,unload (DriverEntry always: it shows where they are)",
    )
    group.add_argument(
        "--every", type=int, default=1, metavar="N", help="of the writes and reads, capture each Nth"
    )
    group.add_argument(
        "--offset",
        metavar="A-B",
        help="capture only transfers that touch these bytes of the disk: 0x100000-0x200000, 4G-5G",
    )
    group.add_argument(
        "--data",
        choices=[data.value for data in Data],
        default=Data.FULL.value,
        help="of a buffer keep: full (before and after the call), after, hash (of each page: spares disk, "
        "not time), none (default %(default)s)",
    )
    group.add_argument("--max-hits", type=int, metavar="N", help="end the trace after N calls")
    places = group.add_mutually_exclusive_group()
    places.add_argument(
        "--hardware",
        dest="hardware",
        action="store_const",
        const=Hardware.ALWAYS,
        default=Hardware.AUTO,
        help="debug registers instead of int 3 for as many callbacks as there are registers. By default they "
        "are for what is called during a dump, first in the hiber_ copy, whose code is saved with the image",
    )
    places.add_argument(
        "--no-hardware",
        dest="hardware",
        action="store_const",
        const=Hardware.NEVER,
        help="no debug registers, for virtual machines that do not keep them",
    )


def selection(arguments: argparse.Namespace, budget: Optional[float] = None) -> Selection:
    """What is captured.

    Raises:
        UsageError: an option makes no sense.
    """
    return Selection(
        callbacks=_callbacks(arguments.callbacks),
        every=arguments.every,
        offset=_range(arguments.offset),
        data=Data(arguments.data),
        max_hits=arguments.max_hits,
        budget=budget,
    )


def size(text: str) -> int:
    """A number of bytes: 0x1000, 65536, 800M, 2G.

    Raises:
        UsageError: it is none.
    """
    match = re.fullmatch(r"(0x[0-9a-fA-F]+|[0-9]+)([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"{text!r} is no number of bytes: write 65536, 0x10000, 800M or 2G")
    return int(match.group(1), 0) * _UNITS[match.group(2).upper()]


def describe_forecast(debugger: Debugger, chosen: Selection, expected: Optional[int]) -> List[str]:
    """What tracing will take on this line, before anything is armed.

    Raises:
        UsageError: it takes longer than the budget; the message says what would fit.
    """
    modules = debugger.modules()
    line = measure_line(debugger, modules[0]) if modules else None
    if line is None:
        return ["no forecast: the line could not be measured"]
    memory = debugger.physical_memory()
    total = expected or memory
    one = forecast(line, chosen, _GIB)
    lines = [
        f"forecast: {_seconds(one.seconds / one.calls)} for a call of 64 KiB on this line at least, "
        f"{duration(one.seconds)} for each GiB"
    ]
    if total is not None:
        whole = forecast(line, chosen, total)
        what = "as you expect" if expected else "all of this machine's memory"
        lines.append(
            f"  {total / _GIB:.1f} GiB ({what}): {whole.calls:,} calls, {duration(whole.seconds)} to write, "
            "and as much again if it is read back"
        )
        if chosen.budget is not None and whole.seconds > chosen.budget:
            raise UsageError(_too_long(line, chosen, total, whole.seconds))
        if whole.seconds > _SHORT and chosen.budget is None:
            lines.append(
                "  less: --every N, --data after, --offset A-B, --callbacks read; or --budget SECONDS"
            )
    return lines


def _too_long(line: Line, chosen: Selection, total: int, seconds: float) -> str:
    assert chosen.budget is not None
    every = smallest_every(line, chosen, total, chosen.budget)
    fits = f"--every {every} would fit" if every else "not even the breakpoints alone would fit"
    return (
        f"tracing {total / _GIB:.1f} GiB takes {duration(seconds)} on this line, the budget is "
        f"{duration(chosen.budget)}; nothing was armed. {fits}. Or capture less (--data none, --callbacks "
        "read), say how much will be written (--expect 2G), or give a larger budget"
    )


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return _seconds(seconds)
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.0f} s"


def _callbacks(text: Optional[str]) -> Tuple[str, ...]:
    if text is None:
        return CALLBACKS
    parts = text.split(",")
    names = {callback_named(part) for part in parts}
    unknown = next((part.strip() for part in parts if callback_named(part) is None), None)
    if unknown is not None:
        raise UsageError(
            f"there is no callback {unknown!r}: choose from start, write, read, finish, unload, with "
            "commas between them"
        )
    return tuple(name for name in CALLBACKS if name in names)


def _range(text: Optional[str]) -> Optional[Tuple[int, int]]:
    if text is None:
        return None
    first, dash, end = text.partition("-")
    if not dash:
        raise UsageError(
            f"{text!r} is no range of the disk: write FIRST-END, such as 0x100000-0x200000 or 4G-5G"
        )
    return size(first), size(end)
