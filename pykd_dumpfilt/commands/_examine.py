"""What ``doctor`` looks at in a target: dump stacks, filters, traces and breakpoints."""

import contextlib
from dataclasses import dataclass
from typing import Iterator, List, Optional, Sequence

from ..debugger import Debugger, Module
from ..errors import UsageError
from ..trace import PREFIXES, Role, Sighting, active_session, dump_stack_modules, knows_crashdmp

__all__ = ["Finding", "examine_breakpoints", "examine_target", "examine_tracing"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``remedy`` is None where nothing is wrong; ``hinders`` is False where the thing is
    not needed for every use."""

    subject: str
    state: str
    remedy: Optional[str] = None
    hinders: bool = True


def examine_target(debugger: Debugger) -> Iterator[Finding]:
    """Look for the dump stacks, the filters in them, and what is known of each.

    Raises:
        TargetError: the target does not list its modules.
    """
    modules = debugger.modules()
    if not knows_crashdmp(modules):
        yield Finding(
            "modules",
            f"crashdmp is not among the {len(modules)} that the debugger knows",
            ".reload (start does it by itself). If it is still missing, the machine has not booted that far, "
            "or writes no dumps",
            hinders=False,
        )
    sightings = dump_stack_modules(debugger)
    if not sightings:
        yield Finding(
            "dump stack",
            "no dump_ or hiber_ module is loaded",
            "check that crash dumps are on (CrashControl\\CrashDumpEnabled) and the filter is listed in "
            "CrashControl\\DumpFilters; hiber_ copies come only when hibernation starts",
            hinders=False,
        )
        return
    yield Finding("dump stack", ", ".join(one.module.name for one in sightings))
    filters = [one for one in sightings if one.role is not Role.PORT]
    if not filters:
        yield Finding(
            "filter",
            "none is registered: by their names, all of these are port drivers",
            "list the driver's file name (myfilter.sys) in CrashControl\\DumpFilters (REG_MULTI_SZ) and "
            "restart",
            hinders=False,
        )
    for one in filters:
        yield _filter(debugger, one)


def _filter(debugger: Debugger, one: Sighting) -> Finding:
    name, chosen = one.module.name, one.found and one.found.chosen
    what = f"{name}, which may be one" if one.role is Role.UNKNOWN else name
    if debugger.symbol(one.module, "Dump_Write") or debugger.symbol(one.module, "DumpWrite"):
        return Finding("filter", f"{what}: has symbols of its callbacks")
    if chosen:
        where = f"its callbacks are found in memory ({chosen.sure})"
        return Finding("filter", f"{what}: no symbol Dump_Write, but {where}")
    why = "not found in memory either"
    if one.found and one.found.candidates:
        why = f"memory holds {len(one.found.candidates)} tables of it that differ"
    return Finding(
        "filter",
        f"{what}: no symbol Dump_Write, and {why}",
        f"load its symbols (.reload /f {name}), or say where the callbacks are: start {one.plain_name} "
        "--callback write=ADDRESS. A copy that loads after start needs neither",
        hinders=False,
    )


def examine_tracing() -> Iterator[Finding]:
    """What has been started in this interpreter."""
    try:
        session = active_session()
    except UsageError:
        yield Finding("tracing", "nothing started in this interpreter")
    else:
        status = session.status()
        if status.armed:
            yield Finding(
                "tracing",
                f"{status.filter}: armed, {session.path}",
                "an armed trace stands in the way of another start only: type stop first",
                hinders=False,
            )
        else:
            yield Finding("tracing", f"{status.filter}: stopped, {session.path}")


def examine_breakpoints(addresses: Sequence[int], modules: Sequence[Module]) -> Iterator[Finding]:
    """Breakpoints in the dump stacks' modules that no trace of this interpreter has set."""
    ours: List[int] = []
    with contextlib.suppress(UsageError):
        ours = [one.address for copy in active_session().status().copies for one in copy.armed]
    for module in modules:
        if not module.name.lower().startswith(PREFIXES):
            continue
        inside = [address for address in addresses if address in module and address not in ours]
        if inside:
            yield Finding(
                "breakpoints",
                f"{module.name} has some that no trace of this interpreter owns: "
                + ", ".join(f"{address:#x}" for address in inside),
                "if they are not yours (bl lists yours, and none of pykd's), an earlier !py left them, maybe "
                "without -g, and then the debugger crashes when one is hit. !py alone is pykd's prompt: "
                "there, pykd.dbgCommand('bl') shows their numbers, and pykd.dbgCommand('bc NUMBER') takes "
                "one out",
                hinders=False,
            )
