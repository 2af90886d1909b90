"""Where a copy's callbacks are, and how that is known."""

import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ..debugger import Debugger, Module, VirtualAddress
from ..errors import UsageError
from ..recording import CALLBACKS, ArmedCallback

__all__ = ["CallbackPlan", "Location", "callback_named", "parse_callback_option"]

_ROLES = {name.lower().replace("dump_", ""): name for name in CALLBACKS}
_ROLES.update({name.lower(): name for name in CALLBACKS})

# Later beats earlier: the table is what crashdmp calls, seen in a call better than found by a search, and a
# user who names an address knows why.
_RANK = {"symbol": 0, "header": 1, "memory": 2, "table": 3, "address": 4}


@dataclass(frozen=True)
class Location:
    """Where the user says a callback is: an absolute address, an offset from the copy's base, or a symbol."""

    address: Optional[int] = None
    offset: Optional[int] = None
    symbol: Optional[str] = None


def callback_named(role: str) -> Optional[str]:
    """The callback that ``read`` or ``Dump_Read`` names, in any case; None for anything else."""
    return _ROLES.get(role.strip().lower())


def parse_callback_option(text: str) -> Tuple[str, Location]:
    """``read=0xfffff80012345678``, ``read=fffff800`12345678``, ``read=+0x1200`` or ``read=MyDumpRead``.

    Returns the callback's name and its location.

    Raises:
        UsageError: it is none of these.
    """
    role, equals, where = (part.strip() for part in text.partition("="))
    name = callback_named(role)
    if not equals or name is None or not where:
        raise UsageError(
            f"{text!r} does not say where a callback is: write ROLE=WHERE, ROLE one of start, write, read, "
            "finish, unload, and WHERE an address (0xfffff80012345678), an offset from the image's base "
            "(+0x1200) or a symbol"
        )
    number = where.replace("`", "")
    if re.fullmatch(r"\+(0x)?[0-9a-fA-F]+", number):
        return name, Location(offset=int(number[1:], 16))
    if re.fullmatch(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}(?:[0-9a-fA-F]{8})?", number):
        return name, Location(address=int(number, 16))
    return name, Location(symbol=where.rpartition("!")[2])


class CallbackPlan:
    """What is known of one copy's callbacks; better knowledge replaces lesser."""

    def __init__(self) -> None:
        self._known: Dict[str, Tuple[VirtualAddress, str]] = {}
        self._absent: List[str] = []

    def learn(self, callback: str, address: VirtualAddress, found_by: str) -> None:
        """Note where a callback is, unless something better is known."""
        known = self._known.get(callback)
        if known is None or _RANK[found_by] >= _RANK[known[1]]:
            self._known[callback] = (address, found_by)
            if callback in self._absent:
                self._absent.remove(callback)

    def forget(self, callback: str) -> None:
        """It need not be watched any more."""
        self._known.pop(callback, None)

    def learn_found(self, table: Mapping[str, int], certain: bool) -> None:
        """Note what a FILTER_INITIALIZATION_DATA says that was found in memory. A callback that is not in it
        is taken to be absent only when the find is certain."""
        for callback, pointer in table.items():
            if pointer:
                self.learn(callback, VirtualAddress(pointer), "memory")
            elif certain and callback not in self._known and callback not in self._absent:
                self._absent.append(callback)

    def learn_table(self, table: Mapping[str, int]) -> None:
        """Note what FILTER_INITIALIZATION_DATA says: callback name to pointer, 0 where there is none."""
        for callback, pointer in table.items():
            if pointer:
                self.learn(callback, VirtualAddress(pointer), "table")
                continue
            known = self._known.get(callback)
            if known is None or known[1] != "address":
                self._known.pop(callback, None)
                if callback not in self._absent:
                    self._absent.append(callback)

    def learn_symbols(self, debugger: Debugger, module: Module, names: Sequence[str] = CALLBACKS[1:]) -> None:
        """Look for each callback under its documented name, with and without the underscore."""
        for callback in names:
            for symbol in (callback, callback.replace("_", "")):
                address = debugger.symbol(module, symbol)
                if address is not None:
                    self.learn(callback, address, "symbol")
                    break

    def learn_locations(self, debugger: Debugger, module: Module, given: Mapping[str, Location]) -> None:
        """Note what the user said, as far as it concerns this copy.

        Raises:
            UsageError: the copy has no such symbol, or the offset is outside the image.
        """
        for callback, where in given.items():
            if where.symbol is not None:
                address = debugger.symbol(module, where.symbol)
                if address is None:
                    raise UsageError(f"{module.name} has no symbol {where.symbol}: try x {module.name}!*")
                self.learn(callback, address, "address")
            elif where.offset is not None:
                if where.offset >= module.size:
                    raise UsageError(
                        f"+{where.offset:#x} is outside {module.name}, whose image has {module.size:#x} bytes"
                    )
                self.learn(callback, module.base + where.offset, "address")
            elif where.address is not None and where.address in module:
                # An address in another copy is that copy's business.
                self.learn(callback, VirtualAddress(where.address), "address")

    @property
    def needs_search(self) -> bool:
        """Whether nothing tells where Dump_Write is, and the user has named no address either."""
        ways = [found_by for _, found_by in self._known.values()]
        return "Dump_Write" not in self._known and "address" not in ways

    @property
    def absent(self) -> Tuple[str, ...]:
        """Callbacks that the table says are not registered."""
        return tuple(name for name in CALLBACKS if name in self._absent)

    def armed(self) -> Tuple[ArmedCallback, ...]:
        """One entry per address, in the order of the callbacks; equal addresses share one."""
        by_address: Dict[int, List[str]] = {}
        for callback in CALLBACKS:
            if callback in self._known:
                by_address.setdefault(int(self._known[callback][0]), []).append(callback)
        return tuple(
            ArmedCallback(address, tuple(names), tuple(self._known[name][1] for name in names))
            for address, names in by_address.items()
        )
