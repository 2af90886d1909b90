"""What a dump stack asks of the machine, step by step."""

from dataclasses import dataclass
from typing import Generator, Tuple, Union

from .events import ModuleLoaded, ModuleUnloaded

__all__ = ["GuestCall", "Moment", "Status", "Step", "Steps"]


@dataclass(frozen=True)
class GuestCall:
    """A call that the guest's processor is to make; its RAX is sent back."""

    callback: str
    function: int
    arguments: Tuple[int, ...]


@dataclass(frozen=True)
class Moment:
    """A point in time at which a debugger may attach; one that is there already sees it only if the machine
    breaks in by itself.

    Attributes:
        name: as in :data:`pykd_dumpfilt.emulator.scenario.ATTACH`.
        status: what nt!DbgBreakPointWithStatus is given (DBG_STATUS_* in wdm.h).
        breaks_in: whether the machine stops for a debugger here in any case.
    """

    name: str
    status: int
    breaks_in: bool = False


Step = Union[GuestCall, ModuleLoaded, ModuleUnloaded, Moment]
Steps = Generator[Step, int, None]
Status = Generator[Step, int, int]
