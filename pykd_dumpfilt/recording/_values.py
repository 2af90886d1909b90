"""Strict readers for the JSON values of a line.

A recording may come from anybody, so nothing is taken on trust: every reader checks type, range and
spelling, and a failure names the key (``key`` with ``part`` behind it, which saves putting names together
for values that are right). Spelling is canonical (what the encoder writes), checked by turning the value
back, which is faster than a regular expression and leaves no second spelling of one value.
"""

import json
import re
import sys
from functools import lru_cache
from itertools import repeat
from typing import Any, Dict, List, Optional, Tuple

__all__ = [
    "MAX_ADDRESS",
    "MAX_COUNT",
    "MAX_LINE",
    "MAX_REGISTER",
    "MAX_SIZE",
    "Wrong",
    "count",
    "items",
    "mapping",
    "number",
    "octets",
    "optional_text",
    "parse",
    "registers",
    "shown",
    "text",
    "texts",
    "truth",
]

MAX_LINE = 4 * 1024 * 1024
"""Bytes of the longest line, its line end included. A call on 64 KiB takes about 5 KiB."""

MAX_COUNT = 2**53 - 1
"""The largest count: JSON readers in other languages keep integers exactly up to here."""

MAX_SIZE = 2**32 - 1
"""The largest size in bytes: sizes in the structures we record are ULONG."""

MAX_ADDRESS = 2**64 - 1
MAX_REGISTER = 2**512 - 1

_MAX_DIGITS = 20
_MAX_NAMES = 2048
_REGISTER_NAMES = re.compile(r"[a-z0-9_]{1,16}(?: [a-z0-9_]{1,16})*")


class Wrong(ValueError):  # noqa: N818 - internal; becomes a RecordingError with the line's number
    """A value that is not what ``key`` must hold; ``key`` is empty for the line as a whole."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(key, why)
        self.key = key
        self.why = why


def shown(value: object) -> str:
    """A hostile value for a message: plain ASCII and short."""
    if isinstance(value, (list, dict)):
        # A deep one would exhaust the stack in repr(), a big one would take as long as the whole line.
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, str):
        return ascii(value[:40]) + ("..." if len(value) > 40 else "")
    return ascii(value)[:60]


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise Wrong("", f"an integer of {len(digits)} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise Wrong("", "a number too large")
    return value


def _constant(name: str) -> None:
    raise Wrong("", f"{name} is not JSON")


# int() takes quadratic time. Pythons that limit its digits (3.11, and late releases before) do so faster
# than a function of ours, which costs a tenth of the time of reading a recording.
_LIMITED = getattr(sys, "get_int_max_str_digits", int)() > 0

# Twice what the deepest options of a header may have.
_MAX_NESTING = 64
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")

_decoder = json.JSONDecoder(
    parse_int=None if _LIMITED else _integer, parse_float=_fraction, parse_constant=_constant
)


def parse(line: bytes) -> Dict[str, Any]:
    """The JSON object that a line holds.

    Raises:
        Wrong: too long, nested too deep, not ASCII, not JSON, not an object, or with text that is not
            Unicode.
    """
    if len(line) > MAX_LINE:
        raise Wrong("", f"longer than {MAX_LINE} bytes")
    if _is_deep(line):
        raise Wrong("", "nested too deep")
    try:
        value = _decoder.decode(line.decode("ascii"))
        if b"\\u" in line:
            # JSON can spell lone surrogates, which no terminal and no file could be given later.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except Wrong:
        raise
    except UnicodeEncodeError:
        raise Wrong("", "a text that is not Unicode (a lone surrogate)") from None
    except UnicodeDecodeError as error:
        raise Wrong("", f"byte {error.start} is not ASCII") from None
    except RecursionError:
        raise Wrong("", "nested too deep") from None
    except ValueError as error:
        raise Wrong("", f"not JSON ({error})") from None
    if type(value) is not dict:
        raise Wrong("", "not a JSON object")
    return value


def _is_deep(line: bytes) -> bool:
    """Whether it is nested deeper than any line of ours. To leave that to the parser is not safe: whatever
    Python runs by itself while the stack is used up (a finalizer, say) ends the process, and the debugger
    with it, where it needs 50 levels more."""
    if line.count(b"[") + line.count(b"{") <= _MAX_NESTING:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", line).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MAX_NESTING:
            return True
    return False


def mapping(value: Any, key: str) -> Dict[str, Any]:
    """A JSON object."""
    if type(value) is dict:
        return value
    raise Wrong(key, f"expected an object, found {shown(value)}")


def items(value: Any, key: str) -> List[Any]:
    """A JSON array."""
    if type(value) is list:
        return value
    raise Wrong(key, f"expected a list, found {shown(value)}")


def text(value: Any, key: str) -> str:
    """A text."""
    if type(value) is str:
        return value
    raise Wrong(key, f"expected a text, found {shown(value)}")


def optional_text(value: Any, key: str) -> Optional[str]:
    """A text, or nothing."""
    return None if value is None else text(value, key)


def truth(value: Any, key: str) -> bool:
    """True; what is left out is False."""
    if value is None or value is True:
        return value is True
    raise Wrong(key, f"expected true or nothing, found {shown(value)}")


def count(value: Any, key: str, limit: int = MAX_COUNT, part: str = "") -> int:
    """An integer from 0 to ``limit``."""
    # type() and not isinstance(): True is an int.
    if type(value) is int and 0 <= value <= limit:
        return value
    raise Wrong(key + part, f"expected an integer from 0 to {limit}, found {shown(value)}")


def number(value: Any, key: str, limit: int = MAX_ADDRESS, part: str = "") -> int:
    """An address or another value that people read as hexadecimal: "0x", then digits without zeros in
    front, lower case."""
    if type(value) is str and len(value) < 256:
        try:
            result = int(value, 16)
        except ValueError:
            result = -1
        if 0 <= result <= limit and hex(result) == value:
            return result
    raise Wrong(
        key + part, f'expected up to {limit.bit_length()} bits spelled like "0x1f", found {shown(value)}'
    )


def octets(value: Any, key: str, part: str = "") -> bytes:
    """Bytes as lower-case hex digits."""
    if type(value) is str:
        try:
            result = bytes.fromhex(value)
        except ValueError:
            result = b""
        # fromhex() skips blanks; turning it back finds them, and upper case, and an odd digit.
        if result.hex() == value:
            return result
    raise Wrong(key + part, f"expected bytes as pairs of lower-case hex digits, found {shown(value)}")


@lru_cache(maxsize=64)
def _are_register_names(names: str) -> bool:
    return _REGISTER_NAMES.fullmatch(names) is not None


def _in_range(values: List[int]) -> bool:
    return not values or (min(values) >= 0 and max(values) <= MAX_REGISTER)


def registers(value: Any, key: str) -> Dict[str, int]:
    """Register values by name."""
    fields = mapping(value, key)
    names = " ".join(fields)
    if len(names) > _MAX_NAMES:
        raise Wrong(key, f"{len(fields)} names of {len(names)} characters, more than any machine's registers")
    if fields and not _are_register_names(names):
        raise Wrong(key, "a register's name is 1 to 16 of a-z, 0-9 and _")
    try:
        # All at once, for speed; what is wrong is found one by one below.
        values = list(map(int, fields.values(), repeat(16)))
        if list(map(hex, values)) == list(fields.values()) and _in_range(values):
            return dict(zip(fields, values))
    except (TypeError, ValueError):
        pass
    return {name: number(found, f"{key}.{name}", MAX_REGISTER) for name, found in fields.items()}


def texts(value: Any, key: str, known: Tuple[str, ...]) -> Tuple[str, ...]:
    """A list of texts, each one of ``known``."""
    found = items(value, key)
    for entry in found:
        if type(entry) is not str or entry not in known:
            raise Wrong(key, f"expected names from {', '.join(known)}; found {shown(entry)}")
    return tuple(found)
