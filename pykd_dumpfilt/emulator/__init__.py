"""An emulated x64 kernel and the dump stack that calls a filter in it.

Needs the extra ``emulator`` (unicorn and pefile)::

    target = Target(image, name="aes_xts", scenario=Scenario(kind="hibernate"))
    debugger = EmulatorDebugger(target)
"""

from ..errors import EmulatorError

try:
    import pefile as _pefile  # noqa: F401
    import unicorn as _unicorn  # noqa: F401
except ImportError as error:
    raise EmulatorError(
        'the emulator needs unicorn and pefile: pip install "pykd-dumpfilt[emulator]"'
    ) from error

from .debugger import EmulatorDebugger
from .errors import ImageError
from .events import (
    BreakpointHit,
    DebugRegisterHit,
    Event,
    LoadedImage,
    ModuleLoaded,
    ModuleUnloaded,
    Running,
    SingleStep,
    Spent,
    Stopped,
)
from .scenario import ATTACH, KINDS, Plan, Scenario, Transfer
from .target import Target

__all__ = [
    "ATTACH",
    "KINDS",
    "BreakpointHit",
    "DebugRegisterHit",
    "EmulatorDebugger",
    "EmulatorError",
    "Event",
    "ImageError",
    "LoadedImage",
    "ModuleLoaded",
    "ModuleUnloaded",
    "Plan",
    "Running",
    "Scenario",
    "SingleStep",
    "Spent",
    "Stopped",
    "Target",
    "Transfer",
]
