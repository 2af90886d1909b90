"""The errors this package raises on purpose: one base, a few named kinds.

Anything else that escapes is a bug in the package. A message says what is wrong and, where the reader can
do something about it, what to do next.
"""

__all__ = [
    "DumpfiltError",
    "EmulatorError",
    "RecordingError",
    "ScrubError",
    "SpoolError",
    "StructureError",
    "TargetError",
    "UsageError",
    "is_interrupt",
]


class DumpfiltError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(DumpfiltError):
    """The user asked for something that cannot be done as asked."""


class StructureError(DumpfiltError):
    """Bytes that cannot be decoded as the structure they are said to be."""


class TargetError(DumpfiltError):
    """The debugger or its target refused an operation."""


class RecordingError(DumpfiltError):
    """A recording that cannot be written or read."""


class ScrubError(DumpfiltError):
    """A recording that cannot be scrubbed so that it shows what it showed before."""


class SpoolError(DumpfiltError):
    """Temporary data that the disk does not take, or does not give back."""


class EmulatorError(DumpfiltError):
    """A driver image or a scenario that the emulator cannot run."""


def is_interrupt(error: BaseException) -> bool:
    """Whether an exception is Ctrl+C or Ctrl+Break. For the latter pykd's bootstrapper raises SystemExit,
    where it can deliver it at all (Python 3.8)."""
    return isinstance(error, KeyboardInterrupt) or (
        isinstance(error, SystemExit) and error.args == ("CTRL+BREAK",)
    )
