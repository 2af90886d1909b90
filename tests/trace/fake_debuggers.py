"""Debuggers that know less than they could."""

from typing import Optional

from pykd_dumpfilt.debugger import Module, VirtualAddress
from pykd_dumpfilt.emulator import EmulatorDebugger

__all__ = ["NoSymbols"]


class NoSymbols(EmulatorDebugger):
    """Knows no symbol of any module."""

    def symbol(self, module: Module, name: str) -> Optional[VirtualAddress]:
        return None
