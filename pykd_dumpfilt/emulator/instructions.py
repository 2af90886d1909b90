"""Instructions that unicorn gets wrong, found in code and executed in its place.

CR8 (the IRQL) is not kept in 64-bit guests: a driver's inlined KeGetCurrentIrql would always see 0. RDTSC and
RDTSCP give the host's clock, and no two runs would be equal. Encodings: AMD64 Architecture Programmer's
Manual volume 3 and 2.

HLT ends a run that counts as if the count had been reached, and a single step goes past it.
"""

import re
from typing import Iterator, Protocol, Tuple

__all__ = ["Registers", "execute", "find_emulated"]

# mov r64, cr8 and mov cr8, r64 with every REX that selects CR8; rdtsc; rdtscp; hlt with any prefixes. In a
# lookahead, because one may begin within the bytes that look like another.
_EMULATED = re.compile(
    rb"(?=([\x44\x45\x4c\x4d]\x0f[\x20\x22][\xc0-\xc7]|\x0f\x31|\x0f\x01\xf9"
    rb"|[\x26\x2e\x36\x3e\x40-\x4f\x64-\x67\xf2\xf3]{0,14}\xf4))"
)
_HLT = 0xF4
_LOW_REGISTERS = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi")
_FROM_CR8 = 0x20
_RDTSCP = b"\x0f\x01\xf9"


class Registers(Protocol):
    """What these instructions touch of a processor."""

    def get(self, name: str) -> int: ...

    def set(self, name: str, value: int) -> None: ...

    def timestamp(self) -> int: ...

    def halt(self) -> None: ...


def find_emulated(code: bytes) -> Iterator[Tuple[int, int]]:
    """(offset, length) of every place where such an instruction may begin. Some may be other instructions'
    inner bytes: nothing is ever executed from there."""
    for match in _EMULATED.finditer(code):
        yield match.start(), len(match.group(1))


def execute(registers: Registers, code: bytes) -> None:
    """Execute one of them, but for moving RIP on."""
    if code[-1] == _HLT:
        registers.halt()
        return
    if code[0] == 0x0F:
        value = registers.timestamp()
        registers.set("rax", value & 0xFFFFFFFF)
        registers.set("rdx", value >> 32)
        if code == _RDTSCP:
            registers.set("rcx", 0)  # TSC_AUX: the processor's number
        return
    number = code[3] & 7
    register = f"r{number + 8}" if code[0] & 1 else _LOW_REGISTERS[number]
    if code[2] == _FROM_CR8:
        registers.set(register, registers.get("cr8"))
    else:
        registers.set("cr8", registers.get(register) & 0xF)
