"""``--print-pykd``: what a command would do, as commands of WinDbg and as a script of pykd.

Nothing here says what is done: that is asked of the tracer itself, on a debugger that writes down what it is
asked for (:mod:`pykd_dumpfilt.debugger.spelled`).
"""

from typing import Callable, Dict, Iterator, List, Sequence, Tuple

from ..debugger import Debugger
from ..debugger.spelled import Named, SpelledDebugger, Step, windbg_number
from ..recording import MemoryPageStore, Record
from ..trace import PREFIXES, Sink, Tracer
from ..trace.rehearsal import PAGES, Rehearsal, moment_of, rehearse

__all__ = ["decode_script", "start_script"]

_HEAD = """\
# {what}: commands of WinDbg behind "kd>", and a script of pykd that does the same.
"""
_READ = """
def read(address, size, physical=False):
    try:
        return bytes(pykd.loadBytes(address, size, physical))
    except pykd.DbgException as error:
        print(error)  # a call is traced whatever of it cannot be read
        return b""

"""
_HELPERS = (
    """\
from functools import lru_cache

import pykd

at, breakpoints, removed = {}, {}, []

"""
    + _READ
    + """
def registers(names):
    at.update({name: pykd.reg(name) for name in names.split()})


# Remembered, for when the module is gone.
@lru_cache(None)
def base(module):
    return int(pykd.module(module))


@lru_cache(None)
def entry_point(module):
    header = base(module) + pykd.ptrDWord(base(module) + 0x3C)
    return base(module) + pykd.ptrDWord(header + 0x28)


@lru_cache(None)
def symbol(module, name):
    return pykd.module(module).offset(name)


def arm(address, handler, *kind):
    # Whoever drops the object deletes the breakpoint.
    breakpoints[address] = pykd.setBp(address, *kind, handler)


def remove(address):
    removed.append(breakpoints.pop(address))
    removed[-1].remove()


class Modules(pykd.eventHandler):
    def __init__(self, names):
        super().__init__()
        self.names = names

    def onLoadModule(self, address, name):
        if name in self.names:
            for remembered in (base, entry_point, symbol):
                remembered.cache_clear()
            at["module"] = name
            loaded()
        return pykd.eventResult.NoChange

    def onUnloadModule(self, address, name):
        if name in self.names:
            at["module"] = name
            unloaded()
        return pykd.eventResult.NoChange

"""
)


def start_script(
    filter_name: str, debugger: Debugger, make_tracer: Callable[[Debugger, Sink], Tracer]
) -> str:
    """What ``start`` would do to a target. It is looked at, and nothing in it changes.

    Args:
        filter_name: the driver's plain name.
        debugger: the target.
        make_tracer: makes the tracer that ``start`` would use.
    """
    watched = [prefix + filter_name for prefix in PREFIXES]
    # Twice: only afterwards is it known which callback an address is of.
    names = _names(make_tracer, SpelledDebugger(debugger))
    spelled = SpelledDebugger(debugger, names, watched)
    _armed(make_tracer, spelled)
    moments = rehearse(filter_name, make_tracer)
    lines = [_HEAD.format(what=f"What start {filter_name} would do") + _HELPERS]
    lines += [
        f"# What is read of Dump_Write and Dump_Read is for a buffer of {PAGES} pages whose page frames lie",
        "# side by side, described by one MDL that is mapped; the structures lie in one page. Other calls",
        "# take more or less.",
        "",
    ]
    by_steps: Dict[Tuple[Step, ...], str] = {}
    for moment in moments:
        lines += _function(moment, by_steps)
    lines += ["", "# Now, while the target is stopped; then g.", *_lines(spelled.steps, "")]
    lines += ["", "# When stop is typed: for address in list(breakpoints): remove(address)", ""]
    return "\n".join(lines)


def decode_script(what: str, steps: Sequence[Step]) -> str:
    """What ``decode`` has done, which is reading alone."""
    return "\n".join([_HEAD.format(what=f"What {what} does") + "import pykd\n\n" + _READ, *_lines(steps, "")])


class _Nowhere(MemoryPageStore):
    def write(self, record: Record) -> None:
        """Nothing is recorded."""


def _armed(make_tracer: Callable[[Debugger, Sink], Tracer], spelled: SpelledDebugger) -> Tracer:
    tracer = make_tracer(spelled, _Nowhere())
    tracer.arm()
    return tracer


def _names(make_tracer: Callable[[Debugger, Sink], Tracer], spelled: SpelledDebugger) -> List[Named]:
    return [
        Named(
            one.address,
            1,
            one.address,
            windbg_number(one.address),
            f"{one.address:#x}",
            handler=moment_of(one.callbacks[0]),
        )
        for copy in _armed(make_tracer, spelled).status().copies
        for one in copy.armed
    ]


def _function(moment: Rehearsal, by_steps: Dict[Tuple[Step, ...], str]) -> Iterator[str]:
    """A function for a moment; one that does what another does is that one."""
    name = moment.moment
    if name.endswith("_returned") and moment.steps in by_steps:
        yield from (f"{name} = {by_steps[moment.steps]}", "", "")
        return
    by_steps[moment.steps] = name
    yield f"def {name}(*_):"
    yield from _lines(moment.steps, "    ")
    # What a breakpoint's callback returns decides: True would stop the target.
    yield from ("    return False", "", "")


def _lines(steps: Sequence[Step], indent: str) -> Iterator[str]:
    for step in steps:
        yield f"{indent}# kd> {step.windbg}"
        if step.pykd:
            yield f"{indent}{step.pykd}"
