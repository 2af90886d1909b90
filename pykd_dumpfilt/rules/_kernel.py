"""What an address may look like."""

from ..structures import Machine

__all__ = ["is_kernel_address"]


def is_kernel_address(address: int, machine: Machine) -> bool:
    """Whether an address lies in the kernel's half.

    x64 and ARM64: the upper canonical half of 48 bits (Windows uses no lower kernel addresses). x86: from
    2 GiB on; with /3GB the kernel's part is smaller, which is not told apart here.
    """
    if machine is Machine.X86:
        return 0x80000000 <= address < 1 << 32
    return 0xFFFF800000000000 <= address < 1 << 64
