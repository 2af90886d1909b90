"""The order in which the system calls a filter.

Sources: Microsoft's pages "Filter Callback Routines" and "Filter Initialization". That a filter is left out
after an error was seen of crashdmp before Windows 8, and is inferred for later ones.

Each copy has its own order. Callbacks are not mandatory: an order can be wrong only by a callback that is
known to be registered. Where one address serves several callbacks, every reading of a call is followed, and
only what no reading explains is reported.
"""

import enum
import heapq
from copy import copy as shallow_copy
from dataclasses import dataclass, field, replace
from typing import ClassVar, Dict, FrozenSet, List, Mapping, Set, Tuple

from ..decoded import DecodedCall, NoValue
from ..recording import CALLBACKS, Callbacks
from ..structures import nt_success
from ._rule import Level, Rule, RuleResult, status_text

__all__ = ["OrderIsLegal"]

# Calls are recorded as they end, and judged in the order in which they began: as many may wait for one.
_WINDOW = 64
_MAX_COPIES = 1000
_MAX_NOTES = 5


class _State(enum.Enum):
    """Where one copy stands."""

    UNSEEN = "unseen"
    """No call seen: it may have been at work before the recording began."""
    READY = "DriverEntry"
    STARTED = "Dump_Start"
    FINISHED = "Dump_Finish"
    DISABLED = "an error"
    GONE = "Dump_Unload"


_AFTER = {
    "DriverEntry": _State.READY,
    "Dump_Start": _State.STARTED,
    "Dump_Write": _State.STARTED,
    "Dump_Read": _State.STARTED,
    "Dump_Finish": _State.FINISHED,
    "Dump_Unload": _State.GONE,
}
# Start from STARTED: a dump that failed is tried again as a smaller one. From FINISHED: the resume.
_LEGAL = {
    "DriverEntry": frozenset({_State.UNSEEN}),
    "Dump_Start": frozenset({_State.UNSEEN, _State.READY, _State.STARTED, _State.FINISHED}),
    "Dump_Write": frozenset({_State.UNSEEN, _State.STARTED}),
    "Dump_Read": frozenset({_State.UNSEEN, _State.STARTED}),
    "Dump_Finish": frozenset({_State.UNSEEN, _State.STARTED}),
    # Whether a filter that is out of use is told before it is unloaded is not known; a dump may end anywhere.
    "Dump_Unload": frozenset(_State) - {_State.GONE},
}
# Legal too, unless Dump_Start is known to be registered: without one there is nothing to wait for.
_WITHOUT_START = frozenset({_State.READY, _State.FINISHED})
_NEED_START = frozenset({"Dump_Write", "Dump_Read", "Dump_Finish"})
# What an error of Dump_Read leads to is not known, and Dump_Unload ends it all anyway.
_DISABLING = frozenset({"DriverEntry", "Dump_Start", "Dump_Write", "Dump_Finish"})


@dataclass
class _Copy:
    states: FrozenSet[_State] = frozenset({_State.UNSEEN})
    has_start: bool = False
    last: str = ""
    ended: int = -1
    """When the latest of its calls ended, counted over all calls."""
    outer: str = ""
    """That call, for people."""
    outer_returned: bool = True


@dataclass(order=True)
class _Waiting:
    number: int
    ended: int
    call: DecodedCall = field(compare=False)


class OrderIsLegal(Rule):
    """The system's doing, so only a warning; but an error that the filter returned may be behind it."""

    id = "DF-SEQ-001"
    level = Level.WARNING
    family = "environment"
    statement = (
        "Each copy is called in a legal order: DriverEntry first, transfers between Dump_Start and "
        "Dump_Finish, nothing after Dump_Unload or after an error that takes the filter out of use."
    )
    source = "https://learn.microsoft.com/windows-hardware/drivers/storage/filter-callback-routines"
    evidence: ClassVar[Mapping[str, str]] = {
        "callbacks": "list of the names that the called address serves",
        "after": "list of what the copy may have done last",
        "previous": "the call before, in words",
    }
    callbacks = CALLBACKS
    ambiguous = True
    returned = False

    def begin(self) -> None:
        super().begin()
        self._copies: Dict[int, _Copy] = {}
        self._waiting: List[_Waiting] = []
        self._next = 0
        self._ended = 0
        self._within: List[str] = []
        self._within_count = 0
        self._starts_unwatched: Set[int] = set()

    def watched(self, callbacks: Callbacks) -> None:
        names = {name for armed in callbacks.armed for name in armed.callbacks}
        # Before DriverEntry has returned nobody knows where the others are.
        if names and "Dump_Start" not in names and "DriverEntry" not in names:
            self._starts_unwatched.add(callbacks.module)
        else:
            self._starts_unwatched.discard(callbacks.module)

    def check(self, call: DecodedCall) -> None:
        self._ended += 1
        if call.number < self._next:
            self.cannot_tell(call, "it was recorded too late to be put in order")
            return
        heapq.heappush(self._waiting, _Waiting(call.number, self._ended, call))
        while self._waiting and (self._waiting[0].number <= self._next or len(self._waiting) > _WINDOW):
            self._take()

    def finish(self) -> RuleResult:
        # Calls may follow that belong before those that wait, so these are judged in a copy of the state.
        settled = self._copied()
        while settled._waiting:
            settled._take()
        return super(OrderIsLegal, settled).finish()

    def _copied(self) -> "OrderIsLegal":
        twin = shallow_copy(self)
        for name, value in vars(self).items():
            if isinstance(value, (list, dict, set)):
                setattr(twin, name, value.copy())
        twin._copies = {number: replace(one) for number, one in self._copies.items()}
        return twin

    def notes(self) -> Tuple[str, ...]:
        if self._within_count > len(self._within):
            return (*self._within, f"and {self._within_count - len(self._within)} more calls within calls")
        return tuple(self._within)

    def _take(self) -> None:
        one = heapq.heappop(self._waiting)
        self._next = max(self._next, one.number + 1)
        copy = self._copies.get(one.call.raw.module)
        if copy is None:
            if len(self._copies) >= _MAX_COPIES:
                self.cannot_tell(one.call, f"more than {_MAX_COPIES} copies were loaded")
                return
            copy = self._copies[one.call.raw.module] = _Copy()
        if one.ended < copy.ended:
            self._nested(one.call, copy)
            return
        copy.ended, copy.outer = one.ended, f"call {one.call.number} ({one.call.label})"
        copy.outer_returned = one.call.exit is not None
        self._judge(one.call, copy)

    def _nested(self, call: DecodedCall, copy: _Copy) -> None:
        """A filter may call its own functions, such as Dump_Finish from Dump_Unload. The system's order is
        that of the outer calls."""
        if not copy.outer_returned:
            self.cannot_tell(
                call, f"it was made after {copy.outer}, whose return was not seen: within it, or later"
            )
            return
        self._within_count += 1
        if len(self._within) < _MAX_NOTES:
            self._within.append(
                f"call {call.number} ({call.label}) was made while {copy.outer} was running, so it is taken "
                "for the filter's own"
            )

    def _judge(self, call: DecodedCall, copy: _Copy) -> None:
        if call.raw.module in self._starts_unwatched:
            copy.has_start = False
        else:
            copy.has_start = copy.has_start or call.callback == "Dump_Start" or _registers_start(call)
        names = [name for name in call.callbacks if name in _LEGAL]
        readings = [
            (name, state)
            for name in names
            for state in copy.states
            if state in _LEGAL[name]
            or (name in _NEED_START and not copy.has_start and state in _WITHOUT_START)
        ]
        self.checked()
        if not readings:
            self._report(call, copy)
        copy.states = frozenset(_outcome(call, name) for name in (_names(readings) or names))
        copy.last = f"call {call.number} ({call.label})"
        if call.status is not None and not nt_success(call.status):
            copy.last += f", which returned {status_text(call.status)}"

    def _report(self, call: DecodedCall, copy: _Copy) -> None:
        before = sorted(state.value for state in copy.states)
        self.find_once(
            call,
            f"{call.label} after {before}",
            f"the system called {call.label} in {call.module_name} after {copy.last}: {_why(call, copy)}",
            {"callbacks": list(call.callbacks), "after": before, "previous": copy.last},
        )


def _names(readings: List[Tuple[str, _State]]) -> FrozenSet[str]:
    return frozenset(name for name, _ in readings)


def _outcome(call: DecodedCall, name: str) -> _State:
    status = call.status
    if name in _DISABLING and status is not None and not nt_success(status):
        return _State.DISABLED
    return _AFTER[name]


def _registers_start(call: DecodedCall) -> bool:
    # At DriverEntry's entry the table holds nothing of the filter's yet.
    side = call.exit if call.callback == "DriverEntry" else call.entry
    if side is None:
        return False
    data = side.filter_initialization_data
    return not isinstance(data, NoValue) and data.dump_start != 0


def _why(call: DecodedCall, copy: _Copy) -> str:
    if copy.states == {_State.GONE}:
        return "nothing is expected after Dump_Unload"
    if copy.states == {_State.DISABLED}:
        return "a filter that returned an error is expected to be called no more"
    if call.callback == "DriverEntry":
        return "DriverEntry is expected once, and first"
    return "a Dump_Start is expected in between"
