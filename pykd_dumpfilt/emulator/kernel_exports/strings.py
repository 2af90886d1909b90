"""Memory blocks and strings: the C runtime and Rtl functions that nt exports."""

import struct
from typing import Optional, Tuple, TypeVar

from ..errors import GuestStop
from .registry import KernelCall, export

_MAX_BLOCK = 64 << 20
_CHUNK = 1 << 16

_Ordered = TypeVar("_Ordered", bytes, str)


def _size(call: KernelCall, address: int, value: int) -> int:
    """A number of bytes at an address. So many that not all can be mapped fault where the mapping ends."""
    if value > _MAX_BLOCK:
        for at in range(0, _MAX_BLOCK, _CHUNK):
            call.read(address + at, _CHUNK)
        raise GuestStop(
            "fault",
            f"nt!{call.name} was called from {call.kernel.caller()} for {value:#x} bytes: too many",
        )
    return value


@export("memcpy", "memmove", "RtlCopyMemory", "RtlMoveMemory", "RtlCopyMemoryNonTemporal")
def _memmove(call: KernelCall) -> Optional[int]:
    target, source = call.arg(0), call.arg(1)
    call.write(target, call.read(source, _size(call, source, call.arg(2))))
    return target


@export("memset")
def _memset(call: KernelCall) -> Optional[int]:
    call.write(call.arg(0), bytes([call.u8(1)]) * _size(call, call.arg(0), call.arg(2)))
    return call.arg(0)


@export("RtlFillMemory")
def _rtl_fill_memory(call: KernelCall) -> Optional[int]:
    call.write(call.arg(0), bytes([call.u8(2)]) * _size(call, call.arg(0), call.arg(1)))
    return None


@export("RtlZeroMemory", "RtlSecureZeroMemory")
def _rtl_zero_memory(call: KernelCall) -> Optional[int]:
    call.write(call.arg(0), bytes(_size(call, call.arg(0), call.arg(1))))
    return None


def _common(call: KernelCall, left: int, right: int, size: int) -> int:
    """How many leading bytes of two blocks are equal."""
    done = 0
    while done < size:
        length = min(_CHUNK, size - done)
        one, two = call.read(left + done, length), call.read(right + done, length)
        if one != two:
            return done + next(index for index in range(length) if one[index] != two[index])
        done += length
    return size


@export("memcmp")
def _memcmp(call: KernelCall) -> Optional[int]:
    left, right, size = call.arg(0), call.arg(1), _size(call, call.arg(0), call.arg(2))
    at = _common(call, left, right, size)
    if at == size:
        return 0
    return _order(call.read(left + at, 1), call.read(right + at, 1))


@export("RtlCompareMemory")
def _rtl_compare_memory(call: KernelCall) -> Optional[int]:
    return _common(call, call.arg(0), call.arg(1), _size(call, call.arg(0), call.arg(2)))


@export("RtlEqualMemory")
def _rtl_equal_memory(call: KernelCall) -> Optional[int]:
    size = _size(call, call.arg(0), call.arg(2))
    return int(_common(call, call.arg(0), call.arg(1), size) == size)


@export("strlen")
def _strlen(call: KernelCall) -> Optional[int]:
    return len(call.string(call.arg(0)))


@export("strcmp")
def _strcmp(call: KernelCall) -> Optional[int]:
    return _order(call.string(call.arg(0)), call.string(call.arg(1)))


@export("strncmp")
def _strncmp(call: KernelCall) -> Optional[int]:
    limit = min(call.arg(2), 0x10000)
    return _order(call.string(call.arg(0), limit), call.string(call.arg(1), limit))


@export("_stricmp")
def _stricmp(call: KernelCall) -> Optional[int]:
    return _order(call.string(call.arg(0)).lower(), call.string(call.arg(1)).lower())


@export("strcpy")
def _strcpy(call: KernelCall) -> Optional[int]:
    call.write(call.arg(0), call.string(call.arg(1)) + b"\0")
    return call.arg(0)


@export("wcslen")
def _wcslen(call: KernelCall) -> Optional[int]:
    return _units(call.wide(call.arg(0)))


@export("wcscmp")
def _wcscmp(call: KernelCall) -> Optional[int]:
    return _order(call.wide(call.arg(0)), call.wide(call.arg(1)))


@export("_wcsicmp")
def _wcsicmp(call: KernelCall) -> Optional[int]:
    return _order(call.wide(call.arg(0)).lower(), call.wide(call.arg(1)).lower())


@export("RtlInitUnicodeString")
def _rtl_init_unicode_string(call: KernelCall) -> Optional[int]:
    source = call.arg(1)
    size = 2 * _units(call.wide(source, 0x7FFE)) if source else 0
    _init_string(call, source, size, 2)
    return None


@export("RtlInitAnsiString", "RtlInitString")
def _rtl_init_ansi_string(call: KernelCall) -> Optional[int]:
    source = call.arg(1)
    _init_string(call, source, len(call.string(source, 0xFFFE)) if source else 0, 1)
    return None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _init_string(call: KernelCall, source: int, size: int, terminator: int) -> None:
    maximum = size + terminator if source else 0
    call.write(call.arg(0), struct.pack("<HHIQ", size, maximum, 0, source))


@export("RtlCompareUnicodeString")
def _rtl_compare_unicode_string(call: KernelCall) -> Optional[int]:
    return _order(*_pair(call))


@export("RtlEqualUnicodeString")
def _rtl_equal_unicode_string(call: KernelCall) -> Optional[int]:
    left, right = _pair(call)
    return int(left == right)


def _pair(call: KernelCall) -> Tuple[str, str]:
    left, right = call.counted(call.arg(0)), call.counted(call.arg(1))
    return (left.upper(), right.upper()) if call.u8(2) else (left, right)


def _order(left: _Ordered, right: _Ordered) -> int:
    """The sign of a comparison, as a C int in RAX."""
    if left == right:
        return 0
    return 1 if left > right else 0xFFFFFFFF
