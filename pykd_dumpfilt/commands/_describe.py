"""What a tracer knows, in sentences."""

from typing import List

from ..trace import Candidate, CopyStatus, Found, TraceStatus

__all__ = ["callback_options", "describe_calls", "describe_copies", "describe_found"]

_FOUND_BY = {
    "table": "FILTER_INITIALIZATION_DATA",
    "memory": "found in memory",
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
            lines.append(f"  {one.address:#x}  {names}  ({found}{_place(copy, one.address)})")
            if len(one.callbacks) > 1:
                lines.append("      one address serves these: a hit there cannot be told apart")
        if copy.absent:
            lines.append(f"  not registered: {', '.join(copy.absent)}")
        lines.extend(f"  {line}" for line in _searched(copy))
    return lines


def _place(copy: CopyStatus, address: int) -> str:
    if address in copy.in_registers:
        return "; in a debug register"
    return "; rests until the dump ends" if address in copy.resting else ""


def _searched(copy: CopyStatus) -> List[str]:
    """What a search of memory has to say, as long as nothing better is known."""
    by_memory = any("memory" in one.found_by for one in copy.armed)
    if not copy.loaded or (copy.armed and not by_memory):
        return []
    why = "the copy has no symbols, and its DriverEntry has run already"
    if copy.search is None:
        return [f"no callback found: {why}. Give addresses: --callback read=ADDRESS"]
    found = describe_found(copy.search)
    if not copy.search.candidates:
        return [f"no callback found: {why}; {found[0]}. Give addresses: --callback read=ADDRESS"]
    return found


def describe_found(found: Found) -> List[str]:
    """What a search of memory found for one copy, how sure it is and what it took."""
    took = f"{found.reads} reads{', its limit' if found.cut else ''}"
    chosen = found.chosen
    if chosen is not None:
        lines = [f"found in memory ({chosen.sure}): {_where(chosen)}, {took}"]
        if chosen.doubts:
            lines.append(f"not certain: {'; '.join(chosen.doubts)}. The first call will show the real one")
        return lines
    if not found.candidates:
        return [f"no FILTER_INITIALIZATION_DATA of it was found in memory ({took})"]
    lines = [
        f"nothing of it is armed: memory holds {len(found.candidates)} FILTER_INITIALIZATION_DATA of it that "
        f"differ ({took}), and which one crashdmp uses is not known. Say which: start (after stop, if it was "
        "started) with the options of one"
    ]
    for one in found.candidates:
        lines.append(f"  {_where(one)} ({one.sure}{': ' if one.doubts else ''}{'; '.join(one.doubts)})")
        lines.append(f"    {callback_options(one)}")
    return lines


def callback_options(candidate: Candidate) -> str:
    """The options of start that arm what a candidate says."""
    return " ".join(
        f"--callback {name.replace('Dump_', '').lower()}={pointer:#x}"
        for name, pointer in candidate.table.items()
        if pointer
    )


def _where(candidate: Candidate) -> str:
    return f"FILTER_INITIALIZATION_DATA at {candidate.address:#x}, reached from {candidate.reached}"


def describe_calls(status: TraceStatus) -> List[str]:
    """Calls by callback, and whatever went wrong."""
    total = sum(status.calls.values())
    lines = [f"{total} calls" + (": " if total else "")]
    lines[0] += ", ".join(f"{name} {count}" for name, count in sorted(status.calls.items()))
    if status.open_calls:
        lines.append(f"{status.open_calls} entered and not yet returned")
    if status.used_registers and _nothing_was_hit(status):
        lines.append(
            "a copy has come and gone, and nothing that debug registers watched was hit. If this machine is "
            "a virtual one that does not keep them: start again with --no-hardware"
        )
    if status.refused:
        lines.append(
            "physical reads do not work here: buffers are read at MappedSystemVa, and nothing tells whether "
            "the page frame numbers name the same memory"
        )
    if status.left_out:
        lines.append(f"{status.left_out} more seen and, by your options, not captured")
    if status.lost:
        lines.append(f"{status.lost} LOST: they happened and could not be recorded")
    if status.failure is not None:
        lines.append(f"RECORDING FAILED: {status.failure}")
    lines.extend(f"tool fault: {fault}" for fault in status.faults[-5:])
    return lines


def _nothing_was_hit(status: TraceStatus) -> bool:
    """Whether a copy with callbacks that were watched has been unloaded, and no call was seen in a dump."""
    gone = any(not copy.loaded and copy.armed for copy in status.copies)
    # Those two are watched by int3, as a rule.
    return gone and set(status.calls) <= {"DriverEntry", "Dump_Unload"}
