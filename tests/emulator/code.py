"""Hand-assembled callbacks that several tests use."""

from typing import Dict

__all__ = ["ALL_FIVE", "INVERT", "SUCCESS", "failing"]

SUCCESS = "31C0C3"  # xor eax, eax; ret

INVERT = (
    "498B4018"  # mov rax, [r8+18h]    MappedSystemVa
    "418B4828"  # mov ecx, [r8+28h]    ByteCount
    "F610"  # not byte [rax]
    "48FFC0"  # inc rax
    "FFC9"  # dec ecx
    "75F7"  # jnz -9
    "31C0C3"  # xor eax, eax; ret
)

ALL_FIVE: Dict[str, str] = {
    "Dump_Start": SUCCESS,
    "Dump_Write": INVERT,
    "Dump_Read": INVERT,
    "Dump_Finish": SUCCESS,
    "Dump_Unload": SUCCESS,
}


def failing(status: int) -> str:
    """mov eax, status; ret"""
    return "B8" + status.to_bytes(4, "little").hex() + "C3"
