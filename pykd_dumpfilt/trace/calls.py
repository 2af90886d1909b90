"""From hits to calls: what is captured at an entry is kept until its return, then both are handed on."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Callable, Dict, List, Mapping, Optional, Tuple

from ..debugger import Breakpoint, BugCheckData, Debugger, VirtualAddress
from ..errors import TargetError
from ..recording import Buffer, BugCheck, Call, Piece, Side
from .abi import ARGUMENT_COUNTS, RETURN_ADDRESS_SIZE, read_entry, read_return, return_address
from .capture import Capture, CapturedMdl
from .interrupts import Interrupts
from .pairing import OpenCalls
from .registration import Registration
from .selection import Data, Selection
from .stop_memory import Span, StopMemory

__all__ = ["CallTracker"]

_OFFSET_SIZE = 8  # LARGE_INTEGER
_MDL_CALLBACKS = frozenset({"Dump_Write", "Dump_Read"})


@dataclass(eq=False)
class _Open:
    """A call that was entered: all of it but its return."""

    call: Call
    registration: Registration
    described: Tuple[CapturedMdl, ...]


class CallTracker:
    """Turns hits at entries and at return addresses into calls.

    Args:
        debugger: the target.
        capture: reads memory, and keeps pages.
        emit: gets each call when it ends.
        guard: runs a handler's body; what it raises becomes a fault of the tool.
        selection: which calls are captured, and what of them.
    """

    def __init__(
        self,
        debugger: Debugger,
        capture: Capture,
        emit: Callable[[Call], None],
        guard: Callable[[str, Callable[[], None]], None],
        selection: Optional[Selection] = None,
    ) -> None:
        self._debugger = debugger
        self._capture = capture
        self._emit = emit
        self._guard = guard
        self._selection = selection or Selection()
        self._open: OpenCalls[_Open] = OpenCalls()
        self._returns: Dict[int, Breakpoint] = {}
        self._entries = 0
        self._hits: Dict[Tuple[int, Tuple[str, ...]], int] = {}
        self._noted: Optional[BugCheckData] = None
        self._transferring = False
        self.interrupts = Interrupts()
        """Whether the user wanted the prompt while a stop was being read."""
        self.counts: Dict[str, int] = {}
        """Calls handed on, by callback name."""
        self.lost = 0
        """Calls that happened and could not be captured."""
        self.left_out = 0
        """Calls that were seen and, by the user's wish, not captured."""

    @property
    def open_calls(self) -> int:
        """Calls that were entered and have not returned."""
        return len(self._open)

    @property
    def return_breakpoints(self) -> int:
        """Breakpoints at return addresses, one for each address that an open call returns to."""
        return len(self._returns)

    def entered(self, module: int, callbacks: Tuple[str, ...], registration: Registration) -> Optional[Side]:
        """Capture an entry; the target stands at the callback's first instruction. None where the user did
        not want this one (its number is used up all the same, so that a reader knows of the gap), and where
        it is none: a loop may go back to a function's first instruction."""
        if self._goes_round(module, callbacks):
            return None
        number = self._entries
        self._entries += 1
        address = (module, callbacks)
        count = self._hits[address] = self._hits.get(address, -1) + 1
        try:
            side = None
            if self._selection.samples(callbacks, count):
                side = self.interrupts.again(
                    lambda: self._opened(number) or self._entered(number, module, callbacks, registration)
                )
        except BaseException:
            self.lost += 1
            raise
        self.left_out += side is None
        return side

    def _goes_round(self, module: int, callbacks: Tuple[str, ...]) -> bool:
        """Whether a call that is open has come to its first instruction again. A caller that calls anew has
        something else in one of the registers that it keeps, or hands on another argument."""
        opened = self._open.find(lambda one: (one.call.module, one.call.callbacks) == (module, callbacks))
        if opened is None:
            return False
        before = opened.call.entry.registers
        entry = read_entry(self._debugger)
        same = all(before.get(name) == value for name, value in entry.registers.items() if name != "efl")
        return same and entry.arguments[: len(opened.call.arguments)] == opened.call.arguments

    def _opened(self, number: int) -> Optional[Side]:
        one = self._open.find(lambda one: one.call.number == number)
        return None if one is None else one.call.entry

    def _entered(
        self, number: int, module: int, callbacks: Tuple[str, ...], registration: Registration
    ) -> Optional[Side]:
        entry = read_entry(self._debugger)
        arguments = entry.arguments[: max(ARGUMENT_COUNTS[name] for name in callbacks)]
        stack = (entry.stack, RETURN_ADDRESS_SIZE)
        memory = self._memory(callbacks, arguments, registration, stack)
        described: Tuple[CapturedMdl, ...] = ()
        if self._has_mdl(callbacks):
            described = tuple(self._capture.mdl_chain(memory, arguments[2]))
            if not self._touches(memory.piece(arguments[1], _OFFSET_SIZE), described):
                return None
        goes_back = return_address(memory.piece(*stack))
        side = self._structures(memory, entry.registers, callbacks, arguments, registration)
        if self._has_mdl(callbacks):
            side = self._with_mdls(memory, side, number, described)
        if not (self._has_mdl(callbacks) and self._transferring):
            # A crash dump is written because of a bug check; only a later one is the filter's. Looking costs
            # a request, so transfers that follow a transfer do without.
            self._noted = self._bug_check()
        self._transferring = self._has_mdl(callbacks)
        call = Call(number, module, callbacks, int(goes_back), arguments, side)
        # The breakpoint first: a call that is open is one whose return will be seen.
        self._wait_for_return(goes_back)
        gone = self._open.enter(
            entry.stack_after_return, int(goes_back), _Open(call, registration, described)
        )
        self._give_up(gone, "its stack was used again by a later call", gone=True)
        return side

    def _touches(self, offset: Piece, described: Tuple[CapturedMdl, ...]) -> bool:
        """Whether the user wants a transfer, by its place on the disk; one whose place is not known, too."""
        if offset.missing is not None:
            return True
        size = sum(one.byte_count for one in described)
        return self._selection.touches(int.from_bytes(offset.data, "little", signed=True), max(1, size))

    def unload(self, module: int) -> None:
        """Hand on the open calls of a module that goes away: they will not return."""
        try:
            calls = self._open.abandon(lambda one: one.call.module == module)
            self._give_up(calls, "the module was unloaded while the call was running", gone=True)
        finally:
            self._drop_unused_returns()

    def abandon(self, reason: str, gone: bool = False) -> None:
        """Hand on the open calls as calls whose return was not seen; ``gone`` where they will not return."""
        try:
            calls = self._open.abandon(lambda one: True)
            raised = self._bug_check() if calls else None
            if raised is not None and raised != self._noted:
                innermost = calls.pop(0)
                check = BugCheck(raised.code, raised.parameters)
                self._hand_on(replace(innermost.call, unreturned=reason, bug_check=check))
            self._give_up(calls, reason, gone=gone)
        finally:
            self._drop_unused_returns()

    def _returned(self, return_address: int) -> None:
        ended: Optional[Call] = None
        try:
            status, registers = self.interrupts.again(lambda: read_return(self._debugger))
            one, gone = self._open.leave(registers["rsp"], return_address)
            self._give_up(gone, "a call around it returned first", gone=True)
            if one is not None:
                ended = self.interrupts.again(partial(self._finish, one, status, registers))
        except BaseException:
            self.lost += 1
            raise
        finally:
            self._drop_unused_returns()
        if ended is not None:
            self._hand_on(ended)

    def _finish(self, one: _Open, status: int, registers: Mapping[str, int]) -> Call:
        call = one.call
        memory = self._memory(call.callbacks, call.arguments, one.registration)
        side = self._structures(memory, registers, call.callbacks, call.arguments, one.registration)
        if self._has_mdl(call.callbacks):
            described = tuple(self._capture.mdl_chain(memory, call.arguments[2]))
            side = self._with_mdls(memory, side, call.number, described, one.described)
        return replace(call, exit=side, status=status)

    def _memory(
        self,
        callbacks: Tuple[str, ...],
        arguments: Tuple[int, ...],
        registration: Registration,
        *more: Span,
    ) -> StopMemory:
        """The target's memory at this stop, with all that a side of a call has at hand."""
        expected = list(more)
        if "DriverEntry" not in callbacks:
            expected.append(registration.window(arguments[0]))
        if self._has_mdl(callbacks):
            expected += [(arguments[1], _OFFSET_SIZE), self._capture.mdl_span(arguments[2])]
        return StopMemory(self._debugger, expected)

    def _structures(
        self,
        memory: StopMemory,
        registers: Mapping[str, int],
        callbacks: Tuple[str, ...],
        arguments: Tuple[int, ...],
        registration: Registration,
    ) -> Side:
        if "DriverEntry" in callbacks:
            extension, data = registration.at_driver_entry(memory, arguments[0], arguments[1])
            return Side(registers, extension, data)
        extension, found = registration.at_callback(memory, arguments[0])
        offset = None
        if self._has_mdl(callbacks):
            offset = memory.piece(arguments[1], _OFFSET_SIZE)
        return Side(registers, extension, found, offset)

    def _with_mdls(
        self,
        memory: StopMemory,
        side: Side,
        number: int,
        described: Tuple[CapturedMdl, ...],
        at_entry: Optional[Tuple[CapturedMdl, ...]] = None,
    ) -> Side:
        same = at_entry is not None and [one.piece for one in described] == [one.piece for one in at_entry]
        original = described if at_entry is None else at_entry
        moved: Tuple[CapturedMdl, ...] = ()
        if at_entry is not None and [one.pfns for one in described] != [one.pfns for one in at_entry]:
            # The filter put in its own buffer: its caller's pages must be looked at where they were.
            moved = at_entry
        buffers = self._buffers((*described, *moved), at_return=at_entry is not None)
        return replace(
            side,
            mdls=tuple(one.piece for one in described),
            buffers=buffers[: len(described)],
            source=buffers[len(described) :],
            # An unchanged MDL maps what it mapped at entry; reading that again would tell nothing new.
            mapped=() if same else self._mapped(memory, described, number, at_entry is not None),
            around=tuple(self._capture.around(one) for one in original) if self._capture.looks_around else (),
        )

    def _buffers(self, chain: Tuple[CapturedMdl, ...], at_return: bool) -> Tuple[Buffer, ...]:
        kept = self._selection.data
        if kept is Data.AFTER:
            return self._capture.buffers(chain) if at_return else self._capture.left_out(chain, kept)
        return self._capture.buffers(chain, kept)

    def _mapped(
        self, memory: StopMemory, described: Tuple[CapturedMdl, ...], number: int, changed: bool
    ) -> Tuple[Piece, ...]:
        """At entry the first page tells. A buffer that the filter put in is looked at in three places at
        most, one of them another page at each call: over some calls none is left out, at a small price."""
        pieces: List[Piece] = []
        for one in described:
            pages = len(one.pfns)
            places = sorted({0, pages - 1, number % pages}) if changed and pages else [0]
            pieces += self._capture.mapped(memory, one, places)
        return tuple(pieces)

    def _bug_check(self) -> Optional[BugCheckData]:
        try:
            return self._debugger.bug_check()
        except TargetError:
            # The target may be gone; then nobody knows.
            return None

    @staticmethod
    def _has_mdl(callbacks: Tuple[str, ...]) -> bool:
        # Where one address serves others too, the second and third argument may be garbage.
        return _MDL_CALLBACKS.issuperset(callbacks)

    def _wait_for_return(self, address: VirtualAddress) -> None:
        if int(address) not in self._returns:

            def returned() -> bool:
                self._guard("return", lambda: self._returned(int(address)))
                return False

            self._returns[int(address)] = self._debugger.set_breakpoint(address, returned)

    def _drop_unused_returns(self) -> None:
        for address in [one for one in self._returns if not self._open.waits_for(one)]:
            self._returns.pop(address).remove()

    def _give_up(self, calls: List[_Open], reason: str, gone: bool) -> None:
        for one in calls:
            self._hand_on(replace(one.call, unreturned=reason, gone=gone))

    def _hand_on(self, call: Call) -> None:
        name = "|".join(call.callbacks)
        self.counts[name] = self.counts.get(name, 0) + 1
        self._emit(call)
