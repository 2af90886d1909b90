"""What a tracer knows, in sentences."""

from typing import List

from ..trace import TraceStatus

__all__ = ["describe_calls", "describe_copies"]

_FOUND_BY = {
    "table": "FILTER_INITIALIZATION_DATA",
    "symbol": "symbol",
    "address": "as you said",
    "header": "entry point",
}


def describe_copies(status: TraceStatus) -> List[str]:
    """One line per copy and per watched address, and what to do where nothing is watched."""
    if not status.copies:
        return [
            f"dump_{status.filter} and hiber_{status.filter} are not loaded yet: they are armed when they "
            "come. (lm m dump_* lists what is loaded; .reload if you know better)"
        ]
    lines = []
    for copy in status.copies:
        lines.append(f"{copy.name} at {copy.base:#x}{'' if copy.loaded else ', unloaded'}")
        for one in copy.armed:
            names = " = ".join(one.callbacks)
            found = ", ".join(dict.fromkeys(_FOUND_BY[how] for how in one.found_by))
            lines.append(f"  {one.address:#x}  {names}  ({found})")
            if len(one.callbacks) > 1:
                lines.append("      one address serves these: a hit there cannot be told apart")
        if copy.absent:
            lines.append(f"  not registered: {', '.join(copy.absent)}")
        if copy.loaded and not copy.armed:
            lines.append(
                "  no callback found: the copy has no symbols, and its DriverEntry has run already. Give "
                "addresses: --callback read=ADDRESS"
            )
    return lines


def describe_calls(status: TraceStatus) -> List[str]:
    """Calls by callback, and whatever went wrong."""
    total = sum(status.calls.values())
    lines = [f"{total} calls" + (": " if total else "")]
    lines[0] += ", ".join(f"{name} {count}" for name, count in sorted(status.calls.items()))
    if status.open_calls:
        lines.append(f"{status.open_calls} entered and not yet returned")
    if status.lost:
        lines.append(f"{status.lost} LOST: they happened and could not be recorded")
    lines.extend(f"tool fault: {fault}" for fault in status.faults[-5:])
    return lines
