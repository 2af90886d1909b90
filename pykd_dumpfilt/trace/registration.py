"""A filter's two structures in the target: FILTER_EXTENSION, and FILTER_INITIALIZATION_DATA in front of it.

crashdmp keeps both in one FILTER_CONTEXT. That they lie side by side has been seen on x86 only; on x64 it is
inferred, so a candidate counts only when its contents agree (see :func:`_is_registration`), and "not found"
is an ordinary answer.
"""

from typing import Dict, Mapping, Optional, Tuple

from ..debugger import Debugger, Module
from ..recording import Piece
from ..structures import FilterContext, filter_contexts, filter_extension, filter_initialization_data
from .stop_memory import Span, StopMemory

__all__ = ["Registration", "callback_table", "is_registration"]

_TABLE_FIELDS = {
    "Dump_Start": "DumpStart",
    "Dump_Write": "DumpWrite",
    "Dump_Read": "DumpRead",
    "Dump_Finish": "DumpFinish",
    "Dump_Unload": "DumpUnload",
}


class Registration:
    """Reads both structures of one copy of a filter."""

    def __init__(self, debugger: Debugger, module: Module) -> None:
        self._module = module
        self._machine = debugger.machine
        self._contexts = filter_contexts(self._machine)
        self._extension_size = filter_extension(self._machine).size
        # Where FILTER_INITIALIZATION_DATA was found, by the address of FILTER_EXTENSION: a filter may change
        # either (VeraCrypt clears DumpData in Dump_Unload), and then contents no longer tell.
        self._found: Dict[int, FilterContext] = {}

    def window(self, extension: int) -> Span:
        """Where both structures are, if they lie side by side: what :meth:`at_callback` reads."""
        reach = self._contexts[-1].filter_extension
        return max(0, extension - reach), reach + self._extension_size

    def at_driver_entry(self, memory: StopMemory, extension: int, data: int) -> Tuple[Piece, Piece]:
        """Both structures from DriverEntry's two arguments."""
        adjacent = [one for one in self._contexts if one.filter_extension == extension - data]
        if adjacent:
            self._found[extension] = adjacent[-1]
        # Not adjacent: no size field tells, so take the form that the newest header seen declares.
        context = adjacent[-1] if adjacent else self._contexts[1]
        return (
            memory.piece(extension, self._extension_size),
            memory.piece(data, context.filter_initialization_data_size),
        )

    def at_callback(self, memory: StopMemory, extension: int) -> Tuple[Piece, Optional[Piece]]:
        """FILTER_EXTENSION from a callback's first argument, and what lies in front of it if it is the
        table. One read gets both."""
        reach = self._contexts[-1].filter_extension
        window = memory.piece(*self.window(extension))
        if extension < reach or window.missing is not None:
            return memory.piece(extension, self._extension_size), None
        piece = Piece(extension, window.data[reach:], self._extension_size)
        context = self._found.get(extension) or self._search(window.data, reach, piece)
        if context is None:
            return piece, None
        self._found[extension] = context
        data, size = _in_front(window.data, reach, context)
        return piece, Piece(extension - context.filter_extension, data, size)

    def _search(self, window: bytes, reach: int, extension: Piece) -> Optional[FilterContext]:
        dump_data = filter_extension(self._machine).parse(extension.data).DumpData
        for context in self._contexts:
            data, size = _in_front(window, reach, context)
            if self._is_registration(filter_initialization_data(self._machine, size).parse(data), dump_data):
                return context
        return None

    def _is_registration(self, fields: Mapping[str, int], dump_data: int) -> bool:
        return is_registration(fields, dump_data, self._module)


def is_registration(fields: Mapping[str, int], dump_data: int, module: Module) -> bool:
    """Whether what has been parsed as FILTER_INITIALIZATION_DATA is one of a filter in that module, whose
    FILTER_EXTENSION holds ``dump_data``."""
    pointers = [fields[name] for name in _TABLE_FIELDS.values() if name in fields]
    return (
        fields["MajorVersion"] in (1, 2)
        and fields["MinorVersion"] == 0
        and fields["MaxPagesPerWrite"] > 0
        and fields["DumpData"] == dump_data
        and any(pointers)
        and all(pointer == 0 or pointer in module for pointer in pointers)
    )


def callback_table(debugger: Debugger, data: Optional[Piece]) -> Optional[Dict[str, int]]:
    """Callback name to pointer (0 where none is registered), from FILTER_INITIALIZATION_DATA as read; None
    where it could not be read whole."""
    if data is None or data.missing is not None:
        return None
    fields = filter_initialization_data(debugger.machine, len(data.data)).parse(data.data)
    # The oldest form has no DumpRead: such a filter cannot be asked to read.
    return {callback: fields.get(name) or 0 for callback, name in _TABLE_FIELDS.items()}


def _in_front(window: bytes, reach: int, context: FilterContext) -> Tuple[bytes, int]:
    """FILTER_INITIALIZATION_DATA's bytes and size, if this is the form of it before FILTER_EXTENSION."""
    start = reach - context.filter_extension
    size = context.filter_initialization_data_size
    return window[start : start + size], size
