"""What DbgEng offers and pykd does not: reads past its cache, all registers at once, symbols without a word,
whether the user pressed Ctrl+Break.

Its COM interfaces (dbgeng.h) are called through ctypes, in the process that DbgEng lives in. Methods are
known by their place in the interface's table, after IUnknown's three.
"""

import contextlib
import ctypes
import uuid
from functools import lru_cache
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

__all__ = ["Engine", "engine"]

_IDEBUGCONTROL = uuid.UUID("5182e668-105e-416e-ad92-24ef800424ba")
_IDEBUGDATASPACES = uuid.UUID("88f7dfab-3ea7-4c3a-aefb-c4e8106173aa")
_IDEBUGREGISTERS = uuid.UUID("ce289126-9e84-45a7-937e-67bb18691493")
_IDEBUGSYMBOLS = uuid.UUID("8c31e98c-983a-48a5-9016-6fe5d667a950")
_QUERY_INTERFACE = 0
_GET_INTERRUPT = 3
_GET_INDEX_BY_NAME = 5
_GET_VALUES = 8
_GET_OFFSET_BY_NAME = 8
_READ_VIRTUAL_UNCACHED = 6
_READ_PHYSICAL = 10
_READ_DEBUGGER_DATA = 21

# DEBUG_VALUE: 24 bytes of value, TailOfRawBytes, Type.
_VALUE_SIZE, _VALUE_TYPE_AT = 32, 28
# DEBUG_VALUE_*: bytes of the value, by Type. Floating point is left out: nobody asks for it.
_VALUE_BYTES = {1: 1, 2: 2, 3: 4, 4: 8, 10: 8, 11: 16}

_Read = Callable[[int, int], Tuple[bytes, int]]


class Engine:
    """DbgEng, as far as it is there: every method says whether it could do its work."""

    def __init__(self) -> None:
        self._interrupt: Optional[Callable[[], int]] = None
        self._pressed = False
        self._virtual: Optional[_Read] = None
        self._physical: Optional[_Read] = None
        self._debugger_data: Optional[Callable[..., int]] = None
        self._index_by_name: Optional[Callable[..., int]] = None
        self._values: Optional[Callable[..., int]] = None
        self._offset_by_name: Optional[Callable[..., int]] = None
        self._indices: Dict[str, Optional[int]] = {}
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._bind()

    def look_for_interrupt(self) -> bool:
        """Whether the user pressed Ctrl+Break since the last look (IDebugControl::GetInterrupt).

        From CPython 3.9 on pykd cannot deliver the key to Python code, and handlers that take long leave no
        moment for the break-in. From the key on DbgEng refuses every read until somebody looks, and executing
        a command forgets the key: so look before a command, and when a read fails.
        """
        pressed = self._interrupt is not None and self._interrupt() == 0
        self._pressed = self._pressed or pressed
        return pressed

    def interrupted(self) -> bool:
        """Whether it was pressed since the last time that this was asked."""
        self.look_for_interrupt()
        pressed, self._pressed = self._pressed, False
        return pressed

    def read_virtual(self, address: int, size: int) -> Optional[Tuple[bytes, int]]:
        """Up to ``size`` bytes past DbgEng's cache (IDebugDataSpaces::ReadVirtualUncached): those before the
        first that cannot be read, and the HRESULT. None where DbgEng cannot be asked so.

        The cache reads in lines of 128 bytes and turns 64 KiB into 47 requests; without it they are 17, as
        many as the protocol takes.
        """
        return None if self._virtual is None else self._virtual(address, size)

    def read_physical(self, address: int, size: int) -> Optional[Tuple[bytes, int]]:
        """The same by physical address (IDebugDataSpaces::ReadPhysical)."""
        return None if self._physical is None else self._physical(address, size)

    def debugger_data(self, index: int) -> Optional[int]:
        """One of the kernel's 64-bit values that DbgEng knows (IDebugDataSpaces::ReadDebuggerData,
        DEBUG_DATA_* of dbgeng.h); None where it does not."""
        if self._debugger_data is None:
            return None
        value = ctypes.create_string_buffer(8)
        if self._debugger_data(index, value, len(value), None) < 0:
            return None
        return int.from_bytes(value.raw, "little")

    def read_registers(self, names: Sequence[str]) -> Optional[Dict[str, int]]:
        """Registers by name, unsigned (IDebugRegisters::GetValues); those that DbgEng does not know are left
        out. None where DbgEng cannot be asked so.

        The command ``r`` gives them too, but sets up a scope for it, which reads headers and stack.
        """
        if self._values is None:
            return None
        known = [(name, index) for name, index in ((n, self._index(n)) for n in names) if index is not None]
        indices = (ctypes.c_uint32 * max(len(known), 1))(*(index for _, index in known))
        data = ctypes.create_string_buffer(_VALUE_SIZE * max(len(known), 1))
        if known and self._values(len(known), indices, 0, data) < 0:
            return None
        found = {}
        for number, (name, _) in enumerate(known):
            value = data.raw[number * _VALUE_SIZE : (number + 1) * _VALUE_SIZE]
            size = _VALUE_BYTES.get(int.from_bytes(value[_VALUE_TYPE_AT:], "little"))
            if size is not None:
                found[name] = int.from_bytes(value[:size], "little")
        return found

    @property
    def knows_symbols(self) -> bool:
        """Whether :meth:`symbol` can be asked."""
        return self._offset_by_name is not None

    def symbol(self, name: str) -> Optional[int]:
        """The address of ``module!symbol`` (IDebugSymbols::GetOffsetByName); None where there is no such.

        pykd finds it too, but reloads a module that has no symbols, and tells the user of its troubles.
        """
        address = ctypes.c_uint64()
        if self._offset_by_name is None or self._offset_by_name(name.encode(), ctypes.byref(address)) < 0:
            return None
        return address.value

    def _index(self, name: str) -> Optional[int]:
        if name not in self._indices:
            assert self._index_by_name is not None
            index = ctypes.c_uint32()
            known = self._index_by_name(name.encode("ascii"), ctypes.byref(index)) >= 0
            self._indices[name] = index.value if known else None
        return self._indices[name]

    def _bind(self) -> None:
        library = ctypes.WinDLL("dbgeng.dll")  # type: ignore[attr-defined,unused-ignore]
        control = ctypes.c_void_p()
        if library.DebugCreate(_guid(_IDEBUGCONTROL), ctypes.byref(control)) != 0:
            return
        self._interrupt = _method(control, _GET_INTERRUPT)
        # One client for all of it: each DebugCreate makes another.
        registers = _other(control, _IDEBUGREGISTERS)
        if registers is not None:
            number = ctypes.POINTER(ctypes.c_uint32)
            self._index_by_name = _method(registers, _GET_INDEX_BY_NAME, ctypes.c_char_p, number)
            self._values = _method(
                registers, _GET_VALUES, ctypes.c_uint32, number, ctypes.c_uint32, ctypes.c_char_p
            )
        symbols = _other(control, _IDEBUGSYMBOLS)
        if symbols is not None:
            self._offset_by_name = _method(
                symbols, _GET_OFFSET_BY_NAME, ctypes.c_char_p, ctypes.POINTER(ctypes.c_uint64)
            )
        spaces = _other(control, _IDEBUGDATASPACES)
        if spaces is not None:
            self._virtual = _reader(spaces, _READ_VIRTUAL_UNCACHED)
            self._physical = _reader(spaces, _READ_PHYSICAL)
            self._debugger_data = _method(
                spaces,
                _READ_DEBUGGER_DATA,
                ctypes.c_uint32,
                ctypes.c_char_p,
                ctypes.c_uint32,
                ctypes.c_void_p,
            )


@lru_cache(maxsize=None)
def engine() -> Engine:
    """This process's DbgEng. One client of it serves all who ask: none is ever released."""
    return Engine()


def _guid(identity: uuid.UUID) -> Any:
    return (ctypes.c_ubyte * 16)(*identity.bytes_le)


def _other(interface: ctypes.c_void_p, identity: uuid.UUID) -> Optional[ctypes.c_void_p]:
    """Another interface of the same client; kept for as long as the process lives."""
    found = ctypes.c_void_p()
    query = _method(interface, _QUERY_INTERFACE, ctypes.c_void_p, ctypes.c_void_p)
    return found if query(ctypes.byref(_guid(identity)), ctypes.byref(found)) == 0 else None


def _method(interface: ctypes.c_void_p, place: int, *arguments: Any) -> Callable[..., int]:
    table = ctypes.cast(interface, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
    prototype = ctypes.WINFUNCTYPE(ctypes.c_long, ctypes.c_void_p, *arguments)  # type: ignore[attr-defined,unused-ignore]
    method = prototype(table[place])
    return lambda *values: int(method(interface, *values))


def _reader(interface: ctypes.c_void_p, place: int) -> _Read:
    """HRESULT Read(ULONG64 Offset, PVOID Buffer, ULONG BufferSize, PULONG BytesRead)."""
    method = _method(
        interface, place, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32)
    )

    def read(address: int, size: int) -> Tuple[bytes, int]:
        buffer = ctypes.create_string_buffer(max(size, 1))
        done = ctypes.c_uint32()
        result = method(address & 0xFFFFFFFFFFFFFFFF, buffer, size, ctypes.byref(done))
        return (buffer.raw[: min(done.value, size)] if result >= 0 else b""), result & 0xFFFFFFFF

    return read
