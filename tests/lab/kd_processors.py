"""The registers of each processor: one executes, the others are frozen, as at every stop of a machine."""

from typing import Dict

from pykd_dumpfilt.emulator import Target

__all__ = ["Processors"]

_FROZEN_LEVEL = 15  # HIGH_LEVEL: a processor is frozen by an interrupt that nothing interrupts
_FROZEN_FLAGS = 0x2
_FRAME = 0x100
# Of the machine, not of a processor. The emulated machine has but one set of debug registers, too: a debugger
# that sets a breakpoint in them sets it on all processors.
_SHARED = frozenset(
    [
        *("cr0", "cr2", "cr3", "cr4", "cs", "ss", "ds", "es", "fs", "gs"),
        *("dr0", "dr1", "dr2", "dr3", "dr6", "dr7"),
    ]
)


class Processors:
    """Registers by processor. Names are those of the target."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._frozen: Dict[int, Dict[str, int]] = {}
        self._xmm: Dict[int, Dict[int, bytes]] = {}

    def get(self, number: int, name: str) -> int:
        """A register; KeyError for a name that the target does not know."""
        if self._is_here(number, name):
            return self._target.get_register(name)
        self._target.get_register(name)
        return self._registers(number).get(name, 0)

    def set(self, number: int, name: str, value: int) -> None:
        """Set a register; KeyError for a name that the target does not know."""
        if self._is_here(number, name):
            self._target.set_register(name, value)
        else:
            self._target.get_register(name)
            self._registers(number)[name] = value

    def get_xmm(self, number: int, register: int) -> bytes:
        """The 16 bytes of an XMM register."""
        if number == self._target.running.number:
            return self._target.get_xmm(register)
        return self._xmm.get(number, {}).get(register, bytes(16))

    def set_xmm(self, number: int, register: int, value: bytes) -> None:
        """Set an XMM register from its 16 bytes."""
        if number == self._target.running.number:
            self._target.set_xmm(register, value)
        else:
            self._xmm.setdefault(number, {})[register] = value

    def thaw(self) -> None:
        """The machine goes on: what was frozen will be frozen elsewhere."""
        self._frozen.clear()
        self._xmm.clear()

    def _is_here(self, number: int, name: str) -> bool:
        return number == self._target.running.number or name in _SHARED

    def _registers(self, number: int) -> Dict[str, int]:
        """Where a frozen processor waits: in the kernel, with nothing in its registers that anybody needs."""
        if number not in self._frozen:
            processor = self._target.processors[number]
            nt = self._target.modules()[0]
            self._frozen[number] = {
                "rip": nt.exports["DbgBreakPoint"] + 1,
                "rsp": processor.stack_top - _FRAME,
                "efl": _FROZEN_FLAGS,
                "cr8": _FROZEN_LEVEL,
                "gsbase": processor.kpcr,
            }
        return self._frozen[number]
