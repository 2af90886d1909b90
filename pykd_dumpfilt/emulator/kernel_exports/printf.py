"""The format strings of DbgPrint, as far as kernel code uses them; bounded in every direction."""

import re
from typing import Optional

from .registry import KernelCall

__all__ = ["format_message"]

MAX_TEXT = 512  # what one DbgPrint message holds
_MAX_WIDTH = 64
_SPEC = re.compile(r"%([-+ #0]*)(\*|\d*)(?:\.(\*|\d*))?(I64|I32|I|ll|hh|h|l|w|z|t|j)?([a-zA-Z%])")


def format_message(call: KernelCall, template: int, first: int) -> str:
    """The text of the format string at guest address ``template``; its values begin at argument ``first``."""
    text = call.string(template, MAX_TEXT).decode("latin-1")
    number = first

    def take() -> int:
        nonlocal number
        number += 1
        return call.arg(number - 1)

    def measure(field: Optional[str]) -> str:
        if field == "*":
            field = str(take() & 0x3F)
        return str(min(int(field), _MAX_WIDTH)) if field else ""

    def convert(match: "re.Match[str]") -> str:
        flags, width, precision, length, kind = match.groups()
        if kind == "%":
            return "%"
        # A width or precision of * is an argument of its own, in front of the value.
        width = measure(width)
        spec = f"%{flags}{width}" if precision is None else f"%{flags}{width}.{measure(precision) or 0}"
        wide = length in ("w", "l")
        if kind in "dixXuo":
            python_kind = kind if kind in "xXo" else "d"
            return (spec + python_kind) % _integer(take(), length, kind in "di")
        if kind == "p":
            return f"{take():016X}"
        if kind in "cC":
            return (spec + "c") % chr(take() & (0xFFFF if wide or kind == "C" else 0xFF))
        if kind in "sS":
            return (spec + "s") % _text(call, take(), wide or kind == "S")
        if kind == "Z":
            return (spec + "s") % _counted(call, take(), wide)
        return match.group(0)

    return _SPEC.sub(convert, text)[:MAX_TEXT]


def _integer(value: int, length: Optional[str], signed: bool) -> int:
    # long has 32 bits on Windows; z, t, I and ll have 64.
    bits = {"I64": 64, "ll": 64, "I": 64, "z": 64, "t": 64, "j": 64, "h": 16, "hh": 8}.get(length or "", 32)
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def _text(call: KernelCall, address: int, wide: bool) -> str:
    if not address:
        return "(null)"
    if wide:
        return call.wide(address, MAX_TEXT)
    return call.string(address, MAX_TEXT).decode("latin-1")


def _counted(call: KernelCall, address: int, wide: bool) -> str:
    return call.counted(address, wide)[:MAX_TEXT] if address else "(null)"
