"""What can be made hard about the world in front of a debugger, as one value."""

from dataclasses import dataclass
from typing import FrozenSet, Optional

__all__ = ["EASY", "Hardships"]

_COUNTS = (
    *("packets_per_second", "drop_every", "corrupt_every", "repeat_every"),
    *("reload_after_hit", "reboot_after_hit"),
)


@dataclass(frozen=True)
class Hardships:
    """How a machine and the line to it misbehave. The same value gives the same faults on every run: what
    counts is packets, requests and hits, never a clock; only slowness takes time.

    Attributes:
        packets_per_second: the line carries no more than that, both directions together.
        drop_every: every so-many-th packet, of each direction, never arrives.
        corrupt_every: every so-many-th packet, of each direction, arrives with one byte changed.
        repeat_every: every so-many-th packet, of each direction, arrives twice.
        refuse_physical: the kernel reads and writes no physical memory for a debugger.
        faulty_pages: addresses of pages that no debugger can read or write. A physical one cannot be had
            through any mapping either; a virtual one is a page that is not there when it is asked for.
        reload_after_hit: when the machine goes on after so many breakpoint hits, Windows takes the dump stack
            down, whatever it does at the moment, and loads it anew with the filter's image elsewhere.
        reboot_after_hit: when the machine goes on after so many breakpoint hits, it reboots.
        reboots_silently: it tells the debugger nothing before, as when somebody presses the reset button;
            else it does as Windows when it restarts by itself.
    """

    packets_per_second: Optional[float] = None
    drop_every: Optional[int] = None
    corrupt_every: Optional[int] = None
    repeat_every: Optional[int] = None
    refuse_physical: bool = False
    faulty_pages: FrozenSet[int] = frozenset()
    reload_after_hit: Optional[int] = None
    reboot_after_hit: Optional[int] = None
    reboots_silently: bool = False

    def __post_init__(self) -> None:
        for name in _COUNTS:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} is {value}: give a number above 0, or None for never")

    @property
    def line_is_bad(self) -> bool:
        """Whether packets arrive otherwise than they were sent."""
        return any((self.packets_per_second, self.drop_every, self.corrupt_every, self.repeat_every))


EASY = Hardships()
"""Nothing is hard."""
