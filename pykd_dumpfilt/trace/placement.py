"""Which addresses are watched at a time, and which of these by debug registers.

An int3 is a byte in the target's code. Windows saves that code with the hibernation image, int3 and all, and
what becomes of it on resume is not documented. A debug register leaves the code alone, but there are four.

Both cost over KD (counted at the lab's KD server): DbgEng takes every int3 out at each stop and puts it in
again, which makes six requests a call for each; debug registers cost eight a call in all, however many they
are. So what cannot be called in the middle of a dump rests until its end, and what
remains fits into the registers.
"""

import enum
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

__all__ = ["DUMP_BEGINS", "DUMP_ENDS", "Hardware", "Watched", "in_debug_registers", "without_resting"]

DUMP_BEGINS = frozenset({"Dump_Start", "Dump_Write", "Dump_Read"})
"""A call of one of these: the copy is at work. (Dump_Start may have gone by before we came.)"""
DUMP_ENDS = frozenset({"Dump_Finish", "Dump_Unload"})
"""A call of one of these has ended: it is not."""

# In the middle of a dump, nothing but these is called: Dump_Unload is called when the stack is unloaded, and
# only one stack works at a time (documentation of DUMP_UNLOAD in ntdddump.h; that no stack is unloaded before
# Dump_Finish where a dump fails is inferred).
_IN_A_DUMP = ("Dump_Write", "Dump_Read", "Dump_Start", "Dump_Finish")
_HIBERNATION_PREFIX = "hiber_"


class Hardware(enum.Enum):
    """How debug registers are used."""

    AUTO = "auto"
    """For what is called while a dump is written or read: first in the hibernation stack's copy."""
    ALWAYS = "always"
    """For as many callbacks as there are registers."""
    NEVER = "never"
    """Not at all."""


@dataclass(frozen=True)
class Watched:
    """An address that is to be watched.

    Attributes:
        copy: the number of the copy that it is in.
        prefix: that copy's prefix.
        callbacks: what it serves.
    """

    address: int
    copy: int
    prefix: str
    callbacks: Tuple[str, ...]


def without_resting(watched: Sequence[Watched], dumping: Optional[int]) -> List[Watched]:
    """Those that can be called now. ``dumping`` is the copy that is at work, None where none is.

    A copy without Dump_Finish does not say when it is done: then all of them.
    """
    if dumping is None or not any(w.copy == dumping and "Dump_Finish" in w.callbacks for w in watched):
        return list(watched)
    return [one for one in watched if one.copy == dumping and set(one.callbacks).intersection(_IN_A_DUMP)]


def in_debug_registers(watched: Sequence[Watched], hardware: Hardware, registers: int) -> Dict[int, bool]:
    """For each address, whether a debug register is to hold it; ``registers`` are to be had."""
    ranked = sorted(
        (one.prefix != _HIBERNATION_PREFIX, min(map(_rank, one.callbacks)), one.address)
        for one in watched
        if hardware is Hardware.ALWAYS
        or (hardware is Hardware.AUTO and set(one.callbacks).intersection(_IN_A_DUMP))
    )
    chosen = {address for _, _, address in ranked[: max(0, registers)]}
    return {one.address: one.address in chosen for one in watched}


def _rank(callback: str) -> int:
    return _IN_A_DUMP.index(callback) if callback in _IN_A_DUMP else len(_IN_A_DUMP)
