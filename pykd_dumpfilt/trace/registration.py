"""A filter's two structures in the target: FILTER_EXTENSION, and FILTER_INITIALIZATION_DATA in front of it.

crashdmp keeps both in one FILTER_CONTEXT. That they lie side by side has been seen on x86 only; on x64 it is
inferred, so a candidate counts only when its contents agree (see :func:`_is_registration`), and "not found"
is an ordinary answer.
"""

from typing import Dict, Mapping, Optional, Tuple

from ..debugger import Debugger, Module
from ..recording import Piece
from ..structures import filter_extension, filter_initialization_data, filter_initialization_data_sizes
from .capture import read_piece

__all__ = ["Registration", "callback_table"]

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
        self._debugger = debugger
        self._module = module
        self._machine = debugger.machine
        self._extension_size = filter_extension(self._machine).size
        # Where FILTER_INITIALIZATION_DATA was found, by the address of FILTER_EXTENSION: a filter may change
        # either (VeraCrypt clears DumpData in Dump_Unload), and then contents no longer tell.
        self._found: Dict[int, int] = {}

    def at_driver_entry(self, extension: int, data: int) -> Tuple[Piece, Piece]:
        """Both structures from DriverEntry's two arguments."""
        distance = extension - data
        if distance in filter_initialization_data_sizes(self._machine):
            self._found[extension] = size = distance
        else:
            # Not adjacent: no size field tells, so take the form that the newest header seen declares.
            size = sorted(filter_initialization_data_sizes(self._machine))[1]
        return (
            read_piece(self._debugger, extension, self._extension_size),
            read_piece(self._debugger, data, size),
        )

    def at_callback(self, extension: int) -> Tuple[Piece, Optional[Piece]]:
        """FILTER_EXTENSION from a callback's first argument, and what lies in front of it if it is the
        table. One read gets both."""
        reach = max(filter_initialization_data_sizes(self._machine))
        window = read_piece(self._debugger, max(0, extension - reach), reach + self._extension_size)
        if extension < reach or window.missing is not None:
            return read_piece(self._debugger, extension, self._extension_size), None
        piece = Piece(extension, window.data[reach:], self._extension_size)
        size = self._found.get(extension)
        if size is None:
            size = self._search(window.data, reach, piece)
            if size is None:
                return piece, None
            self._found[extension] = size
        return piece, Piece(extension - size, window.data[reach - size : reach], size)

    def _search(self, window: bytes, reach: int, extension: Piece) -> Optional[int]:
        dump_data = filter_extension(self._machine).parse(extension.data).DumpData
        for size in filter_initialization_data_sizes(self._machine):
            fields = filter_initialization_data(self._machine, size).parse(window[reach - size : reach])
            if self._is_registration(fields, dump_data):
                return size
        return None

    def _is_registration(self, fields: Mapping[str, int], dump_data: int) -> bool:
        pointers = [fields[name] for name in _TABLE_FIELDS.values() if name in fields]
        return (
            fields["MajorVersion"] in (1, 2)
            and fields["MinorVersion"] == 0
            and fields["MaxPagesPerWrite"] > 0
            and fields["DumpData"] == dump_data
            and any(pointers)
            and all(pointer == 0 or pointer in self._module for pointer in pointers)
        )


def callback_table(debugger: Debugger, data: Optional[Piece]) -> Optional[Dict[str, int]]:
    """Callback name to pointer (0 where none is registered), from FILTER_INITIALIZATION_DATA as read; None
    where it could not be read whole."""
    if data is None or data.missing is not None:
        return None
    fields = filter_initialization_data(debugger.machine, len(data.data)).parse(data.data)
    # The oldest form has no DumpRead: such a filter cannot be asked to read.
    return {callback: fields.get(name) or 0 for callback, name in _TABLE_FIELDS.items()}
