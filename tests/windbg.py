"""What stands in for WinDbg where no debugger is: the emulator as the target, and pykd's output object."""

import sys
import types
from typing import Any, Callable, Dict, List, Tuple

import pytest

from pykd_dumpfilt.emulator import EmulatorDebugger
from pykd_dumpfilt.errors import TargetError

__all__ = ["FakeDebugger", "FakeOutput", "attach"]

PYKD_LIMIT = 16_383
"""One write longer than this is cut without a word."""


class FakeOutput:
    """As pykd's ``dbgout``: write, writedml and flush, and nothing else of a file. ``messages`` is what the
    window's status bar has shown."""

    encoding = "ascii"
    closed = False

    def __init__(self) -> None:
        self.written: List[Tuple[str, str]] = []
        self.messages: List[str] = []

    def write(self, text: str) -> None:
        self._take("text", text)

    def writedml(self, text: str) -> None:
        self._take("dml", text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def _take(self, kind: str, text: str) -> None:
        assert len(text) <= PYKD_LIMIT, "pykd would cut this"
        self.written.append((kind, text))

    @property
    def text(self) -> str:
        """All of it as it was written, markup included."""
        return "".join(text for _, text in self.written)


class FakeDebugger(EmulatorDebugger):
    """The emulator's port with what only pykd's has. ``expressions`` holds what can be evaluated."""

    expressions: Dict[str, int] = {}

    def evaluate(self, expression: str) -> int:
        """As :meth:`pykd_dumpfilt.debugger.pykd_debugger.PykdDebugger.evaluate`, for a few expressions."""
        if expression in self.expressions:
            return self.expressions[expression]
        try:
            return int(expression, 16)
        except ValueError:
            raise TargetError(f"the debugger cannot evaluate {expression!r} (Evaluate 0x80040205)") from None


def attach(monkeypatch: pytest.MonkeyPatch, debugger: Callable[[], Any]) -> FakeOutput:
    """Make the commands find ``debugger`` where they look for pykd's, no trace, and output as in WinDbg."""
    module = types.ModuleType("pykd_dumpfilt.debugger.pykd_debugger")
    module.PykdDebugger = debugger  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr("pykd_dumpfilt.trace.session._active", None)
    output = FakeOutput()
    module.status_message = output.messages.append  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", output)
    return output
