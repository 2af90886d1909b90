"""ntdef.h and guiddef.h: the types that other headers build on.

Source: the Windows kit's ntdef.h and guiddef.h as mingw-w64 declares them.
"""

import struct
from typing import Any

from construct import Construct, Int32ul, Int64sl, Int64ul, StreamError

from ._layout import Layout
from ._machine import Machine
from ._record import Record

__all__ = ["GUID_SIZE", "guid_text", "large_integer", "pointer"]

GUID_SIZE = 16
_GUID = struct.Struct("<IHH8s")

LONGLONG = Int64sl
"""A LARGE_INTEGER inside another structure: we give its QuadPart, which is signed."""


def guid_text(data: bytes) -> str:
    """A GUID as text: 16 bytes in memory order to "01234567-89ab-cdef-0123-456789abcdef"."""
    data1, data2, data3, data4 = _GUID.unpack(data)
    tail = data4.hex()
    return f"{data1:08x}-{data2:04x}-{data3:04x}-{tail[:4]}-{tail[4:]}"


class _Guid(Construct):  # type: ignore[misc]
    """A GUID, parsed to its text. An Adapter would not compile."""

    def _parse(self, stream: Any, context: Any, path: str) -> str:
        data = stream.read(GUID_SIZE)
        if len(data) != GUID_SIZE:
            raise StreamError(f"a GUID is {GUID_SIZE} bytes, {len(data)} left", path=path)
        return guid_text(data)

    def _sizeof(self, context: Any, path: str) -> int:
        return GUID_SIZE

    def flat(self, value: str, code: Any) -> str:
        """What a compiled Record does with the 16 bytes that the expression ``value`` gives."""
        code.append(f"from {__name__} import guid_text")
        return f"guid_text({value})"


GUID = _Guid()
"""GUID, as text."""


def pointer(pointer_size: int) -> Construct:
    """An address of that many bytes, unsigned."""
    return Int32ul if pointer_size == 4 else Int64ul


_LARGE_INTEGER = Layout("LARGE_INTEGER", "any machine", Record("QuadPart" / LONGLONG))


def large_integer(machine: Machine) -> Layout:
    """LARGE_INTEGER: QuadPart, signed 64-bit. The same on every machine."""
    return _LARGE_INTEGER
