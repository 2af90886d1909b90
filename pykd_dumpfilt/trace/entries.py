"""The breakpoints at callbacks' entries, in all copies of a filter: there are few debug registers, and which
address gets one depends on all."""

from dataclasses import dataclass
from typing import Callable, Dict, Optional, Sequence

from ..debugger import Breakpoint, Debugger, HitHandler, VirtualAddress
from ..errors import TargetError
from .placement import Hardware, Watched, in_debug_registers, without_resting

__all__ = ["EntryBreakpoints"]


@dataclass(frozen=True)
class _Entry:
    """A breakpoint, the copy that it is in, and whether it was to be in a debug register."""

    copy: int
    breakpoint: Breakpoint
    hardware: bool


class EntryBreakpoints:
    """Owns them.

    Args:
        debugger: the target.
        hardware: how debug registers are used.
        handler: makes what is called at a hit, from the copy's number and the address.

    Attributes:
        dumping: the number of the copy that is in the middle of a dump, None where none is; :meth:`arrange`
            goes by it.
        used_registers: whether any of them has been in a debug register.
    """

    def __init__(
        self, debugger: Debugger, hardware: Hardware, handler: Callable[[int, int], HitHandler]
    ) -> None:
        self._debugger = debugger
        self._hardware = hardware
        self._handler = handler
        self._entries: Dict[int, _Entry] = {}
        self.dumping: Optional[int] = None
        self.used_registers = False

    def __len__(self) -> int:
        return len(self._entries)

    def arrange(self, known: Sequence[Watched]) -> None:
        """Make the breakpoints agree with what is known of all copies.

        Raises:
            TargetError: the target refuses one.
        """
        wanted = without_resting(known, self.dumping)
        held = sum(one.breakpoint.hardware for one in self._entries.values())
        registers = held + self._debugger.free_debug_registers() if wanted else 0
        places = in_debug_registers(wanted, self._hardware, registers)
        for address, entry in list(self._entries.items()):
            if places.get(address) is not entry.hardware:
                self._entries.pop(address).breakpoint.remove()
        # Only now: a register that one gives up is for another.
        for one in wanted:
            if one.address not in self._entries:
                self._entries[one.address] = self._set(one, places[one.address])

    def in_registers(self) -> Dict[int, bool]:
        """For each address that has a breakpoint, whether a debug register holds it."""
        return {address: entry.breakpoint.hardware for address, entry in self._entries.items()}

    def remove(self, guard: Callable[[str, Callable[[], None]], None], copy: Optional[int] = None) -> None:
        """Take them out, of one copy or all. What fails is the guard's, and the others are taken out."""
        for address in [at for at, entry in self._entries.items() if copy in (None, entry.copy)]:
            breakpoint_ = self._entries.pop(address).breakpoint
            guard(f"taking out the breakpoint at {address:#x}", breakpoint_.remove)

    def _set(self, one: Watched, hardware: bool) -> _Entry:
        address, handler = VirtualAddress(one.address), self._handler(one.copy, one.address)
        if hardware:
            try:
                entry = _Entry(one.copy, self._debugger.set_breakpoint(address, handler, True), True)
                self.used_registers = self.used_registers or entry.breakpoint.hardware
                return entry
            except TargetError:
                # Somebody was faster. An int3 is better than a callback that nobody sees.
                pass
        return _Entry(one.copy, self._debugger.set_breakpoint(address, handler), hardware)
