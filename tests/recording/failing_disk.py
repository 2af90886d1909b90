"""A disk that fails at a chosen system call of the writer's files; all else is the real one."""

import errno
import os
from types import TracebackType
from typing import Any, List, NamedTuple, Optional, Type, Union

import pytest

from pykd_dumpfilt.recording import _append

__all__ = ["FAULTS", "FailingDisk", "Fault"]

_FAILING = ("open", "write", "ftruncate", "fsync", "close")


class Fault(NamedTuple):
    """What goes wrong.

    Attributes:
        error: what the call raises.
        done: how much of it has happened by then: 0 nothing, 1 half (of a write), 2 all.
        stays: every later call of that kind fails too, as on a disk that is full.
        uncut: what was written in part cannot be cut off either.
    """

    name: str
    error: BaseException
    done: int
    stays: bool
    uncut: bool = False


FAULTS = (
    Fault("full", OSError(errno.ENOSPC, "No space left on device"), 0, True),
    Fault("full in the middle", OSError(errno.ENOSPC, "No space left on device"), 1, True),
    Fault("full for a moment", OSError(errno.EDQUOT, "Disk quota exceeded"), 1, False),
    Fault("gone", OSError(errno.EIO, "Input/output error"), 0, True, uncut=True),
    Fault("gone in the middle", OSError(errno.EIO, "Input/output error"), 1, True, uncut=True),
    Fault("done, and said to have failed", OSError(errno.EIO, "Input/output error"), 2, False),
    Fault("interrupted before", KeyboardInterrupt(), 0, False),
    Fault("interrupted in the middle", KeyboardInterrupt(), 1, False),
    Fault("interrupted after", KeyboardInterrupt(), 2, False),
)


class FailingDisk:
    """While it is entered, the ``at``-th system call (from 0) that writes a recording has a fault, or the
    first of the name ``at``. Writes take at most ``most`` bytes at once, which is no fault.

    Attributes:
        calls: the names of the calls so far.
        struck: whether the fault has come.
    """

    def __init__(
        self, at: Union[int, str, None] = None, fault: Fault = FAULTS[0], most: Optional[int] = None
    ) -> None:
        self.calls: List[str] = []
        self.struck = False
        self._kind: Optional[str] = None
        self._at = at
        self._fault = fault
        self._most = most
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> "FailingDisk":
        self._patch.setattr(_append, "os", self)
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        where: Optional[TracebackType],
    ) -> None:
        self._patch.undo()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in _FAILING:
            return real

        def call(*arguments: Any, **named: Any) -> Any:
            number = len(self.calls)
            self.calls.append(name)
            strikes = not self.struck and self._at in (number, name)
            again = self.struck and self._fault.stays and name == self._kind
            uncut = self.struck and self._fault.uncut and name == "ftruncate"
            if strikes:
                self.struck, self._kind = True, name
            if name == "write":
                data = memoryview(arguments[1])[: self._most]
                arguments = (arguments[0], data)
                if strikes and self._fault.done == 1 and len(data) > 1:
                    real(arguments[0], data[: len(data) // 2])
            if strikes and self._fault.done == 2:
                real(*arguments, **named)
            if strikes or again or uncut:
                raise self._fault.error
            return real(*arguments, **named)

        return call
