"""The tracer: watches a filter's copies as they come and go, and arms their callbacks.

Inside WinDbg the user keeps the debugger: the tracer acts only in breakpoint and module handlers, which never
raise and never resume. Whatever fails in one becomes a :class:`~pykd_dumpfilt.recording.Fault`.
"""

import time
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Optional, Protocol, Tuple

from ..debugger import Debugger, HitHandler, Module, Subscription, VirtualAddress
from ..errors import DumpfiltError, is_interrupt
from ..recording import (
    ArmedCallback,
    Call,
    Callbacks,
    Fault,
    LoadedModule,
    PageStore,
    Piece,
    Record,
    Unloaded,
)
from .abi import check_machine
from .callbacks import CallbackPlan, Location
from .calls import CallTracker
from .capture import Capture, Limits
from .copies import copy_prefix, is_kernel, plain_name
from .entries import EntryBreakpoints
from .image import read_image
from .placement import DUMP_BEGINS, DUMP_ENDS, Hardware, Watched
from .registration import Registration, callback_table
from .search import Found, find_tables
from .selection import Selection

__all__ = ["CopyStatus", "Sink", "TraceStatus", "Tracer"]

# A disk that is full fails at each of a million hits.
_LISTED_FAULTS = 20


class Sink(PageStore, Protocol):
    """Where records go; a :class:`~pykd_dumpfilt.recording.RecordingWriter` is one."""

    def write(self, record: Record) -> None:
        """Keep one record."""


@dataclass(frozen=True)
class CopyStatus:
    """One copy of the filter, and what is watched in it.

    Attributes:
        armed: where its callbacks are.
        absent: callbacks that it has not registered.
        search: what a search of memory for its table found, if there was one.
        in_registers: the addresses of ``armed`` that debug registers hold.
        resting: those that have no breakpoint now, because they are not called in the middle of a dump.
    """

    name: str
    base: int
    loaded: bool
    armed: Tuple[ArmedCallback, ...]
    absent: Tuple[str, ...]
    search: Optional[Found] = None
    in_registers: Tuple[int, ...] = ()
    resting: Tuple[int, ...] = ()


@dataclass(frozen=True)
class TraceStatus:
    """A tracer at one moment.

    Attributes:
        calls: ended calls by callback (folded names joined by ``|``).
        faults: the first kinds of fault of the tool, each once.
        fault_count: how many faults there were of any kind.
        hits: how often the target was stopped at a breakpoint of ours.
        seconds: how long our handlers took at these stops: reading the target, writing the recording, and
            whoever looks on. What the engine does to stop the target and let it go is not in it.
        captured: bytes of buffers that were read from the target, equal pages counted each time.
        refused: whether physical reads do not work, so that buffers are read through MappedSystemVa.
        used_registers: whether callbacks have been watched by debug registers.
        failure: why the recording takes no more, and what to do; None while all is well.
    """

    filter: str
    armed: bool
    copies: Tuple[CopyStatus, ...]
    breakpoints: int
    calls: Mapping[str, int]
    open_calls: int
    lost: int
    left_out: int
    faults: Tuple[str, ...]
    fault_count: int = 0
    hits: int = 0
    seconds: float = 0.0
    captured: int = 0
    refused: bool = False
    used_registers: bool = False
    failure: Optional[str] = None


@dataclass
class _Copy:
    module: Module
    prefix: str
    number: int
    registration: Registration
    selection: Selection
    plan: CallbackPlan = field(default_factory=CallbackPlan)
    written: Optional[Callbacks] = None
    table: Optional[Dict[str, int]] = None
    search: Optional[Found] = None
    loaded: bool = True

    def armed(self) -> Tuple[ArmedCallback, ...]:
        """Where those callbacks are that are to be watched."""
        return tuple(one for one in self.plan.armed() if any(map(self.selection.watches, one.callbacks)))

    def watched(self) -> List[Watched]:
        """The same, while it is loaded."""
        if not self.loaded:
            return []
        return [Watched(one.address, self.number, self.prefix, one.callbacks) for one in self.armed()]


class Tracer:
    """Traces one filter in one target.

    Args:
        debugger: the target; it must be stopped.
        filter_name: the driver's plain name; its ``dump_`` and ``hiber_`` copies are found by themselves.
        sink: gets every record, in order of time.
        callbacks: where the user says that callbacks are, by callback name.
        limits: bounds on what one call may cost.
        hardware: how debug registers are used.
        selection: which calls are captured, and what of them.
        on_exhausted: called with the reason when the selection's bounds are reached; disarms by default.

    Raises:
        UsageError: the name names no driver, or the target's architecture cannot be traced.
    """

    def __init__(
        self,
        debugger: Debugger,
        filter_name: str,
        sink: Sink,
        callbacks: Optional[Mapping[str, Location]] = None,
        limits: Optional[Limits] = None,
        hardware: Hardware = Hardware.AUTO,
        selection: Optional[Selection] = None,
        on_exhausted: Optional[Callable[[str], object]] = None,
    ) -> None:
        check_machine(debugger.machine)
        self.filter = plain_name(filter_name)
        self._debugger = debugger
        self._sink = sink
        self._given = dict(callbacks or {})
        self._entries = EntryBreakpoints(debugger, hardware, self._entry_handler)
        self._selection = selection or Selection()
        self._on_exhausted = on_exhausted or self.disarm
        self._first_transfer: Optional[float] = None
        self._capture = Capture(debugger, sink, limits or Limits())
        self._calls = CallTracker(debugger, self._capture, self._on_call, self._hit, self._selection)
        self._copies: List[_Copy] = []
        self._watches: List[Subscription] = []
        self._faults: List[str] = []
        self._fault_count = 0
        self._hits = 0
        self._seconds = 0.0

    def arm(self) -> None:
        """Watch every copy that is loaded, and every one that comes.

        Raises:
            UsageError: a location that the user gave does not exist.
            TargetError: the target refuses.
        In both cases nothing of ours is left in the target.
        """
        try:
            self._watches.append(self._debugger.watch_modules(self._on_load, self._on_unload))
            self._watches.append(self._debugger.watch_breaks(self._on_break))
            for module in self._debugger.modules():
                prefix = copy_prefix(module.name, self.filter, int(module.base))
                if prefix is not None:
                    self._add(module, prefix, fresh=False)
            self._search()
        except BaseException:
            self.disarm("arming failed")
            raise

    def disarm(self, reason: str, gone: bool = False) -> None:
        """Take out every breakpoint of ours and hand on calls that are still open; ``gone`` where these will
        not return. A second call does nothing."""
        while self._watches:
            self._guard("ending a watch", self._watches.pop().remove)
        self._entries.remove(self._guard)
        self._guard("ending the trace", lambda: self._calls.abandon(reason, gone))

    def status(self) -> TraceStatus:
        """What is watched and what has been seen so far."""
        return TraceStatus(
            filter=self.filter,
            armed=bool(self._watches),
            copies=tuple(self._copy_status(copy) for copy in self._copies),
            breakpoints=len(self._entries) + self._calls.return_breakpoints,
            calls=dict(self._calls.counts),
            open_calls=self._calls.open_calls,
            lost=self._calls.lost,
            left_out=self._calls.left_out,
            faults=tuple(self._faults),
            fault_count=self._fault_count,
            hits=self._hits,
            seconds=self._seconds,
            refused=self._capture.refused,
            used_registers=self._entries.used_registers,
        )

    def _copy_status(self, copy: _Copy) -> CopyStatus:
        armed = copy.armed()
        watching = copy.loaded and bool(self._watches)
        places = self._entries.in_registers() if watching else {}
        return CopyStatus(
            name=copy.module.name,
            base=int(copy.module.base),
            loaded=copy.loaded,
            armed=armed,
            absent=copy.plan.absent,
            search=copy.search,
            in_registers=tuple(one.address for one in armed if places.get(one.address)),
            resting=tuple(one.address for one in armed if watching and one.address not in places),
        )

    def _on_load(self, module: Module) -> None:
        prefix = copy_prefix(module.name, self.filter, int(module.base))
        if is_kernel(module.name):
            self._guard("the target's reboot", self._rebooted)
        elif prefix is not None:
            self._guard(f"arming {module.name}", lambda: self._add(module, str(prefix), fresh=True))

    def _on_unload(self, module: Module) -> None:
        copy = self._copy_at(module)
        if copy is not None:
            self._guard(f"unloading {module.name}", lambda: self._drop(copy))

    def _on_break(self) -> None:
        if self._entries.dumping is not None:
            # A bug check in the middle of a hibernation begins another dump, in the other stack. Who works is
            # seen again at the next call.
            self._guard("a break of the target", self._end_of_dump)

    def _end_of_dump(self) -> None:
        self._entries.dumping = None
        self._arrange()

    def _copy_at(self, module: Module) -> Optional[_Copy]:
        return next((c for c in self._copies if c.loaded and c.module.base == module.base), None)

    def _add(self, module: Module, prefix: str, fresh: bool) -> None:
        if self._copy_at(module) is not None:
            return  # .reload announces again what is there already
        image = read_image(self._debugger, module)
        copy = _Copy(module, prefix, len(self._copies), Registration(self._debugger, module), self._selection)
        self._copies.append(copy)
        if fresh and image.entry_point is not None:
            # DriverEntry has yet to run, and it fills in the table of all the others.
            copy.plan.learn("DriverEntry", VirtualAddress(image.entry_point), "header")
        try:
            self._sink.write(
                LoadedModule(
                    copy.number,
                    module.name,
                    int(module.base),
                    module.size,
                    image.entry_point,
                    image.timestamp,
                    image.checksum,
                    image.pdb,
                )
            )
        finally:
            # Where the disk is full its calls are at least counted: what nobody counts could pass.
            self._watch(copy)

    def _watch(self, copy: _Copy) -> None:
        copy.plan.learn_symbols(self._debugger, copy.module)
        try:
            copy.plan.learn_locations(self._debugger, copy.module, self._given)
        finally:
            self._follow(copy)

    def _search(self) -> None:
        """Look in memory for the tables of copies whose DriverEntry is past and whose callbacks nothing
        tells."""
        blind = [copy for copy in self._copies if copy.plan.needs_search]
        if not blind:
            return
        for copy, found in zip(blind, find_tables(self._debugger, [one.module for one in blind])):
            copy.search = found
            if found.chosen is not None:
                copy.plan.learn_found(found.chosen.table, certain=not found.chosen.doubts)
                self._follow(copy)

    def _follow(self, copy: _Copy) -> None:
        """Make breakpoints and recording agree with what is known of the copy's callbacks."""
        self._arrange()
        record = Callbacks(copy.number, copy.armed(), copy.plan.absent)
        if record != copy.written:
            copy.written = record
            self._sink.write(record)

    def _arrange(self) -> None:
        self._entries.arrange([one for copy in self._copies for one in copy.watched()])

    def _entry_handler(self, number: int, address: int) -> HitHandler:
        copy = self._copies[number]

        def entered() -> bool:
            self._hit("entry", lambda: self._entered(copy, address))
            return False

        return entered

    def _entered(self, copy: _Copy, address: int) -> None:
        callbacks = next(one.callbacks for one in copy.armed() if one.address == address)
        reason = self._exhausted(callbacks)
        if reason is not None:
            self._on_exhausted(reason)
            return
        side = self._calls.entered(copy.number, callbacks, copy.registration)
        if side is None:
            return
        if self._entries.dumping != copy.number and DUMP_BEGINS.issuperset(callbacks):
            self._entries.dumping = copy.number
            self._arrange()
        if "DriverEntry" not in callbacks:
            self._learn_table(copy, side.filter_initialization_data)

    def _exhausted(self, callbacks: Tuple[str, ...]) -> Optional[str]:
        """Why nothing more is to be captured; looked at between calls, so that none is cut."""
        now = time.monotonic()
        if self._first_transfer is None and DUMP_BEGINS.issuperset(callbacks):
            self._first_transfer = now
        most, budget = self._selection.max_hits, self._selection.budget
        if most is not None and sum(self._calls.counts.values()) >= most:
            return f"{most} calls were captured, as many as wanted"
        if budget is not None and self._first_transfer is not None and now - self._first_transfer > budget:
            return f"the budget of {budget:g} seconds is used up"
        return None

    def _on_call(self, call: Call) -> None:
        copy = self._copies[call.module]
        try:
            self._sink.write(call)
        finally:
            # What cannot be written is no reason to miss the calls to come.
            if copy.number == self._entries.dumping and DUMP_ENDS.intersection(call.callbacks):
                self._end_of_dump()
            if call.exit is not None and "DriverEntry" in call.callbacks:
                # It runs once in the life of a copy, and every breakpoint costs requests at each stop.
                copy.plan.forget("DriverEntry")
                self._learn_table(copy, call.exit.filter_initialization_data)
                self._follow(copy)

    def _learn_table(self, copy: _Copy, data: Optional[Piece]) -> None:
        table = callback_table(self._debugger, data)
        if table is not None and table != copy.table:
            copy.table = table
            copy.plan.learn_table(table)
            self._follow(copy)

    def _rebooted(self) -> None:
        """A kernel that loads is another kernel: what was in the last one has gone with it, unannounced, and
        the same addresses may hold anything now."""
        self._entries.dumping = None
        self._entries.remove(self._guard)
        # Who rebooted the machine, and why, is not known: nothing to hold against the filter.
        self._calls.abandon("the target rebooted while the call was running")
        for copy in self._copies:
            if copy.loaded:
                self._drop(copy)

    def _drop(self, copy: _Copy) -> None:
        copy.loaded = False
        self._entries.remove(self._guard, copy.number)
        if self._entries.dumping == copy.number:
            self._end_of_dump()
        self._calls.unload(copy.number)
        self._sink.write(Unloaded(copy.number))

    def _hit(self, during: str, action: Callable[[], None]) -> None:
        """Run the handler of a stop at one of our breakpoints."""
        began = time.perf_counter()
        self._hits += 1
        try:
            self._guard(during, action)
        finally:
            self._seconds += time.perf_counter() - began
            interrupted = self._calls.interrupts.take()
        if interrupted:
            raise KeyboardInterrupt

    def _guard(self, during: str, action: Callable[[], None]) -> None:
        """Run a handler's body. The target must go on whatever happens in it.

        Raises:
            KeyboardInterrupt: the user wants the prompt; nothing else is ever raised.
        """
        try:
            action()
        except BaseException as error:
            if is_interrupt(error):
                raise KeyboardInterrupt from error
            self._fault(during, error)

    def _fault(self, during: str, error: BaseException) -> None:
        self._fault_count += 1
        try:
            # A named error explains itself; anything else is a bug of ours, and its type helps to find it.
            named = isinstance(error, DumpfiltError)
            message = str(error) if named else f"{type(error).__name__}: {error}".rstrip(": ")
            fault = f"{during}: {message}"
            if len(self._faults) < _LISTED_FAULTS and fault not in self._faults:
                self._faults.append(fault)
            self._sink.write(Fault(during, message))
        except BaseException as another:
            # It has been counted, and where even that fails there is nothing left to do.
            if is_interrupt(another):
                raise KeyboardInterrupt from another
