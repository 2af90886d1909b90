"""How far a long work has come: a line on the terminal, or in the status bar of the debugger's window."""

import os
import shutil
import sys
import time
from contextlib import contextmanager
from typing import Iterator, Optional, Protocol

from . import console

__all__ = ["ProgressLine", "Step", "TerminalLine", "busy", "progress"]

_SECONDS = 0.25


class Step(Protocol):
    """Tells how far a work has come; see :func:`progress`."""

    def __call__(self, count: int, share: Optional[float] = None) -> None: ...


class Place(Protocol):
    """Where one line can be seen."""

    def put(self, text: str) -> None:
        """Show a line in place of the one before."""

    def erase(self) -> None:
        """Leave an empty line behind."""


@contextmanager
def progress(what: str, unit: str) -> Iterator[Step]:
    """A line that tells how far a long work has come; erased at its end. Nothing where nobody watches, and
    nothing for short work.

    Yields:
        A function to call often with how many ``unit`` are done and, where it is known, which share of all
        (0 to 1) that is.
    """
    place = _place()
    if place is None:
        yield _nothing
        return
    try:
        yield ProgressLine(what, unit, place).step
    finally:
        place.erase()


@contextmanager
def busy(what: str) -> Iterator[None]:
    """The same for work that cannot tell how far it has come."""
    place = _place()
    if place is None:
        yield
        return
    try:
        place.put(f"{_printable(what)} ...")
        yield
    finally:
        place.erase()


class ProgressLine:
    """The line of :func:`progress`, shown a few times a second."""

    def __init__(self, what: str, unit: str, place: Place) -> None:
        self._what = _printable(what)
        self._unit = unit
        self._place = place
        self._started = self._shown = time.monotonic()

    def step(self, count: int, share: Optional[float] = None) -> None:
        """Tell it, unless it was told a moment ago."""
        now = time.monotonic()
        if now - self._shown < _SECONDS:
            return
        self._shown = now
        elapsed = now - self._started
        # None yet where it is being prepared.
        parts = [f"{count:,} {self._unit}", f"{count / elapsed:,.0f} {self._unit}/s"] if count else []
        if share:
            parts.insert(0, f"{share:.0%}")
            parts.append(f"{_duration(elapsed * (1 - share) / share)} left")
        self._place.put(f"{self._what}: {', '.join(parts)}")


class TerminalLine:
    """The line of the terminal at which the cursor stands."""

    def __init__(self) -> None:
        self._length = 0

    def put(self, text: str) -> None:
        """Show a line in place of the one before, cut to the terminal's width at its beginning."""
        width = _width()
        if len(text) > width:
            # What changes is at the end.
            text = "..." + text[len(text) - width + 3 :]
        self._write(text.ljust(self._length), len(text))

    def erase(self) -> None:
        """Leave an empty line behind."""
        if self._length:
            # Terminals echo Ctrl+C as two letters behind the line.
            self._write(" " * min(_width(), self._length + 2) + "\r", 0)

    def _write(self, line: str, length: int) -> None:
        # Before writing, which Ctrl+C may end: what may be there is to be erased.
        self._length = max(self._length, length)
        try:
            sys.stderr.write("\r" + line)
            sys.stderr.flush()
        except OSError:
            console.give_up(sys.stderr)
        self._length = length


class _StatusBar:
    """The status bar of the debugger's window; hosts without one show nothing."""

    def __init__(self) -> None:
        from ..debugger.pykd_debugger import status_message

        self._show = status_message
        self._used = False

    def put(self, text: str) -> None:
        self._used = True
        self._show(text)

    def erase(self) -> None:
        if self._used:
            # It does not take nothing.
            self._show(" ")


def _place() -> Optional[Place]:
    if console.in_windbg():
        return _StatusBar()
    return TerminalLine() if _is_watched() else None


def _is_watched() -> bool:
    """Whether somebody sees the terminal now: not in CI, or where output goes to a file."""
    return (
        sys.stderr.isatty()
        and os.environ.get("CI", "").lower() in ("", "0", "false")
        and os.environ.get("TERM") != "dumb"
    )


def _width() -> int:
    # A line that wraps could not be erased, and the last column makes some terminals wrap.
    return max(20, shutil.get_terminal_size().columns - 1)


def _printable(what: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in what)


def _nothing(count: int, share: Optional[float] = None) -> None:
    pass


def _duration(seconds: float) -> str:
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
