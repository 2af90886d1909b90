"""Where arguments, return address and status are at a callback's entry and return.

x64 only: facts for x86 (stdcall) and ARM64 (return address in LR) are known, but no such target could be
run to prove a tracer on them.
"""

from dataclasses import dataclass
from typing import Dict, Tuple

from ..debugger import Debugger, VirtualAddress
from ..errors import TargetError, UsageError
from ..recording import Piece
from ..structures import Machine

__all__ = [
    "ARGUMENT_COUNTS",
    "RETURN_ADDRESS_SIZE",
    "Entry",
    "check_machine",
    "read_entry",
    "read_return",
    "return_address",
]

RETURN_ADDRESS_SIZE = 8
"""Bytes at RSP that hold where a call goes back to."""

ARGUMENT_COUNTS: Dict[str, int] = {
    "DriverEntry": 2,
    "Dump_Start": 1,
    "Dump_Write": 3,
    "Dump_Read": 3,
    "Dump_Finish": 1,
    "Dump_Unload": 1,
}
"""How many arguments each callback takes (ntdddump.h; wdm.h for DriverEntry)."""

# What a callee must keep (x64 ABI), plus the stack pointer, and the flags for the direction flag in them.
_KEPT = ("rbx", "rbp", "rsi", "rdi", "r12", "r13", "r14", "r15", "rsp", "efl")
_ARGUMENTS = ("rcx", "rdx", "r8")
# The rest of what a callee must keep, and CR8, which holds the IRQL. Not every engine gives these.
_WHERE_GIVEN = (*(f"xmm{number}" for number in range(6, 16)), "cr8")


@dataclass(frozen=True)
class Entry:
    """What registers say at the first instruction of a callback.

    Attributes:
        stack: RSP, which points at the return address.
        arguments: values of the first three argument registers; those past the callback's own count mean
            nothing.
        registers: those that the callee must keep, as far as the debugger gives them.
    """

    stack: int
    arguments: Tuple[int, ...]
    registers: Dict[str, int]

    @property
    def stack_after_return(self) -> int:
        """RSP at the return address: the call's own eight bytes are gone."""
        return self.stack + RETURN_ADDRESS_SIZE


def check_machine(machine: Machine) -> None:
    """Raises:
    UsageError: calls cannot be traced on this architecture.
    """
    if machine is not Machine.X64:
        raise UsageError(
            f"tracing works on x64 targets only so far, and this one is {machine.value}; "
            "structures of it can be decoded: dumpfilt decode --help"
        )


def read_entry(debugger: Debugger) -> Entry:
    """Read the state at a callback's first instruction.

    Raises:
        TargetError: registers cannot be read.
    """
    values = _registers(debugger, _KEPT + _ARGUMENTS)
    return Entry(
        stack=values["rsp"],
        arguments=tuple(values.pop(name) for name in _ARGUMENTS),
        registers=values,
    )


def return_address(stack: Piece) -> VirtualAddress:
    """Where a call goes back to, from what RSP points at.

    Raises:
        TargetError: that could not be read.
    """
    if stack.missing is not None:
        raise TargetError(f"cannot read the return address at {stack.address:#x}: {stack.missing}")
    return VirtualAddress(int.from_bytes(stack.data, "little"))


def read_return(debugger: Debugger) -> Tuple[int, Dict[str, int]]:
    """The returned NTSTATUS (low 32 bits of RAX: the rest is undefined) and the registers."""
    values = _registers(debugger, (*_KEPT, "rax"))
    return values["rax"] & 0xFFFFFFFF, values


def _registers(debugger: Debugger, names: Tuple[str, ...]) -> Dict[str, int]:
    values = debugger.read_registers((*names, *_WHERE_GIVEN))
    missing = [name for name in names if name not in values]
    if missing:
        raise TargetError(f"the debugger does not give the registers {', '.join(missing)}")
    return values
