"""How much slower decoding is than the bare :mod:`struct` call."""

import struct
import timeit
from typing import Callable, Dict

from pykd_dumpfilt.structures import Machine, filter_extension, mdl, pfn_array

__all__ = ["run"]

_NUMBER = 20_000
_ROUNDS = 5


def run() -> Dict[str, float]:
    """Microseconds per parse, and ratios to :class:`struct.Struct` on the same bytes."""
    extension = bytes(0x58)
    header = bytes(0x30)
    pfns = bytes(16 * 8)
    extension_struct = struct.Struct("<I4xQqIIIIqII16sQII")
    header_struct = struct.Struct("<QhHHHQQQII")
    pairs = {
        "filter_extension": (
            lambda: filter_extension(Machine.X64).parse(extension),
            lambda: extension_struct.unpack(extension),
        ),
        "mdl": (lambda: mdl(Machine.X64).parse(header), lambda: header_struct.unpack(header)),
        "pfn_array_16": (
            lambda: pfn_array(Machine.X64, pfns, 16),
            lambda: struct.unpack("<16Q", pfns),
        ),
    }
    figures: Dict[str, float] = {}
    for name, (ours, bare) in pairs.items():
        figures[f"{name}_us"] = _microseconds(ours)
        figures[f"{name}_struct_us"] = _microseconds(bare)
        figures[f"{name}_ratio"] = figures[f"{name}_us"] / figures[f"{name}_struct_us"]
    return figures


def _microseconds(action: Callable[[], object]) -> float:
    return min(timeit.repeat(action, number=_NUMBER, repeat=_ROUNDS)) / _NUMBER * 1e6
