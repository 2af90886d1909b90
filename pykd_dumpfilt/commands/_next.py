"""What will happen to a filter from here on, and what to type for it."""

from typing import List, Optional

from ..trace import BugCheckBreak, CopyStatus, Role, Sighting, TraceStatus
from . import console
from ._describe import describe_found

__all__ = ["describe_next", "describe_sightings"]


def describe_next(status: TraceStatus, bug_check: Optional[BugCheckBreak]) -> List[str]:
    """What the user may expect after ``start``; ``bug_check`` is the break of a bug check that the target
    stands at."""
    loaded = [copy for copy in status.copies if copy.loaded]
    dump = next((copy for copy in loaded if copy.name.lower().startswith("dump_")), None)
    hiber = next((copy for copy in loaded if copy.name.lower().startswith("hiber_")), None)
    if bug_check is BugCheckBreak.BEFORE_DUMP:
        return _before_dump(status.filter, dump)
    if bug_check is BugCheckBreak.AFTER_DUMP:
        return [
            "what comes next: the machine has bug-checked, and its dump has been written: the filter is not "
            "called any more. .reboot restarts the machine, and the copies are armed when they load"
        ]
    lines = ["what comes next:"]
    if dump is None:
        lines.append(
            f"  dump_{status.filter} is armed when it loads: at boot, or when crash dumps are set up anew"
        )
    else:
        lines.append(
            f"  {dump.name} is called when the machine crashes: the bug check breaks in first, and the dump "
            f"is written at the next g{_unless(dump)}"
        )
    if hiber is None:
        lines.append(
            f"  hiber_{status.filter} is armed when it loads: hibernate the machine (shutdown /h); its "
            "Dump_Read is called when it resumes"
        )
    else:
        lines.append(
            f"  {hiber.name} is there while the machine hibernates and resumes: Dump_Write comes if the "
            "image is still to be written, Dump_Read if it is being read, Dump_Unload at the "
            f"end{_unless(hiber)}"
        )
    return lines


def _before_dump(name: str, dump: Optional[CopyStatus]) -> List[str]:
    where = "what comes next: the machine stands at the break of a bug check; its dump is not written yet"
    if dump is None:
        return [
            where,
            f"  dump_{name} is not loaded, so this dump goes without the filter and nothing will be seen. Is "
            "it in CrashControl\\DumpFilters?",
        ]
    return [
        where,
        f"  g writes it, and calls Dump_Start, Dump_Write and Dump_Finish of {dump.name}{_unless(dump)}. Do "
        "not type .crash here",
    ]


def _unless(copy: CopyStatus) -> str:
    return "" if copy.armed else ", but nothing of it is watched (see above)"


def describe_sightings(sightings: List[Sighting]) -> List[str]:
    """The modules of the dump stacks, what each is or may be, and what to type."""
    start = f"{console.program_name()} start"
    if not sightings:
        return [
            "no dump_ or hiber_ module is loaded, so there is no filter to list",
            f"If you know its name, type {start} NAME: it is armed when it loads. "
            f"{console.program_name()} doctor says what may be missing",
        ]
    lines = ["loaded by the dump stacks:"]
    names: List[str] = []
    for one in sightings:
        if one.role is Role.PORT:
            lines.append(f"  {one.module.name}: a port driver or miniport, by its name")
            continue
        if one.plain_name not in names:
            names.append(one.plain_name)
        if one.found is None or one.role is Role.UNKNOWN:
            reads = 0 if one.found is None else one.found.reads
            lines.append(
                f"  {one.module.name}: may be a filter; no FILTER_INITIALIZATION_DATA of it was found "
                f"({reads} reads)"
            )
        else:
            lines.append(f"  {one.module.name}: a filter")
            lines += [f"    {line}" for line in describe_found(one.found)]
    if not names:
        return [*lines, "none of them is a filter. Is yours in CrashControl\\DumpFilters?"]
    lines.append("to trace one: " + ", or ".join(f"{start} {name}" for name in names))
    return lines
